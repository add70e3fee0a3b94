//! Intake and processor understand a test notification, which has the dispatcher's form.

use fixtures::{meta, notification_of};
use serde_json::json;
use time::macros::datetime;
use uuid::Uuid;
use visma_webhooks::Exit;
use visma_webhooks::commands::send::{Test, verdict};
use webhooks_model::delivery::Meta;
use webhooks_model::notification::Proof;
use webhooks_model::{Entity, Notification, Ticks, catalogue};
use webhooks_signature::Signature;

fn test(event: &str, key: &'static str) -> Test<'static> {
    Test {
        event: catalogue::find(event).unwrap(),
        key,
        tenant: Some("t-1"),
        company: Some("1234567"),
        status: Some("Open"),
        subscription: Some("all"),
        id: Uuid::from_u128(7),
        now: datetime!(2026-11-23 12:00 UTC),
    }
}

/// Reads it as the processor does.
fn read(test: &Test<'_>) -> Notification {
    let body = test.body();
    let headers = test.headers("secret", &body).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    notification_of(Meta { headers, ..meta(test.now) }, &body)
}

#[test]
fn the_signature_verifies_only_with_its_secret() {
    let test = test("ACCOUNT_CHANGED", "1920");
    let body = test.body();
    let headers = test.headers("the secret", &body);
    let (_, signature) = headers.iter().find(|(name, _)| *name == "x-vwd-signature-v1").unwrap();
    let signature = Signature::parse(signature).unwrap();
    assert!(signature.is_by("the secret", body.as_bytes()) && !signature.is_by("another", body.as_bytes()));
}

#[test]
fn has_the_dispatchers_headers_with_times_in_milliseconds() {
    let test = test("ACCOUNT_CHANGED", "1920");
    let headers = test.headers("s", &test.body());
    for expected in [
        ("x-vwd-event-id", "ACCOUNT_CHANGED"),
        ("x-vwd-notification-id", "00000000-0000-0000-0000-000000000007"),
        ("x-vwd-notification-timestamp", "1795435200000"),
        ("x-vwd-webhook-timestamp", "1795435200000"),
        ("x-vwd-subscription-id", "all"),
        ("x-vwd-tenant-id", "t-1"),
    ] {
        assert!(headers.iter().any(|(name, value)| (*name, value.as_str()) == expected), "{expected:?} {headers:?}");
    }
}

#[test]
fn the_processor_reads_the_intended_notification() {
    let test = test("PURCHASE_ORDER_STATUS_CHANGED", "PO1053");
    let read = read(&test);
    assert_eq!(read.event, Some(test.event));
    assert_eq!((read.entity_key.as_deref(), read.status.as_deref()), (Some("PO1053"), Some("Open")));
    assert_eq!((read.tenant.as_deref(), read.company.as_deref()), (Some("t-1"), Some("1234567")));
    let id = Some(webhooks_model::SenderId::from(test.id));
    assert_eq!((read.id_in_body, read.id_in_header), (id.clone(), id));
    assert_eq!(read.occurred_at, Some(Ticks::from_datetime(test.now)));
    assert_eq!(read.path.unwrap().to_string(), "v1/purchaseorder/PO1053");
    assert_eq!(read.proof, Proof::Headers, "the tenant is told by a header only, as in real life");
}

#[test]
fn sends_every_event_of_the_catalogue_with_its_key() {
    for event in catalogue::CATALOGUE {
        let test = Test { event, ..test("ACCOUNT_CHANGED", "SO/000123") };
        let read = read(&test);
        assert_eq!(read.event, Some(event));
        if event.entity != Entity::Company {
            assert_eq!(read.entity_key.as_deref(), Some("SO/000123"), "{}", event.id);
        }
    }
}

#[test]
fn each_answer_of_intake_has_an_exit_code_and_each_failure_advice() {
    for (status, code, exit) in [
        (401, "signature_mismatch", Exit::Refused),
        (401, "signature_missing", Exit::Refused),
        (403, "source_not_allowed", Exit::Refused),
        (404, "route_unknown", Exit::NotFound),
        (415, "content_type_unsupported", Exit::Failed),
        (429, "", Exit::Unavailable),
        (503, "queue_unavailable", Exit::Unavailable),
    ] {
        let (told, advice) = verdict(status, &json!({ "code": code }));
        assert!(told == exit && !advice.is_empty(), "{status} {code}");
    }
    let accepted = json!({ "accepted": true, "delivery": "019dbd2e-8f03-7c11-a8ab-8c5e2d1b7f6a" });
    assert_eq!(verdict(202, &accepted), (Exit::Ok, ""));
}

#[test]
fn only_intakes_own_acceptance_is_a_success() {
    let delivery = "019dbd2e-8f03-7c11-a8ab-8c5e2d1b7f6a";
    for (status, answer) in [
        (200, json!({ "accepted": true, "delivery": delivery })),
        (200, json!({ "status": "ok" })),
        (200, json!("<html>Sign in</html>")),
        (202, json!("")),
        (202, json!({ "accepted": true })),
        (202, json!({ "accepted": true, "delivery": "7" })),
        (202, json!({ "accepted": false, "delivery": delivery })),
        (204, json!("")),
    ] {
        let (exit, advice) = verdict(status, &answer);
        assert!(exit == Exit::Failed && advice.contains("something else answered"), "{status} {answer}");
    }
}
