//! What each function is given: its variables and events, which the page about cargo-lambda has for
//! users who deploy it alone, and an extension's layers and variables, on request only.

use crate::{MAIN, with_options};
use repo_checks::{Template, elements, entries, infra, read, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const FUNCTIONS: [&str; 6] = ["intake", "processor", "feedback", "reconciler", "operations", "repair"];

/// What a function reads, but the template does not set. Lambda sets `AWS_REGION`, and only the
/// local AWS needs `AWS_ENDPOINT_URL`.
const NOT_GIVEN: [&str; 3] = ["MAX_BODY_BYTES", "AWS_REGION", "AWS_ENDPOINT_URL"];
/// `shared/metrics/README.md` describes it.
const EVERY_FUNCTIONS: &str = "METRICS_NAMESPACE";
/// The variables that `shared/wiring` reads for these calls.
const BY_WIRING: [(&str, &[&str]); 4] = [
    (".settings()", &["SETTINGS_SECRET_ID"]),
    (".table()", &["TABLE_NAME", "RETENTION_DAYS"]),
    (".retry_base()", &["RETRY_BASE_SECONDS"]),
    (
        ".dead_letters()",
        &[
            "NOTIFICATIONS_DEAD_LETTER_QUEUE_URL",
            "FEEDBACK_DEAD_LETTER_QUEUE_URL",
            "EVENTS_DEAD_LETTER_QUEUE_URL",
            "REPAIRS_DEAD_LETTER_QUEUE_URL",
        ],
    ),
];
/// The secret of an extension.
const SECRET: &str = "arn:aws:secretsmanager:eu-north-1:000000000000:secret:vendor";
/// A parameter of extensions, its value, and its variable.
const EXTENSIONS: [(&str, &str, &str); 4] = [
    ("TelemetrySecretArn", SECRET, "DD_API_KEY_SECRET_ARN"),
    ("DatadogSite", "datadoghq.eu", "DD_SITE"),
    ("CollectorConfigUri", "file:/opt/own.yaml", "OPENTELEMETRY_COLLECTOR_CONFIG_URI"),
    ("CollectorEndpoint", "https://otlp.example.com", "OTEL_EXPORTER_OTLP_ENDPOINT"),
];

/// The functions of a cell in the table: a list, all, or all but a list.
fn meant(cell: &str) -> BTreeSet<&str> {
    match cell.strip_prefix("all") {
        None => cell.split(", ").collect(),
        Some(but) => {
            let others: Vec<_> = but.trim_start_matches(" but ").split(", ").collect();
            FUNCTIONS.into_iter().filter(|name| !others.contains(name)).collect()
        }
    }
}

/// The names in backticks in the first cell of each row, and the second cell.
fn rows(page: &str) -> impl Iterator<Item = (Vec<&str>, &str)> {
    let cells = page.lines().filter(|line| line.starts_with("| `")).map(|line| line.trim_matches('|').split('|'));
    cells.filter_map(|mut cells| {
        let names = cells.next()?.split('`').skip(1).step_by(2).collect();
        Some((names, cells.next()?.trim()))
    })
}

/// The functions by the variables that the template sets.
fn given() -> BTreeMap<String, BTreeSet<String>> {
    let main = with_options();
    let mut given = BTreeMap::<String, BTreeSet<String>>::new();
    for (name, function) in main.resources("AWS::Serverless::Function") {
        let name = name.trim_end_matches("Function").to_lowercase();
        let shared = main.raw("/Globals/Function/Environment/Variables");
        for (variable, value) in entries(&function["Environment"]["Variables"]).chain(entries(shared)) {
            // A parameter may leave it out by default.
            if !main.value(value).is_null() {
                given.entry(variable.clone()).or_default().insert(name.clone());
            }
        }
    }
    given
}

#[test]
fn the_page_lists_exactly_each_functions_variables() {
    let page = read("CARGO-LAMBDA.md");
    let (_, table) = page.split_once("| variable | of |").expect("the variables are a table");
    let listed: BTreeMap<String, BTreeSet<String>> = rows(table)
        .flat_map(|(names, of)| {
            let of: BTreeSet<String> = meant(of).into_iter().map(str::to_owned).collect();
            names.into_iter().map(move |name| (name.to_owned(), of.clone()))
        })
        .collect();
    assert_eq!(listed, given());
}

#[test]
fn each_functions_page_lists_exactly_its_variables() {
    let given = given();
    for function in FUNCTIONS {
        let page = fs::read_to_string(infra().join(format!("../functions/{function}/README.md"))).unwrap();
        let (_, table) = page.split_once("\n## Environment\n").expect("the page ends with the variables");
        let listed = rows(table).flat_map(|(names, _)| names).filter(|name| !NOT_GIVEN.contains(name));
        let own = given.iter().filter(|(_, of)| of.contains(function)).map(|(name, _)| name.as_str());
        let own: BTreeSet<&str> = own.filter(|name| *name != EVERY_FUNCTIONS).collect();
        assert_eq!(listed.collect::<BTreeSet<_>>(), own, "{function}");
    }
}

fn is_variable(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[test]
fn the_template_sets_every_variable_that_a_function_reads() {
    let given = given();
    for function in FUNCTIONS {
        let path = |file: &str| infra().join(format!("../functions/{function}/src/{file}.rs"));
        let source: String =
            ["wiring", "access"].iter().filter_map(|file| fs::read_to_string(path(file)).ok()).collect();
        let named = source.split('"').filter(|text| is_variable(text));
        let asked_for = BY_WIRING.iter().filter(|(call, _)| source.contains(call));
        let by_wiring = asked_for.flat_map(|(_, names)| names.iter().copied());
        let read: BTreeSet<&str> = named.chain(by_wiring).filter(|name| !NOT_GIVEN.contains(name)).collect();
        assert!(read.len() > 1, "{function}: {read:?}");
        for name in read {
            assert!(given.get(name).is_some_and(|of| of.contains(function)), "{function} reads {name}");
        }
    }
}

#[test]
fn the_queue_variables_name_their_queues() {
    let capitalised = |word: &str| format!("{}{}", &word[..1], word[1..].to_lowercase());
    let mut told = 0;
    for (function, properties) in with_options().resources("AWS::Serverless::Function") {
        for (variable, value) in entries(&properties["Environment"]["Variables"]) {
            let Some(name) = variable.strip_suffix("_QUEUE_URL") else { continue };
            let queue: String = name.split('_').map(capitalised).collect();
            assert_eq!(value["Ref"], format!("{queue}Queue"), "{function}: {variable}");
            told += 1;
        }
    }
    assert!(told > 15, "{told}");
}

#[test]
fn reads_lists_of_functions_and_their_exceptions() {
    assert_eq!(meant("repair, intake"), BTreeSet::from(["intake", "repair"]));
    assert_eq!(meant("all"), BTreeSet::from(FUNCTIONS));
    assert_eq!(meant("all but intake, repair"), BTreeSet::from(["processor", "feedback", "reconciler", "operations"]));
}

#[test]
fn the_page_shows_an_event_for_every_function() {
    let page = read("CARGO-LAMBDA.md");
    let mut files: Vec<_> = fs::read_dir(infra().join("events")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut names: Vec<_> = FUNCTIONS.iter().map(|name| infra().join(format!("events/{name}.json"))).collect();
    names.sort();
    assert_eq!(files, names);
    for name in FUNCTIONS {
        let row = format!("| `{name}` | [{name}.json](events/{name}.json) |");
        assert!(page.contains(&row), "CARGO-LAMBDA.md has no {row}");
    }
}

/// By default Lambda stops a function that sends messages to its own queue.
#[test]
fn the_page_allows_recursion_to_the_functions_of_the_template() {
    let main = with_options();
    let functions = main.resources("AWS::Serverless::Function");
    let allowed = functions.iter().filter(|(_, function)| function["RecursiveLoop"] == "Allow");
    let names: Vec<_> = allowed.map(|(name, _)| name.trim_end_matches("Function").to_lowercase()).collect();
    let page = read("CARGO-LAMBDA.md").replace("\n  ", " ");
    let line = page.lines().find(|line| line.starts_with("- **Recursion**")).expect("the page says it");
    for name in FUNCTIONS {
        assert_eq!(line.contains(&format!(" {name}")), names.iter().any(|own| own == name), "{name}");
    }
}

/// The form of AWS, which is stricter than our types.
#[test]
fn the_events_have_the_fields_of_aws() {
    let event = |name: &str| -> Value { serde_json::from_str(&read(&format!("events/{name}.json"))).unwrap() };
    for name in ["processor", "feedback", "repair"] {
        let record = &event(name)["Records"][0];
        let members: Vec<_> = entries(record).map(|(member, _)| member.as_str()).collect();
        let expected = [
            "attributes",
            "awsRegion",
            "body",
            "eventSource",
            "eventSourceARN",
            "md5OfBody",
            "messageAttributes",
            "messageId",
            "receiptHandle",
        ];
        assert_eq!(members.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(expected), "{name}");
        assert_eq!(record["eventSource"], "aws:sqs", "{name}");
    }
    for (name, route) in [("intake", "ANY /hooks/{proxy+}"), ("operations", "ANY /operations/{proxy+}")] {
        let event = event(name);
        assert_eq!([&event["version"], &event["routeKey"]], ["2.0", route], "{name}");
        let main = with_options();
        let routes = main.resources("AWS::ApiGatewayV2::Route");
        assert!(routes.iter().any(|(_, one)| text(&one["RouteKey"]) == route), "{name}");
    }
}

/// The additions to each function, with the parameters applied.
fn globals(main: &Template) -> Value {
    main.value(main.raw("/Globals/Function"))
}

#[test]
fn an_extension_gets_its_layers_and_variables_in_every_function() {
    let main = EXTENSIONS.into_iter().fold(with_options(), |main, (name, value, _)| main.with(name, value.into()));
    let main = main.with("ExtraLayers", "arn:aws:lambda:eu-north-1:000000000000:layer:a:1".into());
    let globals = globals(&main);
    assert_eq!(globals["Layers"], json!({"Fn::Split": [",", "arn:aws:lambda:eu-north-1:000000000000:layer:a:1"]}));
    for (_, value, variable) in EXTENSIONS {
        assert_eq!(globals["Environment"]["Variables"][variable], value, "{variable}");
    }
    // SAM adds these to a function's own, so no function may override them.
    for (name, function) in main.resources("AWS::Serverless::Function") {
        assert!(function.get("Layers").is_none(), "{name}");
        let own = &function["Environment"]["Variables"];
        assert!(EXTENSIONS.iter().all(|(_, _, variable)| own.get(*variable).is_none()), "{name}");
    }
}

#[test]
fn has_nothing_of_an_extension_by_default() {
    let main = Template::read(MAIN);
    let globals = globals(&main);
    assert!(globals["Layers"].is_null());
    for (_, _, variable) in EXTENSIONS {
        assert!(globals["Environment"]["Variables"][variable].is_null(), "{variable}");
    }
    let policies = main.resources("AWS::IAM::Policy");
    assert!(policies.iter().all(|(name, _)| *name != "TelemetrySecretUse"));
}

#[test]
fn functions_may_read_only_the_extensions_secret() {
    let main = with_options().with("TelemetrySecretArn", SECRET.into());
    let policies = main.resources("AWS::IAM::Policy");
    let (_, policy) = policies.iter().find(|(name, _)| *name == "TelemetrySecretUse").expect("the policy is there");
    let roles: Vec<_> = elements(&policy["Roles"]).into_iter().map(|role| text(&role["Ref"])).collect();
    let functions = main.resources("AWS::Serverless::Function");
    let expected: Vec<_> = functions.iter().map(|(_, one)| text(&one["Role"]["Fn::GetAtt"])).collect();
    assert_eq!(roles.len(), functions.len());
    assert!(roles.iter().all(|role| expected.contains(&format!("{role}.Arn"))), "{roles:?}");
    let statements = elements(&policy["PolicyDocument"]["Statement"]);
    let [statement] = statements.as_slice() else { panic!("{statements:?}") };
    assert_eq!([&statement["Action"], &statement["Resource"]], ["secretsmanager:GetSecretValue", SECRET]);
}

#[test]
fn the_page_names_each_parameter_with_its_variable() {
    let page = read("MONITORING.md");
    for (parameter, _, variable) in EXTENSIONS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{parameter}` |")));
        assert!(row.is_some_and(|row| row.contains(variable)), "MONITORING.md has no row for {parameter}");
    }
}
