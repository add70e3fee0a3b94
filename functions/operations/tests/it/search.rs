use crate::world::{Answer, World, order, processed, token};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::{TENANT, TestHost};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::{Notification, Reason, Reference};
use webhooks_store::{Change, Entry};

const PATH: &str = "/operations/v1/search";
const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

/// Records a change of a customer, received `age` ago.
async fn customer(world: &World, tenant: &str, number: &str, id: u128, age: Duration) -> Notification {
    let n = Notification {
        received_at: TestHost::START - age,
        tenant: Some(tenant.to_owned()),
        entity_key: Some(number.to_owned()),
        ..order(id)
    };
    write(world, &n).await;
    n
}

async fn write(world: &World, n: &Notification) {
    let store = &world.table.table;
    store.know(n.tenant.as_deref().unwrap(), TestHost::START).await.unwrap();
    let entry = Entry { notification: n, change: processed(FeedbackState::Sent), now: TestHost::START };
    assert!(store.record(&entry).await.unwrap());
}

async fn search(world: &World, query: &str) -> Answer {
    let answer = world.get(&format!("{PATH}?q={query}")).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
    answer
}

/// A version 7 UUID with this time.
fn made_at(at: OffsetDateTime) -> Uuid {
    let millis = u128::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap();
    Uuid::from_u128((millis << 80) | (7 << 76) | (2 << 62) | 42)
}

#[tokio::test]
async fn finds_a_notification_of_any_tenant_by_number_or_id() {
    let world = World::new().await;
    let n = customer(&world, TENANT, "C1013", 0xC0FFEE, Duration::days(20)).await;
    customer(&world, OTHER, "C2000", 2, Duration::hours(1)).await;
    let key = n.ledger_key();
    let short = Reference::of(&key, n.received_at).to_string();
    let whole = URL_SAFE_NO_PAD.encode(format!("{TENANT}#sales_order#C1013#{}", n.key));
    let id = Uuid::from_u128(0xC0FFEE);
    for (held, matched) in [
        (short.clone(), "ref"),
        (short.to_lowercase(), "ref"),
        (whole, "ref"),
        (n.key.to_string(), "event_id"),
        (id.to_string(), "notification_id"),
        (id.simple().to_string().to_uppercase(), "notification_id"),
        ("C1013".to_owned(), "number"),
        ("c101".to_owned(), "number"),
        ("%20c1013%20".to_owned(), "number"),
    ] {
        let answer = search(&world, &held).await;
        assert_eq!(
            (answer.items("ref"), answer.items("matched")),
            (vec![short.clone()], vec![matched.into()]),
            "{held}"
        );
    }
    assert!(search(&world, "C1014").await.items("ref").is_empty());
}

#[tokio::test]
async fn a_reference_is_short_and_stable_and_the_long_form_still_works() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, Change::Parked(Reason::TenantNotServed)).await;
    let short = world.reference(1).await;
    assert_eq!(short.len(), 26);
    world.host.advance(Duration::hours(1));
    world.order(1, Duration::hours(1), processed(FeedbackState::Sent)).await;
    assert_eq!(world.reference(1).await, short, "a reference never changes");
    let long = URL_SAFE_NO_PAD.encode(format!("{TENANT}#sales_order#SO/1#{}", order(1).key));
    for name in [&short, &long] {
        let shown = world.get(&format!("/operations/v1/notifications/{name}")).await;
        assert_eq!((shown.status.as_u16(), &shown.body["ref"]), (200, &json!(short)), "{name}");
        let raw = world.get(&format!("/operations/raw/notifications/{name}")).await;
        assert_eq!(raw.body["text"], order(1).raw);
        let replayed = world.repair("POST", &format!("/operations/v1/notifications/{name}/replay"), json!({})).await;
        assert_eq!(replayed.status.as_u16(), 202, "{}", replayed.text);
    }
    let never = Reference::of(&order(2).ledger_key(), TestHost::START);
    let answer = world.get(&format!("/operations/v1/notifications/{never}")).await;
    assert_eq!(answer.problem(), (404, "unknown_notification"));
}

#[tokio::test]
async fn finds_a_delivery_by_its_id_and_a_moment_by_a_trace() {
    let world = World::new().await;
    let at = TestHost::START - Duration::days(3);
    let delivery = made_at(at);
    for number in 1..=3 {
        let delivery = if number < 3 { delivery } else { made_at(at + Duration::seconds(1)) };
        write(&world, &Notification { received_at: at + Duration::milliseconds(1), delivery, ..order(number) }).await;
    }
    let answer = search(&world, &delivery.to_string()).await;
    assert_eq!(answer.items("matched"), ["delivery", "delivery"]);
    assert_eq!(answer.body["next"], Value::Null);
    let trace = format!("1-{:08x}-abcdef012345678912345678", at.unix_timestamp());
    for held in [trace.clone(), format!("Root={trace};Parent=53995c3f42cd8ad8;Sampled=1")] {
        assert_eq!(search(&world, &held).await.items("matched"), ["trace"; 3], "{held}");
    }
    let earlier = format!("1-{:08x}-abcdef012345678912345678", at.unix_timestamp() - 60);
    assert!(search(&world, &earlier).await.items("ref").is_empty());
    // An id of Visma Net may look like that of a delivery.
    let own = made_at(at - Duration::hours(2));
    customer(&world, TENANT, "C1", own.as_u128(), Duration::days(2)).await;
    assert_eq!(search(&world, &own.to_string()).await.items("matched"), ["notification_id"]);
    let unknown = made_at(at - Duration::hours(1)).to_string();
    let nothing = search(&world, &format!("{unknown}&from=2026-11-18T00:00:00Z")).await;
    assert!(nothing.items("ref").is_empty() && nothing.body["next"].is_null());
}

#[tokio::test]
async fn a_moment_is_read_to_its_end_for_a_delivery_and_page_by_page_for_a_trace() {
    let world = World::new().await;
    let at = TestHost::START - Duration::days(3);
    let (wanted, others) = (made_at(at), made_at(at + Duration::seconds(1)));
    for number in 1_u128..=101 {
        // The first one is the oldest, so it is read last.
        let delivery = if number == 1 { wanted } else { others };
        let received_at = at + Duration::milliseconds(number as i64);
        write(&world, &Notification { received_at, delivery, ..order(number) }).await;
    }
    assert_eq!(search(&world, &wanted.to_string()).await.items("key"), ["SO/1"]);
    let trace = format!("1-{:08x}-abcdef012345678912345678", at.unix_timestamp());
    let first = search(&world, &trace).await;
    assert_eq!(first.items("key").len(), 100);
    assert!(first.body["searched_to"].as_str() > first.body["from"].as_str(), "not all of it: {}", first.text);
    let next = first.body["next"].as_str().unwrap();
    let last = search(&world, &format!("{trace}&cursor={next}")).await;
    assert_eq!((last.items("key"), last.items("matched")), (vec!["SO/1".to_owned()], vec!["trace".to_owned()]));
    assert_eq!((&last.body["searched_to"], &last.body["next"]), (&last.body["from"], &Value::Null));
}

#[tokio::test]
async fn counts_matches_that_only_a_newer_version_can_read() {
    let world = World::new().await;
    let received_at = TestHost::START - Duration::days(3);
    let delivery = made_at(received_at);
    write(&world, &Notification { received_at, delivery, ..order(1) }).await;
    world.table.overwrite("N#", "state", "postponed").await;
    for held in [delivery.to_string(), "SO%2F1".to_owned()] {
        let answer = search(&world, &held).await;
        assert_eq!((answer.items("ref").len(), &answer.body["left_out"]), (0, &json!(1)), "{held}");
    }
}

#[tokio::test]
async fn filters_a_search_by_tenant_entity_and_time() {
    let world = World::new().await;
    customer(&world, TENANT, "A-1", 1, Duration::hours(1)).await;
    customer(&world, OTHER, "A-2", 2, Duration::days(2)).await;
    for (query, keys) in [
        ("a-", vec!["A-1", "A-2"]),
        ("a-&tenant=5A0E6F0E-32b4-4b5a-9e0e-8d8bb1a4a002", vec!["A-2"]),
        ("a-&entity=sales_order", vec!["A-1", "A-2"]),
        ("a-&entity=account", vec![]),
        ("a-&from=2026-11-22T00:00:00Z", vec!["A-1"]),
        ("a-&to=2026-11-22T00:00:00Z", vec!["A-2"]),
    ] {
        assert_eq!(search(&world, query).await.items("key"), keys, "{query}");
    }
}

#[tokio::test]
async fn pages_of_a_search_go_back_in_time_and_show_each_hit_once() {
    let world = World::new().await;
    for number in 1..=7 {
        let tenant = if number % 2 == 0 { TENANT } else { OTHER };
        customer(&world, tenant, &format!("C{number}"), number, Duration::days(i64::try_from(number).unwrap())).await;
    }
    let (mut keys, mut reached, mut cursor) = (vec![], vec![], String::new());
    loop {
        let answer = search(&world, &format!("c&limit=2{cursor}")).await;
        assert_eq!(answer.body["tenants"], 3, "two tenants, and `unknown` for notifications without a tenant");
        keys.extend(answer.items("key"));
        reached.push(answer.body["searched_to"].as_str().unwrap().to_owned());
        let Some(next) = answer.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
        world.host.advance(Duration::minutes(10));
    }
    assert_eq!(keys, ["C1", "C2", "C3", "C4", "C5", "C6", "C7"]);
    assert!(reached.is_sorted_by(|one, next| one >= next), "{reached:?}");
    assert!(reached[0].starts_with("2026-11-2"), "{reached:?}");
    assert_eq!(reached.last().unwrap(), "2026-08-25T12:01:00Z", "the end is 90 days back");
}

#[tokio::test]
async fn names_the_wrong_parameter_of_a_search() {
    let world = World::new().await;
    let first = search(&world, "c&limit=1").await;
    assert_eq!(first.body["tenants"], 1);
    for (query, field) in [
        ("".to_owned(), "q"),
        ("q=%20".to_owned(), "q"),
        (format!("q={}", "x".repeat(257)), "q"),
        ("q=a&tenant=a%20b".to_owned(), "tenant"),
        ("q=a&entity=horse".to_owned(), "entity"),
        ("q=a&from=2026-01-01T00:00:00Z".to_owned(), "from"),
        ("q=a&limit=51".to_owned(), "limit"),
        ("q=a&state=dead".to_owned(), "state"),
        ("q=a&cursor=nonsense".to_owned(), "cursor"),
    ] {
        let answer = world.get(&format!("{PATH}?{query}")).await;
        assert_eq!((answer.status.as_u16(), &answer.body["field"]), (400, &json!(field)), "{query}");
    }
    let raw = world.ask("GET", &format!("{PATH}?q=a"), token("visma-webhooks/raw"), None).await;
    assert_eq!(raw.problem(), (403, "forbidden"));
}

#[tokio::test]
async fn a_cursor_is_valid_only_for_its_own_search() {
    let world = World::new().await;
    for number in 1..=2 {
        customer(&world, TENANT, &format!("C{number}"), number, Duration::hours(1)).await;
    }
    let next = search(&world, "c&limit=1").await.body["next"].as_str().unwrap().to_owned();
    let other = world.get(&format!("{PATH}?q=d&limit=1&cursor={next}")).await;
    assert_eq!(other.problem(), (400, "unknown_cursor"));
    assert_eq!(search(&world, &format!("c&limit=50&cursor={next}")).await.items("key").len(), 1);
}

#[tokio::test]
async fn a_list_shows_its_range() {
    let world = World::new().await;
    let week = world.get(&format!("/operations/v1/notifications?tenant={TENANT}")).await.body;
    assert_eq!((&week["from"], &week["to"]), (&json!("2026-11-16T12:01:00Z"), &json!("2026-11-23T12:01:00Z")));
}

#[tokio::test]
async fn a_plan_shows_the_numbers_of_its_first_notifications() {
    let world = World::new().await;
    customer(&world, TENANT, "C1013", 1, Duration::hours(1)).await;
    let filter = json!({"tenant": TENANT, "from": "2026-11-23T00:00:00Z", "to": "2026-11-24T00:00:00Z"});
    let plan = world.repair("POST", "/operations/v1/plans", filter).await.body;
    let first = &plan["notifications"][0];
    assert_eq!(
        (&first["key"], &first["state"], &first["ref"]),
        (&json!("C1013"), &json!("processed"), &plan["sample"][0])
    );
    assert_eq!(search(&world, plan["sample"][0].as_str().unwrap()).await.items("key"), ["C1013"]);
}
