//! What the environment says.

use std::env;
use std::num::NonZeroUsize;

/// So that a body and what is stored about it fit the 1 MiB that SQS takes.
pub(crate) const DEFAULT_MAX_BODY_BYTES: usize = 1_032_192;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub settings_secret_id: String,
    pub queue_url: String,
    pub max_body_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    #[error("the environment variable {0} is not a positive whole number")]
    NotANumber(&'static str),
}

impl Config {
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::read(|name| env::var(name).ok())
    }

    fn read(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let given = |name| variable(name).filter(|value| !value.trim().is_empty());
        let required = |name| given(name).ok_or(ConfigError::Missing(name));
        let max_body_bytes = match given("MAX_BODY_BYTES") {
            None => DEFAULT_MAX_BODY_BYTES,
            Some(text) => {
                text.trim().parse::<NonZeroUsize>().map_err(|_| ConfigError::NotANumber("MAX_BODY_BYTES"))?.get()
            }
        };
        Ok(Self {
            settings_secret_id: required("SETTINGS_SECRET_ID")?,
            queue_url: required("NOTIFICATIONS_QUEUE_URL")?,
            max_body_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let value = |wanted| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned());
        Config::read(value)
    }

    #[test]
    fn the_size_limit_has_a_default() {
        let config = read(&[("SETTINGS_SECRET_ID", "settings"), ("NOTIFICATIONS_QUEUE_URL", "https://queue")]).unwrap();
        let expected = ("settings".to_owned(), "https://queue".to_owned(), 1_032_192);
        assert_eq!((config.settings_secret_id, config.queue_url, config.max_body_bytes), expected);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let error = read(&[("NOTIFICATIONS_QUEUE_URL", "https://queue")]).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable SETTINGS_SECRET_ID is not set");
        let error = read(&[("SETTINGS_SECRET_ID", "settings"), ("NOTIFICATIONS_QUEUE_URL", " ")]).unwrap_err();
        assert_eq!(error, ConfigError::Missing("NOTIFICATIONS_QUEUE_URL"));
        for wrong in ["0", "-1", "1 MiB", "1e6"] {
            let error = read(&[("MAX_BODY_BYTES", wrong)]).unwrap_err();
            assert_eq!(error, ConfigError::NotANumber("MAX_BODY_BYTES"), "{wrong}");
        }
    }
}
