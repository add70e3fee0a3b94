//! `hold`, `release`, `resend` and `outcome`: one notification at a time.

use super::{Access, Caller, Client};
use crate::output::{self, Report};
use crate::stack::Stack;
use clap::Args;
use serde_json::json;

#[derive(Debug, Args)]
pub struct Deed {
    /// The notification's `ref`, as tail shows it
    #[arg(value_name = "REF")]
    reference: String,
    /// Why, for whoever reads the timeline
    #[arg(long, default_value = "", hide_default_value = true)]
    note: String,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Args)]
pub struct Outcome {
    /// The notification's `ref`, as tail shows it
    #[arg(value_name = "REF")]
    reference: String,
    /// It has succeeded
    #[arg(long, required_unless_present = "failure", conflicts_with = "failure")]
    success: bool,
    /// It has failed
    #[arg(long)]
    failure: bool,
    /// What the accountant reads
    #[arg(long)]
    text: String,
    #[command(flatten)]
    access: Access,
}

/// `hold`, `release` or, to try its feedback once more, `feedback`.
///
/// # Errors
/// The API refuses, does not know the notification, or does not answer.
pub async fn deed(stack: &Stack, caller: &Caller, what: &str, options: Deed) -> output::Outcome {
    let told = match what {
        "hold" => "It is held until somebody releases it.",
        "release" => "It goes on.",
        _ => "The feedback is tried once more; get shows what becomes of it.",
    };
    let Deed { reference, note, access } = options;
    done(stack, caller, (what, &reference, &access), &json!({ "note": note }), told).await
}

/// # Errors
/// As [`deed`].
pub async fn outcome(stack: &Stack, caller: &Caller, options: Outcome) -> output::Outcome {
    let Outcome { reference, success, failure, text, access } = options;
    let body = json!({ "is_success": success && !failure, "description": text });
    let told = "The outcome is on its way; get shows what becomes of it.";
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
