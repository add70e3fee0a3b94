//! What the environment says.

use webhooks_host::{VariableError, Variables};

/// So that a body and what is stored about it fit the 1 MiB that SQS takes.
pub(crate) const DEFAULT_MAX_BODY_BYTES: u32 = 1_032_192;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub settings_secret_id: String,
    pub queue_url: String,
    pub max_body_bytes: usize,
}

impl Config {
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, VariableError> {
        let variables = Variables::of_process();
        Ok(Self {
            settings_secret_id: variables.text("SETTINGS_SECRET_ID")?,
            queue_url: variables.text("NOTIFICATIONS_QUEUE_URL")?,
            max_body_bytes: variables.number("MAX_BODY_BYTES", DEFAULT_MAX_BODY_BYTES)? as usize,
        })
    }
}
