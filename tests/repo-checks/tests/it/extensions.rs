//! An extension's layers and variables are in every function, but only on request.

use crate::{MAIN, with_options};
use repo_checks::{Template, elements, read, text};
use serde_json::{Value, json};

const SECRET: &str = "arn:aws:secretsmanager:eu-north-1:000000000000:secret:vendor";
/// A parameter, its value, and its variable.
const VARIABLES: [(&str, &str, &str); 4] = [
    ("TelemetrySecretArn", SECRET, "DD_API_KEY_SECRET_ARN"),
    ("DatadogSite", "datadoghq.eu", "DD_SITE"),
    ("CollectorConfigUri", "file:/opt/own.yaml", "OPENTELEMETRY_COLLECTOR_CONFIG_URI"),
    ("CollectorEndpoint", "https://otlp.example.com", "OTEL_EXPORTER_OTLP_ENDPOINT"),
];

/// The additions to each function, with the parameters applied.
fn globals(main: &Template) -> Value {
    main.value(main.raw("/Globals/Function"))
}

#[test]
fn an_extension_gets_its_layers_and_variables_in_every_function() {
    let main = VARIABLES.into_iter().fold(with_options(), |main, (name, value, _)| main.with(name, value.into()));
    let main = main.with("ExtraLayers", "arn:aws:lambda:eu-north-1:000000000000:layer:a:1".into());
    let globals = globals(&main);
    assert_eq!(globals["Layers"], json!({"Fn::Split": [",", "arn:aws:lambda:eu-north-1:000000000000:layer:a:1"]}));
    for (_, value, variable) in VARIABLES {
        assert_eq!(globals["Environment"]["Variables"][variable], value, "{variable}");
    }
    // SAM adds these to a function's own, so no function may override them.
    for (name, function) in main.resources("AWS::Serverless::Function") {
        assert!(function.get("Layers").is_none(), "{name}");
        let own = &function["Environment"]["Variables"];
        assert!(VARIABLES.iter().all(|(_, _, variable)| own.get(*variable).is_none()), "{name}");
    }
}

#[test]
fn has_nothing_of_an_extension_by_default() {
    let main = Template::read(MAIN);
    let globals = globals(&main);
    assert!(globals["Layers"].is_null());
    for (_, _, variable) in VARIABLES {
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
    for (parameter, _, variable) in VARIABLES {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{parameter}` |")));
        assert!(row.is_some_and(|row| row.contains(variable)), "MONITORING.md has no row for {parameter}");
    }
}
