use crate::world::{World, token};
use fixtures::TENANT;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::rollup::{Counted, hour_of};
use webhooks_model::{Entity, EntityId, Reason, State};
use webhooks_store::{Rolled, Summary};

const PATH: &str = "/operations/v1/overview";

fn counted(at: OffsetDateTime, key: &str, state: State) -> Counted {
    Counted {
        entity: EntityId { tenant: TENANT.into(), entity: Entity::Customer, key: key.into() },
        state: Some(state),
        reason: (state == State::Parked).then_some(Reason::Unmapped),
        feedback: (state == State::Processed).then_some(FeedbackState::Sent),
        is_gap: false,
        received_at: at,
        ended_at: Some(at + Duration::seconds(1)),
        feedback_at: Some(at + Duration::seconds(3)),
    }
}

/// Writes the roll-up of an hour: `processed` processed notifications and one that is parked.
async fn hour(world: &World, hours_ago: i64, processed: u64) {
    let now = world.host.now();
    let hour = hour_of(now) - Duration::hours(hours_ago);
    let mut rolled = Rolled::begin(hour, now);
    (0..processed).for_each(|_| rolled.rollup.count(&counted(hour, "10001", State::Processed)));
    rolled.rollup.count(&counted(hour, "10002", State::Parked));
    let store = &world.table.table;
    store.set_rolled(TENANT, &rolled, now).await.unwrap();
    store.add_up(&[TENANT.to_owned()], hour, now).await.unwrap();
    let counted_to = now - Duration::minutes(5);
    store.set_summary(&Summary { counted_to, tenants: 1, silent: Some(0) }, now).await.unwrap();
}

async fn ask(world: &World, query: &str) -> Value {
    let answer = world.get(&format!("{PATH}?{query}")).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
    answer.body
}

#[tokio::test]
async fn shows_the_numbers_of_each_hour_and_their_sum() {
    let world = World::new().await;
    hour(&world, 3, 2).await;
    hour(&world, 1, 5).await;
    let overview = ask(&world, &format!("tenant={TENANT}")).await;
    let items = overview["items"].as_array().unwrap();
    assert_eq!((items.len(), &overview["by"]), (24, &json!("hour")));
    let received: Vec<u64> = items.iter().map(|item| item["received"].as_u64().unwrap()).collect();
    assert_eq!((&received[21..], received[..21].iter().sum::<u64>()), ([3, 0, 6].as_slice(), 0));
    let total = &overview["total"];
    let of = |name: &str| total[name].as_u64().unwrap();
    assert_eq!((of("received"), of("processed"), of("answered"), of("failed")), (9, 7, 7, 2));
    let p50 = total["to_feedback"]["p50_ms"].as_u64().unwrap();
    assert!((3_000..=3_750).contains(&p50), "{p50}");
    assert_eq!(overview["parked"], json!([{"reason": "unmapped", "count": 2}]));
    assert_eq!(overview["keys"][0], json!({"entity": "customer", "key": "10001", "count": 7}));
    assert_eq!(overview["counted_to"], "2026-11-23T11:55:00Z");
    assert!(items[22]["to_end"].is_null(), "nothing ended in it");
}

#[tokio::test]
async fn the_overview_of_all_tenants_lists_no_entities() {
    let world = World::new().await;
    hour(&world, 1, 5).await;
    let overview = ask(&world, "by=day").await;
    let items = overview["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[13]["received"]), (14, &json!(6)));
    assert_eq!(items[13]["from"], "2026-11-23T00:00:00Z");
    assert_eq!((&overview["keys"], &overview["tenant"]), (&json!([]), &Value::Null));
    assert_eq!((&overview["tenants"], &overview["silent_tenants"]), (&json!(1), &json!(0)));
    assert_eq!(overview["waiting"], json!({"rate_limited": 0, "retrying": 0, "paused": 0}));
}

#[tokio::test]
async fn before_the_first_run_the_overview_is_empty_and_says_so() {
    let world = World::new().await;
    let overview = ask(&world, "").await;
    assert_eq!((&overview["counted_to"], &overview["total"]["received"]), (&Value::Null, &json!(0)));
}

#[tokio::test]
async fn refuses_and_names_a_range_that_is_too_long_or_an_unknown_step() {
    let world = World::new().await;
    for (query, field) in [
        ("by=week", "by"),
        ("from=2026-11-01T00:00:00Z", "from"),
        ("by=day&from=2026-01-01T00:00:00Z", "from"),
        ("from=2026-11-24T00:00:00Z", "from"),
        ("to=soon", "to"),
        ("tenant=a%20b", "tenant"),
        ("hours=3", "hours"),
    ] {
        let answer = world.get(&format!("{PATH}?{query}")).await;
        assert_eq!((answer.problem(), &answer.body["field"]), ((400, "invalid_parameter"), &json!(field)), "{query}");
    }
    assert_eq!(world.ask("GET", PATH, token("visma-webhooks/raw"), None).await.problem(), (403, "forbidden"));
}
