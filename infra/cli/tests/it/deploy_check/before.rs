//! An account before the first deployment.

use super::{FakeAccount, NOW, STACK, are_found, are_unknown, checked, named};
use std::collections::BTreeSet;
use visma_webhooks::commands::check::Verdict::{Failed, Ok, Unknown, Warning};
use visma_webhooks::commands::check::report;
use visma_webhooks::commands::deploy_check::{
    Concurrency, LONGEST_STACK, LogGroup, SERVICES, functions, gather, judge, log_groups, queues,
};

const TEMPLATE: &str = include_str!("../../../../template.yaml");

fn may_run(account: &mut FakeAccount, at_once: u32) {
    account.concurrency = Concurrency { in_all: at_once, unreserved: at_once };
}

#[tokio::test]
async fn reports_obstacles_to_a_first_deployment_with_advice() {
    are_found(
        FakeAccount::empty,
        &[
            (|own| may_run(own, 10), "concurrency of Lambda", Failed, "10 at once", "--config-env new-account"),
            (|own| may_run(own, 50), "concurrency of Lambda", Warning, "37 of them left", "370 deliveries a second"),
            (|own| own.silent = vec!["pipes"], "services of the region", Unknown, "pipes", "--region"),
            (|own| own.functions = functions(STACK), "names", Failed, "function visma-net-webhooks-dev-intake", "sam"),
            (|own| own.queues = queues(STACK), "names", Failed, "-feedback-dead-letter", "aws sqs delete-queue"),
            (
                |own| {
                    let name = log_groups(STACK).remove(0);
                    own.log_groups.insert(name, LogGroup { retention: None });
                },
                "names",
                Failed,
                "log group /aws/lambda/visma-net-webhooks-dev-intake",
                "aws logs delete-log-group",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_readme_shows_the_report_of_a_new_account() {
    let mut account = FakeAccount::empty();
    may_run(&mut account, 10);
    let said = report(&checked(&account).await).text;
    assert!(include_str!("../../../README.md").contains(&said), "{said}");
}

#[tokio::test]
async fn accepts_names_of_another_stack() {
    let mut account = FakeAccount::empty();
    account.queues = queues(&format!("{STACK}-2"));
    assert_eq!(named(&checked(&account).await, "names").verdict, Ok);
}

#[tokio::test]
async fn rejects_a_stack_name_that_makes_others_too_long() {
    let mut facts = gather(&FakeAccount::empty(), STACK, NOW).await;
    for (length, verdict) in [(LONGEST_STACK, Ok), (LONGEST_STACK + 1, Failed)] {
        facts.stack = "s".repeat(length);
        let checks = judge(&facts, NOW);
        assert_eq!(named(&checks, "names").verdict, verdict, "{length}");
    }
}

#[test]
fn the_longest_stack_name_still_fits_functions_and_queues() {
    let stack = "s".repeat(LONGEST_STACK);
    let longest = |names: Vec<String>| names.iter().map(String::len).max();
    assert_eq!(longest(functions(&stack)), Some(64));
    assert!(longest(queues(&stack)) <= Some(80));
}

#[tokio::test]
async fn reports_unanswered_questions_before_a_deployment_as_unknown() {
    let names = [("has_function", "names"), ("queues", "names"), ("log_group", "names")];
    are_unknown(FakeAccount::empty, &names).await;
    are_unknown(FakeAccount::empty, &[("concurrency", "concurrency of Lambda")]).await;
}

#[tokio::test]
async fn advises_to_delete_a_stack_whose_creation_failed() {
    for (status, advice) in [
        ("ROLLBACK_COMPLETE", "sam delete --stack-name visma-net-webhooks-dev"),
        ("CREATE_FAILED", "sam delete"),
        ("DELETE_FAILED", "describe-stack-events"),
        ("CREATE_IN_PROGRESS", "Wait"),
    ] {
        let mut account = FakeAccount::deployed();
        account.deployed_stack().status = status.to_owned();
        let checks = checked(&account).await;
        let check = named(&checks, "stack");
        assert!(check.verdict == Failed && check.advice.contains(advice), "{check:?}");
        assert_eq!(checks.len(), 2, "nothing of it is there to be looked at");
    }
}

#[tokio::test]
async fn treats_a_mere_change_set_as_no_stack() {
    let mut account = FakeAccount::deployed();
    account.deployed_stack().status = "REVIEW_IN_PROGRESS".to_owned();
    account.log_groups.clear();
    let checks = checked(&account).await;
    assert_eq!((named(&checks, "stack").verdict, named(&checks, "names").verdict), (Ok, Ok));
}

/// The values of a key in the template, with the stack's name inserted.
fn in_template(key: &str) -> BTreeSet<String> {
    let lines = TEMPLATE.lines().filter_map(|line| line.trim().strip_prefix(key));
    lines.map(|name| name.trim().trim_start_matches("!Sub ").replace("${AWS::StackName}", STACK)).collect()
}

#[test]
fn checks_the_names_of_the_template() {
    for (key, names) in
        [("FunctionName: !Sub", functions(STACK)), ("QueueName:", queues(STACK)), ("LogGroupName:", log_groups(STACK))]
    {
        assert_eq!(in_template(key), names.into_iter().collect::<BTreeSet<_>>(), "{key}");
    }
}

#[test]
fn checks_every_service_of_the_template() {
    let types = TEMPLATE.lines().filter_map(|line| line.trim().strip_prefix("Type: AWS::"));
    let services: BTreeSet<&str> = types.filter_map(|kind| kind.split("::").next()).collect();
    assert!(services.len() > 5, "{services:?}");
    for service in services {
        let address = match service {
            "ApiGatewayV2" => "apigateway".to_owned(),
            // It is a nested stack.
            "Serverless" => "cloudformation".to_owned(),
            // It is global and has no region.
            "IAM" => continue,
            other => other.to_lowercase(),
        };
        assert!(SERVICES.contains(&address.as_str()), "{service}");
    }
}

/// The numbers that apply without a stack.
#[test]
fn has_the_templates_defaults() {
    for (parameter, default) in [
        ("ProcessorConcurrency", 10),
        ("FeedbackConcurrency", 2),
        ("RepairConcurrency", 2),
        ("ThrottlingRate", 500),
        ("ReconcileMinutes", 15),
    ] {
        let begin = format!("  {parameter}:\n    Type: Number\n    Default: {default}\n");
        assert!(TEMPLATE.contains(&begin), "{parameter}");
    }
}
