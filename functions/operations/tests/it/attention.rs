use crate::world::{World, processed, token};
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use webhooks_host::Host;
use webhooks_model::Reason;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::ledger::Attempt;
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
