//! AWS limits the names that begin with the stack's, and so the stack's name.

use crate::{ALARMS, DASHBOARD, MAIN, without_stack};
use repo_checks::{Template, entries, read, text};
use serde_json::Value;

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
const ROLE: usize = 64;

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

/// Else CloudFormation shortens it in the names of the roles, and the permissions are for names that
/// begin with all of it.
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
