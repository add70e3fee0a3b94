//! `doctor` gives advice for each failure, and fails if any check failed.

use fixtures::{FakeErp, TENANT};
use serde_json::json;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use visma_webhooks::Exit;
use visma_webhooks::commands::check::{Check, Verdict, report, summary, summed};
use visma_webhooks::commands::dlq::Name;
use visma_webhooks::commands::doctor::{
    approvals, backlog, health_answered, id_of, named, old_secrets, operations_answered, sales_orders, subscription,
};
use visma_webhooks::commands::operations::Uses;
use visma_webhooks::queue::Depth;
use webhooks_model::Collection;
use webhooks_model::collection::Page;
use webhooks_model::observed::older_secret;
use webhooks_model::walk::Window;
use webhooks_settings::{Settings, Visma};
use webhooks_visma::{Fault, Listing, Stage, VismaError};

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

fn of_secrets(secrets: serde_json::Value) -> Check {
    let mut document = fixtures::document();
    document["subscriptions"][0]["secrets"] = secrets;
    let settings = Settings::parse(&document.to_string()).unwrap();
    subscription(settings.subscription("all").unwrap(), NOW, Duration::days(14))
}

fn secret(id: &str, expires_at: Option<&str>) -> serde_json::Value {
    json!({ "id": id, "value": "canary", "expires_at": expires_at })
}

#[test]
fn asks_on_the_local_stack_only_for_the_demos_tenants() {
    let text = include_str!("../../../local/settings.json").replace("{standin}", "http://127.0.0.1:8080");
    let settings = Settings::parse(&text).unwrap();
    assert_eq!(named(&settings), ["10000000-0000-4000-8000-000000000001"]);
    assert!(settings.tenants.len() > 1, "the others are for tests");
}

#[test]
fn warns_when_a_subscriptions_last_secret_ends_soon_or_has_ended() {
    let (soon, later, past) =
        (Some("2026-11-30T00:00:00Z"), Some("2027-11-30T00:00:00Z"), Some("2026-11-01T00:00:00Z"));
    for (secrets, advice) in [
        (json!([secret("1", None)]), None),
        (json!([secret("1", soon), secret("2", None)]), None),
        (json!([secret("1", soon), secret("2", later)]), None),
        (json!([secret("1", soon)]), Some("subscriptions rotate all")),
        (json!([secret("1", past)]), Some("subscriptions enable all")),
    ] {
        let check = of_secrets(secrets.clone());
        assert_eq!(check.verdict == Verdict::Warning, advice.is_some(), "{secrets}");
        assert!(check.advice.contains(advice.unwrap_or_default()), "{check:?}");
    }
}

#[test]
fn only_intakes_own_answer_is_healthy() {
    for (status, answer, verdict) in [
        (200, json!({ "status": "ok" }), Verdict::Ok),
        (200, json!({ "status": "UP" }), Verdict::Failed),
        (200, json!("<html>Sign in</html>"), Verdict::Failed),
        (204, json!(null), Verdict::Failed),
        (503, json!({ "status": "ok" }), Verdict::Failed),
    ] {
        let check = health_answered(reqwest::StatusCode::from_u16(status).unwrap(), &answer);
        assert_eq!((check.verdict, check.advice.is_empty()), (verdict, verdict == Verdict::Ok), "{status} {answer}");
    }
}

#[test]
fn warns_of_an_old_secret_that_ends_soon_and_was_used_lately() {
    let fact = older_secret("all", "old").fact;
    let used = |at: &str| {
        let facts = json!([{ "subject": fact.subject, "value": fact.value, "last_seen": at }]);
        Uses::of(&json!({ "items": [{ "question": "secret_rotation", "is_measured": true, "facts": facts }] }))
    };
    let (soon, later) = (Some("2026-11-30T00:00:00Z"), Some("2027-11-30T00:00:00Z"));
    let (lately, long_ago) = (used("2026-11-23T11:00:00Z"), used("2026-11-01T00:00:00Z"));
    let unknown = Uses::Unknown("the operations API answered 404".to_owned());
    for (end, uses, verdict) in [
        (soon, &lately, Verdict::Warning),
        (soon, &long_ago, Verdict::Ok),
        (soon, &unknown, Verdict::Skipped),
        (later, &lately, Verdict::Ok),
        (None, &lately, Verdict::Ok),
    ] {
        let mut document = fixtures::document();
        document["subscriptions"][0]["secrets"] = json!([secret("old", end), secret("new", None)]);
        let settings = Settings::parse(&document.to_string()).unwrap();
        let checks = old_secrets(settings.subscription("all").unwrap(), uses, NOW, Duration::days(14));
        assert_eq!(checks.iter().map(|check| check.verdict).collect::<Vec<_>>(), [verdict], "{checks:?}");
        assert_eq!(checks[0].advice.contains("Developer Portal"), verdict == Verdict::Warning, "{checks:?}");
    }
}

#[test]
fn warns_of_a_secret_shared_by_two_events() {
    let mut document = fixtures::document();
    let subscription_of = |id: &str, event: &str, value: &str| {
        let secrets = json!([{ "id": "1", "value": value }]);
        json!({ "id": id, "route": "erp", "event": event, "secrets": secrets })
    };
    document["subscriptions"] = json!([
        subscription_of("changes", "ACCOUNT_CHANGED", "canary-shared"),
        subscription_of("deletions", "ACCOUNT_DELETED", "canary-shared"),
        subscription_of("customers", "CUSTOMER_CHANGED", "canary-own"),
    ]);
    let settings = Settings::parse(&document.to_string()).unwrap();
    for (id, verdict) in [("changes", Verdict::Warning), ("deletions", Verdict::Warning), ("customers", Verdict::Ok)] {
        let check = subscription(settings.subscription(id).unwrap(), NOW, Duration::days(14));
        assert_eq!(check.verdict, verdict, "{check:?}");
        let told = (check.seen.contains("has the same secret"), check.advice.contains(&format!("rotate {id}")));
        assert_eq!(told, (verdict == Verdict::Warning, verdict == Verdict::Warning), "{check:?}");
        assert!(!check.seen.contains("canary") && !check.advice.contains("canary"), "{check:?}");
    }
}

async fn asked(fault: Option<VismaError>) -> [Check; 3] {
    let erp = FakeErp::default();
    erp.fail_fetches(fault);
    let settings = Settings::parse(&fixtures::document().to_string()).unwrap();
    approvals(&erp, &settings, TENANT).await
}

#[tokio::test]
async fn explains_each_answer_of_visma_net() {
    use Verdict::{Failed, Ok, Skipped, Warning};
    let unavailable = |stage| VismaError::Unavailable { stage, fault: Fault::Timeout, after: None };
    for (fault, verdicts) in [
        (None, [Ok, Ok, Ok]),
        (Some(VismaError::TokenRefused { stage: Stage::Token, status: 400, after: None }), [Failed, Skipped, Skipped]),
        (Some(VismaError::TokenRefused { stage: Stage::Resource, status: 401, after: None }), [Ok, Failed, Skipped]),
        (Some(VismaError::CompanyTenantNeeded { stage: Stage::Resource }), [Ok, Failed, Skipped]),
        (Some(VismaError::NoLicense { stage: Stage::Resource }), [Ok, Failed, Skipped]),
        (Some(unavailable(Stage::Token)), [Failed, Skipped, Skipped]),
        (Some(unavailable(Stage::Resource)), [Ok, Failed, Skipped]),
        (Some(VismaError::RateLimited { stage: Stage::Resource, after: None }), [Ok, Warning, Skipped]),
        (Some(VismaError::TenantNotApproved { stage: Stage::Resource }), [Ok, Ok, Failed]),
        (Some(VismaError::Unexpected { stage: Stage::Resource, status: 418 }), [Ok, Failed, Skipped]),
    ] {
        let checks = asked(fault.clone()).await;
        assert_eq!(checks.each_ref().map(|check| check.verdict), verdicts, "{fault:?}");
        let silent = checks.iter().find(|check| matches!(check.verdict, Failed | Warning) && check.advice.is_empty());
        assert_eq!(silent, None);
    }
}

#[tokio::test]
async fn a_missing_approval_points_to_the_app_store() {
    let [_, _, approval] = asked(Some(VismaError::TenantNotApproved { stage: Stage::Resource })).await;
    assert!(approval.advice.contains("Visma App Store"), "{approval:?}");
}

/// The API of sales orders, which answers each list in the same way.
struct Orders(Option<VismaError>);

impl Listing for Orders {
    async fn list(
        &self,
        _: &Visma,
        _: &str,
        collection: Collection,
        _: OffsetDateTime,
        _: Window,
    ) -> Result<Page, VismaError> {
        assert_eq!(collection, Collection::SalesOrder);
        self.0.clone().map_or_else(|| Ok(Page::default()), Err)
    }
}

#[tokio::test]
async fn names_the_missing_scope_of_sales_orders_if_something_needs_them() {
    let (stage, after) = (Stage::List, None);
    let missing = Some(VismaError::TenantNotApproved { stage });
    for (event, collection, answer, verdict) in [
        ("ACCOUNT_CHANGED", "account", &missing, None),
        ("ACCOUNT_CHANGED", "sales_order", &None, Some(Verdict::Ok)),
        ("ACCOUNT_CHANGED", "sales_order", &missing, Some(Verdict::Warning)),
        ("SALESORDER_UPDATED", "account", &missing, Some(Verdict::Failed)),
        ("SALESORDER_UPDATED", "account", &Some(VismaError::RateLimited { stage, after }), Some(Verdict::Warning)),
        ("SALESORDER_UPDATED", "account", &Some(VismaError::Unexpected { stage, status: 404 }), Some(Verdict::Failed)),
    ] {
        let mut document = fixtures::document();
        document["subscriptions"][0]["event"] = json!(event);
        document["reconciliation"] = json!({ "collections": [collection] });
        let settings = Settings::parse(&document.to_string()).unwrap();
        let check = sales_orders(&Orders(answer.clone()), &settings, TENANT, NOW).await;
        assert_eq!(check.as_ref().map(|check| check.verdict), verdict, "{event} {collection} {answer:?}");
        let advice = check.map(|check| check.advice).unwrap_or_default();
        let is_named = advice.starts_with("Add visma.net.erp.salesorder:read to scope in the settings");
        assert_eq!(is_named, *answer == missing && verdict.is_some(), "{advice}");
    }
}

#[tokio::test]
async fn names_a_customers_tenant() {
    let [_, erp, _] = asked(Some(VismaError::TokenRefused { stage: Stage::Resource, status: 401, after: None })).await;
    assert!(erp.seen.contains("customer tenant, not company tenant"), "{erp:?}");
    assert!(erp.advice.contains("id of the company"), "{erp:?}");
}

#[test]
fn fails_only_for_an_open_operations_api() {
    for (status, verdict) in
        [(401, Verdict::Ok), (403, Verdict::Ok), (404, Verdict::Ok), (200, Verdict::Failed), (500, Verdict::Failed)]
    {
        assert_eq!(operations_answered(status).verdict, verdict, "{status}");
    }
}

#[test]
fn warns_of_a_long_queue_with_advice_for_that_queue() {
    let depth = |waiting| Depth { waiting, in_flight: 0 };
    for (queue, helps) in [
        (Name::Notifications, "queue-age.md"),
        (Name::Feedback, "feedback-quota.md"),
        (Name::Events, "They have no reader"),
    ] {
        let in_flight = Depth { waiting: 999, in_flight: 1 };
        assert_eq!(backlog(queue, in_flight).verdict, Verdict::Ok);
        let long = backlog(queue, depth(1000));
        assert!(long.verdict == Verdict::Warning && long.advice.contains(helps), "{long:?}");
    }
}

#[test]
fn warns_early_of_events_without_a_reader() {
    let events = |waiting, in_flight| backlog(Name::Events, Depth { waiting, in_flight }).verdict;
    assert_eq!(events(368, 0), Verdict::Warning);
    assert_eq!((events(368, 3), events(9, 0)), (Verdict::Ok, Verdict::Ok));
    let notifications = backlog(Name::Notifications, Depth { waiting: 368, in_flight: 0 });
    assert_eq!(notifications.verdict, Verdict::Ok);
    assert!(backlog(Name::Events, Depth { waiting: 5000, in_flight: 9 }).advice.contains("Do they have a reader?"));
}

fn of_tenants(count: usize, ill: impl Fn(usize) -> Verdict) -> (Vec<Check>, Vec<String>) {
    let check = |name: String, verdict| Check { name, verdict, seen: "seen".into(), advice: "Do something.".into() };
    let tenants: Vec<String> = (0..count).map(|number| format!("t-{number}")).collect();
    let tenants_checks = tenants.iter().enumerate().flat_map(|(number, tenant)| {
        let names = [format!("token of {tenant}"), format!("clock of the sales orders of {tenant}")];
        names.map(|name| check(name, ill(number)))
    });
    let around = |name: &str| check(name.to_owned(), Verdict::Ok);
    let checks = [around("health")].into_iter().chain(tenants_checks).chain([around("table")]).collect();
    (checks, tenants)
}

#[test]
fn sums_up_more_than_five_tenants_with_failures_first() {
    let (checks, tenants) = of_tenants(34, |number| match number {
        7 => Verdict::Warning,
        20 => Verdict::Failed,
        3 => Verdict::Skipped,
        _ => Verdict::Ok,
    });
    let shown = summary(&checks, &tenants);
    let names: Vec<&str> = shown.iter().map(|check| check.name.as_str()).collect();
    let ill =
        ["token of t-20", "clock of the sales orders of t-20", "token of t-7", "clock of the sales orders of t-7"];
    assert_eq!(names, [&["health"][..], &ill, &["tenants", "table"]].concat());
    assert_eq!(shown[5].seen, "32 of 34 are well");
    let report = summed(&checks, &shown);
    assert_eq!((report.exit, report.json.as_array().unwrap().len()), (Exit::Failed, 70), "programs get all");
    assert!(report.text.contains("2 failed, 2 warned"), "{}", report.text);
}

#[test]
fn shows_five_tenants_but_not_a_hundred_failing_ones() {
    let (checks, tenants) = of_tenants(5, |_| Verdict::Ok);
    assert_eq!(summary(&checks, &tenants), checks);
    let (checks, tenants) = of_tenants(100, |_| Verdict::Failed);
    let shown = summary(&checks, &tenants);
    assert_eq!(shown.len(), 1 + 40 + 2 + 1);
    assert_eq!(shown[41].seen, "80 more are not well");
}

#[test]
fn a_failure_fails_the_whole_and_a_warning_does_not() {
    let check =
        |verdict, advice: &str| Check { name: "health".into(), verdict, seen: "503".into(), advice: advice.into() };
    let failed = report(&[check(Verdict::Ok, ""), check(Verdict::Failed, "Look at intake's log.")]);
    assert_eq!(failed.exit, Exit::Failed);
    assert!(failed.text.contains("-> Look at intake's log."), "{}", failed.text);
    assert_eq!(failed.json[1]["verdict"], "failed");
    assert_eq!(report(&[check(Verdict::Warning, "x")]).exit, Exit::Ok);
}

#[test]
fn unknown_does_not_count_as_ok() {
    let check = |verdict| Check { name: "alarms".into(), verdict, seen: "denied".into(), advice: "Ask for it.".into() };
    let unknown = report(&[check(Verdict::Ok), check(Verdict::Unknown)]);
    assert_eq!(unknown.exit, Exit::Unavailable);
    assert!(unknown.text.contains("unknown  alarms") && unknown.text.contains("1 not known"), "{}", unknown.text);
    assert_eq!(unknown.json[1]["verdict"], "unknown");
    assert_eq!(report(&[check(Verdict::Unknown), check(Verdict::Failed)]).exit, Exit::Failed);
}

#[test]
fn finds_a_tenant_by_the_name_people_use() {
    let mut document = fixtures::document();
    document["tenants"] = json!([{ "id": TENANT, "name": "Ål & Sønn", "company_id": "1234567" },
        { "id": "t-2", "name": "Twin" }, { "id": "t-3", "name": "Twin" }]);
    let settings = Settings::parse(&document.to_string()).unwrap();
    for (text, id) in [("ål & sønn", TENANT), ("1234567", TENANT), (TENANT, TENANT), ("Twin", "Twin"), ("t-9", "t-9")]
    {
        assert_eq!(id_of(&settings, text), id);
    }
}
