//! What only a newer version of the product can read, as after a rollback. It is left as it is, and
//! the answer says so.

use crate::world::{World, order, processed};
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use std::collections::HashMap;
use time::Duration;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::filter::Filter;
use webhooks_model::job::Job;
use webhooks_model::{Notification, QueueName, Reason, Work};
use webhooks_queue::DeadLetter;
use webhooks_store::{Change, Entry};

const NEWER: (u16, &str) = (409, "newer_version");

fn outcome() -> Value {
    json!({"is_success": true, "description": "Done."})
}

/// A world with SO/1, parked an hour ago, and its URL.
async fn world() -> (World, Notification, String) {
    let world = World::new().await;
    let n = world.order(1, Duration::hours(1), Change::Parked(Reason::Unmapped)).await;
    let url = format!("/operations/v1/notifications/{}", world.reference(1).await);
    (world, n, url)
}

#[tokio::test]
async fn says_that_only_a_newer_version_can_read_a_notification() {
    let (world, _, url) = world().await;
    world.table.overwrite("N#", "state", "postponed").await;
    let shown = world.get(&url).await;
    assert_eq!(shown.problem(), NEWER, "{}", shown.text);
    assert!(shown.body["detail"].as_str().unwrap().contains("Deploy that version again"), "{}", shown.text);
    let entity = format!("/operations/v1/entities?tenant={TENANT}&entity=sales_order&key=SO%2F1");
    assert_eq!(world.get(&entity).await.problem(), NEWER);
    let listed = world.get(&format!("/operations/v1/notifications?tenant={TENANT}")).await;
    assert_eq!((listed.status, listed.items("key").len()), (StatusCode::OK, 0), "others are still listed");
    let paused = world.repair("PUT", "/operations/v1/pauses", json!({"tenant": TENANT, "events": "*"})).await;
    assert_eq!(paused.status, StatusCode::NO_CONTENT, "the tenant has sent something");
}

#[tokio::test]
async fn each_list_counts_what_it_leaves_out() {
    let (world, _, _) = world().await;
    let (store, now) = (&world.table.table, world.host.now());
    let (from, to) = (now - Duration::DAY, now);
    let filter = Filter { tenant: Some(TENANT.into()), states: vec![], entity: None, event: None, from, to };
    let (release, replay) = (Uuid::from_u128(7), Uuid::from_u128(8));
    assert!(store.create(&Job::new(release, Work::Release, 1, "op", "why", now)).await.unwrap());
    assert!(store.create(&Job::new(replay, filter, 1, "op", "why", now)).await.unwrap());
    let lists = [
        format!("notifications?tenant={TENANT}"),
        format!("entities?tenant={TENANT}&entity=sales_order&key=SO%2F1"),
        "attention?kind=parked".to_owned(),
        "search?q=SO%2F1".to_owned(),
        "jobs".to_owned(),
        format!("jobs/{replay}/failed"),
    ];
    for list in &lists {
        assert!(world.get(&format!("/operations/v1/{list}")).await.body["left_out"].is_null(), "{list}");
    }
    world.table.overwrite("N#", "state", "postponed").await;
    world.table.overwrite(&release.to_string(), "work", r#"{"recount":{}}"#).await;
    // An entity of which nothing can be read is an error.
    let n = Notification { entity_key: Some("SO/1".into()), received_at: now - Duration::MINUTE, ..order(2) };
    let entry = Entry { notification: &n, change: Change::Parked(Reason::Unmapped), now };
    assert!(store.record(&entry).await.unwrap());
    for list in &lists {
        let answer = world.get(&format!("/operations/v1/{list}")).await;
        assert_eq!((answer.status, &answer.body["left_out"]), (StatusCode::OK, &json!(1)), "{list}: {}", answer.text);
    }
}

#[tokio::test]
async fn each_plan_counts_what_its_job_would_pass_over() {
    let (world, _, _) = world().await;
    world.table.overwrite("N#", "state", "postponed").await;
    world.table.overwrite("N#", "attention", "feedback_parked").await;
    world.host.advance(Duration::SECOND);
    let filter = json!({"tenant": TENANT, "from": "2026-11-23T00:00:00Z", "to": "2026-12-01T00:00:00Z"});
    for (plan, filter) in [("plans", filter), ("feedback/plans", json!({}))] {
        let answer = world.repair("POST", &format!("/operations/v1/{plan}"), filter).await.body;
        assert_eq!((&answer["count"], &answer["left_out"]), (&json!(0), &json!(1)), "{plan}: {answer}");
    }
}

#[tokio::test]
async fn refuses_every_action_on_it_and_leaves_it_as_it_is() {
    let (world, _, url) = world().await;
    world.table.overwrite("N#", "state", "postponed").await;
    let before = world.table.item("N#").await;
    for (method, deed, body) in [
        ("POST", "replay", json!({})),
        ("POST", "hold", json!({})),
        ("POST", "release", json!({})),
        ("POST", "feedback", json!({})),
        ("POST", "outcome", outcome()),
        ("POST", "acknowledgement", json!({})),
        ("DELETE", "acknowledgement", json!({})),
    ] {
        let answer = world.repair(method, &format!("{url}/{deed}"), body).await;
        assert_eq!(answer.problem(), NEWER, "{method} {deed}: {}", answer.text);
    }
    assert_eq!(world.table.item("N#").await, before);
    assert!(world.notifications.sent().is_empty() && world.feedback.sent().is_empty());
    let results = world.get("/operations/v1/audit").await.items("result");
    assert_eq!(results, ["newer_version"; 5], "reading before an acknowledgement is no action");
}

#[tokio::test]
async fn does_not_send_what_only_a_newer_version_can_send() {
    let (world, _, url) = world().await;
    for (name, word) in [("answer_role", "by_last"), ("proof", "sealed"), ("channel", "stream")] {
        let known = world.table.item("N#").await;
        world.table.overwrite("N#", name, word).await;
        let before = world.table.item("N#").await;
        let answer = world.repair("POST", &format!("{url}/replay"), json!({})).await;
        assert_eq!(answer.problem(), NEWER, "{name}: {}", answer.text);
        assert_eq!(world.table.item("N#").await, before, "{name}");
        let usual = known.get(name).and_then(|word| word.as_s().ok()).map_or("own", String::as_str);
        world.table.overwrite("N#", name, usual).await;
    }
    assert!(world.notifications.sent().is_empty());
    assert_eq!(world.repair("POST", &format!("{url}/replay"), json!({})).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn shows_a_newer_state_of_the_feedback_as_it_is() {
    let world = World::new().await;
    world.order(1, Duration::hours(1), processed(FeedbackState::Queued)).await;
    let url = format!("/operations/v1/notifications/{}", world.reference(1).await);
    world.table.overwrite("N#", "feedback", "on_its_way").await;
    assert_eq!(world.get(&url).await.body["feedback"]["state"], "on_its_way");
    for (deed, body) in [("feedback", json!({})), ("outcome", outcome())] {
        assert_eq!(world.repair("POST", &format!("{url}/{deed}"), body).await.problem(), NEWER, "{deed}");
    }
    assert!(world.feedback.sent().is_empty());
    let hold = world.repair("POST", &format!("{url}/hold"), json!({})).await;
    assert_eq!(hold.problem(), (409, "has_ended"), "a hold does not depend on the feedback");
}

#[tokio::test]
async fn says_that_only_a_newer_version_can_read_a_job() {
    let world = World::new().await;
    let id = Uuid::from_u128(7);
    let job = Job::new(id, Work::Release, 1, "op", "why", world.host.now());
    assert!(world.table.table.create(&job).await.unwrap());
    world.table.overwrite(&id.to_string(), "work", r#"{"recount":{}}"#).await;
    let before = world.table.item(&id.to_string()).await;
    let url = format!("/operations/v1/jobs/{id}");
    assert_eq!(world.get(&url).await.problem(), NEWER);
    assert_eq!(world.get(&format!("{url}/failed")).await.problem(), NEWER);
    for deed in ["cancel", "resume"] {
        assert_eq!(world.repair("POST", &format!("{url}/{deed}"), json!({})).await.problem(), NEWER, "{deed}");
    }
    assert_eq!(world.get("/operations/v1/jobs").await.status, StatusCode::OK);
    assert_eq!(world.table.item(&id.to_string()).await, before);
    assert!(world.repairs.sent().is_empty());
}

#[tokio::test]
async fn a_dead_letter_names_the_cause_and_the_others_are_shown() {
    let (world, n, _) = world().await;
    let delivery = world.table.table.replay(&n.ledger_key()).await.unwrap().unwrap().to_message();
    world.table.overwrite("N#", "state", "postponed").await;
    for (id, body) in [("a", delivery), ("b", "canary".to_owned())] {
        world.dead(QueueName::Notifications).put(DeadLetter {
            id: id.into(),
            body,
            receipt: id.into(),
            sent_at: world.host.now() - Duration::hours(2),
            receive_count: 12,
            group: Some(TENANT.into()),
            trace: None,
            attributes: HashMap::new(),
        });
    }
    let answer = world.get("/operations/v1/dead-letters?queue=notifications").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let sample = &answer.body["queues"][0]["sample"];
    assert_eq!((&sample[0]["reason"], &sample[0]["dies_again"]), (&json!("newer_version"), &json!(false)));
    assert!(sample[0]["detail"].as_str().unwrap().contains("a newer version"), "{sample}");
    assert_eq!(sample[1]["reason"], "not_understood");
}
