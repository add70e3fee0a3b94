//! The generated dashboards.

use crate::drawn::{body, body_with};
use crate::{ALARMS, MAIN, alarms_of};
use repo_checks::{Template, number, read, text};
use serde_json::Value;
use std::collections::BTreeSet;

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
