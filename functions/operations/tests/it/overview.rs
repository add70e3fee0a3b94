//! What the API shows beside notifications: the overview, used-up quotas, the tenants, and what was
//! observed of Visma Net.

use crate::world::{World, processed, token};
use fixtures::TENANT;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::observed::older_secret;
use webhooks_model::rollup::{Counted, hour_of};
use webhooks_model::{Allowance, Entity, EntityId, Fact, OpenQuestion, Reason, State};
use webhooks_store::{Change, KnownTenant, Mark, Observation, Observations, Rolled, Summary};

const OVERVIEW: &str = "/operations/v1/overview";

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
    let answer = world.get(&format!("{OVERVIEW}?{query}")).await;
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
async fn a_range_has_whole_hours_and_seven_days_at_most() {
    let world = World::new().await;
    let week = ask(&world, "from=2026-11-16T12:59:00Z").await;
    assert_eq!((&week["from"], &week["to"]), (&json!("2026-11-16T12:00:00Z"), &json!("2026-11-23T12:00:00Z")));
    let longer = world.get(&format!("{OVERVIEW}?from=2026-11-16T11:59:00Z")).await;
    assert_eq!(longer.problem(), (400, "invalid_parameter"));
    let nothing = world.get(&format!("{OVERVIEW}?from=2026-11-23T12:00:00Z")).await;
    assert_eq!(nothing.problem(), (400, "invalid_parameter"));
    world.host.advance(Duration::minutes(30));
    assert_eq!(ask(&world, "").await["to"], "2026-11-23T13:00:00Z", "the hour that has begun is part of it");
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
        let answer = world.get(&format!("{OVERVIEW}?{query}")).await;
        assert_eq!((answer.problem(), &answer.body["field"]), ((400, "invalid_parameter"), &json!(field)), "{query}");
    }
    assert_eq!(world.ask("GET", OVERVIEW, token("visma-webhooks/raw"), None).await.problem(), (403, "forbidden"));
}

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

fn waits() -> Change {
    Change::RateLimited { attempt: None, waits_here: true }
}

async fn used_up(world: &World, tenant: &str, limit: Option<u64>) {
    let resets_at = world.host.now() + Duration::minutes(30);
    let allowance = Allowance { tenant: tenant.into(), limit, calls_each: 2, resets_at, released_to: None };
    world.table.table.used_up(&allowance, world.host.now()).await.unwrap();
}

#[tokio::test]
async fn counts_what_waits_for_calls_and_estimates_its_end() {
    let world = World::new().await;
    used_up(&world, TENANT, Some(4)).await;
    used_up(&world, OTHER, None).await;
    for number in 1..=9 {
        world.order(number, Duration::ZERO, waits()).await;
    }
    let told_later = world.order(10, Duration::ZERO, processed(FeedbackState::Queued)).await;
    world.table.table.watch(&told_later.ledger_key(), Mark::LimitedFeedback, world.host.now()).await.unwrap();
    let items = world.get("/operations/v1/quotas").await.body["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "nothing waits for the other tenant's calls");
    let told = &items[0];
    assert_eq!((&told["tenant"], &told["waiting"]), (&TENANT.into(), &10.into()));
    assert_eq!((&told["calls_per_hour"], &told["is_assumed"]), (&4.into(), &false.into()));
    assert_eq!(told["done_at"], "2026-11-23T17:30:00Z", "ten by two calls of four an hour, from the window's end");
    let counts = world.get("/operations/v1/counts").await.body;
    assert_eq!((&counts["rate_limited"], &counts["dead"]), (&10.into(), &0.into()));
    let waiting =
        |overview: Value| (overview["waiting"]["rate_limited"].clone(), overview["waiting"]["done_at"].clone());
    let own = waiting(ask(&world, &format!("tenant={TENANT}")).await);
    assert_eq!(own, (json!(10), json!("2026-11-23T17:30:00Z")));
    assert_eq!(waiting(ask(&world, &format!("tenant={OTHER}")).await), (json!(0), Value::Null));
}

#[tokio::test]
async fn an_unreported_limit_is_marked_as_assumed() {
    let world = World::new().await;
    used_up(&world, TENANT, None).await;
    world.order(1, Duration::ZERO, waits()).await;
    let told = world.get("/operations/v1/quotas").await.body["items"][0].clone();
    assert_eq!((&told["calls_per_hour"], &told["is_assumed"]), (&500.into(), &true.into()));
}

const TENANTS: &str = "/operations/v1/tenants";

async fn known(world: &World, id: &str, name: Option<&str>, heard_at: Option<OffsetDateTime>) {
    let name = name.map(str::to_owned);
    let tenant = KnownTenant { id: id.into(), name, company_id: None, heard_at, is_silent: heard_at.is_none() };
    world.table.table.set_tenant(&tenant, world.host.now()).await.unwrap();
}

#[tokio::test]
async fn lists_tenants_with_names_the_one_last_heard_of_first() {
    let world = World::new().await;
    let now = world.host.now();
    known(&world, "t-1", None, None).await;
    known(&world, "t-2", Some("Ål & Sønn"), Some(now - Duration::HOUR)).await;
    known(&world, "t-3", Some("Other"), Some(now)).await;
    let answer = world.get(TENANTS).await;
    assert_eq!(answer.items("id"), ["t-3", "t-2", "t-1"]);
    assert_eq!(
        answer.body["items"][0],
        json!({"id": "t-3", "name": "Other", "heard_at": "2026-11-23T12:00:00Z", "is_silent": false})
    );
    assert_eq!(answer.body["items"][2], json!({"id": "t-1", "is_silent": true}));
}

#[tokio::test]
async fn before_the_first_run_of_the_schedule_the_directory_is_empty() {
    assert_eq!(World::new().await.get(TENANTS).await.body, json!({"items": []}));
}

#[tokio::test]
async fn the_directory_requires_the_role_read_and_takes_no_parameters() {
    let world = World::new().await;
    assert_eq!(world.ask("GET", TENANTS, token("visma-webhooks/repair"), None).await.problem(), (403, "forbidden"));
    assert_eq!(world.ask("GET", TENANTS, Value::Null, None).await.problem(), (401, "unauthenticated"));
    assert_eq!(world.get(&format!("{TENANTS}?name=x")).await.problem(), (400, "invalid_parameter"));
}

const OBSERVED: &str = "/operations/v1/observed";

async fn see(world: &World, question: OpenQuestion, subject: &str, value: &str, agrees: bool, notifications: u64) {
    let fact = Fact { question, subject: subject.into(), value: value.into() };
    let at = world.host.now();
    let seen = Observation { fact, agrees, notifications, first_seen: at, last_seen: at };
    world.table.table.observe(&seen).await.unwrap();
    world.host.advance(Duration::MINUTE);
}

async fn question(world: &World, code: &str) -> Value {
    let answer = world.get(OBSERVED).await;
    let items = answer.body["items"].as_array().expect("questions").clone();
    items.into_iter().find(|item| item["question"] == code).unwrap_or_else(|| panic!("no {code}"))
}

#[tokio::test]
async fn every_question_shows_its_assumption_before_any_observation() {
    let world = World::new().await;
    let answer = world.get(OBSERVED).await;
    let items = answer.body["items"].as_array().unwrap();
    assert_eq!(items.len(), OpenQuestion::ALL.len());
    for item in items {
        assert_eq!(
            (&item["stands"], &item["notifications"], &item["facts"], &item["is_full"]),
            (&json!("assumed"), &json!(0), &json!([]), &json!(false))
        );
        assert!(item["assumed"].as_str().unwrap().ends_with('.') && item["advice"].is_null(), "{item}");
    }
}

#[tokio::test]
async fn an_observation_that_differs_contradicts_and_advises() {
    let world = World::new().await;
    see(&world, OpenQuestion::EventNames, "header", "ACCOUNT_UPDATED", true, 40).await;
    let names = question(&world, "event_names").await;
    assert_eq!(
        (&names["stands"], &names["advice"], &names["notifications"]),
        (&json!("observed"), &Value::Null, &json!(40))
    );
    see(&world, OpenQuestion::EventNames, "header", "AccountWasChanged", false, 2).await;
    let names = question(&world, "event_names").await;
    assert_eq!((&names["stands"], &names["notifications"]), (&json!("contradicted"), &json!(42)));
    assert!(names["advice"].as_str().unwrap().contains("event_aliases"), "{names}");
    assert_eq!(names["facts"][0]["value"], "AccountWasChanged", "what differs comes first");
    assert!(names["first_seen"].as_str() < names["last_seen"].as_str(), "{names}");
}

#[tokio::test]
async fn a_notification_with_two_headers_counts_once_and_one_of_each_event_counts_twice() {
    let world = World::new().await;
    for header in ["x-vwd-notification-timestamp", "x-vwd-webhook-timestamp"] {
        see(&world, OpenQuestion::TimestampUnit, header, "milliseconds", true, 10).await;
    }
    for event in ["ACCOUNT_UPDATED", "CUSTOMER_UPDATED"] {
        see(&world, OpenQuestion::BodyShape, event, "object /event:string", true, 10).await;
    }
    assert_eq!(question(&world, "timestamp_unit").await["notifications"], 10);
    assert_eq!(question(&world, "body_shape").await["notifications"], 20);
}

#[tokio::test]
async fn shows_when_an_old_secret_was_last_used() {
    let world = World::new().await;
    let unused = question(&world, "secret_rotation").await;
    assert_eq!((&unused["is_measured"], &unused["facts"]), (&json!(true), &json!([])));
    let fact = older_secret("accounts", "2026-10").fact;
    see(&world, fact.question, &fact.subject, &fact.value, true, 3).await;
    let used = question(&world, "secret_rotation").await["facts"][0].clone();
    assert_eq!((&used["subject"], &used["value"]), (&json!("accounts"), &json!("old secret 2026-10 used")));
    assert!(used["last_seen"].is_string(), "{used}");
}

#[tokio::test]
async fn reading_observations_requires_the_role_read() {
    let world = World::new().await;
    assert_eq!(world.ask("GET", OBSERVED, Value::Null, None).await.problem(), (401, "unauthenticated"));
    assert_eq!(world.ask("GET", OBSERVED, token("visma-webhooks/raw"), None).await.problem(), (403, "forbidden"));
}
