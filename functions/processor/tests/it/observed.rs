use crate::world::{World, account, down, order};
use fixtures::{Mood, TENANT};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::Duration;
use webhooks_host::Host;
use webhooks_model::observed::older_secret;
use webhooks_model::{Delivery, OpenQuestion};
use webhooks_store::{Observation, Observations};
use webhooks_visma::{Stage, VismaError};

/// A signed delivery with the dispatcher's headers, made when it is received.
fn dispatched(world: &World, body: &Value, event: &str) -> Delivery {
    let mut delivery = world.delivery(body);
    let millis = (world.host.now().unix_timestamp_nanos() / 1_000_000).to_string();
    let headers = [
        ("x-vwd-event-id", event),
        ("x-vwd-notification-timestamp", &millis),
        ("x-vwd-tenant-id", TENANT),
        ("x-vwd-signature-v1", "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="),
    ];
    delivery.meta.headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    delivery
}

async fn observed(world: &World, question: OpenQuestion) -> Vec<Observation> {
    let all = world.table.table.observed().await.unwrap();
    all.into_iter().filter(|one| one.fact.question == question).collect()
}

async fn values(world: &World, question: OpenQuestion) -> Vec<(String, bool)> {
    observed(world, question).await.into_iter().map(|one| (one.fact.value, one.agrees)).collect()
}

/// The subjects and values of observations about retries.
async fn retries(world: &World) -> Vec<(String, String)> {
    let all = observed(world, OpenQuestion::Retries).await;
    all.into_iter().map(|one| (one.fact.subject, one.fact.value)).collect()
}

#[tokio::test]
async fn a_notification_leaves_its_names_and_shape_and_a_second_one_costs_no_write() {
    let world = World::new().await;
    for id in 1..=3 {
        let delivery = dispatched(&world, &account(id, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
        assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
    }
    assert_eq!(values(&world, OpenQuestion::EventNames).await, [("ACCOUNT_UPDATED".to_owned(), true)]);
    let shape = observed(&world, OpenQuestion::BodyShape).await.remove(0);
    assert_eq!((shape.fact.subject.as_str(), shape.agrees, shape.notifications), ("ACCOUNT_UPDATED", true, 1));
    assert_eq!(
        shape.fact.value,
        "object /contextId:string /event:string /notificationId:string /relativeResourceUri:string"
    );
    world.host.advance(Duration::HOUR);
    let delivery = dispatched(&world, &account(4, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
    world.batch(&[delivery.to_message()], 1).await;
    assert_eq!(observed(&world, OpenQuestion::BodyShape).await[0].notifications, 4);
}

#[tokio::test]
async fn an_unknown_dialect_contradicts_and_leaves_no_value() {
    let world = World::new().await;
    let body = json!({"what": "erp.account.updated", "record": {"no": "canary-1920"}, "canary 17": "canary"});
    let delivery = dispatched(&world, &body, "erp.account.updated");
    world.batch(&[delivery.to_message()], 1).await;
    assert_eq!(values(&world, OpenQuestion::EventNames).await, [("erp.account.updated".to_owned(), false)]);
    let shape = values(&world, OpenQuestion::BodyShape).await;
    assert_eq!(shape, [("object /?:string /record:object /record/no:string /what:string".to_owned(), false)]);
    let kept = format!("{:?}", world.table.table.observed().await.unwrap());
    assert!(!kept.contains("canary") && !kept.contains(TENANT), "{kept}");
}

#[tokio::test]
async fn a_repeated_message_is_observed_once() {
    let world = World::new().await;
    let delivery = dispatched(&world, &account(1, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
    for receive_count in 1..=2 {
        world.batch(&[delivery.to_message()], receive_count).await;
    }
    world.host.advance(Duration::HOUR);
    world.batch(&[dispatched(&world, &account(2, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED").to_message()], 1).await;
    assert_eq!(observed(&world, OpenQuestion::BodyShape).await[0].notifications, 2);
}

#[tokio::test]
async fn a_batch_that_used_its_time_leaves_its_observations_to_a_later_one() {
    let world = World::new().await;
    // Both items end, but their answer never leaves.
    world.feedback.set_mood(Mood::NeverAnswers);
    let items = json!([account(1, "ACCOUNT_UPDATED", "1920"), account(1, "ACCOUNT_UPDATED", "1921")]);
    let message = [dispatched(&world, &items, "ACCOUNT_UPDATED").to_message()];
    assert_eq!(world.batch_within(std::time::Duration::from_secs(3), &message, 1).await, [0]);
    assert_eq!((world.states().await.len(), observed(&world, OpenQuestion::BodyShape).await.len()), (2, 0));
    world.feedback.set_mood(Mood::Takes);
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(observed(&world, OpenQuestion::BodyShape).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_learnt_from_an_unsigned_delivery() {
    let world = World::new().await;
    world.batch(&[world.legacy(&order(1, "salesorder_changed", "Open", 0)).to_message()], 1).await;
    assert_eq!(world.table.table.observed().await.unwrap(), []);
}

#[tokio::test]
async fn a_fetched_resource_shows_the_zone_of_its_stamp_and_that_the_tenant_is_right() {
    let world = World::with_routes(json!([{"events": "*", "fetch": true}])).await;
    let local = world.host.now() + Duration::HOUR;
    let (date, time) = (local.date(), local.time());
    let stamp = format!("{date}T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    world.erp.put("v1/account/1920", &json!({"accountID": 7, "lastModifiedDateTime": stamp}).to_string());
    let delivery = dispatched(&world, &account(1, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
    assert!(world.batch(&[delivery.to_message()], 1).await.is_empty());
    let zone = observed(&world, OpenQuestion::TimeZone).await.remove(0);
    assert_eq!((zone.fact.subject.as_str(), zone.fact.value.as_str()), ("finance", "+01:00"));
    let tenant = values(&world, OpenQuestion::TenantId).await;
    assert_eq!(tenant, [("calls with its token are answered".to_owned(), true)]);
}

#[tokio::test]
async fn a_tenant_without_a_token_contradicts() {
    let world = World::with_routes(json!([{"events": "*", "fetch": true}])).await;
    world.erp.fail_fetches([VismaError::TokenRefused { stage: Stage::Token, status: 401, after: None }]);
    let delivery = dispatched(&world, &account(1, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
    world.batch(&[delivery.to_message()], 1).await;
    assert_eq!(values(&world, OpenQuestion::TenantId).await, [("no token, or one that is refused".to_owned(), false)]);
}

#[tokio::test]
async fn an_erp_that_is_down_says_nothing_about_the_tenant() {
    let world = World::with_routes(json!([{"events": "*", "fetch": true}])).await;
    world.erp.fail_fetches([down()]);
    let delivery = dispatched(&world, &account(1, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
    world.batch(&[delivery.to_message()], 1).await;
    assert!(values(&world, OpenQuestion::TenantId).await.is_empty());
}

#[tokio::test]
async fn a_notification_after_a_newer_one_shows_that_the_order_is_not_kept() {
    let world = World::with_routes(json!([{"events": "*", "fetch": false}])).await;
    let mut shown = vec![];
    for (id, ticks) in [(1, 100), (2, 0)] {
        let body = order(id, "SALES_ORDER_STATUS_CHANGED", "Open", ticks);
        world.batch(&[dispatched(&world, &body, "SALES_ORDER_STATUS_CHANGED").to_message()], 1).await;
        shown.push(values(&world, OpenQuestion::Ordering).await);
    }
    let overtaken = ("a newer change of the same came first".to_owned(), true);
    assert_eq!(shown, [vec![], vec![overtaken]]);
}

#[tokio::test]
async fn a_message_that_the_queue_hands_out_again_is_no_repetition_by_visma_net() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_UPDATED", "1920");
    let [first, second] = [(); 2].map(|()| dispatched(&world, &body, "ACCOUNT_UPDATED").to_message());
    for (message, receive_count) in [(&first, 1), (&first, 1), (&second, 2)] {
        world.batch(std::slice::from_ref(message), receive_count).await;
    }
    assert_eq!(world.emitted.count("Duplicates"), 2);
    assert!(values(&world, OpenQuestion::Repetitions).await.is_empty());
}

#[tokio::test]
async fn a_notification_that_comes_again_shows_after_how_long() {
    let world = World::new().await;
    let body = account(1, "ACCOUNT_UPDATED", "1920");
    world.batch(&[dispatched(&world, &body, "ACCOUNT_UPDATED").to_message()], 1).await;
    world.host.advance(Duration::seconds(40));
    world.batch(&[dispatched(&world, &body, "ACCOUNT_UPDATED").to_message()], 1).await;
    assert_eq!(values(&world, OpenQuestion::Repetitions).await.len(), 1);
    let shown = ("between deliveries of one notification".to_owned(), "under a minute".to_owned());
    assert_eq!(retries(&world).await, [shown]);
}

#[tokio::test]
async fn a_notification_that_comes_again_after_a_503_shows_after_how_long() {
    let world = World::new().await;
    let mut delivery = dispatched(&world, &account(1, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
    delivery.meta.refused_at = Some(world.host.now() - Duration::minutes(5));
    world.batch(&[delivery.to_message()], 1).await;
    let shown = ("between a refusal (503) and the next try".to_owned(), "under 10 minutes".to_owned());
    assert_eq!(retries(&world).await, [shown]);
}

#[tokio::test]
async fn a_subscription_that_delivers_is_noted() {
    let world = World::new().await;
    for id in 1..=2 {
        let delivery = dispatched(&world, &account(id, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
        world.batch(&[delivery.to_message()], 1).await;
    }
    let noted = observed(&world, OpenQuestion::Subscriptions).await;
    assert_eq!((noted.len(), noted[0].notifications), (1, 1), "once, though two came");
    let delivering = world.table.table.delivering(&["another", "all"]).await.unwrap();
    assert_eq!(delivering, BTreeMap::from([("all".to_owned(), noted[0].last_seen)]));
}

#[tokio::test]
async fn notes_the_use_of_an_older_secret_and_writes_its_time_once_an_hour() {
    let world = World::new().await;
    for (id, secret) in [(1, None), (2, Some("2026-10")), (3, Some("2026-10"))] {
        let mut delivery = dispatched(&world, &account(id, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
        delivery.meta.secret = secret.map(str::to_owned);
        world.batch(&[delivery.to_message()], 1).await;
    }
    let used = observed(&world, OpenQuestion::SecretRotation).await;
    assert_eq!((used.len(), used[0].notifications), (1, 1));
    assert_eq!(used[0].fact, older_secret("all", "2026-10").fact);
    world.host.advance(Duration::HOUR);
    let mut delivery = dispatched(&world, &account(4, "ACCOUNT_UPDATED", "1920"), "ACCOUNT_UPDATED");
    delivery.meta.secret = Some("2026-10".to_owned());
    world.batch(&[delivery.to_message()], 1).await;
    let later = observed(&world, OpenQuestion::SecretRotation).await.remove(0);
    assert_eq!(later.notifications, 3);
    assert!(later.last_seen >= used[0].last_seen + Duration::HOUR);
}
