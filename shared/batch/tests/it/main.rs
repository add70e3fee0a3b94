//! The answer is well-formed, whatever the records are and however they end. SQS delivers the whole
//! batch again, for ever, after a malformed answer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_lambda_events::sqs::SqsEvent;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;
use webhooks_batch::{Outcome, Received, run};
use webhooks_queue::{Pacer, QueueError};

/// AWS's rules. An answer is malformed if it is not a JSON object with a list of objects, each with
/// the id of a record of the batch. An empty list, null and no list mean success.
fn is_malformed(answer: &str, batch: &[&str]) -> bool {
    let Ok(Value::Object(answer)) = serde_json::from_str(answer) else { return true };
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return false,
        Some(Value::Array(failures)) => failures,
        Some(_) => return true,
    };
    let is_of_batch = |failure: &Value| failure["itemIdentifier"].as_str().is_some_and(|id| batch.contains(&id));
    !failures.iter().all(|failure| is_of_batch(failure) && failure["itemIdentifier"] != "")
}

struct Pacing {
    refuses: bool,
}

impl Pacer for Pacing {
    async fn hide(&self, _: &str, _: Duration) -> Result<(), QueueError> {
        if self.refuses { Err(QueueError::Unavailable("RequestThrottled".into())) } else { Ok(()) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Again,
    Panics,
    NeverEnds,
}

async fn end(end: End) -> Outcome {
    match end {
        End::Done => Outcome::Done,
        End::Again => Outcome::Again { wait: Duration::from_secs(7) },
        End::Panics => panic!("poison"),
        End::NeverEnds => std::future::pending().await,
    }
}

/// The answer's text, as the Lambda runtime writes it.
fn answer(records: &[(Value, End)], refuses: bool) -> String {
    let record = |(at, (id, _)): (usize, &(Value, End))| json!({"messageId": id, "body": at.to_string()});
    let records_json: Vec<Value> = records.iter().enumerate().map(record).collect();
    let event: SqsEvent = serde_json::from_value(json!({"Records": records_json})).unwrap();
    let ends: Vec<End> = records.iter().map(|(_, end)| *end).collect();
    let each = |received: Received| end(ends[received.body.parse::<usize>().unwrap()]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let response = runtime.block_on(run(event, &Pacing { refuses }, Duration::from_secs(5), each));
    serde_json::to_string(&response).unwrap()
}

fn identifiers(answer: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    let mut identifiers: Vec<String> =
        failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect();
    identifiers.sort();
    identifiers
}

#[test]
fn the_rules_tell_malformed_answers_from_others() {
    let batch = ["m0", "m1"];
    for fine in [
        r#"{"batchItemFailures":[]}"#,
        r#"{"batchItemFailures":null}"#,
        "{}",
        r#"{"batchItemFailures":[{"itemIdentifier":"m1"}]}"#,
    ] {
        assert!(!is_malformed(fine, &batch), "{fine}");
    }
    for malformed in [
        "",
        "null",
        "[]",
        r#"{"batchItemFailures":{}}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":7}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":"other"}]}"#,
        r#"{"batchItemFailures":[{"item_identifier":"m0"}]}"#,
        r#"{"batchItemFailures":["m0"]}"#,
    ] {
        assert!(is_malformed(malformed, &batch), "{malformed}");
    }
}

#[test]
fn only_a_failed_record_without_an_id_retries_the_whole_batch() {
    for id in [Value::Null, json!("")] {
        let nameless = answer(&[(json!("m0"), End::Done), (id.clone(), End::Again)], false);
        assert!(is_malformed(&nameless, &["m0"]), "so that nothing is lost: {nameless}");
        let fine = answer(&[(json!("m0"), End::Again), (id, End::Done)], false);
        assert_eq!(identifiers(&fine), ["m0"]);
    }
}

fn any_end() -> impl Strategy<Value = End> {
    prop_oneof![4 => Just(End::Done), 3 => Just(End::Again), 1 => Just(End::Panics), 1 => Just(End::NeverEnds)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_answer_is_never_malformed_and_names_exactly_what_failed(
        records in prop::collection::vec(("[!-~å]{1,40}", any_end()), 0..24),
        refuses: bool,
    ) {
        let mut known = HashSet::new();
        let records: Vec<(Value, End)> =
            records.into_iter().filter(|(id, _)| known.insert(id.clone())).map(|(id, end)| (json!(id), end)).collect();
        let ids: Vec<&str> = records.iter().filter_map(|(id, _)| id.as_str()).collect();
        let answer = answer(&records, refuses);
        prop_assert!(!is_malformed(&answer, &ids), "{}", answer);
        let failed = records.iter().filter(|(_, end)| *end != End::Done);
        let mut expected: Vec<&str> = failed.filter_map(|(id, _)| id.as_str()).collect();
        expected.sort_unstable();
        prop_assert_eq!(identifiers(&answer), expected);
    }
}
