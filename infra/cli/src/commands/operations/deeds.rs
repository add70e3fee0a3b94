//! `hold`, `release`, `resend`, `outcome`, `acknowledge` and `unacknowledge`: each acts on one
//! notification.

use super::{Access, Caller, Client};
use crate::output::{self, Report};
use crate::stack::Stack;
use crate::text::{Since, exact, since};
use clap::Args;
use reqwest::Method;
use serde_json::json;
use webhooks_host::{Host, SystemHost};

#[derive(Debug, Args)]
pub struct Deed {
    /// The notification's `ref`, as shown by tail
    #[arg(value_name = "REF")]
    reference: String,
    /// The reason, for readers of the timeline
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Acknowledge {
    /// When you looked: a time such as 2026-11-24T09:30:00Z, or how long ago, such as 5m. A
    /// notification that failed again since then is refused
    #[arg(long, value_name = "WHEN", value_parser = since)]
    seen: Option<Since>,
    #[command(flatten)]
    deed: Deed,
}

#[derive(Debug, Args)]
pub struct Outcome {
    /// The notification's `ref`, as shown by tail
    #[arg(value_name = "REF")]
    reference: String,
    /// The outcome is a success
    #[arg(long, required_unless_present = "failure", conflicts_with = "failure")]
    success: bool,
    /// The outcome is a failure
    #[arg(long)]
    failure: bool,
    /// What the accountant reads
    #[arg(long)]
    text: String,
    #[command(flatten)]
    access: Access,
}

/// `hold`, `release`, or `feedback`, which retries the feedback.
///
/// # Errors
/// The API refuses, has no such notification, or does not answer.
pub async fn deed(stack: &Stack, caller: &Caller, what: &str, options: Deed) -> output::Outcome {
    let told = match what {
        "hold" => "It is held until an operator releases it.",
        "release" => "It goes on.",
        _ => "The feedback is tried once more; get shows its state.",
    };
    let Deed { reference, note, access } = options;
    done(stack, caller, (what, &reference, &access), &json!({ "note": note }), told).await
}

/// # Errors
/// As [`deed`], or the notification has changed since it was seen.
pub async fn acknowledge(stack: &Stack, caller: &Caller, options: Acknowledge) -> output::Outcome {
    let Acknowledge { seen, deed: Deed { reference, note, access } } = options;
    let mut body = json!({ "note": note });
    if let Some(seen) = seen {
        body["seen_at"] = json!(exact(seen.at(SystemHost.now())));
    }
    let told = "It needs no attention until it changes again.";
    acknowledgement(stack, caller, (Method::POST, "acknowledged", &reference, &access), &body, told).await
}

/// # Errors
/// As [`deed`].
pub async fn unacknowledge(stack: &Stack, caller: &Caller, options: Deed) -> output::Outcome {
    let Deed { reference, note, access } = options;
    let told = "It needs attention again.";
    let what = (Method::DELETE, "unacknowledged", reference.as_str(), &access);
    acknowledgement(stack, caller, what, &json!({ "note": note }), told).await
}

async fn acknowledgement(
    stack: &Stack,
    caller: &Caller,
    (method, done, reference, access): (Method, &str, &str, &Access),
    body: &serde_json::Value,
    told: &str,
) -> output::Outcome {
    let client = Client::new(stack, caller, access).await?;
    client.send(method, &["operations", "v1", "notifications", reference, "acknowledgement"], body).await?;
    Ok(Report::new(json!({ "ref": reference, "done": done }), told))
}

/// # Errors
/// As [`deed`].
pub async fn outcome(stack: &Stack, caller: &Caller, options: Outcome) -> output::Outcome {
    let Outcome { reference, success, failure, text, access } = options;
    let body = json!({ "is_success": success && !failure, "description": text });
    let told = "The outcome is on its way; get shows its state.";
    done(stack, caller, ("outcome", &reference, &access), &body, told).await
}

async fn done(
    stack: &Stack,
    caller: &Caller,
    (what, reference, access): (&str, &str, &Access),
    body: &serde_json::Value,
    told: &str,
) -> output::Outcome {
    let client = Client::new(stack, caller, access).await?;
    client.post(&["operations", "v1", "notifications", reference, what], body).await?;
    Ok(Report::new(json!({ "ref": reference, "done": what }), told))
}
