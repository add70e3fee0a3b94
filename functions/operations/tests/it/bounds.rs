//! Lists that need more than one read of the table, and requests that must not reach the table.

use crate::world::{REQUEST_ID, World, order, processed};
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use serde_json::json;
use time::Duration;
use webhooks_host::Host;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::{Notification, Reason};
use webhooks_store::{Change, Entry};

/// Every key of a list, page by page.
pub(crate) async fn all(world: &World, url: &str) -> Vec<String> {
    let (mut keys, mut cursor) = (vec![], String::new());
    loop {
        let answer = world.get(&format!("{url}{cursor}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        keys.extend(answer.items("key"));
        let Some(next) = answer.body["next"].as_str() else { return keys };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn a_list_continues_after_many_items_of_one_delivery() {
    let world = World::new().await;
    // Items of one delivery have the same time of receipt.
    for number in 1_u128..=130 {
        world.order(number, Duration::ZERO, Change::Parked(Reason::TenantNotServed)).await;
    }
    for number in 131..=140 {
        world.order(number, Duration::hours(1), Change::Parked(Reason::TenantNotServed)).await;
    }
    for limit in [5, 20, 100] {
        let mut keys = all(&world, &format!("/operations/v1/attention?kind=parked&limit={limit}")).await;
        assert_eq!(keys.len(), 140, "{limit}");
        let mut older = keys[130..].to_vec();
        older.sort();
        assert_eq!(
            older,
            (131..=140).map(|number| format!("SO/{number}")).collect::<Vec<_>>(),
            "the older ones come last"
        );
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 140, "{limit}: each once");
    }
}

#[tokio::test]
async fn a_list_continues_while_its_notifications_are_repaired() {
    let world = World::new().await;
    for number in 1_u128..=6 {
        world.order(number, Duration::hours(number as i64), Change::Parked(Reason::TenantNotServed)).await;
    }
    let first = world.get("/operations/v1/attention?kind=parked&limit=2").await;
    assert_eq!(first.items("key"), ["SO/1", "SO/2"]);
    world.order(2, Duration::hours(2), processed(FeedbackState::Sent)).await;
    let cursor = first.body["next"].as_str().unwrap();
    let second = world.get(&format!("/operations/v1/attention?kind=parked&limit=2&cursor={cursor}")).await;
    assert_eq!(second.items("key"), ["SO/3", "SO/4"]);
}

#[tokio::test]
async fn a_list_read_slowly_keeps_the_start_of_its_first_page() {
    let world = World::new().await;
    for minutes in [0_u128, 1, 2, 3] {
        world
            .order(
                minutes + 1,
                Duration::days(7) - Duration::minutes(5 + minutes as i64),
                processed(FeedbackState::Sent),
            )
            .await;
    }
    let list = format!("/operations/v1/notifications?tenant={TENANT}&limit=1");
    let (mut keys, mut cursor) = (vec![], String::new());
    loop {
        let answer = world.get(&format!("{list}{cursor}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        keys.extend(answer.items("key"));
        let Some(next) = answer.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
        world.host.advance(Duration::minutes(10));
    }
    assert_eq!(keys, ["SO/4", "SO/3", "SO/2", "SO/1"]);
}

#[tokio::test]
async fn refuses_the_cursor_of_a_list_with_another_filter_or_range() {
    let world = World::new().await;
    for number in 1_u128..=3 {
        world.order(number, Duration::hours(1), Change::Parked(Reason::TenantNotServed)).await;
    }
    let feed = format!("/operations/v1/notifications?tenant={TENANT}");
    let attention = "/operations/v1/attention?kind=parked".to_owned();
    for (list, other) in [
        (&feed, "&state=parked"),
        (&feed, "&entity=account"),
        (&feed, "&event=SALESORDER_UPDATED"),
        (&feed, "&from=2026-11-24T00:00:00Z"),
        (&feed, "&to=2026-12-01T00:00:00Z"),
        (&attention, "&tenant=other"),
    ] {
        let first = world.get(&format!("{list}&limit=1")).await;
        let cursor = first.body["next"].as_str().unwrap();
        let answer = world.get(&format!("{list}{other}&cursor={cursor}")).await;
        assert_eq!(answer.problem(), (400, "unknown_cursor"), "{other}");
        let answer = world.get(&format!("{list}&limit=2&cursor={cursor}")).await;
        assert_eq!(answer.status, StatusCode::OK, "the length of a page may change");
    }
}

#[tokio::test]
async fn an_entity_with_more_than_one_read_of_records_shows_its_newest() {
    let world = World::new().await;
    // A read returns 1 MB of the partition, in the order of hashes.
    let raw = format!(r#"{{"event":"SALESORDER_UPDATED","padding":"{}"}}"#, "x".repeat(200_000));
    for number in 1_u128..=12 {
        let received_at = world.host.now() - Duration::hours(number as i64);
        let n = Notification { received_at, raw: raw.clone(), entity_key: Some("SO/1".into()), ..order(number) };
        let entry = Entry { notification: &n, change: processed(FeedbackState::Sent), now: world.host.now() };
        assert!(world.table.table.record(&entry).await.unwrap());
    }
    let url = format!("/operations/v1/entities?tenant={TENANT}&entity=sales_order&key=SO%2F1");
    let shown = world.get(&url).await.body;
    let times: Vec<_> =
        shown["notifications"].as_array().unwrap().iter().map(|one| one["received_at"].as_str().unwrap()).collect();
    assert_eq!(times.len(), 12);
    assert!(times.is_sorted_by(|newer, older| newer > older), "{times:?}");
}

#[tokio::test]
async fn an_entity_shows_fifty_notifications_at_most() {
    let world = World::new().await;
    for number in 1_u128..=60 {
        let received_at = world.host.now() - Duration::hours(number as i64);
        let n = Notification { received_at, entity_key: Some("SO/1".into()), ..order(number) };
        let entry = Entry { notification: &n, change: processed(FeedbackState::Sent), now: world.host.now() };
        assert!(world.table.table.record(&entry).await.unwrap());
    }
    let url = format!("/operations/v1/entities?tenant={TENANT}&entity=sales_order&key=SO%2F1");
    assert_eq!(world.get(&url).await.body["notifications"].as_array().unwrap().len(), 50);
}

#[tokio::test]
async fn refuses_a_reference_longer_than_any_key() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let notification = order(1).key;
    let long = "k".repeat(3000);
    for name in [format!("{TENANT}#account#{long}#{notification}"), format!("{long}#account#1#{notification}")] {
        let reference = URL_SAFE_NO_PAD.encode(name);
        for path in
            [format!("/operations/v1/notifications/{reference}"), format!("/operations/raw/notifications/{reference}")]
        {
            let answer = world.get(&path).await;
            assert_eq!((answer.problem(), &answer.body["field"]), ((400, "invalid_parameter"), &"ref".into()));
        }
    }
}

#[tokio::test]
async fn answers_every_bad_path_or_body_with_a_problem_document() {
    let world = World::new().await;
    for path in [
        "/operations/v1/notifications/%ff",
        "/operations/v1/notifications/<b>",
        "/operations/v1/jobs/%ff",
        "/operations/v1/ø",
    ] {
        let answer = world.get(path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}: {}", answer.status);
    }
    let body = json!({"note": "x".repeat(3_000_000)});
    let answer = world.repair("POST", "/operations/v1/jobs", body).await;
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.status);
    assert_eq!(answer.problem(), (413, "too_large"));
}

#[tokio::test]
async fn counts_notifications_beyond_one_read() {
    let world = World::new().await;
    // One read returns 1 MB of the index: 500 records with keys of this length.
    let key = "k".repeat(1900);
    for number in 1_u128..=550 {
        let n = Notification { entity_key: Some(format!("{key}{number}")), ..order(number) };
        let entry = Entry { notification: &n, change: Change::Parked(Reason::TenantNotServed), now: world.host.now() };
        assert!(world.table.table.record(&entry).await.unwrap());
    }
    assert_eq!(world.get("/operations/v1/counts").await.body["parked"], 550);
}

#[tokio::test]
async fn shows_a_page_of_long_notifications() {
    let world = World::new().await;
    // BatchingSender more than 16 MB, the limit of one BatchGetItem.
    for number in 1_u128..=70 {
        let n = Notification { raw: "x".repeat(250_000), received_at: world.host.now(), ..order(number) };
        let entry = Entry { notification: &n, change: processed(FeedbackState::Sent), now: world.host.now() };
        assert!(world.table.table.record(&entry).await.unwrap());
    }
    let answer = world.get(&format!("/operations/v1/notifications?tenant={TENANT}&limit=100")).await;
    assert_eq!((answer.status, answer.items("key").len()), (StatusCode::OK, 70), "{}", answer.body["code"]);
}

#[tokio::test]
async fn refuses_a_forged_cursor() {
    let world = World::new().await;
    world.order(1, Duration::hours(1), Change::Parked(Reason::TenantNotServed)).await;
    world.order(2, Duration::hours(2), Change::Parked(Reason::TenantNotServed)).await;
    for list in [format!("/operations/v1/notifications?tenant={TENANT}"), "/operations/v1/attention?kind=parked".into()]
    {
        let first = world.get(&format!("{list}&limit=1")).await;
        let bytes = URL_SAFE_NO_PAD.decode(first.body["next"].as_str().unwrap()).unwrap();
        for (name, value) in [("at", ""), ("sk", ""), ("pk", ""), ("sk", &"s".repeat(1100)), ("at", &"9".repeat(1100))]
        {
            let mut cursor: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            cursor["after"][name] = value.into();
            let cursor = URL_SAFE_NO_PAD.encode(cursor.to_string());
            let answer = world.get(&format!("{list}&cursor={cursor}")).await;
            assert_eq!(answer.body["field"], "cursor", "{list} {name}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_plan_that_reads_slowly_ends_early_and_its_job_can_begin() {
    let world = World::new().await;
    for number in 1_u128..=101 {
        world.order(number, Duration::hours(1), Change::Parked(Reason::TenantNotServed)).await;
    }
    world.host.step(Duration::seconds(10));
    let filter = json!({"tenant": TENANT, "from": "2026-11-23T00:00:00Z", "to": "2026-11-23T12:00:00Z"});
    let plan = world.repair("POST", "/operations/v1/plans", filter.clone()).await;
    assert_eq!((&plan.body["count"], &plan.body["at_least"]), (&json!(100), &json!(true)), "{}", plan.text);
    let begun = world.repair("POST", "/operations/v1/jobs", filter).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    assert!(begun.body["expected"].is_null(), "{}", begun.text);
}

#[tokio::test]
async fn refuses_a_time_that_has_no_form_in_utc() {
    let world = World::new().await;
    let (first, last) = ("0000-01-01T00:00:00+01:00", "9999-12-31T23:30:00-01:00");
    for (path, body, field) in [
        ("/operations/v1/plans", json!({"from": first, "to": "0000-01-02T00:00:00Z"}), "from"),
        ("/operations/v1/jobs", json!({"from": "9999-12-31T00:00:00Z", "to": last}), "from"),
        ("/operations/v1/feedback/plans", json!({"from": first}), "from"),
        ("/operations/v1/feedback/resends", json!({"to": first}), "to"),
    ] {
        let answer = world.repair("POST", path, body).await;
        assert_eq!(answer.problem(), (400, "invalid_parameter"), "{path}: {}", answer.text);
        assert_eq!(answer.body["field"], field, "{path}");
    }
}

#[tokio::test]
async fn an_entitys_key_may_contain_the_separator() {
    let world = World::new().await;
    let n = Notification { entity_key: Some("A#1".into()), ..order(1) };
    let entry = Entry { notification: &n, change: processed(FeedbackState::Sent), now: world.host.now() };
    assert!(world.table.table.record(&entry).await.unwrap());
    let listed = world.get(&format!("/operations/v1/notifications?tenant={TENANT}")).await;
    let reference = listed.items("ref").pop().unwrap();
    let shown = world.get(&format!("/operations/v1/notifications/{reference}")).await;
    assert_eq!((shown.status, &shown.body["key"]), (StatusCode::OK, &"A#1".into()));
}

#[tokio::test]
async fn a_request_that_dynamodb_declares_invalid_is_a_bug_and_asks_nobody_to_try_again() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, Change::Parked(Reason::TenantNotServed)).await;
    let hold = format!("/operations/v1/notifications/{}/hold", world.reference(1).await);
    // Its record is so near to the 400 KB of an item that a note of 2,000 bytes does not fit.
    let record = world.table.item("N#").await;
    let write = world.table.client.update_item().table_name(&world.table.name);
    let write = write.key("pk", record["pk"].clone()).key("sk", record["sk"].clone());
    let write = write.update_expression("SET padding = :padding");
    let padding = AttributeValue::S("x".repeat(400 * 1024 - 1500));
    write.expression_attribute_values(":padding", padding).send().await.unwrap();
    let answer = world.repair("POST", &hold, json!({"note": "\u{1f4e6}".repeat(500)})).await;
    assert_eq!(answer.problem(), (500, "internal"), "{}", answer.text);
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("trying again does not help") && detail.contains(REQUEST_ID), "{detail}");
}
