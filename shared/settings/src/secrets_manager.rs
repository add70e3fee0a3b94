//! The document in AWS Secrets Manager.

use crate::cache::{LoadError, Source};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata};

#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: Client,
    secret_id: String,
}

impl SecretsManager {
    /// `secret_id` is the secret's name or ARN.
    pub fn new(client: Client, secret_id: String) -> Self {
        Self { client, secret_id }
    }
}

impl Source for SecretsManager {
    async fn load(&self) -> Result<String, LoadError> {
        let answer = self.client.get_secret_value().secret_id(&self.secret_id).send().await;
        let secret = answer.map_err(|error| {
            let code = error.code().map(str::to_owned);
            LoadError::Unreachable(code.unwrap_or_else(|| DisplayErrorContext(error).to_string()))
        })?;
        secret.secret_string.ok_or_else(|| LoadError::Unreachable("the secret holds no text".into()))
    }
}
