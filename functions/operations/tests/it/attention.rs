//! What needs a person: notifications in the attention list, and dead letters.

use crate::world::{World, processed, token};
use aws_sdk_dynamodb::types::AttributeValue;
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use std::collections::HashMap;
use time::Duration;
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackMessage, FeedbackState};
use webhooks_model::ledger::Attempt;
use webhooks_model::{QueueName, Reason};
use webhooks_queue::DeadLetter;
use webhooks_store::Change;

const LIST: &str = "/operations/v1/attention?kind=parked";

fn parked() -> Change {
    Change::Parked(Reason::Unmapped)
}

/// A world with SO/1, parked a minute ago, and the URL of its acknowledgement.
async fn world() -> (World, String) {
    let world = World::new().await;
    world.order(1, Duration::hours(1), parked()).await;
    world.host.advance(Duration::minutes(1));
    let url = format!("/operations/v1/notifications/{}/acknowledgement", world.reference(1).await);
    (world, url)
}

/// `attention` of SO/1 in the list, or null.
async fn shown(world: &World, list: &str) -> Value {
    world.get(list).await.body["items"][0]["attention"].clone()
}

async fn counted(world: &World, kind: &str) -> u64 {
    world.get("/operations/v1/counts").await.body[kind].as_u64().unwrap()
}

#[tokio::test]
async fn an_acknowledged_notification_is_not_listed_or_counted_until_it_is_withdrawn() {
    let (world, url) = world().await;
    let before = shown(&world, LIST).await;
    assert_eq!((&before["kind"], before.get("acknowledged")), (&"parked".into(), None));
    let seen = json!({"note": "asked the vendor", "seen_at": before["changed_at"]});
    assert_eq!(world.repair("POST", &url, seen).await.status, StatusCode::NO_CONTENT);
    assert_eq!((shown(&world, LIST).await, counted(&world, "parked").await), (Value::Null, 0));
    let after = shown(&world, &format!("{LIST}&acknowledged=true")).await["acknowledged"].clone();
    assert_eq!((&after["by"], &after["note"]), (&"op-1".into(), &"asked the vendor".into()));
    assert_eq!(world.repair("POST", &url, json!({})).await.problem(), (409, "not_in_attention"));

    let back = world.repair("DELETE", &url, json!({"note": "no answer"})).await;
    assert_eq!(back.status, StatusCode::NO_CONTENT, "{}", back.body);
    assert_eq!((shown(&world, LIST).await, counted(&world, "parked").await), (before, 1));
    assert_eq!(shown(&world, &format!("{LIST}&acknowledged=true")).await, Value::Null);
    assert_eq!(world.repair("DELETE", &url, json!({})).await.problem(), (409, "not_acknowledged"));
    let audited = world.get("/operations/v1/audit").await.items("deed");
    assert_eq!(audited.len(), 2, "{audited:?}");
    assert!(audited.contains(&"acknowledge".to_owned()) && audited.contains(&"unacknowledge".to_owned()));
}

#[tokio::test]
async fn a_notification_that_fails_again_needs_attention_again_and_keeps_the_note() {
    let (world, url) = world().await;
    assert_eq!(world.repair("POST", &url, json!({"note": "known"})).await.status, StatusCode::NO_CONTENT);
    world.host.advance(Duration::minutes(1));
    let detail = "status 503 from the ERP".into();
    let attempt = Attempt { at: world.host.now(), receive_count: 5, reason: Reason::Unavailable, detail };
    world.order(1, Duration::minutes(62), Change::Dead { attempt, answer: None }).await;
    assert_eq!((counted(&world, "dead").await, counted(&world, "parked").await), (1, 0));
    let dead = shown(&world, "/operations/v1/attention?kind=dead").await;
    assert_eq!((&dead["kind"], dead.get("acknowledged")), (&"dead".into(), None));
    let detail = world.get(url.trim_end_matches("/acknowledgement")).await.body;
    let deeds: Vec<&Value> = detail["timeline"].as_array().unwrap().iter().map(|moment| &moment["what"]).collect();
    assert!(deeds.contains(&&Value::from("acknowledge")), "{deeds:?}");
}

#[tokio::test]
async fn shows_who_acknowledged_it_also_after_many_other_actions() {
    let (world, url) = world().await;
    assert_eq!(world.repair("POST", &url, json!({"note": "known"})).await.status, StatusCode::NO_CONTENT);
    let replay = url.replace("/acknowledgement", "/replay");
    for _ in 0..30 {
        assert_eq!(world.repair("POST", &replay, json!({})).await.status, StatusCode::ACCEPTED);
    }
    let after = shown(&world, &format!("{LIST}&acknowledged=true")).await["acknowledged"].clone();
    assert_eq!((&after["by"], &after["note"]), (&"op-1".into(), &"known".into()));
}

#[tokio::test]
async fn shows_who_acknowledged_it_in_an_earlier_version() {
    let (world, url) = world().await;
    assert_eq!(world.repair("POST", &url, json!({"note": "known"})).await.status, StatusCode::NO_CONTENT);
    let record = world.table.item("N#").await;
    let write = world.table.client.update_item().table_name(&world.table.name);
    let write = write.key("pk", record["pk"].clone()).key("sk", record["sk"].clone());
    write.update_expression("REMOVE acknowledgement").send().await.unwrap();
    let after = shown(&world, &format!("{LIST}&acknowledged=true")).await["acknowledged"].clone();
    assert_eq!((&after["by"], &after["note"]), (&"op-1".into(), &"known".into()));
}

/// The index may lag behind. The embedded DynamoDB's does not, so another item has the old entry.
#[tokio::test]
async fn a_list_leaves_out_what_has_another_kind_by_now() {
    let world = World::new().await;
    let (at, detail) = (world.host.now(), String::new());
    let attempt = Attempt { at, receive_count: 5, reason: Reason::Unavailable, detail };
    world.order(1, Duration::hours(1), Change::Dead { attempt, answer: None }).await;
    let record = world.table.item("N#").await;
    let place = record["sk"].as_s().unwrap().replacen("N#", "WAIT#", 1);
    let write = world.table.client.put_item().table_name(&world.table.name);
    let write = write.item("pk", record["pk"].clone()).item("sk", AttributeValue::S(place));
    let write = write.item("attention", AttributeValue::S("parked".into()));
    write.item("attention_at", record["attention_at"].clone()).send().await.unwrap();
    assert_eq!(counted(&world, "parked").await, 1, "the old entry");
    assert_eq!(world.get(LIST).await.body["items"], json!([]));
}

#[tokio::test]
async fn refuses_an_acknowledgement_of_an_older_failure() {
    let (world, url) = world().await;
    let seen = shown(&world, LIST).await["changed_at"].clone();
    world.order(1, Duration::minutes(61), parked()).await;
    let late = world.repair("POST", &url, json!({"note": "known", "seen_at": seen})).await;
    assert_eq!(late.problem(), (409, "has_changed"));
    assert_eq!(counted(&world, "parked").await, 1);
    let again = json!({"seen_at": shown(&world, LIST).await["changed_at"]});
    assert_eq!(world.repair("POST", &url, again).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn only_a_repairer_acknowledges_and_only_what_needs_attention() {
    let (world, url) = world().await;
    world.order(2, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let well = format!("/operations/v1/notifications/{}/acknowledgement", world.reference(2).await);
    assert_eq!(world.repair("POST", &well, json!({})).await.problem(), (409, "not_in_attention"));
    let reader = token("visma-webhooks/read");
    for method in ["POST", "DELETE"] {
        let refused = world.ask(method, &url, reader.clone(), Some(json!({}))).await;
        assert_eq!(refused.problem(), (403, "forbidden"), "{method}");
    }
    let long = json!({"note": "x".repeat(501)});
    assert_eq!(world.repair("POST", &url, long).await.problem(), (400, "invalid_parameter"));
    assert_eq!(counted(&world, "parked").await, 1);
}

fn letter(world: &World, id: &str, body: String, age: Duration) -> DeadLetter {
    DeadLetter {
        id: id.into(),
        body,
        receipt: id.into(),
        sent_at: world.host.now() - age,
        receive_count: 12,
        group: Some(TENANT.into()),
        trace: None,
        attributes: HashMap::new(),
    }
}

fn queue<'a>(body: &'a Value, name: &str) -> &'a Value {
    body["queues"].as_array().unwrap().iter().find(|queue| queue["name"] == name).unwrap()
}

#[tokio::test]
async fn every_queue_shows_its_dead_letters_and_reasons_without_bodies() {
    let world = World::new().await;
    let dead = world.order(1, Duration::hours(1), Change::Parked(Reason::TenantNotServed)).await;
    let delivery = world.table.table.replay(&dead.ledger_key()).await.unwrap().unwrap().to_message();
    world.dead(QueueName::Notifications).put(letter(&world, "a", delivery, Duration::hours(2)));
    world.dead(QueueName::Notifications).put(letter(&world, "b", "canary".into(), Duration::hours(3)));
    let feedback = FeedbackMessage::Feedback { notification: dead.ledger_key() };
    let code = aws_sdk_sqs::types::MessageAttributeValue::builder().data_type("String").string_value("field_wrong");
    world.dead(QueueName::Feedback).put(DeadLetter {
        attributes: HashMap::from([("rejection_code".into(), code.build().unwrap())]),
        ..letter(&world, "c", serde_json::to_string(&feedback).unwrap(), Duration::hours(1))
    });
    let event =
        json!({"type": "net.visma.sales_order.updated", "data": {"notification": dead.ledger_key(), "x": "canary"}});
    world.dead(QueueName::Events).put(letter(&world, "d", event.to_string(), Duration::hours(1)));
    let job = uuid::Uuid::from_u128(7);
    world.dead(QueueName::Repairs).put(letter(&world, "e", webhooks_model::job::message(job), Duration::hours(1)));

    let answer = world.get("/operations/v1/dead-letters").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(!answer.body.to_string().contains("canary"));
    let notifications = queue(&answer.body, "notifications");
    assert_eq!(
        (&notifications["waiting"], &notifications["oldest_sent_at"]),
        (&2.into(), &"2026-11-23T09:00:00Z".into())
    );
    let sample = notifications["sample"].as_array().unwrap();
    assert_eq!(
        (&sample[0]["id"], &sample[0]["reason"], &sample[0]["tenant"]),
        (&"a".into(), &"tenant_not_served".into(), &TENANT.into())
    );
    for name in ["notifications", "feedback", "events"] {
        let about = &queue(&answer.body, name)["sample"][0]["notifications"][0]["ref"];
        assert_eq!(*about, world.reference(1).await, "{name}");
    }
    assert_eq!((&sample[1]["id"], &sample[1]["reason"]), (&"b".into(), &"not_understood".into()));
    assert_eq!(queue(&answer.body, "feedback")["sample"][0]["reason"], "field_wrong");
    let doomed = |queue: &Value| -> Vec<bool> {
        queue["sample"].as_array().unwrap().iter().map(|letter| letter["dies_again"].as_bool().unwrap()).collect()
    };
    assert_eq!(doomed(notifications), [false, true], "the second is no notification");
    let others = ["feedback", "events", "repairs"].map(|name| doomed(queue(&answer.body, name))[0]);
    assert_eq!(others, [true, false, false], "the outcome was rejected");
    let event = &queue(&answer.body, "events")["sample"][0];
    assert_eq!((&event["reason"], &event["event"]), (&"unconsumed".into(), &"net.visma.sales_order.updated".into()));
    assert_eq!(queue(&answer.body, "repairs")["sample"][0]["job"], job.to_string());

    let again = world.get("/operations/v1/dead-letters?queue=notifications&limit=1").await;
    let only = queue(&again.body, "notifications");
    assert_eq!(
        (&only["waiting"], only["sample"].as_array().unwrap().len()),
        (&2.into(), 1),
        "reading the sample removes nothing"
    );
    assert_eq!(again.body["queues"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn plans_a_redrive_begins_it_as_a_job_and_records_it() {
    let world = World::new().await;
    for id in ["a", "b", "c"] {
        world.dead(QueueName::Feedback).put(letter(&world, id, "{}".into(), Duration::hours(1)));
    }
    let url = "/operations/v1/dead-letters/feedback";
    let plan = world.repair("POST", &format!("{url}/plans"), json!({"rate": 2})).await.body;
    assert_eq!((&plan["count"], &plan["seconds"], &plan["sample"]), (&3.into(), &2.into(), &json!(["a", "b", "c"])));
    let plan = world.repair("POST", &format!("{url}/plans"), json!({"message": "b"})).await.body;
    assert_eq!((&plan["count"], &plan["sample"]), (&1.into(), &json!(["b"])));
    // No outcome is that short, so the feedback function cannot read it.
    assert_eq!(plan["dies_again"], 1);
    let other = world.repair("POST", "/operations/v1/dead-letters/events/plans", json!({})).await.body;
    assert_eq!((&other["count"], &other["dies_again"]), (&0.into(), &0.into()));
    assert!(world.repairs.sent().is_empty(), "a plan does nothing");
    let job = world.repair("POST", &format!("{url}/redrives"), json!({"message": "b", "note": "mended"})).await;
    assert_eq!(job.status, StatusCode::ACCEPTED, "{}", job.body);
    let shown = ["kind", "queue", "message", "status", "note"].map(|name| job.body[name].as_str().unwrap());
    assert_eq!(shown, ["redrive", "feedback", "b", "running", "mended"]);
    assert_eq!(world.repairs.sent()[0].json()["job"], job.body["id"]);
    let url = format!("/operations/v1/jobs/{}", job.body["id"].as_str().unwrap());
    assert_eq!(world.get(&url).await.body, job.body);
    let audit = world.get("/operations/v1/audit").await.body;
    let last = ["by", "role", "deed", "kind", "name", "result"].map(|name| audit["items"][0][name].as_str().unwrap());
    assert_eq!(last, ["op-1", "repair", "redrive", "dead_letters", "feedback", "done"]);
}

#[tokio::test]
async fn names_the_wrong_field_of_a_request_about_dead_letters() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    for (url, field) in [
        ("/operations/v1/dead-letters?queue=other", "queue"),
        ("/operations/v1/dead-letters?limit=21", "limit"),
        ("/operations/v1/dead-letters?limit=0", "limit"),
        ("/operations/v1/dead-letters?tenant=t", "tenant"),
    ] {
        let answer = world.get(url).await;
        assert_eq!((answer.problem(), &answer.body["field"]), ((400, "invalid_parameter"), &field.into()), "{url}");
    }
    for (queue, body, field) in [
        ("other", json!({}), "queue"),
        ("feedback", json!({"rate": 0}), "rate"),
        ("feedback", json!({"rate": 101}), "rate"),
        ("feedback", json!({"message": ""}), "message"),
        ("feedback", json!({"message": "a b"}), "message"),
        ("feedback", json!({"message": "a".repeat(101)}), "message"),
        ("feedback", json!({"note": "x".repeat(501)}), "note"),
    ] {
        for what in ["plans", "redrives"] {
            let answer =
                world.repair("POST", &format!("/operations/v1/dead-letters/{queue}/{what}"), body.clone()).await;
            assert_eq!(
                (answer.problem(), &answer.body["field"]),
                ((400, "invalid_parameter"), &field.into()),
                "{body}"
            );
        }
    }
    let answer = world.repair("POST", "/operations/v1/dead-letters/feedback/redrives", json!({"queue": "x"})).await;
    assert_eq!((answer.problem(), &answer.body["field"]), ((422, "field_unknown"), &"queue".into()));
    assert!(world.repairs.sent().is_empty());
}
