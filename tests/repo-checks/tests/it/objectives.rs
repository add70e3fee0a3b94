//! The two objectives, the alarms that page, and the origin of their numbers.

use crate::{MAIN, alarms, alarms_of};
use repo_checks::{Template, elements, number, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The error rate that pages: 14.4 times the allowed 0.1 %.
const BURN: f64 = 14.4 * 0.001;

fn plain_alarms() -> Vec<(String, Value)> {
    alarms_of(&alarms(), "AWS::CloudWatch::Alarm")
}

fn find(wanted: &str) -> Value {
    plain_alarms().into_iter().find(|(name, _)| name == wanted).map(|(_, alarm)| alarm).expect("the alarm is there")
}

/// The metrics of an alarm, without its expressions.
fn metrics(alarm: &Value) -> Vec<Value> {
    elements(&alarm["Metrics"]).into_iter().filter_map(|query| query.get("MetricStat").cloned()).collect()
}

fn expressions(alarm: &Value) -> Vec<String> {
    elements(&alarm["Metrics"]).into_iter().filter_map(|query| query.get("Expression").map(text)).collect()
}

#[test]
fn both_windows_of_a_burn_rate_use_the_same_metrics() {
    for objective in ["AckBurn", "EndToEndBurn"] {
        let (short, long) = (find(&format!("{objective}5m")), find(&format!("{objective}1h")));
        assert_eq!(short["Metrics"].to_string().replace("300", "3600"), long["Metrics"].to_string());
        assert!((number(&short["Threshold"]) - BURN).abs() < 1e-9 && short["Threshold"] == long["Threshold"]);
    }
}

/// The operations API shares the API: its 5xx are not acknowledgements that failed.
#[test]
fn only_intakes_route_and_function_count_for_acknowledgements() {
    let main = Template::read(MAIN);
    let (_, route) =
        main.resources("AWS::ApiGatewayV2::Route").into_iter().find(|(name, _)| *name == "HooksRoute").unwrap();
    let (_, stage) = main.resources("AWS::ApiGatewayV2::Stage").remove(0);
    let key = text(&route["RouteKey"]);
    let (method, path) = key.split_once(' ').unwrap();
    for window in ["AckBurn5m", "AckBurn1h"] {
        let mut of_route = 0;
        for metric in metrics(&find(window)) {
            let (metric, dimensions) = (&metric["Metric"], elements(&metric["Metric"]["Dimensions"]));
            let value = |wanted: &str| {
                let found = dimensions.iter().find(|dimension| dimension["Name"] == wanted);
                found.map(|dimension| text(dimension["Value"].get("Fn::Sub").unwrap_or(&dimension["Value"])))
            };
            match metric["Namespace"].as_str() {
                Some("AWS/ApiGateway") => {
                    let expected = [Some(method.to_owned()), Some(path.to_owned()), Some(text(&stage["StageName"]))];
                    assert_eq!(["Method", "Resource", "Stage"].map(value), expected, "{window}");
                    of_route += 1;
                }
                Some("AWS/Lambda") => assert_eq!(value("FunctionName").as_deref(), Some("${ReceiverStackName}-intake")),
                _ => assert_eq!(value("service").as_deref(), Some("intake"), "{metric}"),
            }
        }
        assert_eq!(of_route, 1, "{window}");
    }
    let detailed = |settings: &Value| settings["DetailedMetricsEnabled"] == true;
    assert!(detailed(&stage["RouteSettings"][key.as_str()]), "the route has no metrics of its own");
    let others = stage["RouteSettings"].as_object().unwrap().iter().filter(|(route, _)| **route != key);
    assert!(
        !others.map(|(_, settings)| settings).chain([&stage["DefaultRouteSettings"]]).any(detailed),
        "paid for and not read"
    );
}

/// Anybody can send requests that are refused, as many as they like.
#[test]
fn refused_requests_do_not_hide_failed_acknowledgements() {
    for window in ["AckBurn5m", "AckBurn1h"] {
        let alarm = find(window);
        let counted: BTreeSet<_> = metrics(&alarm).iter().map(|metric| text(&metric["Metric"]["MetricName"])).collect();
        let expected = ["Accepted", "Unavailable", "Errors", "Throttles", "5xx"].map(str::to_owned);
        assert_eq!(counted, BTreeSet::from(expected), "{window}");
        assert_eq!(expressions(&alarm)[0], "IF(failed < 5, 0, failed / (failed + FILL(accepted, 0)))", "{window}");
    }
}

/// FILL replaces a late value with zero, so a single point means little. But not all points of an
/// hour are late.
#[test]
fn a_single_late_point_does_not_trigger_an_alarm() {
    for (name, alarm) in plain_alarms() {
        if expressions(&alarm).iter().any(|expression| expression.contains("FILL(")) {
            let is_hour = metrics(&alarm).iter().all(|metric| number(&metric["Period"]) >= 3600.0);
            assert!(number(&alarm["DatapointsToAlarm"]) >= 2.0 || is_hour, "{name}");
        }
    }
    for objective in ["AckBurn5m", "EndToEndBurn5m"].map(find) {
        assert_eq!([&objective["DatapointsToAlarm"], &objective["EvaluationPeriods"]], [&json!(2), &json!(3)]);
    }
}

/// Division by a missing value leaves a gap, and division by zero gives an error in the panel.
#[test]
fn no_expression_divides_by_zero_in_a_quiet_hour() {
    let of_alarms = plain_alarms().into_iter().flat_map(|(_, alarm)| expressions(&alarm));
    let panels = dashboards::rows().into_iter().flat_map(|row| row.panels);
    let series = panels.flat_map(|panel| match panel.view {
        dashboards::View::Lines { series, .. }
        | dashboards::View::Stacked { series, .. }
        | dashboards::View::Numbers { series, .. } => series,
        dashboards::View::Alarms(_) | dashboards::View::Logs | dashboards::View::Text(_) => vec![],
    });
    let drawn = series.filter_map(|series| match series.source {
        dashboards::Source::Math(expression) => Some(expression),
        dashboards::Source::Metric { .. } | dashboards::Source::Each { .. } => None,
    });
    let mut divisions = 0;
    for expression in of_alarms.chain(drawn).filter(|expression| expression.contains(" / ")) {
        let is_asked_first = expression.starts_with("IF(") || expression.contains(" / IF(");
        assert!(is_asked_first, "{expression}");
        divisions += 1;
    }
    assert!(divisions >= 10, "{divisions}");
}

#[test]
fn the_page_combines_existing_alarms() {
    let [.., template] = alarms();
    let rule = text(template.raw("/Resources/Page/Properties/AlarmRule/Fn::Sub"));
    let children: Vec<_> = rule.split("ALARM(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(children.len(), 6);
    let alarms = plain_alarms();
    for child in children {
        // By its logical name in the same template, and by its own name in another one.
        let is_child = |(name, alarm): &(String, Value)| {
            child == format!("${{{name}}}") || child == text(&alarm["AlarmName"]["Fn::Sub"])
        };
        assert!(alarms.iter().any(is_child), "{child}");
    }
}
