//! Tests `AWS_LAMBDA_LOG_LEVEL` in child processes, since a process has one subscriber.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::env;
use std::process::Command;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The other test runs this one at each level and reads its output.
#[test]
fn one_line_of_every_level() {
    webhooks_telemetry::init(std::io::stdout);
    tracing::error!("e");
    tracing::warn!("w");
    tracing::info!("i");
    tracing::debug!("d");
    tracing::trace!("t");
}

fn printed_at(level: &str) -> Vec<Value> {
    let program = env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "one_line_of_every_level", "--nocapture"]);
    let output = command.env_remove("RUST_LOG").env("AWS_LAMBDA_LOG_LEVEL", level).output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    // The harness prints the test's name before the first line.
    let json = text.lines().filter_map(|line| line.find('{').map(|start| &line[start..]));
    json.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn the_variable_sets_the_level_and_each_line_has_lambdas_fields() {
    for (level, expected) in
        [("TRACE", "ewidt"), ("DEBUG", "ewid"), ("INFO", "ewi"), ("WARN", "ew"), ("ERROR", "e"), ("FATAL", "e")]
    {
        let lines = printed_at(level);
        let messages: String = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, expected, "{level}");
        for line in lines {
            let timestamp = line["timestamp"].as_str().unwrap();
            assert!(OffsetDateTime::parse(timestamp, &Rfc3339).is_ok(), "{timestamp}");
            assert!(["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&line["level"].as_str().unwrap()), "{line}");
        }
    }
}
