use crate::world::{World, order, processed};
use fixtures::{TENANT, head_change};
use lambda_http::http::StatusCode;
use time::Duration;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{Entity, EntityId, HeadChange, LedgerKey, Reason, Ticks, Versions};
use webhooks_store::{Answer, Answers, Change};

const FEED: &str = "/operations/v1/notifications?tenant=";

fn failed(world: &World) -> Attempt {
    let detail = "status 503 from the ERP".into();
    Attempt { at: world.host.now(), receive_count: 2, reason: Reason::Unavailable, detail }
}

#[tokio::test]
async fn lists_a_tenants_notifications_newest_first_each_once() {
    let world = World::new().await;
    for (number, days) in (1..).zip([30, 6, 6, 3, 0, 0, 0]) {
        world.order(number, Duration::days(days), processed(FeedbackState::Sent)).await;
    }
    let from = "2026-08-30T00:00:00Z";
    let all = world.get(&format!("{FEED}{TENANT}&from={from}")).await;
    for limit in [1, 2, 3, 100] {
        let (mut keys, mut cursor) = (vec![], String::new());
        loop {
            let answer = world.get(&format!("{FEED}{TENANT}&from={from}&limit={limit}{cursor}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            keys.extend(answer.items("key"));
            let Some(next) = answer.body["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut sorted = keys.clone();
        sorted.sort();
        assert_eq!(sorted, (1..=7).map(|number| format!("SO/{number}")).collect::<Vec<_>>(), "{limit}");
        assert_eq!((keys[3].as_str(), keys[6].as_str()), ("SO/4", "SO/1"));
    }
    assert_eq!(all.items("key").len(), 7, "a page covers several days");
    let week = world.get(&format!("{FEED}{TENANT}")).await;
    assert_eq!(
        (week.items("key").len(), &week.body["next"]),
        (6, &serde_json::Value::Null),
        "the last page has no cursor"
    );
    assert!(world.get(&format!("{FEED}somebody-else")).await.items("key").is_empty());
}

#[tokio::test]
async fn filters_a_list_by_state_entity_and_event() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    world.order(2, Duration::ZERO, Change::Parked(Reason::TenantNotServed)).await;
    for (filter, expected) in [
        ("state=parked", vec!["SO/2"]),
        ("state=processed&entity=sales_order", vec!["SO/1"]),
        ("entity=account", vec![]),
        ("event=SALESORDER_UPDATED&state=dead", vec![]),
        ("event=SALESORDER_UPDATED&state=parked", vec!["SO/2"]),
        ("event=ACCOUNT_UPDATED", vec![]),
    ] {
        assert_eq!(world.get(&format!("{FEED}{TENANT}&{filter}")).await.items("key"), expected, "{filter}");
    }
}

#[tokio::test]
async fn a_notification_shows_everything_that_happened_to_it_in_order() {
    let world = World::new().await;
    world.order(1, Duration::hours(1), Change::Failed(failed(&world))).await;
    world.host.advance(Duration::minutes(1));
    world.order(1, Duration::minutes(61), processed(FeedbackState::Queued)).await;
    let reference = world.reference(1).await;
    let answer = world.get(&format!("/operations/v1/notifications/{reference}")).await;
    let moments: Vec<_> =
        answer.body["timeline"].as_array().unwrap().iter().map(|moment| moment["what"].as_str().unwrap()).collect();
    assert_eq!(moments, ["received", "attempt_failed", "processed"]);
    let tried = &answer.body["timeline"][1];
    assert_eq!((&tried["text"], &tried["reason"]), (&"status 503 from the ERP".into(), &"unavailable".into()));
    assert_eq!(tried["receive_count"], 2);
    assert_eq!((&answer.body["state"], &answer.body["feedback"]["state"]), (&"processed".into(), &"queued".into()));
    assert!(!answer.body.to_string().contains("canary"), "never the body");
    let raw = world.get(&format!("/operations/raw/notifications/{reference}")).await;
    assert_eq!(raw.body["text"], order(1).raw);
}

#[tokio::test]
async fn a_timeline_shows_failed_and_accepted_feedback() {
    let world = World::new().await;
    let n = world.order(1, Duration::hours(1), processed(FeedbackState::Queued)).await;
    let (key, store) = (n.ledger_key(), &world.table.table);
    world.host.advance(Duration::minutes(1));
    store.answer(&key, &Answer::Failed(failed(&world)), world.host.now()).await.unwrap();
    world.host.advance(Duration::minutes(1));
    let sent = Answer::Sent { id: Uuid::from_u128(1), verdict: Verdict::success("Booked."), was_marked: false };
    store.answer(&key, &sent, world.host.now()).await.unwrap();
    let reference = world.reference(1).await;
    let answer = world.get(&format!("/operations/v1/notifications/{reference}")).await;
    let moments: Vec<_> = answer.body["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|moment| (moment["what"].as_str().unwrap(), moment["text"].as_str().unwrap_or_default()))
        .collect();
    let expected = [
        ("received", ""),
        ("processed", ""),
        ("feedback_failed", "status 503 from the ERP"),
        ("feedback_sent", "Booked."),
    ];
    assert_eq!(moments, expected);
}

#[tokio::test]
async fn an_entity_shows_its_state_and_both_numbers_of_a_renumbered_account() {
    let world = World::new().await;
    let account = |key: &str| EntityId { tenant: TENANT.into(), entity: Entity::Account, key: key.into() };
    let at = Ticks::from_epoch(1_790_000_000);
    let key = LedgerKey { entity: account("9002"), notification: order(1).key };
    let change = HeadChange {
        status: Some("Open".into()),
        milestone: at.map(|at| (at, "Open".to_owned())),
        deleted: true,
        internal_id: Some("77".into()),
        previous_key: Some("9001".into()),
        ..head_change(key, Versions { resource: at.map(Into::into), ..Versions::default() })
    };
    world.table.table.advance(&change, world.host.now()).await.unwrap();
    world.table.table.mark_renumbered(&account("9001"), "9002", world.host.now()).await.unwrap();
    for (key, other, relation) in [("9001", "9002", "later"), ("9002", "9001", "earlier")] {
        let answer = world.get(&format!("/operations/v1/entities?tenant={TENANT}&entity=account&key={key}")).await;
        assert_eq!(answer.body["also"][0], serde_json::json!({"key": other, "relation": relation}));
    }
    let answer = world.get(&format!("/operations/v1/entities?tenant={TENANT}&entity=account&key=9002")).await;
    assert_eq!(answer.body["current"]["deleted"], true);
    assert_eq!(answer.body["current"]["timeline"][0]["status"], "Open");
}

#[tokio::test]
async fn an_entity_shows_ten_other_numbers_at_most() {
    let world = World::new().await;
    let account = |key: u32| EntityId { tenant: TENANT.into(), entity: Entity::Account, key: key.to_string() };
    for key in 1..=12 {
        let next = (key + 1).to_string();
        world.table.table.mark_renumbered(&account(key), &next, world.host.now()).await.unwrap();
    }
    let answer = world.get(&format!("/operations/v1/entities?tenant={TENANT}&entity=account&key=1")).await;
    let also: Vec<_> =
        answer.body["also"].as_array().unwrap().iter().map(|other| other["key"].as_str().unwrap()).collect();
    assert_eq!(also, ["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]);
}

#[tokio::test]
async fn lists_by_kind_and_counts_what_needs_attention() {
    let world = World::new().await;
    // All have the same time, so that only the key orders them.
    for number in 1..=5 {
        world.order(number, Duration::ZERO, Change::Parked(Reason::TenantNotServed)).await;
    }
    world.order(6, Duration::ZERO, Change::Dead { attempt: failed(&world), answer: None }).await;
    let (mut keys, mut cursor) = (vec![], String::new());
    loop {
        let answer = world.get(&format!("/operations/v1/attention?kind=parked&limit=2{cursor}")).await;
        keys.extend(answer.items("key"));
        let Some(next) = answer.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    keys.sort();
    assert_eq!(keys, ["SO/1", "SO/2", "SO/3", "SO/4", "SO/5"], "each once");
    let foreign = world.get("/operations/v1/attention?kind=parked&tenant=other").await;
    assert!(foreign.items("key").is_empty());
    let counts = world.get("/operations/v1/counts").await.body;
    assert_eq!((&counts["parked"], &counts["dead"], &counts["paused"]), (&5.into(), &1.into(), &0.into()));
}

#[tokio::test]
async fn names_a_wrong_parameter() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    world.order(2, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let long = "x".repeat(300);
    let cursor = world.get(&format!("{FEED}{TENANT}&limit=1")).await.body["next"].as_str().unwrap().to_owned();
    for (url, field, code) in [
        ("/operations/v1/notifications".to_owned(), "tenant", "invalid_parameter"),
        (format!("{FEED}a%20b"), "tenant", "invalid_parameter"),
        (format!("{FEED}t&entity=horse"), "entity", "invalid_parameter"),
        (format!("{FEED}t&state=gone"), "state", "invalid_parameter"),
        (format!("{FEED}t&from=yesterday"), "from", "invalid_parameter"),
        (format!("{FEED}t&from=2020-01-01T00:00:00Z"), "from", "invalid_parameter"),
        (format!("{FEED}t&limit=0"), "limit", "invalid_parameter"),
        (format!("{FEED}t&limit=101"), "limit", "invalid_parameter"),
        (format!("{FEED}t&event={long}"), "event", "invalid_parameter"),
        (format!("{FEED}t&tenant=u"), "tenant", "invalid_parameter"),
        (format!("{FEED}t&colour=red"), "colour", "invalid_parameter"),
        (format!("{FEED}{TENANT}&cursor=nonsense"), "cursor", "unknown_cursor"),
        (format!("{FEED}other&cursor={cursor}"), "cursor", "unknown_cursor"),
        (format!("/operations/v1/attention?kind=parked&cursor={cursor}"), "cursor", "unknown_cursor"),
        ("/operations/v1/attention?kind=all".to_owned(), "kind", "invalid_parameter"),
        ("/operations/v1/attention?kind=dead&acknowledged=1".to_owned(), "acknowledged", "invalid_parameter"),
        ("/operations/v1/notifications/nonsense".to_owned(), "ref", "invalid_parameter"),
        ("/operations/v1/jobs/7".to_owned(), "id", "invalid_parameter"),
    ] {
        let answer = world.get(&url).await;
        assert_eq!((answer.problem(), &answer.body["field"]), ((400, code), &field.into()), "{url}");
    }
}

#[tokio::test]
async fn answers_404_for_unknown_notifications_entities_and_jobs() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    // A reference to the same notification of another tenant.
    let foreign = {
        use base64::Engine;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        engine.encode(format!("other#sales_order#SO/1#{}", order(1).key))
    };
    for (url, code) in [
        (format!("/operations/v1/notifications/{foreign}"), "unknown_notification"),
        (format!("/operations/raw/notifications/{foreign}"), "unknown_notification"),
        (format!("/operations/v1/entities?tenant={TENANT}&entity=account&key=1"), "unknown_entity"),
        (format!("/operations/v1/jobs/{}", Uuid::nil()), "unknown_job"),
    ] {
        assert_eq!(world.get(&url).await.problem(), (404, code), "{url}");
    }
}

#[tokio::test]
async fn a_query_that_is_not_valid_in_a_url_is_refused() {
    let world = World::new().await;
    // The last two have only filters that may be absent.
    for list in ["notifications", "overview", "audit"] {
        for query in ["tenant=<b>", "tenant=a b", "%zz&tenant=\u{7f}"] {
            let answer = world.get(&format!("/operations/v1/{list}?{query}")).await;
            assert_eq!(answer.problem(), (400, "invalid_parameter"), "{list}?{query}");
        }
    }
}

#[tokio::test]
async fn sends_an_answer_again_only_if_it_has_changed() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let list = format!("{FEED}{TENANT}");
    let tag = world.get(&list).await.headers["etag"].to_str().unwrap().to_owned();
    let same = world.get_knowing(&list, &tag).await;
    assert_eq!((same.status, same.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(same.headers["cache-control"], "no-store");
    world.order(2, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let other = world.get_knowing(&list, &tag).await;
    assert_eq!((other.status, other.items("key").len()), (StatusCode::OK, 2));
    assert_ne!(other.headers["etag"].to_str().unwrap(), tag);
    let refused = world.ask_with("GET", &list, &[("if-none-match", tag.as_str())]).await;
    assert_eq!(refused.problem(), (401, "unauthenticated"), "a tag does not replace a token");
    assert!(!refused.headers.contains_key("etag"), "a problem has no tag");
}

#[tokio::test]
async fn a_failed_notification_shows_its_last_error_until_it_ends() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, Change::Failed(failed(&world))).await;
    let list = format!("{FEED}{TENANT}");
    let answer = world.get(&list).await;
    let item = &answer.body["items"][0];
    assert_eq!((&item["state"], &item["cause"]), (&"retrying".into(), &"status 503 from the ERP".into()));
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let answer = world.get(&list).await;
    let item = &answer.body["items"][0];
    assert_eq!((&item["state"], item.get("cause")), (&"processed".into(), None));
}
