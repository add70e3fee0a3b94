//! Begins a job, so that Ctrl-C can always cancel it.

use super::Client;
use crate::error::Failure;
use crate::terminal::{Stop, requested, say};
use serde_json::Value;
use std::pin::pin;

const ASKED: &str = "The job may have begun. It is cancelled when the API answers. Another Ctrl-C ends this at once; \
                     then look with: visma-webhooks jobs list.";

/// A job that has just started, or continued.
pub(super) struct Begun {
    pub(super) job: Value,
    pub(super) stop: Stop,
}

/// Asks for a job. Only the answer says whether it has begun and what to cancel, so after Ctrl-C it
/// still waits for the answer.
pub(super) async fn begin(
    client: &Client<'_>,
    path: &[&str],
    body: &Value,
    listen: impl FnOnce() -> Stop,
) -> Result<Begun, Failure> {
    let stop = listen();
    let mut answer = pin!(client.post(path, body));
    let job = tokio::select! {
        biased;
        job = &mut answer => job?,
        () = requested(&stop) => {
            say(ASKED);
            answer.await?
        }
    };
    Ok(Begun { job, stop })
}
