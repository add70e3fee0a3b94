//! What the template needs of an account, what it leaves behind, and how long AWS lets the names be
//! that begin with the stack's.

use crate::{ALARMS, DASHBOARD, MAIN, with_options, without_stack};
use repo_checks::{Template, elements, entries, number, read, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// In a new account all functions together have these executions, and none can be reserved.
const NEW_ACCOUNT: f64 = 10.0;
/// The executions that must be left for intake: at 100 ms each, twenty deliveries a second.
const FOR_INTAKE: f64 = 2.0;
/// The most characters of each kind of name.
const LIMITS: [(&str, &str, usize); 9] = [
    ("AWS::Serverless::Function", "FunctionName", 64),
    ("AWS::Pipes::Pipe", "Name", 64),
    ("AWS::SQS::Queue", "QueueName", 80),
    ("AWS::ApiGatewayV2::Api", "Name", 128),
    ("AWS::CloudWatch::Alarm", "AlarmName", 255),
    ("AWS::CloudWatch::CompositeAlarm", "AlarmName", 255),
    ("AWS::CloudWatch::Dashboard", "DashboardName", 255),
    ("AWS::SNS::Topic", "TopicName", 256),
    ("AWS::Logs::LogGroup", "LogGroupName", 512),
];
/// The most characters of a role's name.
const ROLE: usize = 64;

/// The overrides of an environment in samconfig.toml.
fn overrides(environment: &str) -> Vec<(String, String)> {
    crate::guide::overrides(&read("samconfig.toml"), environment)
}

#[test]
fn a_new_account_with_ten_executions_leaves_intake_its_share() {
    let small = overrides("new-account");
    assert!(!small.is_empty(), "samconfig.toml has a parameter set for it");
    for authorizer in ["none", "jwt"] {
        let main = Template::read(MAIN).with("OperationsAuthorizer", authorizer.into());
        let main = small.iter().fold(main, |main, (name, value)| main.with(name, value.as_str().into()));
        let functions = main.resources("AWS::Serverless::Function");
        assert!(
            functions.iter().all(|(_, one)| one["ReservedConcurrentExecutions"].is_null()),
            "it can reserve nothing"
        );
        let mappings = main.resources("AWS::Lambda::EventSourceMapping");
        let workers: f64 = mappings.iter().map(|(_, one)| number(&one["ScalingConfig"]["MaximumConcurrency"])).sum();
        // The reconciler runs once at a time, and a person uses the operations API.
        let others = if authorizer == "none" { 1.0 } else { 2.0 };
        assert!(NEW_ACCOUNT - workers - others >= FOR_INTAKE, "{workers} workers");
        let (_, stage) = main.resources("AWS::ApiGatewayV2::Stage").remove(0);
        for settings in [&stage["DefaultRouteSettings"], &stage["RouteSettings"]["ANY /hooks/{proxy+}"]] {
            assert!(number(&settings["ThrottlingRateLimit"]) <= 10.0 * FOR_INTAKE, "more than intake could answer");
        }
    }
}

/// API Gateway may neither log nor count the requests that it answers 429, if there are very many.
#[test]
fn a_flood_rings_even_if_only_the_requests_let_through_count() {
    for environment in ["dev", "staging", "production", "new-account"] {
        let given = overrides(environment);
        assert!(!given.is_empty(), "samconfig.toml has no {environment}");
        let main =
            given.iter().fold(Template::read(MAIN), |main, (name, value)| main.with(name, value.as_str().into()));
        let (_, stage) = main.resources("AWS::ApiGatewayV2::Stage").remove(0);
        let let_through = 60.0 * number(&stage["RouteSettings"]["ANY /hooks/{proxy+}"]["ThrottlingRateLimit"]);
        let nested = main.resources("AWS::Serverless::Application");
        let found = nested.iter().find(|(name, _)| *name == "NotificationAlarms");
        let (_, alarms) = found.expect("the alarms of the notifications are deployed");
        let rings_above = number(&alarms["Parameters"]["SpikeRequestsPerMinute"]);
        assert!(rings_above < let_through, "{environment}: {rings_above} of {let_through} a minute");
    }
}

/// The SAM CLI keeps the stack's value of a parameter that the overrides leave out
/// (`merge_parameters` of the SAM CLI).
#[test]
fn the_guide_takes_back_what_a_new_account_needed() {
    let (guide, main) = (read("DEPLOY.md"), Template::read(MAIN));
    let usual = overrides("dev");
    for (name, value) in overrides("new-account").into_iter().filter(|one| !usual.contains(one)) {
        let default = text(&main.raw("/Parameters")[name.as_str()]["Default"]);
        assert!(value == default || guide.contains(&format!("`{name}={default}`")), "DEPLOY.md: {name}={default}");
    }
}

/// When this text changes, CloudFormation writes the secret again, over the settings document of
/// every installation.
#[test]
fn the_first_settings_document_is_never_changed() {
    let (_, settings) = Template::read(MAIN).resources("AWS::SecretsManager::Secret").remove(0);
    let shipped = concat!(
        r#"{"version":1, "visma":{"connect_url":"https://connect.visma.com","erp_url":"https://api.finance.visma.net","#,
        r#""sales_order_url":"https://salesorder.visma.net", "client_id":"","client_secret":"","#,
        r#""scope":"vismanet_erp_service_api:read vismanet_erp_service_api:create","application_name":"webhooks"}, "#,
        r#""subscriptions":[],"tenants":[],"routes":[], "source_ips":{"policy":"off","addresses":[]}}"#,
    );
    assert_eq!(settings["SecretString"], shipped, "an update of the stack would overwrite everybody's settings");
}

#[test]
fn the_table_outlives_the_stack_but_not_a_failed_first_deployment() {
    let main = Template::read(MAIN);
    let table = main.raw("/Resources/Table");
    assert_eq!(
        [&table["DeletionPolicy"], &table["UpdateReplacePolicy"]],
        [&json!("RetainExceptOnCreate"), &json!("Retain")]
    );
}

/// A queue's mapping needs its attributes, and so does a function that opens its connection with
/// them.
#[test]
fn roles_read_only_attributes_of_queues_that_they_use() {
    const CONNECTED: [(&str, &str); 2] =
        [("IntakeRole", "NotificationsQueue"), ("ReconcilerRole", "NotificationsQueue")];
    // The operations API reads these queues to show how many messages wait.
    const SHOWN: &str = "OperationsRole";
    const DEAD: [&str; 4] = ["Events", "Feedback", "Notifications", "Repairs"];
    let main = with_options();
    let arn = |of: &Value| text(&of["Fn::GetAtt"]).trim_end_matches(".Arn").to_owned();
    let functions = main.resources("AWS::Serverless::Function");
    let role_of = |name: &Value| {
        let found = functions.iter().find(|(own, _)| name["Ref"] == own.as_str()).expect("the function is there");
        arn(&found.1["Role"])
    };
    let mappings = main.resources("AWS::Lambda::EventSourceMapping");
    let mut expected: BTreeSet<_> =
        mappings.iter().map(|(_, one)| (role_of(&one["FunctionName"]), arn(&one["EventSourceArn"]))).collect();
    expected.extend(CONNECTED.map(|(role, queue)| (role.to_owned(), queue.to_owned())));
    expected.insert(("EventPipeRole".to_owned(), "EventsQueue".to_owned()));
    // A redrive asks whether letters are hidden.
    expected.extend(DEAD.map(|queue| ("RepairRole".to_owned(), format!("{queue}DeadLetterQueue"))));
    let mut found = BTreeSet::new();
    for (role, properties) in main.resources("AWS::IAM::Role") {
        for statement in
            elements(&properties["Policies"]).iter().flat_map(|one| elements(&one["PolicyDocument"]["Statement"]))
        {
            if elements(&statement["Action"]).iter().any(|action| *action == "sqs:GetQueueAttributes") && role != SHOWN
            {
                found.extend(elements(&statement["Resource"]).into_iter().map(|queue| (role.clone(), arn(queue))));
            }
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn detects_a_visibility_below_window_and_six_timeouts() {
    let long_enough = crate::template::is_visible_again_in_time;
    assert!(long_enough(365.0, 60.0, 5.0) && long_enough(360.0, 60.0, 0.0));
    assert!(!long_enough(360.0, 60.0, 5.0), "the window counts, too");
    assert!(!long_enough(300.0, 60.0, 0.0));
}

/// The monthly cost of the alarms in DEPLOY.md: $0.10 for each metric of an alarm, and $0.50 for
/// the composite one.
#[test]
fn the_guide_states_the_monthly_cost_of_the_alarms() {
    let (mut metrics, mut composed) = (0_u32, 0_u32);
    for path in ALARMS {
        let template = Template::read(path);
        for (_, alarm) in template.resources("AWS::CloudWatch::Alarm") {
            let of_math = elements(&alarm["Metrics"]).into_iter().filter(|query| query.get("MetricStat").is_some());
            metrics += u32::try_from(of_math.count().max(1)).unwrap();
        }
        composed += u32::try_from(template.resources("AWS::CloudWatch::CompositeAlarm").len()).unwrap();
    }
    let cents = metrics * 10 + composed * 50;
    let said = format!("| alarms | ${}.{:02} |", cents / 100, cents % 100);
    assert!(read("DEPLOY.md").contains(&said), "DEPLOY.md lacks `{said}`");
}

#[test]
fn nested_stacks_get_every_parameter_without_default() {
    let main = with_options().with("TableCapacity", "provisioned".into());
    for (name, stack) in main.resources("AWS::Serverless::Application") {
        let nested = Template::read(&text(&stack["Location"]));
        for (parameter, described) in entries(nested.raw("/Parameters")) {
            let is_given = stack["Parameters"].get(parameter).is_some();
            assert!(is_given || described.get("Default").is_some(), "{name} lacks {parameter}");
        }
    }
}

/// The most characters of the stack's name with which this name is not too long.
fn room((kind, name, limit): (&str, &str, usize), resource: &Value) -> Option<usize> {
    let given = resource["Properties"].get(name).filter(|_| resource["Type"] == kind)?;
    let stack = given.get("Ref").map(|stack| format!("${{{}}}", text(stack)));
    let written = stack.unwrap_or_else(|| text(&given["Fn::Sub"]));
    without_stack(&written).contains('@').then(|| limit + 1 - without_stack(&written).len())
}

#[test]
fn the_guide_says_how_long_the_stacks_name_may_be() {
    let mut rooms = vec![];
    for path in ALARMS.into_iter().chain([MAIN, DASHBOARD]) {
        for (_, resource) in entries(Template::read(path).raw("/Resources")) {
            rooms.extend(LIMITS.into_iter().filter_map(|limit| room(limit, resource)));
        }
    }
    assert!(rooms.len() > 60, "{}", rooms.len());
    let longest = rooms.into_iter().min().unwrap();
    assert!(read("DEPLOY.md").contains(&format!("at most {longest} characters")), "DEPLOY.md: {longest}");
}

/// Else CloudFormation shortens it in the names of the roles, and the permissions are for names
/// that begin with all of it.
#[test]
fn the_deployer_takes_no_stack_name_that_would_be_shortened() {
    // A hyphen before and after the logical name, and twelve random characters.
    let main = Template::read(MAIN);
    let roles = entries(main.raw("/Resources")).filter(|(_, resource)| resource["Type"] == "AWS::IAM::Role");
    let longest = ROLE - 14 - roles.map(|(name, _)| name.len()).max().unwrap();
    let deployer = Template::read("deployer.yaml");
    let pattern = text(deployer.raw("/Parameters/StackName/AllowedPattern"));
    assert!(pattern.ends_with(&format!(",{}}}$", longest - 1)), "{pattern}: {longest}");
    assert!(read("GITHUB.md").contains(&format!("{longest} characters")), "GITHUB.md: {longest}");
}

#[test]
fn terraform_takes_no_name_that_makes_a_roles_too_long() {
    let roles = read("terraform/roles.tf");
    let names = roles.split("\"${var.name}-").skip(1).filter_map(|rest| rest.split('"').next());
    let longest = ROLE - 1 - names.map(|name| name.replace("${each.key}", "reconciler").len()).max().unwrap();
    let variables = read("terraform/variables.tf");
    assert!(variables.contains(&format!(",{}}}$\", var.name", longest - 1)), "variables.tf: {longest}");
}
