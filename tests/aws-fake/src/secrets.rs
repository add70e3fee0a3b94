//! Secrets Manager with a single secret under every name.

use crate::calls::Tally;
use crate::server::Answer;
use serde_json::{Value, json};

pub(crate) fn answer(operation: &str, body: &[u8], settings: &str) -> Answer {
    if operation != "GetSecretValue" {
        return Answer::refused("InvalidRequestException", operation);
    }
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let answer = json!({
        "Name": request["SecretId"], "VersionId": "00000000-0000-4000-8000-000000000001", "VersionStages": ["AWSCURRENT"],
        "SecretString": settings,
    });
    Answer::done(answer.to_string(), Tally::default())
}
