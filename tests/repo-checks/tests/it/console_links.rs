//! The links of alarms and dashboards to the pages of the operations API's console.

use crate::dashboards::body_of;
use crate::sources::root;
use crate::{ALARMS, DASHBOARD, MAIN, alarms, description, with_options};
use repo_checks::{Template, read, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;

const ADDRESS: &str = "https://abcdefghij.execute-api.ap-southeast-5.amazonaws.com/operations/console";
/// CloudWatch's limit, in characters.
const LONGEST_DESCRIPTION: usize = 1024;
/// Alarms about notifications that no page shows, with the reason.
const NO_PAGE: [(&str, &str); 6] = [
    ("SignatureFailures", "intake records nothing of what it rejects"),
    ("PrefixUnknown", "intake records nothing of what it rejects"),
    ("MassChanges", "it counts rows of the ERP"),
    ("RowsUnreadable", "it counts rows of the ERP"),
    ("OutcomesExpired", "the notification has an answer, so no list has it"),
    ("Stuck", "it goes on as usual, so no list has it"),
];

/// The views of the console, and the kinds of its view "attention".
struct Pages {
    views: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Pages {
    fn read() -> Self {
        let script = |name| fs::read_to_string(root().join("functions/operations/console").join(name)).unwrap();
        let (app, words) = (script("app.js"), script("words.js"));
        let (views, _) = app.split_once("const VIEWS = {").unwrap().1.split_once("};").unwrap();
        let views = views.split(": () => import(").filter_map(|part| part.split_whitespace().last());
        let views: BTreeSet<_> = views.filter(|word| !word.contains('"')).map(str::to_owned).collect();
        let (kinds, _) = words.split_once("export const MARKS = {\n").unwrap().1.split_once("\n};").unwrap();
        let kinds = kinds.lines().filter_map(|line| Some(line.trim().split_once(": [")?.0.to_owned())).collect();
        Self { views, kinds }
    }

    /// `page` is what follows `#/` in the address.
    fn check(&self, page: &str, place: &str) {
        let (view, query) = page.split_once('?').unwrap_or((page, ""));
        assert!(self.views.contains(view), "{place}: the console has no view {view}");
        let kind = query.strip_prefix("kind=");
        assert!(query.is_empty() || kind.is_some_and(|kind| self.kinds.contains(kind)), "{place}: {query}");
    }
}

/// What follows `address` and `#/` in each link of a text.
fn linked<'t>(text: &'t str, address: &str) -> Vec<&'t str> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, ')' | ',');
    text.split(&format!("{address}#/")).skip(1).filter_map(|rest| rest.split(is_end).next()).collect()
}

fn named_pages(alarm: &Value) -> Vec<String> {
    linked(&description(alarm), "${ConsoleUrl}").into_iter().map(str::to_owned).collect()
}

#[test]
fn every_alarm_about_notifications_names_a_page_of_the_console() {
    let pages = Pages::read();
    assert!(pages.views.len() > 9 && pages.kinds.len() > 5, "{:?} {:?}", pages.views, pages.kinds);
    let mut used = BTreeSet::new();
    for (path, template) in ALARMS.iter().zip(alarms()) {
        for (name, alarm) in template.with("ConsoleUrl", ADDRESS.into()).resources("AWS::CloudWatch::Alarm") {
            let deployed = text(&alarm["AlarmName"]["Fn::Sub"]);
            let parts = ["-notifications", "-dead-letters", "-end-to-end"];
            let is_about = path.ends_with("notifications.yaml") || parts.iter().any(|part| deployed.contains(part));
            let has_none = !is_about || NO_PAGE.iter().any(|(known, _)| known == name);
            let named = named_pages(&alarm);
            assert!(named.len() == 1 || (named.is_empty() && has_none), "{path}: {name} names {named:?}");
            for page in &named {
                pages.check(page, name);
            }
            used.extend(named);
        }
    }
    for page in ["attention?kind=dead", "attention?kind=parked", "attention?kind=feedback_parked", "letters"] {
        assert!(used.contains(page), "no alarm names {page}");
    }
}

#[test]
fn the_alarms_without_a_page_exist() {
    let names: Vec<_> =
        alarms().iter().flat_map(|one| one.resources("AWS::CloudWatch::Alarm")).map(|(name, _)| name.clone()).collect();
    for (name, reason) in NO_PAGE {
        assert!(names.contains(&name.to_owned()), "{name} is no alarm: {reason}");
    }
}

#[test]
fn without_a_console_no_alarm_names_one() {
    for template in alarms() {
        for (name, alarm) in template.resources("AWS::CloudWatch::Alarm") {
            let description = description(&alarm);
            assert!(description.ends_with(".md") && !description.contains("Console"), "{name}: {description}");
        }
    }
}

#[test]
fn cloudwatch_accepts_the_length_of_each_description() {
    for template in alarms() {
        for (name, alarm) in template.with("ConsoleUrl", ADDRESS.into()).resources("AWS::CloudWatch::Alarm") {
            let length = description(&alarm).replace("${ConsoleUrl}", ADDRESS).chars().count();
            assert!(length <= LONGEST_DESCRIPTION, "{name}: {length}");
        }
    }
}

#[test]
fn both_dashboards_link_to_pages_of_the_console() {
    let pages = Pages::read();
    let deployed = Template::read(DASHBOARD).with("Operations", "true".into());
    let texts = |template: &Template| -> Vec<String> {
        let widgets = body_of(template)["widgets"].as_array().cloned().unwrap();
        let texts = widgets.iter().filter(|widget| widget["type"] == "text");
        texts.map(|widget| text(&widget["properties"]["markdown"])).collect()
    };
    assert!(texts(&deployed).is_empty(), "there is no console to link to");
    let cloudwatch = texts(&deployed.with("ConsoleUrl", ADDRESS.into())).concat();
    let grafana: Value = serde_json::from_str(&read("dashboards/grafana.json")).unwrap();
    let grafana = text(&grafana["panels"][0]["options"]["content"]);
    for (text, address) in [(cloudwatch, "${ConsoleUrl}"), (grafana, "${console:raw}")] {
        let linked = linked(&text, address);
        assert!(linked.contains(&"attention") && linked.contains(&"letters"), "{text}");
        for page in linked {
            pages.check(page, address);
        }
    }
}

/// A browser cannot sign requests, so there is no console with IAM.
#[test]
fn the_consoles_address_is_given_only_with_tokens() {
    let address = json!({ "Fn::Sub": "${Api.ApiEndpoint}/operations/console" });
    for (authorizer, expected) in [("jwt", address.clone()), ("iam", json!("")), ("none", json!(""))] {
        let main = with_options().with("OperationsAuthorizer", authorizer.into());
        let nested = main.resources("AWS::Serverless::Application");
        let given: Vec<_> = nested.iter().filter_map(|(_, stack)| stack["Parameters"].get("ConsoleUrl")).collect();
        assert_eq!(given, [&expected; 4], "{authorizer}");
    }
    let output = Template::read(MAIN).raw("/Outputs/ConsoleUrl").clone();
    assert_eq!((&output["Value"], &output["Condition"]), (&address, &json!("OperationsByToken")));
}
