//! The program with the answers of AWS itself.

use crate::fakes::{Asked, Server};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::process::Command;

const TOPIC: &str = "arn:aws:sns:eu-north-1:000000000000:webhooks-tickets";
const RESOURCES: [(&str, &str, &str); 6] = [
    ("QueueAlarms", "AWS::CloudFormation::Stack", "arn:aws:cloudformation:eu-north-1:000000000000:stack/queues/1"),
    ("ProcessorMapping", "AWS::Lambda::EventSourceMapping", "0d343a25"),
    ("ReconcilerSchedule", "AWS::Scheduler::Schedule", "webhooks-ReconcilerSchedule-1"),
    ("IntakeLogs", "AWS::Logs::LogGroup", "/aws/lambda/webhooks-intake"),
    ("TicketTopic", "AWS::SNS::Topic", TOPIC),
    ("Gone", "AWS::Lambda::EventSourceMapping", ""),
];
const ALARMS: [(&str, &str, &str); 2] = [
    ("EventsAge", "AWS::CloudWatch::Alarm", "webhooks-queue-age-events"),
    ("Page", "AWS::CloudWatch::CompositeAlarm", "arn:aws:cloudwatch:eu-north-1:000000000000:alarm:webhooks-page"),
];

/// An answer of a service with a query protocol.
fn xml(action: &str, result: &str) -> (u16, Value) {
    let result = format!("<{action}Result>{result}</{action}Result>");
    (200, Value::String(format!("<{action}Response xmlns=\"https://aws.example/doc/\">{result}</{action}Response>")))
}

fn refused(status: u16, code: &str, message: &str) -> (u16, Value) {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    (status, Value::String(format!("<ErrorResponse xmlns=\"https://aws.example/doc/\">{error}</ErrorResponse>")))
}

fn resources(of: &[(&str, &str, &str)]) -> (u16, Value) {
    let member = |(name, kind, id): &(&str, &str, &str)| {
        format!(
            "<member><LogicalResourceId>{name}</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId>\
             <ResourceType>{kind}</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
             <LastUpdatedTimestamp>2026-11-01T00:00:00Z</LastUpdatedTimestamp></member>"
        )
    };
    let members: String = of.iter().map(member).collect();
    xml("ListStackResources", &format!("<StackResourceSummaries>{members}</StackResourceSummaries>"))
}

fn of_form(body: &str) -> (u16, Value) {
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default();
    match action {
        "GetCallerIdentity" => xml(action, "<Arn>arn:aws:iam::000000000000:user/operator</Arn>"),
        "DescribeStacks" => {
            let output = |name: &str, value: &str| {
                format!("<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>")
            };
            let outputs = output("SettingsSecretArn", "a-secret") + &output("TableName", "a-table");
            let stack = "<StackName>webhooks</StackName><CreationTime>2026-11-01T00:00:00Z</CreationTime>\
                         <StackStatus>CREATE_COMPLETE</StackStatus>";
            xml(action, &format!("<Stacks><member>{stack}<Outputs>{outputs}</Outputs></member></Stacks>"))
        }
        "ListStackResources" if body.contains("StackName=webhooks") => resources(&RESOURCES),
        "ListStackResources" => resources(&ALARMS),
        "ListSubscriptionsByTopic" => {
            let pending = "<SubscriptionArn>PendingConfirmation</SubscriptionArn><Owner>000000000000</Owner>\
                           <Protocol>email</Protocol><Endpoint>team@example.com</Endpoint>";
            xml(action, &format!("<Subscriptions><member>{pending}</member></Subscriptions>"))
        }
        other => panic!("unexpected request: {other}"),
    }
}

fn of_target(target: &str, body: &str) -> (u16, Value) {
    let body: Value = serde_json::from_str(body).unwrap();
    match target {
        "GraniteServiceVersion20100801.DescribeAlarms" => {
            assert_eq!(body["AlarmNames"], json!(["webhooks-queue-age-events", "webhooks-page"]));
            assert_eq!(body["AlarmTypes"], json!(["MetricAlarm", "CompositeAlarm"]));
            let of = |name: &str| json!({ "AlarmName": name, "ActionsEnabled": true, "StateValue": "OK" });
            let (mut age, mut page) = (of("webhooks-queue-age-events"), of("webhooks-page"));
            age["AlarmActions"] = json!([]);
            page["AlarmActions"] = json!([TOPIC]);
            page["AlarmRule"] = json!("ALARM(\"webhooks-queue-age-events\")");
            (200, json!({ "MetricAlarms": [age], "CompositeAlarms": [page] }))
        }
        "Logs_20140328.DescribeLogGroups" => {
            let group = |suffix: &str, days: Value| json!({ "logGroupName": format!("/aws/lambda/webhooks-intake{suffix}"), "retentionInDays": days });
            (200, json!({ "logGroups": [group("", json!(7)), group("-old", Value::Null)] }))
        }
        "secretsmanager.GetSecretValue" => {
            (200, json!({ "VersionId": "1", "SecretString": fixtures::document().to_string() }))
        }
        "DynamoDB_20120810.GetItem" => (200, json!({})),
        other => panic!("unexpected request: {other}"),
    }
}

fn deployed(asked: &Asked) -> (u16, Value) {
    if let Some(target) = asked.headers.get("x-amz-target") {
        return of_target(target.to_str().unwrap(), &asked.body);
    }
    match asked.line.as_str() {
        "GET /health" => (200, json!({ "status": "ok" })),
        "GET /2016-08-19/account-settings" => {
            (200, json!({ "AccountLimit": { "ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 990 } }))
        }
        "GET /2015-03-31/event-source-mappings/0d343a25" => (200, json!({ "State": "Disabled" })),
        "GET /schedules/webhooks-ReconcilerSchedule-1" => {
            (403, json!({ "__type": "com.amazonaws.scheduler#AccessDeniedException", "Message": "not allowed" }))
        }
        _ => of_form(&asked.body),
    }
}

/// A new account: it is empty and may run ten functions at once.
fn new(asked: &Asked) -> (u16, Value) {
    let gone = json!({ "__type": "ResourceNotFoundException", "message": "gone" });
    match (asked.headers.get("x-amz-target").and_then(|target| target.to_str().ok()), asked.line.as_str()) {
        (Some("AmazonSQS.ListQueues"), _) => (200, json!({})),
        (Some(_), _) => (200, json!({ "logGroups": [] })),
        (None, "GET /2016-08-19/account-settings") => {
            (200, json!({ "AccountLimit": { "ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10 } }))
        }
        (None, line) if line.starts_with("GET /2015-03-31/functions/webhooks-") => (404, gone),
        _ if asked.body.contains("Action=DescribeStacks") => {
            refused(400, "ValidationError", "Stack with id webhooks does not exist")
        }
        _ => of_form(&asked.body),
    }
}

/// Returns the exit code and the result.
async fn run(server: &Server) -> (i32, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visma-webhooks"));
    let api = format!("ApiUrl={}", server.url);
    command.args(["deploy-check", "--stack-name", "webhooks", "--region", "eu-north-1", "--set", &api]);
    command.args(["--output", "json"]).env_clear().envs([
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret-key"),
        ("AWS_ENDPOINT_URL", &server.url),
        ("AWS_MAX_ATTEMPTS", "1"),
    ]);
    let output = command.stdin(Stdio::null()).output().await.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains("canary") && !shown.contains("team@example.com"), "{shown}");
    (output.status.code().unwrap(), serde_json::from_str(&shown).unwrap_or_else(|_| panic!("{said}{shown}")))
}

fn verdicts(checks: &Value) -> Vec<(&str, &str)> {
    let checks = checks.as_array().unwrap().iter();
    checks.map(|check| (check["name"].as_str().unwrap(), check["verdict"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn reads_a_deployed_stack_from_real_answers() {
    let server = Server::start(deployed).await;
    let (code, checks) = run(&server).await;
    let health = format!("reachable at {}/health", server.url);
    assert_eq!(
        verdicts(&checks),
        [
            ("AWS credentials", "ok"),
            ("stack", "ok"),
            ("concurrency of Lambda", "ok"),
            ("settings document", "ok"),
            (health.as_str(), "ok"),
            ("mapping ProcessorMapping", "failed"),
            ("schedule ReconcilerSchedule", "unknown"),
            ("log groups", "ok"),
            ("last sweep", "warning"),
            ("alarms", "ok"),
            ("alarms that ring", "ok"),
            ("topic webhooks-tickets", "failed"),
        ],
        "{checks:#}"
    );
    assert_eq!(code, 1);
}

/// A proxy that answers in place of intake.
fn proxied(asked: &Asked) -> (u16, Value) {
    if asked.line == "GET /health" { (200, json!("<html>Sign in</html>")) } else { deployed(asked) }
}

#[tokio::test]
async fn a_page_of_another_server_is_not_intake() {
    let server = Server::start(proxied).await;
    let (_, checks) = run(&server).await;
    let health = checks.as_array().unwrap().iter().find(|check| check["name"].as_str().unwrap().ends_with("/health"));
    let health = health.unwrap();
    assert_eq!((&health["verdict"], &health["seen"]), (&json!("failed"), &json!("200 OK, not by intake")));
}

#[tokio::test]
async fn reports_obstacles_and_unknowns_of_a_new_account() {
    let server = Server::start(new).await;
    let (code, checks) = run(&server).await;
    let expected = [
        ("AWS credentials", "ok"),
        ("stack", "ok"),
        ("concurrency of Lambda", "failed"),
        // All services have the same endpoint here.
        ("services of the region", "unknown"),
        ("names", "ok"),
    ];
    assert_eq!((verdicts(&checks), code), (expected.to_vec(), 1), "{checks:#}");
}

#[tokio::test]
async fn signs_each_call_for_its_service_and_region() {
    let server = Server::start(deployed).await;
    run(&server).await;
    let signed = server.asked().into_iter().filter_map(|asked| {
        let header = asked.headers.get("authorization")?.to_str().ok()?.to_owned();
        let (_, scope) = header.split_once("/eu-north-1/")?;
        Some((scope.split('/').next()?.to_owned(), header))
    });
    let signed: Vec<(String, String)> = signed.collect();
    for service in ["cloudformation", "lambda", "logs", "monitoring", "scheduler", "sns"] {
        assert!(signed.iter().any(|(name, _)| name == service), "{service} in {signed:?}");
    }
    let own = signed.iter().filter(|(name, _)| ["logs", "monitoring"].contains(&name.as_str()));
    for (_, header) in own {
        assert!(header.contains("x-amz-target"), "AWS wants it signed: {header}");
    }
}
