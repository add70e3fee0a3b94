//! How events, invocations and alarms reach their recipients.

use crate::{ALARMS, MAIN, with_options};
use repo_checks::{Template, elements, number, text};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

fn named(main: &Template, kind: &str, name: &str) -> Value {
    let found = main.resources(kind).into_iter().find(|(own, _)| *own == name);
    found.map(|(_, properties)| properties).unwrap_or_else(|| panic!("no {name}"))
}

/// The result of a pipe's template. In an object each value is replaced. AWS does not say what a
/// pipe writes for a path that leads nowhere. A template that is not an object gives text, even if
/// the text is JSON, and an event bus rejects text.
fn transformed(template: &str, body: &Value) -> Map<String, Value> {
    let quoted = template.replace('<', "\"<").replace('>', ">\"");
    let fields: Map<String, Value> = serde_json::from_str(&quoted).expect("the bus takes an object only");
    let filled = fields.into_iter().filter_map(|(name, path)| {
        let path = text(&path).strip_prefix("<$.body")?.strip_suffix('>')?.replace('.', "/");
        Some((name, body.pointer(&path).expect("each path leads to a value").clone()))
    });
    filled.collect()
}

#[test]
fn the_bus_gets_each_whole_event_as_an_object() {
    let pipe = named(&with_options(), "AWS::Pipes::Pipe", "EventPipe");
    let parameters = &pipe["TargetParameters"];
    let source = include_str!("../../../../shared/model/src/cloud_event.rs");
    let (_, fields) = source.split_once("pub struct CloudEvent<'a> {").expect("the event is described there");
    let fields = fields.split_once("\n}").expect("it ends").0.lines().filter_map(|line| line.trim().split_once(": "));
    let names = fields.filter(|(name, _)| name.chars().all(char::is_alphanumeric) || *name == "event_type");
    let always_there = names.inspect(|(name, kind)| assert!(!kind.starts_with("Option"), "{name} may be missing"));
    let names: BTreeSet<_> = always_there.map(|(name, _)| if name == "event_type" { "type" } else { name }).collect();
    assert!(names.len() >= 8 && names.contains("specversion") && names.contains("data"), "{names:?}");

    let event: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!({"of": name}))).collect();
    let template = text(&parameters["InputTemplate"]);
    assert_eq!(transformed(&template, &event.clone().into()), event);
    let bus = &parameters["EventBridgeEventBusParameters"];
    assert_eq!([&bus["Source"], &bus["DetailType"]], ["$.body.source", "$.body.type"]);
}

/// `PutEvents` counts the details, sources and types of a request's events together. If they are
/// larger than this, it refuses them all. A pipe sends what it received as one request.
const LARGEST_REQUEST: f64 = 1_048_576.0;
/// For an event's source, which contains the tenant, and its type.
const SOURCE_AND_TYPE: f64 = 4096.0;

/// The local AWS does not show it: its pipes move no messages.
#[test]
fn the_largest_events_do_not_fail_together_at_the_bus() {
    let pipe = named(&with_options(), "AWS::Pipes::Pipe", "EventPipe");
    let together = &pipe["SourceParameters"]["SqsQueueParameters"]["BatchSize"];
    let source = include_str!("../../../../shared/model/src/cloud_event.rs");
    let (_, largest) = source.split_once("const MAX_MESSAGE: usize = ").expect("it is limited there");
    let largest = largest.split_once(';').expect("it ends").0.replace('_', "");
    let largest: f64 = largest.parse().expect("a number of bytes");
    assert!(number(together) * (largest + SOURCE_AND_TYPE) <= LARGEST_REQUEST, "{together} events of {largest} bytes");
}

/// The scheduler invokes asynchronously. By default Lambda retries such an invocation twice.
#[test]
fn a_failed_sweep_is_not_retried_early() {
    let main = Template::read(MAIN);
    for (name, schedule) in main.resources("AWS::Scheduler::Schedule") {
        assert_eq!(schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"], 0, "{name}");
        let function = &schedule["Target"]["Arn"]["Fn::GetAtt"];
        let function = text(function).trim_end_matches(".Arn").to_owned();
        let configured = main.resources("AWS::Lambda::EventInvokeConfig").into_iter();
        let of_function: Vec<_> =
            configured.filter(|(_, one)| one["FunctionName"]["Ref"] == function.as_str()).collect();
        let [(configuration, invocation)] = of_function.as_slice() else {
            panic!("{name} invokes {function}, and Lambda decides")
        };
        let before = text(main.raw(&format!("/Resources/{name}/DependsOn")));
        assert_eq!(&before, *configuration, "{name} may invoke as soon as it is there");
        let expected = [&json!("$LATEST"), &json!(0), &json!(60)];
        let found = ["Qualifier", "MaximumRetryAttempts", "MaximumEventAgeInSeconds"].map(|field| &invocation[field]);
        assert_eq!(found, expected, "{name}");
    }
}

/// By default Lambda stops a function that a chain of its own messages has invoked about 16 times.
#[test]
fn only_a_function_that_sends_to_its_own_queue_may_invoke_itself() {
    let main = with_options();
    let mappings = main.resources("AWS::Lambda::EventSourceMapping");
    let roles = main.resources("AWS::IAM::Role");
    let mut found = 0;
    for (name, function) in main.resources("AWS::Serverless::Function") {
        let own = mappings.iter().find(|(_, one)| one["FunctionName"]["Ref"] == name.as_str());
        let (_, role) =
            roles.iter().find(|(role, _)| text(&function["Role"]["Fn::GetAtt"]) == format!("{role}.Arn")).unwrap();
        let statements = elements(&role["Policies"][0]["PolicyDocument"]["Statement"]);
        let sends_to_own = own.is_some_and(|(_, mapping)| {
            let queue = mapping["EventSourceArn"].to_string();
            let may = |statement: &&Value, what: &str| statement["Action"].to_string().contains(what);
            statements.iter().any(|one| may(one, "sqs:SendMessage") && one["Resource"].to_string().contains(&queue))
        });
        assert_eq!(function["RecursiveLoop"] == "Allow", sends_to_own, "{name}");
        found += usize::from(sends_to_own);
    }
    assert_eq!(found, 2);
}

/// Schedules and pipes of other accounts must not use the role.
#[test]
fn roles_of_other_services_work_only_for_this_account() {
    for (name, role) in with_options().resources("AWS::IAM::Role") {
        let trust = &role["AssumeRolePolicyDocument"]["Statement"][0];
        let service = text(&trust["Principal"]["Service"]);
        let own = json!({"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}});
        assert!(service == "lambda.amazonaws.com" || trust["Condition"] == own, "{name} trusts {service}");
    }
}

fn told(options: &[(&str, &str)]) -> Template {
    options.iter().fold(Template::read(MAIN), |main, (name, value)| main.with(name, (*value).into()))
}

/// The topic that each nested stack of alarms gets.
fn topics(main: &Template, parameter: &str) -> BTreeSet<String> {
    let nested = main.resources("AWS::Serverless::Application").into_iter();
    nested.filter_map(|(_, stack)| stack["Parameters"].get(parameter).map(text)).collect()
}

#[test]
fn a_mere_address_creates_a_topic_for_all_alarms() {
    for (address, topic, parameter) in [
        ("TicketEmail", "TicketTopic", "TicketTopicArn"),
        ("TicketWebhook", "TicketTopic", "TicketTopicArn"),
        ("PageEmail", "PageTopic", "PageTopicArn"),
        ("PageWebhook", "PageTopic", "PageTopicArn"),
    ] {
        let main = told(&[(address, "https://somebody@example.com")]);
        let made = json!({"Ref": topic});
        assert_eq!(topics(&main, parameter), BTreeSet::from([text(&made)]), "{address}");
        let [(_, subscription)] = &main.resources("AWS::SNS::Subscription")[..] else {
            panic!("{address}: one is told")
        };
        let protocol = if address.ends_with("Email") { "email" } else { "https" };
        assert_eq!([&subscription["TopicArn"], &subscription["Protocol"]], [&made, &json!(protocol)], "{address}");

        let own = "arn:aws:sns:eu-north-1:000000000000:own";
        let main = told(&[(address, "https://somebody@example.com"), (parameter, own)]);
        assert!(main.resources("AWS::SNS::Topic").is_empty(), "{address}");
        assert_eq!(topics(&main, parameter), BTreeSet::from([own.to_owned()]));
        assert_eq!(main.resources("AWS::SNS::Subscription")[0].1["TopicArn"], own);
    }
    let nobody = Template::read(MAIN);
    assert!(nobody.resources("AWS::SNS::Topic").is_empty() && nobody.resources("AWS::SNS::Subscription").is_empty());
    assert_eq!(topics(&nobody, "TicketTopicArn"), BTreeSet::from([String::new()]));
}

#[test]
fn every_alarm_notifies_someone_directly_or_by_the_page() {
    for path in ALARMS {
        let template = Template::read(path)
            .with("TicketTopicArn", "tickets".into())
            .with("PageTopicArn", "pages".into())
            .with("SilenceHours", 4.into())
            .with("Operations", "true".into());
        for kind in ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"] {
            for (name, alarm) in template.resources(kind) {
                let is_half_of_the_page = name.contains("Burn");
                assert_eq!(elements(&alarm["AlarmActions"]).is_empty(), is_half_of_the_page, "{name}");
            }
        }
    }
}
