//! The settings document: read, edited in place, written. Two people who change it at once cannot
//! undo each other's work.

pub mod edit;
pub mod entries;
mod text;

use crate::error::{Exit, Failure};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

/// The label of a version that is being written. Without a label, Secrets Manager would make it the
/// current one.
const STAGED: &str = "visma-webhooks";

/// One version of the document.
#[derive(Clone, PartialEq, Eq)]
pub struct Version {
    pub id: String,
    pub text: String,
}

pub trait Documents {
    fn read(&self) -> impl Future<Output = Result<Version, Failure>>;
    /// Replaces the document with `text` if the current version still is `read`.
    fn replace(&self, read: &Version, text: &str) -> impl Future<Output = Result<(), Failure>>;
}

/// The failure of the slower one of two simultaneous changes.
#[must_use]
pub fn changed_meanwhile() -> Failure {
    let advice = "Nothing was changed. Run the command again: it starts from the new document.";
    Failure::new(Exit::Refused, "someone else has changed the settings document meanwhile", advice)
}

#[derive(Debug)]
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

impl Documents for SecretsManager {
    async fn read(&self) -> Result<Version, Failure> {
        let answer = self.client.get_secret_value().secret_id(&self.secret_id).send().await;
        let secret = answer.map_err(|error| Failure::aws("read the settings document", error))?;
        match (secret.version_id, secret.secret_string) {
            (Some(id), Some(text)) => Ok(Version { id, text }),
            _ => Err(Failure::new(
                Exit::Failed,
                "the secret holds no text",
                "Write a settings document (infra/DEPLOY.md).",
            )),
        }
    }

    /// Two steps, since Secrets Manager writes unconditionally but moves labels on condition. First
    /// the text becomes a version that is not read. Then the label AWSCURRENT moves to it, but only
    /// from the version `read`.
    async fn replace(&self, read: &Version, text: &str) -> Result<(), Failure> {
        let put = self.client.put_secret_value().secret_id(&self.secret_id).secret_string(text).version_stages(STAGED);
        let put = put.send().await.map_err(|error| Failure::aws("write the settings document", error))?;
        let moved = self.client.update_secret_version_stage().secret_id(&self.secret_id).version_stage("AWSCURRENT");
        let moved = moved.remove_from_version_id(&read.id).set_move_to_version_id(put.version_id.clone());
        match moved.send().await {
            Ok(_) => Ok(()),
            // If an answer is lost, the SDK asks again, and the label has moved already.
            Err(error) if error.code() == Some("InvalidParameterException") => {
                let is_ours = Some(self.read().await?.id) == put.version_id;
                if is_ours { Ok(()) } else { Err(changed_meanwhile()) }
            }
            Err(error) => Err(Failure::aws("make the new settings document the current one", error)),
        }
    }
}
