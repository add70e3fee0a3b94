//! `deploy-check`: the report on an account before a deployment and after it.

mod account;
mod after;
mod before;
mod wire;

use account::FakeAccount;
use time::OffsetDateTime;
use time::macros::datetime;
use visma_webhooks::Exit;
use visma_webhooks::commands::check::{Check, Verdict, report};
use visma_webhooks::commands::deploy_check::{gather, judge};

const NOW: OffsetDateTime = datetime!(2026-11-28 12:00 UTC);
const STACK: &str = "visma-net-webhooks-dev";

async fn checked(account: &FakeAccount) -> Vec<Check> {
    judge(&gather(account, STACK, NOW).await, NOW)
}

fn named<'c>(checks: &'c [Check], name: &str) -> &'c Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no {name} in {checks:#?}"))
}

/// A change to a healthy account, the check that must notice it, its result and its advice.
type Finding = (fn(&mut FakeAccount), &'static str, Verdict, &'static str, &'static str);

/// Expects that only the right check notices each change, and gives advice.
async fn are_found(well: fn() -> FakeAccount, findings: &[Finding]) {
    for (change, name, verdict, seen, advice) in findings {
        let mut account = well();
        change(&mut account);
        let checks = checked(&account).await;
        let check = named(&checks, name);
        assert_eq!(check.verdict, *verdict, "{check:?}");
        assert!(check.seen.contains(seen) && check.advice.contains(advice), "{check:?}");
        let others = checks.iter().filter(|check| check.name != *name && !check.advice.is_empty());
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&Check>::new(), "{name}");
    }
}

/// Expects that an unanswered question is unknown, has advice, and makes the whole neither ok nor
/// failed.
async fn are_unknown(well: fn() -> FakeAccount, questions: &[(&'static str, &str)]) {
    for (question, name) in questions {
        let mut account = well();
        account.refuses = *question;
        let checks = checked(&account).await;
        let check = named(&checks, name);
        assert_eq!(check.verdict, Verdict::Unknown, "{question}: {check:?}");
        assert!(check.seen.contains("AccessDenied") && !check.advice.is_empty(), "{check:?}");
        assert_eq!(report(&checks).exit, Exit::Unavailable, "{question}");
    }
}

#[tokio::test]
async fn reports_a_healthy_account_as_ok() {
    for well in [FakeAccount::empty, FakeAccount::deployed] {
        let checks = checked(&well()).await;
        let other = checks.iter().find(|check| check.verdict != Verdict::Ok || !check.advice.is_empty());
        assert_eq!(other, None);
        assert!(report(&checks).text.ends_with("All is well."));
    }
}

#[tokio::test]
async fn asks_nothing_without_credentials() {
    let mut account = FakeAccount::deployed();
    account.refuses = "who";
    let checks = checked(&account).await;
    assert_eq!(checks.len(), 1);
    assert_eq!(checks[0].verdict, Verdict::Failed);
    assert_eq!(account.asked(), ["who"]);
}

#[tokio::test]
async fn reports_a_stack_that_cannot_be_described_as_unknown() {
    let mut account = FakeAccount::deployed();
    account.refuses = "stack";
    let checks = checked(&account).await;
    assert_eq!(named(&checks, "stack").verdict, Verdict::Unknown);
    assert!(checks.iter().all(|check| !check.name.starts_with("names") && !check.name.starts_with("alarms")));
    assert_eq!(report(&checks).exit, Exit::Unavailable);
}
