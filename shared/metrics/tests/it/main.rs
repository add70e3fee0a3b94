//! The lines that a function writes, and the contract of the metrics.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fixtures::TestHost;
use proptest::prelude::*;
use serde_json::{Value, json};
use time::Duration;
use webhooks_metrics::{DEFINITIONS, Emitted, Metric, Metrics, Service};

fn metrics() -> (Metrics<TestHost>, Emitted) {
    let (host, emitted) = (TestHost::default(), Emitted::default());
    host.advance(Duration::milliseconds(500));
    (Metrics::new(Service::Processor, host, emitted.clone()), emitted)
}

/// Recorded in a process that has already started.
fn lines(record: impl FnOnce(&Metrics<TestHost>)) -> Vec<Value> {
    let (metrics, emitted) = metrics();
    metrics.flush("r-0");
    record(&metrics);
    metrics.flush("r-1");
    emitted.lines().split_off(1)
}

#[test]
fn an_invocation_writes_one_line_that_cloudwatch_extracts() {
    let lines = lines(|metrics| {
        metrics.record(Some("t-1"), [Metric::Processed, Metric::AcceptedToProcessed(Duration::milliseconds(1500))]);
        metrics.record(Some("t-2"), [Metric::Processed, Metric::AcceptedToProcessed(Duration::milliseconds(-3))]);
    });
    let described =
        json!([{"Name": "AcceptedToProcessed", "Unit": "Milliseconds"}, {"Name": "Processed", "Unit": "Count"}]);
    let expected = json!({
        "timestamp": "2026-11-23T12:00:00.5Z", "level": "INFO",
        "_aws": {
            "Timestamp": 1_795_435_200_500_i64,
            "CloudWatchMetrics": [{"Namespace": "VismaNetWebhooks", "Dimensions": [["service"]], "Metrics": described}],
        },
        "service": "processor", "requestId": "r-1", "tenants": ["t-1", "t-2"],
        "AcceptedToProcessed": [1500, 0], "Processed": 2,
    });
    assert_eq!(lines, [expected]);
}

#[test]
fn each_value_of_the_second_dimension_gets_its_own_line() {
    let lines = lines(|metrics| {
        for reason in ["unavailable", "rate_limited", "unavailable"] {
            metrics.record(Some(reason), [Metric::Retried { reason }]);
        }
        metrics.record(None, [Metric::Dead { reason: "unavailable" }, Metric::Duplicates]);
    });
    let shown: Vec<Value> = lines
        .iter()
        .map(|line| {
            let dimensions = &line["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
            json!([dimensions, line["reason"], line["Retried"], line["Dead"], line["Duplicates"], line["tenants"]])
        })
        .collect();
    let both = json!([["service"], ["service", "reason"]]);
    assert_eq!(
        shown,
        [
            json!([[["service"]], null, null, null, 1, null]),
            json!([both, "rate_limited", 1, null, null, ["rate_limited"]]),
            json!([both, "unavailable", 2, 1, null, ["unavailable"]]),
        ]
    );
}

#[test]
fn each_stack_has_its_own_namespace() {
    let emitted = Emitted::default();
    let metrics =
        Metrics::new(Service::Processor, TestHost::default(), emitted.clone()).in_namespace("VismaNetWebhooks/dev");
    metrics.record(None, [Metric::Processed]);
    metrics.flush("r-1");
    for line in emitted.lines() {
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "VismaNetWebhooks/dev");
    }
}

#[test]
fn an_empty_value_is_no_dimension() {
    let lines = lines(|metrics| metrics.record(None, [Metric::Retried { reason: "" }]));
    assert_eq!(lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["service"]]));
    assert_eq!((&lines[0]["Retried"], &lines[0]["reason"]), (&json!(1), &Value::Null));
}

#[test]
fn a_cold_start_is_recorded_once_on_its_own_line() {
    let (metrics, emitted) = metrics();
    metrics.record(Some("t-1"), [Metric::Processed]);
    for request_id in ["r-1", "r-2", "r-3"] {
        metrics.flush(request_id);
    }
    let lines = emitted.lines();
    assert_eq!(lines.len(), 2, "nothing is written when nothing happened");
    assert_eq!(
        (&lines[0]["ColdStart"], &lines[0]["requestId"], &lines[0]["Processed"]),
        (&json!(1), &json!("r-1"), &Value::Null)
    );
    assert_eq!((&lines[1]["Processed"], &lines[1]["ColdStart"]), (&json!(1), &Value::Null));
}

#[test]
fn emitted_reads_what_was_recorded() {
    let (metrics, emitted) = metrics();
    metrics
        .record(None, [Metric::Parked { reason: "unmapped" }, Metric::Parked { reason: "bug" }, Metric::BodySize(7)]);
    metrics.flush("r-1");
    assert_eq!((emitted.count("Parked"), emitted.count("Parked unmapped"), emitted.count("Parked lost")), (2, 1, 0));
    assert_eq!((emitted.values("BodySize"), emitted.values("ColdStart")), (vec![7], vec![1]));
}

#[test]
fn metric_names_are_unique_and_dimensions_hide_no_member() {
    for (at, metric) in DEFINITIONS.iter().enumerate() {
        assert!(DEFINITIONS[..at].iter().all(|other| other.name != metric.name), "{}", metric.name);
        assert!(matches!(metric.dimension, None | Some("code" | "collection" | "kind" | "reason")), "{}", metric.name);
    }
}

proptest! {
    #[test]
    fn no_line_has_more_than_a_hundred_values_and_none_is_lost(sizes in proptest::collection::vec(0usize..10_000, 1..350)) {
        let (metrics, emitted) = metrics();
        metrics.flush("r-0");
        for size in &sizes {
            metrics.record(Some("t-1"), [Metric::BodySize(*size), Metric::Accepted]);
        }
        metrics.flush("r-1");
        let lines = emitted.lines();
        prop_assert_eq!(lines.len() - 1, sizes.len().div_ceil(100));
        prop_assert!(lines.iter().all(|line| line["BodySize"].as_array().is_none_or(|values| values.len() <= 100)));
        prop_assert_eq!(emitted.values("BodySize"), sizes.iter().map(|size| *size as u64).collect::<Vec<_>>());
        prop_assert_eq!(emitted.count("Accepted"), sizes.len() as u64);
    }
}
