//! The generated dashboards, and the metrics of dashboards and alarms, which must exist.

use crate::{ALARMS, DASHBOARD, MAIN, alarms, alarms_of, with_options, without_stack};
use repo_checks::{Template, entries, number, read, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use webhooks_metrics::{DEFINITIONS, NAMESPACE, SERVICE};

/// AWS's own metrics that may be used, with their dimensions.
const AWS: [(&str, &str, &[&str]); 6] = [
    ("AWS/ApiGateway", "ApiId", &["Count", "4xx", "5xx", "Latency"]),
    (
        "AWS/DynamoDB",
        "TableName",
        &["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "SystemErrors", "ThrottledRequests"],
    ),
    ("AWS/Lambda", "FunctionName", &["ConcurrentExecutions", "Duration", "Errors", "Invocations", "Throttles"]),
    ("AWS/Logs", "LogGroupName", &["IncomingBytes"]),
    (
        "AWS/SQS",
        "QueueName",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
        ],
    ),
    (
        "AWS/SQS",
        "QueueName",
        &["NumberOfEmptyReceives", "NumberOfMessagesDeleted", "NumberOfMessagesReceived", "NumberOfMessagesSent"],
    ),
];
/// Metrics of the contract that no dashboard shows, with the reason.
const NOT_DRAWN: [(&str, &str); 0] = [];

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Metric {
    namespace: String,
    name: String,
    /// No value if there is a line for each value.
    dimensions: BTreeMap<String, String>,
}

#[test]
fn generated_files_match_their_description() {
    for (name, content) in dashboards::files() {
        assert!(read(&format!("dashboards/{name}")) == content, "{name} is out of date: run `cargo xtask dashboards`");
    }
}

#[test]
fn every_row_fills_the_width() {
    for row in dashboards::rows() {
        let titles: Vec<_> = row.panels.iter().map(|panel| panel.title).collect();
        assert_eq!(row.panels.iter().map(|panel| panel.width).sum::<u32>(), 24, "{titles:?}");
    }
}

#[test]
fn both_dashboards_have_the_same_panels() {
    let grafana: Value = serde_json::from_str(&read("dashboards/grafana.json")).unwrap();
    let titles = |panels: &Value, title: &str| -> Vec<String> {
        panels.as_array().unwrap().iter().map(|panel| text(panel.pointer(title).unwrap())).collect()
    };
    assert_eq!(titles(&body()["widgets"], "/properties/title"), titles(&grafana["panels"], "/title"));
}

/// Except the silence alarm, which does not exist by default: CloudWatch shows an error for a
/// missing alarm.
#[test]
fn the_alarm_rows_show_every_existing_alarm() {
    let always = dashboards::ALARMS;
    let of_operations = dashboards::OPERATIONS_ALARMS;
    for (operations, shown) in [("false", always.to_vec()), ("true", [always, of_operations].concat())] {
        let templates = ALARMS.map(|path| Template::read(path).with("Operations", operations.into()));
        let deployed: BTreeSet<_> = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"]
            .iter()
            .flat_map(|kind| alarms_of(&templates, kind))
            .map(|(_, alarm)| text(&alarm["AlarmName"]["Fn::Sub"]).replace("${ReceiverStackName}-", ""))
            .collect();
        assert_eq!(deployed, shown.iter().map(|name| (*name).to_owned()).collect());
        let body = body_with(operations).to_string();
        for name in [always, of_operations].concat() {
            let drawn = body.contains(&format!(":alarm:${{ReceiverStackName}}-{name}\""));
            assert_eq!(drawn, shown.contains(&name), "{name} with operations {operations}");
        }
    }
}

#[test]
fn the_cost_uses_the_functions_memory() {
    let prices: Value = serde_json::from_str(&read("dashboards/prices.json")).unwrap();
    for (name, function) in Template::read(MAIN).resources("AWS::Serverless::Function") {
        if ["IntakeFunction", "ProcessorFunction", "FeedbackFunction"].contains(&name.as_str()) {
            assert_eq!(number(&function["MemorySize"]) / 1024.0, number(&prices["memory_gigabytes"]), "{name}");
        }
    }
}

#[test]
fn expressions_use_only_operands_of_their_panel() {
    for widget in body()["widgets"].as_array().unwrap() {
        let lines = widget["properties"]["metrics"].as_array().cloned().unwrap_or_default();
        let options: Vec<_> = lines.iter().filter_map(|line| line.as_array()?.last().cloned()).collect();
        let ids = options.iter().filter_map(|options| options["id"].as_str()).collect();
        let expressions = options.iter().filter_map(|options| options["expression"].as_str());
        let expressions = expressions.filter(|expression| !expression.starts_with("SEARCH"));
        check_math(&ids, &expressions.collect::<Vec<_>>(), &widget["properties"]["title"]);
    }
}

/// Every name in an expression must be an operand, and every operand must be used.
pub(crate) fn check_math(ids: &BTreeSet<&str>, expressions: &[&str], place: &Value) {
    let words =
        expressions.iter().flat_map(|expression| expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
    let named: BTreeSet<_> = words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    assert_eq!(&named, ids, "{place}");
}

#[test]
fn alarms_use_metrics_that_exist() {
    check(&of_alarms());
}

#[test]
fn dashboards_use_metrics_that_exist() {
    check(&of_cloudwatch());
    check(&of_grafana());
}

#[test]
fn both_dashboards_show_the_same_metrics() {
    assert_eq!(of_cloudwatch(), of_grafana());
}

#[test]
fn dashboards_show_every_metric_of_the_contract() {
    let drawn: BTreeSet<_> = of_cloudwatch().into_iter().filter(Metric::is_ours).collect();
    for definition in DEFINITIONS {
        let reason = NOT_DRAWN.iter().find(|(name, _)| *name == definition.name);
        for service in definition.services {
            let found = drawn
                .iter()
                .any(|metric| metric.name == definition.name && metric.dimensions[SERVICE] == service.as_str());
            let (name, service) = (definition.name, service.as_str());
            let place = "infra/dashboards/src/panels.rs";
            assert_ne!(found, reason.is_some(), "{place}: draw {name} of {service}, then `cargo xtask dashboards`");
        }
    }
}

#[test]
fn alarms_and_dashboards_use_existing_functions_queues_and_logs() {
    let main = with_options();
    let mut names = BTreeSet::new();
    for (kind, property) in [
        ("AWS::Serverless::Function", "FunctionName"),
        ("AWS::SQS::Queue", "QueueName"),
        ("AWS::Logs::LogGroup", "LogGroupName"),
    ] {
        names.extend(
            main.resources(kind).iter().map(|(_, resource)| without_stack(&text(&resource[property]["Fn::Sub"]))),
        );
    }
    let used = [of_alarms(), of_cloudwatch(), of_grafana()];
    for metric in used.iter().flatten() {
        for dimension in ["FunctionName", "QueueName", "LogGroupName"] {
            if let Some(name) = metric.dimensions.get(dimension) {
                assert!(names.contains(name), "{name} of {}", metric.name);
            }
        }
    }
}

#[test]
fn functions_alarms_and_dashboard_share_a_namespace() {
    let main = with_options();
    let told = main.raw("/Globals/Function/Environment/Variables/METRICS_NAMESPACE");
    assert_eq!(named(told), format!("{NAMESPACE}/@"));
    for used in [of_alarms(), of_cloudwatch(), of_grafana()] {
        let own: Vec<_> = used.iter().filter(|metric| metric.namespace.contains(NAMESPACE)).collect();
        assert!(own.len() > 5 && own.iter().all(|metric| metric.is_ours()), "{own:?}");
    }
}

fn check(metrics: &BTreeSet<Metric>) {
    for metric in metrics {
        let dimensions: Vec<_> = metric.dimensions.keys().map(String::as_str).collect();
        if metric.is_ours() {
            let definition = DEFINITIONS.iter().find(|definition| definition.name == metric.name);
            let definition = definition.unwrap_or_else(|| panic!("{} is not in the contract", metric.name));
            let service = &metric.dimensions[SERVICE];
            assert!(
                definition.services.iter().any(|by| by.as_str() == service),
                "{service} does not emit {}",
                metric.name
            );
            let others = dimensions.iter().filter(|name| **name != SERVICE);
            for other in others {
                assert_eq!(definition.dimension, Some(*other), "{}", metric.name);
            }
        } else {
            let known = AWS.iter().any(|(namespace, dimension, names)| {
                metric.namespace == *namespace
                    && dimensions.contains(dimension)
                    && names.contains(&metric.name.as_str())
            });
            assert!(known, "{metric:?} is not listed among AWS's metrics");
        }
    }
}

fn of_alarms() -> BTreeSet<Metric> {
    let alarms = alarms_of(&alarms(), "AWS::CloudWatch::Alarm");
    let metric = |metric: &Value| {
        let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
        Metric::new(
            &metric["Namespace"],
            &metric["MetricName"],
            dimensions.map(|dimension| (text(&dimension["Name"]), named(&dimension["Value"]))),
        )
    };
    let in_math = |alarm: &Value| alarm["Metrics"].as_array().cloned().unwrap_or_default();
    let plain = alarms.iter().filter(|(_, alarm)| alarm.get("MetricName").is_some()).map(|(_, alarm)| metric(alarm));
    let math = alarms.iter().flat_map(|(_, alarm)| in_math(alarm));
    let math =
        math.filter(|query| query.get("MetricStat").is_some()).map(|query| metric(&query["MetricStat"]["Metric"]));
    plain.chain(math).collect()
}

fn of_cloudwatch() -> BTreeSet<Metric> {
    let widgets = body()["widgets"].as_array().cloned().unwrap_or_default();
    let lines =
        widgets.iter().flat_map(|widget| widget["properties"]["metrics"].as_array().cloned().unwrap_or_default());
    lines.filter_map(|line| of_line(line.as_array().map_or(&[], Vec::as_slice))).collect()
}

fn of_line(line: &[Value]) -> Option<Metric> {
    match line {
        [namespace, name, dimensions @ .., _options] => {
            let pairs = dimensions.chunks(2).map(|pair| (text(&pair[0]), named(&pair[1])));
            Some(Metric::new(namespace, name, pairs))
        }
        [options] => of_search(options["expression"].as_str()?),
        _ => None,
    }
}

/// `SEARCH('{"Namespace",dimension,dimension} MetricName="Name" dimension="value"', 'Sum', 60)`
fn of_search(expression: &str) -> Option<Metric> {
    let search = expression.strip_prefix("SEARCH('{\"")?;
    let (namespace, search) = search.split_once("\",")?;
    let (names, terms) = search.split_once('}')?;
    let terms: BTreeMap<_, _> =
        terms.split('\'').next()?.split_whitespace().filter_map(|term| term.split_once('=')).collect();
    let value = |name: &str| terms.get(name).map(|value| value.trim_matches('"')).unwrap_or_default();
    let dimensions = names.split(',').map(|name| (name.to_owned(), without_variable(value(name))));
    Some(Metric::new(&namespace.into(), &value("MetricName").into(), dimensions))
}

fn of_grafana() -> BTreeSet<Metric> {
    let dashboard: Value = serde_json::from_str(&read("dashboards/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().cloned().unwrap_or_default();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    let metrics = targets.filter(|target| target.get("metricName").is_some());
    metrics
        .map(|target| {
            let dimensions = entries(&target["dimensions"]);
            let dimensions = dimensions.map(|(name, value)| (name.clone(), named(value).replace('*', "")));
            Metric::new(&target["namespace"], &target["metricName"], dimensions)
        })
        .collect()
}

/// The CloudWatch dashboard's JSON without the operations API, with its placeholders.
fn body() -> Value {
    body_with("false")
}

fn body_with(operations: &str) -> Value {
    body_of(&Template::read(DASHBOARD).with("Operations", operations.into()))
}

pub(crate) fn body_of(template: &Template) -> Value {
    let parts = template.value(template.raw("/Resources/Dashboard/Properties/DashboardBody/Fn::Join/1"));
    let part = |part: &Value| text(part.get("Fn::Sub").unwrap_or(part));
    let body: String = parts.as_array().unwrap().iter().map(part).collect();
    serde_json::from_str(&body).unwrap()
}

impl Metric {
    fn new(namespace: &Value, name: &Value, dimensions: impl Iterator<Item = (String, String)>) -> Self {
        Self { namespace: named(namespace), name: text(name), dimensions: dimensions.collect() }
    }

    /// Whether it is in the namespace of the stack's functions.
    fn is_ours(&self) -> bool {
        self.namespace == format!("{NAMESPACE}/@")
    }
}

/// A dimension's value, written with `!Sub`, with `!Ref` or in full.
fn named(value: &Value) -> String {
    without_variable(value.get("Fn::Sub").or_else(|| value.get("Ref")).and_then(Value::as_str).unwrap_or(&text(value)))
}

fn without_variable(name: &str) -> String {
    [("${ApiId}", "ApiId"), ("${api}", "ApiId"), ("${TableName}", "TableName"), ("${table}", "TableName")]
        .iter()
        .fold(without_stack(name), |name, (variable, plain)| name.replace(variable, plain))
}
