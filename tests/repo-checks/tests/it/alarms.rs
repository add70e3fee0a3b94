//! The alarms and their runbooks.

use crate::dashboards::check_math;
use crate::sources::root;
use crate::{ALARMS, MAIN, alarms, alarms_of, description, with_options};
use repo_checks::{Template, elements, entries, infra, number, read, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

/// Alarms with a long window on purpose: silence, rare events, and the two windows of a burn rate.
const LONGER_PERIODS: [(&str, u32); 7] = [
    ("InboundSilence", 3600),
    ("PrefixUnknown", 3600),
    ("ReconcilerHeartbeat", 120),
    ("AckBurn5m", 300),
    ("AckBurn1h", 3600),
    ("EndToEndBurn5m", 300),
    ("EndToEndBurn1h", 3600),
];

fn plain_alarms() -> Vec<(String, Value)> {
    alarms_of(&alarms(), "AWS::CloudWatch::Alarm")
}

#[test]
fn every_alarm_has_a_runbook_and_every_runbook_an_alarm() {
    let mut used = BTreeSet::new();
    for kind in ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"] {
        for (name, alarm) in alarms_of(&alarms(), kind) {
            let description = description(&alarm);
            let (_, page) =
                description.split_once(" Runbook infra/runbooks/").unwrap_or_else(|| panic!("{name} has no runbook"));
            let subject = page.strip_suffix(".md").unwrap();
            let deployed = text(&alarm["AlarmName"]["Fn::Sub"]);
            assert!(deployed.starts_with(&format!("${{ReceiverStackName}}-{subject}")), "{deployed} and {page}");
            used.insert(page.to_owned());
        }
    }
    let written =
        fs::read_dir(infra().join("runbooks")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(used, written.filter(|file| file != "README.md").collect());
    for page in used {
        let text = read(&format!("runbooks/{page}"));
        let mut at = 0;
        for part in ["## What it means", "## Look here", "```", "## Do this"] {
            at += text[at..].find(part).unwrap_or_else(|| panic!("{page} has no `{part}` in its place"));
        }
    }
}

/// The reconciler fails without having begun. A person finds the line of the log in the runbook.
#[test]
fn the_runbook_has_each_error_that_keeps_the_reconciler_from_its_run() {
    let runbook = read("runbooks/function-errors.md");
    for path in ["functions/reconciler/src/reconciler.rs", "shared/settings/src/cache.rs"] {
        let source = fs::read_to_string(root().join(path)).unwrap();
        let rests: Vec<&str> = source.split("#[error(\"").skip(1).collect();
        assert!(!rests.is_empty(), "{path} has no error");
        for error in rests.into_iter().filter_map(|rest| rest.split([':', '"']).next()) {
            assert!(
                runbook.contains(&format!("`{error}`")),
                "function-errors.md does not say what to do about: {error}"
            );
        }
    }
}

#[test]
fn no_runbook_lets_a_person_write_a_message_or_a_request_by_hand() {
    for file in fs::read_dir(infra().join("runbooks")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for by_hand in ["send-message", "put-item", "update-item", "POST /operations", "PUT /operations"] {
            assert!(!text.contains(by_hand), "{}: {by_hand}", path.display());
        }
    }
}

/// The feedback function puts rejected outcomes there itself. SQS does not know the source of such
/// a message, and a task without a destination stops at it.
#[test]
fn the_runbook_tells_sqs_where_to_move_dead_letters() {
    let runbook = read("runbooks/dead-letters.md");
    let tasks: Vec<&str> = runbook.lines().filter(|line| line.contains("start-message-move-task")).collect();
    assert!(!tasks.is_empty() && tasks.iter().all(|task| task.contains(" --destination-arn ")), "{tasks:?}");
}

#[test]
fn every_alarm_sets_and_explains_missing_data() {
    for (name, alarm) in plain_alarms() {
        let treatment = text(&alarm["TreatMissingData"]);
        assert!(["breaching", "notBreaching", "ignore"].contains(&treatment.as_str()), "{name}: {treatment}");
    }
    let text = ALARMS.map(read).concat();
    for line in text.lines().filter(|line| line.trim_start().starts_with("TreatMissingData:")) {
        assert!(line.contains(" # "), "no reason: {line}");
    }
}

/// CloudWatch takes the time before an alarm was made for missing data, too.
#[test]
fn the_runbook_of_an_alarm_on_missing_data_says_that_it_rings_on_a_new_stack() {
    let mut pages = BTreeSet::new();
    for (name, alarm) in plain_alarms().into_iter().filter(|(_, alarm)| alarm["TreatMissingData"] == "breaching") {
        let description = description(&alarm);
        let (_, page) = description.split_once(" Runbook infra/runbooks/").expect("it has a runbook");
        let told = read(&format!("runbooks/{page}")).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains("rings once in the first minutes"), "{name}: {page}");
        pages.insert(page.to_owned());
    }
    assert_eq!(pages, BTreeSet::from(["inbound-silence.md".to_owned(), "reconciler-heartbeat.md".to_owned()]));
    let guide = read("DEPLOY.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(guide.contains("rings once in the first minutes"), "DEPLOY.md says what SilenceHours does at first");
}

#[test]
fn alarms_use_no_average_and_no_more_data_points_than_periods() {
    for (name, alarm) in plain_alarms() {
        for statistic in values_of(&alarm, &["Statistic", "ExtendedStatistic", "Stat"]) {
            let known = ["Sum", "Maximum", "Minimum", "p99"].contains(&statistic.as_str());
            assert!(known, "{name}: {statistic}");
        }
        let period = LONGER_PERIODS.iter().find(|(alarm, _)| *alarm == name).map_or(60, |(_, period)| *period);
        for found in values_of(&alarm, &["Period"]) {
            assert_eq!(found, period.to_string(), "{name}");
        }
        assert!(number(&alarm["DatapointsToAlarm"]) <= number(&alarm["EvaluationPeriods"]), "{name}");
    }
}

/// Counts are added up. Levels and totals of a run are not.
#[test]
fn each_alarm_uses_the_right_statistic_for_its_metric() {
    let expected = |metric: &str| match metric {
        "Duration" => "p99",
        "FeedbackQuotaLeft" => "Minimum",
        "ApproximateAgeOfOldestMessage"
        | "ApproximateNumberOfMessagesVisible"
        | "SilentTenants"
        | "SilentSubscriptions" => "Maximum",
        _ => "Sum",
    };
    let mut watched = 0;
    for (name, alarm) in plain_alarms() {
        let of_math = elements(&alarm["Metrics"]).into_iter().filter_map(|query| query.get("MetricStat"));
        let mut found: Vec<_> = of_math.map(|one| (text(&one["Metric"]["MetricName"]), text(&one["Stat"]))).collect();
        if let Some(metric) = alarm.get("MetricName") {
            let statistic = alarm.get("Statistic").unwrap_or(&alarm["ExtendedStatistic"]);
            found.push((text(metric), text(statistic)));
        }
        for (metric, statistic) in found {
            assert_eq!(statistic, expected(&metric), "{name}: {metric}");
            watched += 1;
        }
    }
    assert!(watched > 50, "{watched}");
}

#[test]
fn near_timeout_alarms_start_at_four_fifths() {
    let template = Template::read(MAIN);
    let allowed = |parameter: &'static str| {
        let values = template.raw(&format!("/Parameters/{parameter}/AllowedValues")).as_array().cloned().unwrap();
        values.into_iter().map(move |value| (parameter, value))
    };
    let usual = template.raw("/Parameters/WorkerTimeoutSeconds/Default");
    for (parameter, timeout) in allowed("WorkerTimeoutSeconds").chain(allowed("ReconcilerTimeoutSeconds")) {
        let main = with_options().with(parameter, timeout.clone());
        let alarms =
            alarms().map(|alarms| alarms.with("WorkerTimeoutSeconds", usual.clone()).with(parameter, timeout.clone()));
        let alarms = alarms_of(&alarms, "AWS::CloudWatch::Alarm");
        for (function, properties) in main.resources("AWS::Serverless::Function") {
            let alarm = format!("{}NearTimeout", function.trim_end_matches("Function"));
            let found = alarms.iter().find(|(name, _)| *name == alarm);
            let (_, alarm) = found.unwrap_or_else(|| panic!("{function} has no {alarm}"));
            assert_eq!(number(&alarm["Threshold"]), number(&properties["Timeout"]) * 800.0, "{function}");
        }
    }
}

#[test]
fn alarms_watch_every_function_and_dead_letter_queue() {
    let watched = |of: &str, alarms: &[(String, Value)]| -> BTreeSet<String> {
        alarms.iter().map(|(_, alarm)| text(&alarm["AlarmName"]["Fn::Sub"])).filter(|name| name.contains(of)).collect()
    };
    let deployed = |kind: &str, property: &str| -> BTreeSet<String> {
        let name = |(_, one): (&String, Value)| text(&one[property]["Fn::Sub"]).replace("${AWS::StackName}-", "");
        with_options().resources(kind).into_iter().map(name).collect()
    };
    let alarms = plain_alarms();
    for what in ["errors", "throttles", "near-timeout"] {
        let expected = deployed("AWS::Serverless::Function", "FunctionName");
        let name = |function: &String| format!("${{ReceiverStackName}}-function-{what}-{function}");
        assert_eq!(watched(&format!("-function-{what}-"), &alarms), expected.iter().map(name).collect());
    }
    let queues = deployed("AWS::SQS::Queue", "QueueName");
    let dead = queues.iter().filter_map(|name| name.strip_suffix("-dead-letter"));
    let name = |queue: &str| format!("${{ReceiverStackName}}-dead-letters-{queue}");
    assert_eq!(watched("-dead-letters-", &alarms), dead.map(name).collect());
}

#[test]
fn cloudwatch_accepts_the_metric_math() {
    for (name, alarm) in plain_alarms() {
        let Some(queries) = alarm["Metrics"].as_array() else { continue };
        assert!(queries.iter().filter(|query| query.get("MetricStat").is_some()).count() <= 10, "{name}");
        let returned: Vec<_> = queries.iter().filter(|query| query["ReturnData"] != json!(false)).collect();
        assert_eq!(returned.len(), 1, "{name} watches one result");
        let ids =
            queries.iter().filter(|query| query["Id"] != returned[0]["Id"]).filter_map(|query| query["Id"].as_str());
        let expressions: Vec<_> = queries.iter().filter_map(|query| query["Expression"].as_str()).collect();
        check_math(&ids.collect(), &expressions, &json!(name));
    }
}

/// A misspelt code would watch nothing.
#[test]
fn alarms_watch_only_codes_of_intake() {
    let answers = fs::read_to_string(root().join("functions/intake/README.md")).unwrap();
    let alarms = plain_alarms();
    let dimensions = alarms.iter().flat_map(|(_, alarm)| elements(&alarm["Dimensions"]));
    let codes = dimensions.filter(|dimension| dimension["Name"] == "code").map(|dimension| text(&dimension["Value"]));
    let codes: BTreeSet<_> = codes.collect();
    assert!(codes.iter().all(|code| answers.contains(&format!("| `{code}` |"))), "{codes:?}");
    assert!(["prefix_unknown", "signature_mismatch"].iter().all(|code| codes.contains(*code)), "{codes:?}");
}

/// SQS does not count messages that it moves itself as sent, so a dead-letter queue fills without
/// this metric.
#[test]
fn alarms_count_dead_letters_in_their_queue() {
    let of_dead_letters = plain_alarms().into_iter().filter(|(name, _)| name.ends_with("DeadLetters"));
    let metrics: BTreeSet<_> = of_dead_letters.map(|(_, alarm)| text(&alarm["MetricName"])).collect();
    assert_eq!(metrics, BTreeSet::from(["ApproximateNumberOfMessagesVisible".to_owned()]));
}

#[test]
fn alarms_notice_a_missing_reconciler_after_two_intervals() {
    let main = Template::read(MAIN);
    let schedule = "/Parameters/ReconcileMinutes";
    let (_, nested) = main
        .resources("AWS::Serverless::Application")
        .into_iter()
        .find(|(name, _)| *name == "FunctionAlarms")
        .expect("the alarms of the functions are deployed");
    assert_eq!(nested["Parameters"]["ReconcileMinutes"], main.raw(schedule)["Default"]);
    for minutes in ["Default", "MinValue", "MaxValue"].map(|bound| number(&main.raw(schedule)[bound])) {
        let alarms = alarms().map(|template| template.with("ReconcileMinutes", json!(minutes)));
        let alarms = alarms_of(&alarms, "AWS::CloudWatch::Alarm");
        let (_, alarm) = alarms.into_iter().find(|(name, _)| name == "ReconcilerHeartbeat").expect("it is watched");
        let window = number(&alarm["Period"]) * number(&alarm["EvaluationPeriods"]);
        assert!((window - 2.0 * 60.0 * minutes).abs() < 1.0, "{window} s for {minutes} minutes");
        assert!(window <= 86400.0, "CloudWatch takes no longer window of such periods");
        assert_eq!(alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]);
        let expected = ("Invocations", "LessThanThreshold", "breaching");
        let found = [&alarm["MetricName"], &alarm["ComparisonOperator"], &alarm["TreatMissingData"]].map(text);
        assert_eq!(found, [expected.0, expected.1, expected.2]);
    }
}

/// The reconciler counts the silent tenants only in its runs. If missing data ended the alarm, each
/// run would send a message again.
#[test]
fn a_lasting_silence_is_told_once() {
    let (_, alarm) = plain_alarms().into_iter().find(|(name, _)| name == "TenantSilence").expect("it is watched");
    assert_eq!(alarm["TreatMissingData"], "ignore");
}

/// The values under these names, at any depth.
fn values_of(value: &Value, names: &[&str]) -> Vec<String> {
    let here = entries(value).filter(|(name, value)| names.contains(&name.as_str()) && !value.is_null());
    let below = entries(value).map(|(_, value)| value).chain(value.as_array().into_iter().flatten());
    here.map(|(_, value)| text(value)).chain(below.flat_map(|value| values_of(value, names))).collect()
}
