//! `client`, with a document that others change, too.

use crate::subscriptions::Memory;
use clap::Parser;
use serde_json::Value;
use visma_webhooks::commands::client::carry_out;
use visma_webhooks::{Arguments, Command, Exit, Failure, Report};

async fn run(memory: &Memory, options: &str, secret: &str) -> Result<Report, Failure> {
    let words = ["visma-webhooks", "client", "--secret-stdin"].into_iter().chain(options.split(' '));
    let Command::Client(options) = Arguments::try_parse_from(words).unwrap().command else { panic!("{options}") };
    carry_out(memory, options, secret).await
}

fn visma(memory: &Memory) -> Value {
    let document: Value = serde_json::from_str(&memory.text.borrow()).unwrap();
    document["visma"].clone()
}

#[tokio::test]
async fn sets_id_and_secret_and_nothing_else() {
    let memory = Memory::new();
    let mut expected = visma(&memory);
    let report = run(&memory, "--id isv_new", "canary-new").await.unwrap();
    expected["client_id"] = "isv_new".into();
    expected["client_secret"] = "canary-new".into();
    assert_eq!(visma(&memory), expected);
    assert!(!report.text.contains("canary") && !report.json.to_string().contains("canary"));
}

#[tokio::test]
async fn a_dry_run_shows_the_id_and_no_secret() {
    let memory = Memory::new();
    let before = visma(&memory);
    let report = run(&memory, "--id isv_new --dry-run", "canary-new").await.unwrap();
    assert!(report.text.contains("+     \"client_id\": \"isv_new\""), "{}", report.text);
    assert!(!report.text.contains("canary"), "{}", report.text);
    assert_eq!(visma(&memory), before);
}

#[tokio::test]
async fn refuses_a_secret_with_a_blank_at_its_end() {
    let memory = Memory::new();
    let refused = run(&memory, "--id isv_new", "canary-new ").await.unwrap_err();
    assert!(refused.to_string().contains("secret_padded"), "{refused}");
    assert_eq!(refused.exit, Exit::Refused);
}

#[tokio::test]
async fn overwrites_nothing_that_was_changed_meanwhile() {
    let memory = Memory { disturbed: true, ..Memory::new() };
    let before = visma(&memory);
    assert_eq!(run(&memory, "--id isv_new", "canary-new").await.unwrap_err().exit, Exit::Refused);
    assert_eq!(visma(&memory), before);
}
