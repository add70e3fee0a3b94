#![doc = include_str!("../README.md")]

use std::env;
use std::num::NonZeroU32;
use time::OffsetDateTime;
use uuid::Uuid;

/// Time, ids and randomness: everything that differs from one run to the next.
pub trait Host: Send + Sync {
    fn now(&self) -> OffsetDateTime;
    fn new_id(&self) -> Uuid;
    /// Uniform in `[0, 1)`.
    fn random(&self) -> f64;
}

/// The machine's own clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemHost;

#[expect(clippy::disallowed_methods, reason = "this is where time and ids come from")]
impl Host for SystemHost {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn random(&self) -> f64 {
        fastrand::f64()
    }
}

/// Errors that name the environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    #[error("the environment variable {0} is not a positive whole number")]
    NotANumber(&'static str),
}

/// The variables of the process, or those that a test sets.
pub struct Variables<F>(F);

impl Variables<fn(&'static str) -> Option<String>> {
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn of_process() -> Self {
        Self(|name| env::var(name).ok())
    }
}

impl<F: Fn(&'static str) -> Option<String>> Variables<F> {
    pub fn from_fn(lookup: F) -> Self {
        Self(lookup)
    }

    /// # Errors
    /// The variable is not set, or blank.
    pub fn text(&self, name: &'static str) -> Result<String, VariableError> {
        self.given(name).ok_or(VariableError::Missing(name))
    }

    /// # Errors
    /// The variable is set to something other than a positive whole number.
    pub fn number(&self, name: &'static str, default: u32) -> Result<u32, VariableError> {
        let Some(text) = self.given(name) else {
            return Ok(default);
        };
        text.trim().parse::<NonZeroU32>().map(NonZeroU32::get).map_err(|_| VariableError::NotANumber(name))
    }

    fn given(&self, name: &'static str) -> Option<String> {
        (self.0)(name).filter(|value| !value.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_missing_or_wrong_variable() {
        let variables = Variables::from_fn(|name| match name {
            "BLANK" => Some(" ".to_owned()),
            "WRONG" => Some("1 MiB".to_owned()),
            "ZERO" => Some("0".to_owned()),
            "FINE" => Some("7".to_owned()),
            _ => None,
        });
        assert_eq!(variables.text("BLANK"), Err(VariableError::Missing("BLANK")));
        assert_eq!(variables.number("WRONG", 1), Err(VariableError::NotANumber("WRONG")));
        assert_eq!(variables.number("ZERO", 1), Err(VariableError::NotANumber("ZERO")));
        assert_eq!((variables.number("FINE", 1), variables.number("ABSENT", 1)), (Ok(7), Ok(1)));
        assert_eq!(VariableError::Missing("X").to_string(), "the environment variable X is not set");
    }
}
