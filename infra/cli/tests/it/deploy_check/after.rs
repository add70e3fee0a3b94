//! A deployed stack.

use super::{FakeAccount, NOW, STACK, alarm, are_found, are_unknown, checked, first_document, named};
use serde_json::json;
use time::Duration;
use visma_webhooks::commands::check::Verdict::{self, Failed, Ok, Skipped, Warning};
use visma_webhooks::commands::deploy_check::{Alarm, Concurrency, LogGroup, State, Subscription};

const HEALTH: &str = "reachable at https://api.example/health";
const MAPPING: &str = "mapping ProcessorMapping";
const SCHEDULE: &str = "schedule ReconcilerSchedule";

fn off(word: &str) -> State {
    State { is_on: false, word: word.to_owned() }
}

fn subscribed(account: &mut FakeAccount, subscription: Subscription) {
    account.subscriptions = vec![("email".to_owned(), subscription)];
}

#[tokio::test]
async fn reports_what_a_stack_lacks_with_advice() {
    are_found(
        FakeAccount::deployed,
        &[
            (
                |own| own.deployed_stack().status = "UPDATE_ROLLBACK_COMPLETE".into(),
                "stack",
                Warning,
                "UPDATE_ROLLBACK_COMPLETE",
                "its events say why",
            ),
            (|own| own.deployed_stack().status = "UPDATE_IN_PROGRESS".into(), "stack", Warning, "UPDATE_IN", "Wait"),
            (
                |own| own.deployed_stack().status = "UPDATE_ROLLBACK_FAILED".into(),
                "stack",
                Failed,
                "UPDATE_ROLLBACK_FAILED",
                "continue-update-rollback",
            ),
            (
                |own| own.document["subscriptions"] = json!([]),
                "settings document",
                Failed,
                "no delivery is accepted",
                "subscriptions add",
            ),
            (|own| own.document["visma"]["client_id"] = json!(""), "settings document", Failed, "no client", "step 3"),
            (|own| own.document["version"] = json!("x"), "settings document", Failed, "not valid", "shared/settings"),
            (|own| own.health.clear(), HEALTH, Failed, "no connection", "ApiUrl"),
            (|own| own.health.values_mut().for_each(|status| *status = 503), HEALTH, Failed, "503", "intake's log"),
            (|own| own.mapping = off("Disabled"), MAPPING, Failed, "Disabled", "update-event-source-mapping --enabled"),
            (|own| own.schedule = Some(off("DISABLED")), SCHEDULE, Failed, "DISABLED", "Switch it on"),
            (|own| own.schedule = None, SCHEDULE, Failed, "gone", "deploy it anew"),
            (|own| own.log_groups.clear(), "log groups", Failed, "/aws/lambda/", "create-log-group"),
            (
                |own| own.log_groups.values_mut().for_each(|group| *group = LogGroup { retention: None }),
                "log groups",
                Warning,
                "for ever",
                "put-retention-policy",
            ),
            (|own| own.swept = None, "last sweep", Warning, "none", "reconciler-heartbeat.md"),
            (
                |own| own.swept = Some(NOW - Duration::minutes(31)),
                "last sweep",
                Failed,
                "2026-11-28T11:29:00Z",
                "every 15 minutes",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn reports_alarms_without_recipients_with_advice() {
    are_found(
        FakeAccount::deployed,
        &[
            (|own| own.alarms[1].actions.clear(), "alarms", Warning, "2 of 2 notify no one", "step 7"),
            (
                |own| own.alarms[1].rule.clear(),
                "alarms",
                Warning,
                "1 of 2 notify no one: visma-net-webhooks-dev-ack",
                "step 7",
            ),
            (|own| own.alarms[1].is_on = false, "alarms", Failed, "switched off", "enable-alarm-actions"),
            (|own| own.alarms[0].state = "ALARM".into(), "alarms that ring", Warning, "ack-slo-5m", "runbooks"),
            (|own| subscribed(own, Subscription::Pending), "topic tickets", Failed, "not confirmed yet: email", "link"),
            (|own| subscribed(own, Subscription::Deleted), "topic tickets", Failed, "has unsubscribed", "step 7"),
            (|own| own.subscriptions.clear(), "topic tickets", Failed, "there is no subscriber", "step 7"),
        ],
    )
    .await;
}

#[tokio::test]
async fn reports_a_stack_without_alarms() {
    let mut account = FakeAccount::deployed();
    account.alarms.clear();
    let checks = checked(&account).await;
    assert_eq!((named(&checks, "alarms").verdict, named(&checks, "alarms").seen.as_str()), (Failed, "there is none"));
}

/// `visma-net-webhooks` and `visma-net-webhooks-dev` may be two stacks of one account.
#[tokio::test]
async fn ignores_alarms_of_stacks_with_a_similar_name() {
    let mut account = FakeAccount::deployed();
    account.alarms.push(Alarm { name: format!("{STACK}-2-page"), ..alarm("", &[]) });
    assert_eq!(named(&checked(&account).await, "alarms").verdict, Ok);
}

#[tokio::test]
async fn names_a_few_of_many_silent_alarms() {
    let mut account = FakeAccount::deployed();
    let names: Vec<String> = (0..9).map(|number| format!("{STACK}-{number}")).collect();
    account.alarms = names.iter().map(|name| Alarm { name: name.clone(), ..alarm("", &[]) }).collect();
    let resource = account.deployed_stack().resources.iter().find(|one| one.kind == "AWS::CloudWatch::Alarm").cloned();
    for name in &names {
        let mut own = resource.clone().unwrap();
        own.id = name.clone();
        account.deployed_stack().resources.push(own);
    }
    let checks = checked(&account).await;
    let seen = &named(&checks, "alarms").seen;
    assert!(seen.starts_with("9 of 9") && seen.ends_with("and 4 more"), "{seen}");
}

#[tokio::test]
async fn distinguishes_the_templates_settings_document_from_a_written_one() {
    let mut account = FakeAccount::deployed();
    account.document = first_document();
    let checks = checked(&account).await;
    let check = named(&checks, "settings document");
    assert!(check.verdict == Failed && check.seen.contains("the template's first one"), "{check:?}");
    assert_eq!(named(&checks, "last sweep").verdict, Skipped);
}

#[tokio::test]
async fn checks_the_domain_and_the_apis_own_address() {
    let mut account = FakeAccount::deployed();
    account.set("DomainName", "hooks.example");
    let checks = checked(&account).await;
    assert_eq!(named(&checks, HEALTH).verdict, Ok);
    let domain = named(&checks, "reachable at https://hooks.example/health");
    assert!(domain.verdict == Failed && domain.advice.contains("DomainTarget"), "{domain:?}");
}

/// The parameters of the default template, in a new account with ten executions.
#[tokio::test]
async fn the_parameters_determine_the_concurrency_left_for_intake() {
    let small = [("ProcessorConcurrency", "2"), ("ThrottlingRate", "20")];
    let reserved = [("ReserveWorkerConcurrency", "true"), ("ThrottlingRate", "20")];
    let for_intake = [("IntakeReservedConcurrency", "50")];
    let with_operations = [("ProcessorConcurrency", "3"), ("ThrottlingRate", "20"), ("OperationsAuthorizer", "jwt")];
    let cases: [(&[(&str, &str)], Verdict); 5] =
        [(&[], Failed), (&small, Ok), (&reserved, Ok), (&for_intake, Ok), (&with_operations, Failed)];
    for (parameters, verdict) in cases {
        let mut account = FakeAccount::deployed();
        account.concurrency = Concurrency { in_all: 10, unreserved: 10 };
        parameters.iter().for_each(|(name, value)| account.set(name, value));
        let checks = checked(&account).await;
        assert_eq!(named(&checks, "concurrency of Lambda").verdict, verdict, "{parameters:?}");
    }
}

#[tokio::test]
async fn reports_unanswered_questions_about_a_stack_as_unknown() {
    let questions = [
        ("concurrency", "concurrency of Lambda"),
        ("document", "settings document"),
        ("mapping", MAPPING),
        ("schedule", SCHEDULE),
        ("log_group", "log groups"),
        ("swept", "last sweep"),
        ("alarms", "alarms"),
        ("subscriptions", "topic tickets"),
    ];
    are_unknown(FakeAccount::deployed, &questions).await;
}
