//! Checks the files of templates, alarms, dashboards and sources.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod alarms;
mod console_links;
mod dashboards;
mod delivery;
mod dependencies;
mod documents;
mod functions;
mod glossary;
mod guide;
mod named_tests;
mod next_place;
mod objectives;
mod security;
mod sources;
mod template;
mod workflows;

use repo_checks::{Template, elements, text};
use serde_json::Value;

const MAIN: &str = "template.yaml";
const ALARMS: [&str; 5] = [
    "alarms/functions.yaml",
    "alarms/queues.yaml",
    "alarms/table.yaml",
    "alarms/notifications.yaml",
    "alarms/objectives.yaml",
];
const DASHBOARD: &str = "dashboards/cloudwatch.yaml";

/// Removes the prefix of all deployed names, in any file's notation.
fn without_stack(name: &str) -> String {
    ["${AWS::StackName}", "${ReceiverStackName}", "${stack}"]
        .iter()
        .fold(name.to_owned(), |name, stack| name.replace(stack, "@"))
}

/// The alarms' templates with all options.
fn alarms() -> [Template; 5] {
    ALARMS.map(|path| Template::read(path).with("SilenceHours", 4.into()).with("Operations", "true".into()))
}

/// The properties of all alarms of a kind, by logical name.
fn alarms_of(templates: &[Template], kind: &str) -> Vec<(String, Value)> {
    let own = |template: &Template| -> Vec<_> {
        template.resources(kind).into_iter().map(|(name, alarm)| (name.clone(), alarm)).collect()
    };
    templates.iter().flat_map(own).collect()
}

/// An alarm's description, with the names of parameters in place of their values.
fn description(alarm: &Value) -> String {
    let description = &alarm["AlarmDescription"];
    let parts = description.pointer("/Fn::Join/1").unwrap_or(description);
    elements(parts).into_iter().map(|part| text(part.get("Fn::Sub").unwrap_or(part))).collect()
}

/// The main template with all options.
fn with_options() -> Template {
    let options = [
        ("OperationsAuthorizer", "jwt"),
        ("KmsKeyArn", "arn:aws:kms:eu-north-1:000000000000:key/1"),
        ("EventBusArn", "arn:aws:events:eu-north-1:000000000000:event-bus/1"),
        ("ReserveWorkerConcurrency", "true"),
        ("OperationsAuthorizer", "jwt"),
    ];
    options.into_iter().fold(Template::read(MAIN), |template, (name, value)| template.with(name, value.into()))
}
