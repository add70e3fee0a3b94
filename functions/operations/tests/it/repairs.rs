use crate::world::{World, processed};
use aws_sdk_dynamodb::types::AttributeValue;
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackMessage, FeedbackState};
use webhooks_model::{Delivery, Origin, Reason};
use webhooks_store::{Action, Change, Deed, Entry, Mark};

const PAUSES: &str = "/operations/v1/pauses";

fn of(reference: &str, deed: &str) -> String {
    format!("/operations/v1/notifications/{reference}/{deed}")
}

#[tokio::test]
async fn sends_a_replay_to_the_processor_and_records_who_and_why() {
    let world = World::new().await;
    let n = world.order(1, Duration::hours(1), processed(FeedbackState::Sent)).await;
    let reference = world.reference(1).await;
    let answer = world.repair("POST", &of(&reference, "replay"), json!({"note": "handler mended"})).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let sent = world.notifications.sent();
    let delivery = Delivery::from_message(&sent[0].body).unwrap();
    assert_eq!((delivery.meta.origin, sent[0].group.as_deref()), (Origin::Replay, Some(TENANT)));
    assert_eq!(delivery.body, n.raw.as_bytes());
    let shown = world.get(&format!("/operations/v1/notifications/{reference}")).await.body;
    let last = shown["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["what"], &last["by"], &last["text"]),
        (&"replay".into(), &"op-1".into(), &"handler mended".into())
    );
    assert_eq!(shown["state"], "processed");
}

/// The timeline of SO/{number}, in order, with the reasons.
async fn told(world: &World, number: u128) -> Vec<String> {
    let reference = world.reference(number).await;
    let shown = world.get(&format!("/operations/v1/notifications/{reference}")).await.body;
    let moments = shown["timeline"].as_array().unwrap().iter();
    let text = |moment: &serde_json::Value| match moment["reason"].as_str() {
        Some(reason) => format!("{}: {reason}", moment["what"].as_str().unwrap()),
        None => moment["what"].as_str().unwrap().to_owned(),
    };
    moments.map(text).collect()
}

#[tokio::test]
async fn a_timeline_shows_every_time_a_notification_was_parked_or_paused() {
    let world = World::new().await;
    let parked = || Change::Parked(Reason::Unmapped);
    for change in [parked(), Change::Paused] {
        world.order(1, Duration::hours(1), change).await;
        world.host.advance(Duration::minutes(1));
    }
    // A parked notification stays parked while it waits; the wait has an item of its own.
    assert_eq!(told(&world, 1).await, ["received", "parked: unmapped", "paused"]);
    world.order(1, Duration::hours(1), parked()).await;
    assert_eq!(told(&world, 1).await, ["received", "parked: unmapped", "paused", "parked: unmapped"]);
}

#[tokio::test]
async fn a_timeline_shows_each_replay() {
    let world = World::new().await;
    let n = world.order(1, Duration::hours(1), processed(FeedbackState::None)).await;
    for _ in 0..2 {
        world.host.advance(Duration::minutes(1));
        world.table.table.replayed(&n.ledger_key(), world.host.now()).await.unwrap();
    }
    assert_eq!(told(&world, 1).await, ["received", "processed", "replayed", "replayed"]);
}

#[tokio::test]
async fn refuses_an_action_that_the_state_does_not_allow() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let reference = world.reference(1).await;
    for (deed, body, code) in [
        ("hold", json!({}), "has_ended"),
        ("release", json!({}), "not_held"),
        ("feedback", json!({}), "feedback_not_open"),
        ("outcome", json!({"is_success": true, "description": "Done."}), "not_deferred"),
    ] {
        assert_eq!(world.repair("POST", &of(&reference, deed), body).await.problem(), (409, code), "{deed}");
    }
    assert!(world.notifications.sent().is_empty() && world.feedback.sent().is_empty());
}

#[tokio::test]
async fn holds_and_releases_a_notification() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, Change::Parked(Reason::TenantNotServed)).await;
    let reference = world.reference(1).await;
    assert_eq!(world.repair("POST", &of(&reference, "hold"), json!({})).await.status, StatusCode::NO_CONTENT);
    let held = world.get(&format!("/operations/v1/notifications/{reference}")).await.body;
    assert_eq!((&held["state"], &held["reason"]), (&"parked".into(), &"held".into()));
    assert_eq!(world.repair("POST", &of(&reference, "release"), json!({})).await.status, StatusCode::ACCEPTED);
    assert_eq!(world.notifications.sent().len(), 1);
    assert_eq!(world.get("/operations/v1/counts").await.body["parked"], 0);
}

#[tokio::test]
async fn sends_stuck_feedback_and_deferred_outcomes_to_the_feedback_queue() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Queued)).await;
    world.order(2, Duration::ZERO, processed(FeedbackState::Awaited)).await;
    let (stuck, deferred) = (world.reference(1).await, world.reference(2).await);
    assert_eq!(world.repair("POST", &of(&stuck, "feedback"), json!({})).await.status, StatusCode::ACCEPTED);
    let outcome = json!({"is_success": false, "description": "The order has no delivery address."});
    assert_eq!(world.repair("POST", &of(&deferred, "outcome"), outcome).await.status, StatusCode::ACCEPTED);
    let sent = world.feedback.sent();
    assert!(matches!(FeedbackMessage::parse(&sent[0].body).unwrap(), FeedbackMessage::Feedback { .. }));
    let FeedbackMessage::Outcome { verdict, .. } = FeedbackMessage::parse(&sent[1].body).unwrap() else {
        panic!("an outcome");
    };
    assert!(!verdict.is_success);
}

#[tokio::test]
async fn a_release_whose_message_is_refused_is_watched_and_can_be_replayed() {
    let world = World::new().await;
    let n = world.order(1, Duration::ZERO, Change::Paused).await;
    let reference = world.reference(1).await;
    world.notifications.refuse(true);
    let refused = world.repair("POST", &of(&reference, "release"), json!({})).await;
    assert_eq!(refused.problem(), (503, "unavailable"));
    let watched = world.table.table.due(Mark::Retrying, world.host.now(), None).await.unwrap().pending;
    assert_eq!(watched.into_iter().map(|one| one.key).collect::<Vec<_>>(), [n.ledger_key()]);
    world.notifications.refuse(false);
    world.host.advance(Duration::SECOND);
    let again = world.repair("POST", &of(&reference, "release"), json!({})).await;
    assert_eq!(again.problem(), (409, "not_held"), "it is recorded as released");
    assert_eq!(world.repair("POST", &of(&reference, "replay"), json!({})).await.status, StatusCode::ACCEPTED);
}

/// The first write has been carried out, its answer is lost, and the SDK sends the write again.
#[tokio::test]
async fn an_action_is_done_although_its_repeated_write_is_refused() {
    let world = World::new().await;
    let n = world.order(1, Duration::ZERO, Change::Paused).await;
    let first = Action { deed: Deed::Release, at: world.host.now(), by: "op-1", note: "" };
    assert!(world.table.table.act(&n.ledger_key(), first).await.unwrap());
    let path = of(&world.reference(1).await, "release");
    assert_eq!(world.repair("POST", &path, json!({})).await.status, StatusCode::ACCEPTED);
    assert_eq!(world.notifications.sent().len(), 1);
    world.host.advance(Duration::milliseconds(1));
    assert_eq!(world.repair("POST", &path, json!({})).await.problem(), (409, "not_held"));
}

#[tokio::test]
async fn a_replay_or_an_outcome_whose_message_is_refused_changes_no_state_and_can_be_given_again() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, Change::Parked(Reason::Unmapped)).await;
    world.order(2, Duration::ZERO, processed(FeedbackState::Awaited)).await;
    let outcome = json!({"is_success": true, "description": "Done."});
    for (number, deed, body) in [(1, "replay", json!({})), (2, "outcome", outcome)] {
        let reference = world.reference(number).await;
        let state = async || {
            let shown = world.get(&format!("/operations/v1/notifications/{reference}")).await.body;
            ["state", "reason", "feedback", "attention"].map(|field| shown[field].clone())
        };
        let before = state().await;
        let refuse = |refusing| {
            world.notifications.refuse(refusing);
            world.feedback.refuse(refusing);
        };
        refuse(true);
        let refused = world.repair("POST", &of(&reference, deed), body.clone()).await;
        assert_eq!(refused.problem(), (503, "unavailable"), "{deed}");
        assert_eq!(state().await, before, "{deed}");
        refuse(false);
        assert_eq!(world.repair("POST", &of(&reference, deed), body).await.status, StatusCode::ACCEPTED, "{deed}");
    }
}

#[tokio::test]
async fn pauses_and_resumes_a_tenant() {
    let world = World::new().await;
    world.order(1, Duration::hours(1), processed(FeedbackState::Sent)).await;
    let pause = json!({"tenant": TENANT, "events": "sales_order.*", "note": "year end"});
    assert_eq!(world.repair("PUT", "/operations/v1/pauses", pause.clone()).await.status, StatusCode::NO_CONTENT);
    let shown = world.get("/operations/v1/pauses").await.body;
    assert_eq!((&shown["items"][0]["events"], &shown["items"][0]["by"]), (&"sales_order.*".into(), &"op-1".into()));
    assert_eq!(world.get("/operations/v1/counts").await.body["pauses"], 1);
    for other in [json!({"tenant": TENANT, "events": "customer.*"}), json!({"events": "sales_order.*"})] {
        assert_eq!(world.repair("DELETE", PAUSES, other).await.problem(), (404, "unknown_pause"));
    }
    assert_eq!(world.repair("DELETE", "/operations/v1/pauses", pause.clone()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.repair("DELETE", "/operations/v1/pauses", pause).await.problem(), (404, "unknown_pause"));
}

#[tokio::test]
async fn a_pause_ends_at_its_time_and_a_person_can_still_end_it_afterwards() {
    let world = World::new().await;
    world.order(1, Duration::hours(1), processed(FeedbackState::Sent)).await;
    let end = world.host.now() + Duration::hours(2);
    let pause = json!({"tenant": TENANT, "events": "*", "until": end.format(&Rfc3339).unwrap()});
    assert_eq!(world.repair("PUT", PAUSES, pause.clone()).await.status, StatusCode::NO_CONTENT);
    let shown = world.get(PAUSES).await.body["items"][0]["until"].clone();
    assert_eq!(OffsetDateTime::parse(shown.as_str().unwrap(), &Rfc3339).unwrap(), end);
    world.host.advance(Duration::hours(2));
    assert_eq!(world.get(PAUSES).await.body["items"], json!([]));
    assert_eq!(world.get("/operations/v1/counts").await.body["pauses"], 0);
    assert!(world.repairs.sent().is_empty());
    assert_eq!(world.repair("DELETE", PAUSES, pause.clone()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.repairs.sent().len(), 1, "a job releases what waited");
    assert_eq!(world.repair("DELETE", PAUSES, pause).await.problem(), (404, "unknown_pause"));
}

#[tokio::test]
async fn a_pause_must_end_in_the_future_and_within_30_days() {
    let world = World::new().await;
    let now = world.host.now();
    let put = async |until: OffsetDateTime| {
        let pause = json!({"events": "*", "until": until.format(&Rfc3339).unwrap()});
        world.repair("PUT", PAUSES, pause).await
    };
    for until in [now - Duration::HOUR, now, now + Duration::days(30) + Duration::SECOND] {
        let answer = put(until).await;
        assert_eq!(answer.problem(), (400, "until_out_of_range"), "{until}");
        assert_eq!(answer.body["field"], "until");
    }
    assert_eq!(world.get(PAUSES).await.body["items"], json!([]));
    for until in [now + Duration::SECOND, now + Duration::days(30)] {
        assert_eq!(put(until).await.status, StatusCode::NO_CONTENT, "{until}");
    }
    world.repair("PUT", PAUSES, json!({"events": "*"})).await;
    assert_eq!(world.get(PAUSES).await.body["items"][0].get("until"), None, "the later one has no end");
}

#[tokio::test]
async fn refuses_a_pause_that_would_stop_nothing() {
    let world = World::new().await;
    world.order(1, Duration::days(20), processed(FeedbackState::Sent)).await;
    let pause = |tenant: &str, events: &str| json!({"tenant": tenant, "events": events});
    let put = async |body| world.repair("PUT", "/operations/v1/pauses", body).await;
    let answer = put(pause(TENANT, "sales_orders.*")).await;
    assert_eq!((answer.problem(), &answer.body["field"]), ((400, "events_unknown"), &"events".into()));
    assert!(answer.body["detail"].as_str().unwrap().contains("Did you mean sales_order.*"), "{}", answer.body);
    let answer = put(pause("no-such-tenant", "*")).await;
    assert_eq!((answer.problem(), &answer.body["field"]), ((404, "unknown_tenant"), &"tenant".into()));
    assert_eq!(world.get("/operations/v1/pauses").await.body["items"], json!([]));
    assert_eq!(put(pause(TENANT, "*")).await.status, StatusCode::NO_CONTENT);
    let new = json!({"tenant": "not-yet", "events": "*", "new_tenant": true});
    assert_eq!(put(new.clone()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(world.repair("DELETE", "/operations/v1/pauses", new).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_replay_that_waits_for_a_pause_is_listed_as_paused_with_its_end() {
    let world = World::new().await;
    let n = world.order(1, Duration::hours(1), processed(FeedbackState::Sent)).await;
    let entry = Entry { notification: &n, change: Change::Paused, now: world.host.now() };
    assert!(world.table.table.record(&entry).await.unwrap());
    let shown = world.get("/operations/v1/attention?kind=paused").await.body;
    assert_eq!((&shown["items"][0]["state"], &shown["items"][1]), (&"processed".into(), &serde_json::Value::Null));
    assert_eq!(world.get("/operations/v1/counts").await.body["paused"], 1);
}

#[tokio::test]
async fn no_list_shows_expired_records_that_are_not_deleted_yet() {
    let world = World::new().await;
    world.order(1, Duration::hours(1), Change::Parked(Reason::Unmapped)).await;
    let pause = json!({"tenant": TENANT, "events": "*"});
    world.repair("PUT", "/operations/v1/pauses", pause).await;
    let notifications = format!("notifications?tenant={TENANT}");
    for ago in [Duration::days(3), Duration::ZERO] {
        let past = (world.host.now() - ago).unix_timestamp().to_string();
        for item in world.table.items().await {
            let update = world.table.client.update_item().table_name(&world.table.name);
            let update = update.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
            let update = update.update_expression("SET expires_at = :at");
            update.expression_attribute_values(":at", AttributeValue::N(past.clone())).send().await.unwrap();
        }
        for list in ["pauses", "attention?kind=parked", "search?q=SO%2F1", &notifications] {
            let shown = world.get(&format!("/operations/v1/{list}")).await.body;
            assert_eq!(shown["items"], json!([]), "{list}, {ago} ago");
        }
    }
    assert_eq!(world.get("/operations/v1/counts").await.body["pauses"], 0);
}

#[tokio::test]
async fn plans_begins_shows_cancels_and_resumes_a_job() {
    let world = World::new().await;
    for number in 1..=12 {
        let age = if number == 1 { Duration::DAY } else { Duration::hours(2) };
        world.order(number, age, processed(FeedbackState::Sent)).await;
    }
    let filter = json!({"tenant": TENANT, "states": ["processed"], "from": "2026-09-25T00:00:00Z", "to": "2026-12-01T00:00:00Z", "rate": 5});
    let plan = world.repair("POST", "/operations/v1/plans", filter.clone()).await.body;
    assert_eq!((&plan["count"], &plan["at_least"], &plan["seconds"]), (&12.into(), &false.into(), &3.into()));
    assert_eq!(plan["sample"].as_array().unwrap().len(), 10);
    assert!(world.repairs.sent().is_empty(), "a plan does nothing");
    world.order(13, Duration::HOUR, processed(FeedbackState::Sent)).await;
    let job = world.repair("POST", "/operations/v1/jobs", filter).await;
    assert_eq!((job.status, &job.body["status"]), (StatusCode::ACCEPTED, &"running".into()));
    assert_eq!(job.body["expected"], 13, "also what came after the plan");
    let id = job.body["id"].as_str().unwrap();
    assert_eq!(world.repairs.sent()[0].json()["job"], id);
    let cancelled = world.repair("POST", &format!("/operations/v1/jobs/{id}/cancel"), json!({})).await;
    assert_eq!(cancelled.body["status"], "cancelled");
    let resumed = world.repair("POST", &format!("/operations/v1/jobs/{id}/resume"), json!({})).await;
    assert_eq!((resumed.status, world.repairs.sent().len()), (StatusCode::ACCEPTED, 2));
    assert_eq!(world.get("/operations/v1/jobs").await.items("id"), [id]);
}

#[tokio::test]
async fn a_job_without_a_tenant_is_planned_and_begun_over_all_of_them() {
    let world = World::new().await;
    world.order(1, Duration::hours(2), Change::Parked(Reason::Unmapped)).await;
    world.order(2, Duration::hours(2), processed(FeedbackState::Sent)).await;
    let failed = json!({"states": ["dead", "parked", "unparseable"], "from": "2026-11-23T00:00:00Z", "to": "2026-12-01T00:00:00Z"});
    let plan = world.repair("POST", "/operations/v1/plans", failed.clone()).await.body;
    assert_eq!((&plan["count"], &plan["at_least"]), (&1.into(), &false.into()));
    let found = world.get(&format!("/operations/v1/notifications/{}", plan["sample"][0].as_str().unwrap())).await;
    assert_eq!(found.body["state"], "parked", "its short name is known");
    let job = world.repair("POST", "/operations/v1/jobs", failed).await.body;
    assert_eq!((&job["expected"], &job["tenant"], &job["filter"]["tenant"]), (&1.into(), &Value::Null, &Value::Null));
    let audit = world.get("/operations/v1/audit").await.body;
    assert_eq!((&audit["items"][0]["deed"], &audit["items"][0]["tenant"]), (&"begin_job".into(), &Value::Null));
}

#[tokio::test]
async fn explains_a_wrong_body_without_quoting_it() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Awaited)).await;
    let reference = world.reference(1).await;
    let job = |field: &str, value: serde_json::Value| {
        let mut body = json!({"tenant": TENANT, "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"});
        body[field] = value;
        body
    };
    let range = ["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"];
    let redrives = "/operations/v1/dead-letters/events/redrives";
    for (method, url, body, code, field) in [
        ("POST", of(&reference, "replay"), json!({"note": ["canary"]}), "field_type", "note"),
        ("POST", of(&reference, "replay"), json!({"7canary7": 1}), "field_unknown", "?"),
        ("POST", "/operations/v1/jobs".into(), job("from", "canary".into()), "value_invalid", "from"),
        ("POST", "/operations/v1/jobs".into(), job("states", json!(["dead", ["canary"]])), "field_type", "states[1]"),
        ("POST", "/operations/v1/jobs".into(), json!("canary"), "field_type", ""),
        ("POST", "/operations/v1/jobs".into(), json!([null, [], null, null, range[0], range[1]]), "field_type", ""),
        ("POST", redrives.into(), json!(["canary"]), "field_type", ""),
        ("POST", of(&reference, "outcome"), json!([true, "canary"]), "field_type", ""),
        ("POST", of(&reference, "replay"), json!(["canary"]), "field_type", ""),
        ("POST", of(&reference, "acknowledgement"), json!(["canary", null]), "field_type", ""),
        ("POST", "/operations/v1/feedback/resends".into(), json!([null, null]), "field_type", ""),
        ("PUT", PAUSES.into(), json!([null, "*"]), "field_type", ""),
        ("POST", "/operations/v1/jobs".into(), job("colour", "canary".into()), "field_unknown", "colour"),
        ("PUT", "/operations/v1/pauses".into(), json!({}), "field_missing", "events"),
        ("PUT", PAUSES.into(), json!({"events": "*", "until": "canary"}), "value_invalid", "until"),
        ("POST", of(&reference, "replay"), json!({"note": "x".repeat(501)}), "invalid_parameter", "note"),
        (
            "POST",
            of(&reference, "outcome"),
            json!({"is_success": true, "description": " <> "}),
            "invalid_parameter",
            "description",
        ),
        ("POST", "/operations/v1/jobs".into(), job("tenant", "a b".into()), "invalid_parameter", "tenant"),
        ("POST", "/operations/v1/jobs".into(), job("states", json!(["canary"])), "invalid_parameter", "states"),
        ("POST", "/operations/v1/jobs".into(), job("to", "2026-10-02T00:00:00Z".into()), "invalid_parameter", "from"),
        ("POST", "/operations/v1/jobs".into(), job("to", "2027-10-02T00:00:00Z".into()), "invalid_parameter", "from"),
        ("POST", "/operations/v1/jobs".into(), job("rate", 101.into()), "invalid_parameter", "rate"),
        ("PUT", "/operations/v1/pauses".into(), json!({"events": "Sales Order"}), "invalid_parameter", "events"),
    ] {
        let answer = world.repair(method, &url, body).await;
        assert_eq!(answer.problem().1, code, "{url}: {}", answer.body);
        assert_eq!(answer.body["field"].as_str().unwrap_or_default(), field, "{url}");
        assert!(!answer.body.to_string().contains("canary"));
    }
    assert!(world.repairs.sent().is_empty() && world.notifications.sent().is_empty());
}

#[tokio::test]
async fn a_moved_record_names_its_new_key_and_is_not_replayed() {
    let world = World::new().await;
    let old = world.order(1, Duration::ZERO, Change::Parked(Reason::Unidentified)).await;
    let new = world.order(2, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let (old, new) = (old.ledger_key(), new.ledger_key());
    world.table.table.moved(&old, &new, world.host.now()).await.unwrap();
    let (closed, next) = (world.reference(1).await, world.reference(2).await);
    let shown = world.get(&format!("/operations/v1/notifications/{closed}")).await.body;
    assert_eq!((&shown["state"], &shown["moved_to"]), (&"superseded".into(), &next.into()));
    let last = shown["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["what"], &last["text"]), (&"moved".into(), &"sales order SO/2".into()));
    let refused = world.repair("POST", &of(&closed, "replay"), json!({})).await;
    assert_eq!(refused.problem(), (409, "not_replayable"));
    assert!(world.notifications.sent().is_empty());
}
