//! `client`: sets the service client that the receiver uses to call Visma Net.

use crate::output::{Outcome, Report};
use crate::settings::edit::redacted_diff;
use crate::settings::{Documents, SecretsManager, set_client};
use crate::stack::Stack;
use crate::text::secret_from_stdin;
use clap::Args;
use serde_json::json;

#[derive(Debug, Args)]
pub struct Options {
    /// The client's id from the Developer Portal: isv_...
    #[arg(long, value_name = "CLIENT")]
    id: String,
    /// Read its secret from standard input, so that it stays out of the shell's history
    #[arg(long, required = true)]
    secret_stdin: bool,
    /// Show the change without writing it
    #[arg(long)]
    dry_run: bool,
}

/// # Errors
/// The document cannot be read, is not valid, or was changed meanwhile.
pub async fn run(stack: &Stack, options: Options) -> Outcome {
    let client = aws_sdk_secretsmanager::Client::new(&stack.aws);
    let documents = SecretsManager::new(client, stack.output("SettingsSecretArn").await?);
    carry_out(&documents, options, &secret_from_stdin()?).await
}

/// # Errors
/// As [`run`].
pub async fn carry_out(documents: &impl Documents, options: Options, secret: &str) -> Outcome {
    let read = documents.read().await?;
    let text = set_client(&read.text, &options.id, secret)?;
    let diff = redacted_diff(&read.text, &text);
    if options.dry_run {
        return Ok(Report::new(json!({ "written": false, "diff": diff }), format!("{diff}Nothing was written.")));
    }
    documents.replace(&read, &text).await?;
    let done = format!("The receiver calls Visma Net as {} (functions notice within 5 minutes).", options.id);
    Ok(Report::new(json!({ "written": true, "diff": diff }), done))
}
