//! `learn`: reads notifications with unknown names, writes new settings for them, and replays them.

mod event_names;
mod parked;
mod propose;
mod report;

use super::{Access, Caller, Client, tenant};
use crate::candidates;
use crate::error::Failure;
use crate::output::{Outcome, Report};
use crate::settings::{Documents, SecretsManager, edit, entries};
use crate::stack::Stack;
use crate::text::{alias, duration};
use clap::Args;
use parked::{Group, Parked};
use propose::Proposal;
use time::Duration;
use webhooks_model::mapping::{KeyPlace, Pointer};
use webhooks_settings::Settings;

#[derive(Debug, Args)]
pub struct Learn {
    /// Only show how each would be read, and write nothing
    #[arg(long)]
    plan: bool,
    /// Only of this tenant, by its name, company number or id
    #[arg(long, value_name = "TENANT", add = candidates::tenant())]
    tenant: Option<String>,
    /// Only notifications with this event name
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Only bodies of this shape, from --plan
    #[arg(long, value_name = "HASH")]
    shape: Option<String>,
    /// The meaning of an event's name, such as KontoEndret=ACCOUNT_CHANGED; may be repeated
    #[arg(long = "alias", value_name = "NAME=EVENT", value_parser = alias)]
    aliases: Vec<(String, String)>,
    /// The place of the key, such as /account/no; two joined by a comma make one key: /type,/no
    #[arg(long = "key", value_name = "POINTER", value_parser = key_place)]
    keys: Vec<KeyPlace>,
    /// The place of the status
    #[arg(long = "status", value_name = "POINTER")]
    statuses: Vec<String>,
    /// The place of an action's text
    #[arg(long = "parameter", value_name = "POINTER")]
    parameters: Vec<String>,
    /// The place of the notification's id, a UUID
    #[arg(long = "id", value_name = "POINTER")]
    ids: Vec<String>,
    /// The place of the time of the change
    #[arg(long = "time", value_name = "POINTER")]
    times: Vec<String>,
    /// The most notifications to read
    #[arg(long, default_value_t = 500, value_name = "NUMBER")]
    limit: usize,
    /// How long to watch the replays: 90s, 30m
    #[arg(long, default_value = "60s", value_parser = duration)]
    wait: Duration,
    /// How long to wait between writing and replaying: functions read the document for replays
    /// every two seconds
    #[arg(long, default_value = "3s", value_parser = duration, hide = true)]
    settle: Duration,
    #[command(flatten)]
    access: Access,
}

impl Learn {
    /// The fields on the command line, which override our proposals.
    fn told(&self) -> Proposal {
        let pointers = |texts: &[String]| texts.iter().map(Pointer::new).collect::<Vec<_>>();
        let mut told = Proposal { aliases: self.aliases.clone(), ..Proposal::default() };
        told.rule.key = self.keys.clone();
        told.rule.status = pointers(&self.statuses);
        told.rule.parameter = pointers(&self.parameters);
        told.rule.id = pointers(&self.ids);
        told.rule.time = pointers(&self.times);
        told
    }

    fn is_meant(&self, group: &Group) -> bool {
        self.event.as_ref().is_none_or(|event| *event == group.event)
            && self.shape.as_ref().is_none_or(|shape| *shape == group.shape)
    }
}

/// # Errors
/// The settings or the API refuse or do not answer, or the options contradict each other.
pub async fn learn(stack: &Stack, caller: &Caller, options: Learn) -> Outcome {
    let secrets = aws_sdk_secretsmanager::Client::new(&stack.aws);
    let documents = SecretsManager::new(secrets, stack.output("SettingsSecretArn").await?);
    learn_with(&documents, stack, caller, options).await
}

/// # Errors
/// As [`learn`].
pub async fn learn_with(documents: &impl Documents, stack: &Stack, caller: &Caller, options: Learn) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let read = documents.read().await?;
    let current = edit::valid(&read.text)?;
    let tenant = tenant::resolve_some(&client, options.tenant.as_deref()).await?;
    let (parked, is_cut) = parked::all(&client, tenant.as_deref(), options.limit).await?;
    let mut groups = parked::grouped(parked, &current);
    groups.retain(|group| options.is_meant(group));
    if groups.is_empty() {
        return Ok(Report::new(
            serde_json::json!({ "groups": [] }),
            "No parked notification can be fixed by settings.\n",
        )
        .limited(is_cut));
    }
    let told = options.told();
    if told.has_pointers() && groups.len() > 1 {
        let advice = "Choose one with --event and --shape; --plan shows their values.";
        return Err(Failure::usage("pointers are for one group, and there are several", advice));
    }
    let proposals: Vec<Proposal> = groups.iter().map(|group| propose::propose(group, &current, &told)).collect();
    let (aliases, rules) = propose::together(&proposals, &told);
    let text = entries::learn(&read.text, &aliases, &rules)?;
    let new = edit::valid(&text)?;
    let diff = edit::redacted_diff(&read.text, &text);
    let report = report::new(&groups, &proposals, (&current, &new), &diff);
    if options.plan {
        return Ok(report.nothing_written().limited(is_cut));
    }
    let is_changed = text != read.text;
    if is_changed {
        documents.replace(&read, &text).await?;
        tokio::time::sleep(options.settle.unsigned_abs()).await;
    }
    let readable = readable(&groups, &new);
    for one in &readable {
        let path = ["operations", "v1", "notifications", &one.reference, "replay"];
        client.post(&path, &serde_json::json!({ "note": "learn" })).await?;
    }
    let outcome = parked::watch(&client, &readable, options.wait).await?;
    Ok(report.replayed(&outcome, is_changed).limited(is_cut))
}

/// The notifications that the new settings identify.
fn readable<'a>(groups: &'a [Group], settings: &Settings) -> Vec<&'a Parked> {
    let all = groups.iter().flat_map(|group| &group.members);
    all.filter(|one| one.read(settings).is_some_and(|n| parked::is_identified(&n))).collect()
}

fn key_place(text: &str) -> Result<KeyPlace, String> {
    let parts: Vec<Pointer> = text.split(',').map(Pointer::new).collect();
    match <[Pointer; 1]>::try_from(parts) {
        Ok([one]) => Ok(KeyPlace::One(one)),
        Err(parts) => Ok(KeyPlace::Joined(parts)),
    }
}
