//! Notifications that wait for a pause to end, and items that do not expire while an operator makes
//! them wait.

use crate::support::{Fixture, NOW, TENANT, dying, notification, order, repeating};
use aws_sdk_dynamodb::types::AttributeValue;
use time::Duration;
use uuid::Uuid;
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{LedgerKey, Notification, Pause, Reason, State};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Entry, Erasure, Orders, Record, StoreError};

const RETENTION: Duration = Duration::days(90);

fn attempt(reason: Reason) -> Attempt {
    Attempt { at: NOW, receive_count: 1, reason, detail: "why".into() }
}

fn processed() -> Change {
    let answer = Answering { feedback: FeedbackState::Queued, ..Answering::none() };
    Change::Ended { state: State::Processed, answer }
}

fn dead() -> Change {
    Change::Dead { attempt: attempt(Reason::Unavailable), answer: None }
}

/// A notification longer than one item.
fn long() -> Notification {
    notification(&format!(r#"{{"event":"SALESORDER_UPDATED","orderId":"2","note":"{}"}}"#, "x".repeat(300_000)), 2)
}

async fn record(fixture: &Fixture, n: &Notification, change: Change) -> bool {
    fixture.table.record(&Entry { notification: n, change, now: NOW }).await.unwrap()
}

async fn act(fixture: &Fixture, key: &LedgerKey, deed: Deed) {
    let action = Action { deed, at: NOW, by: "op", note: "" };
    assert!(fixture.table.act(key, action).await.unwrap(), "{deed:?}");
}

async fn waiting(fixture: &Fixture) -> Vec<Record> {
    fixture.table.marked("paused", None, 100).await.unwrap().records
}

/// The items of notifications that have an expiry.
async fn mortal(fixture: &Fixture) -> Vec<String> {
    let items = fixture.items().await;
    let mortal = items.iter().filter(|item| item.contains_key("expires_at"));
    let mut keys: Vec<String> = mortal.map(|item| item["sk"].as_s().unwrap()[..2].to_owned()).collect();
    keys.sort();
    keys
}

fn moments(list: Option<AttributeValue>) -> usize {
    list.map_or(0, |list| list.as_l().unwrap().len())
}

#[tokio::test]
async fn an_ended_notification_waits_in_an_item_of_its_own() {
    for change in [processed as fn() -> Change, dead, || Change::Parked(Reason::Unmapped)] {
        let fixture = Fixture::new().await;
        let n = order(1);
        record(&fixture, &n, change()).await;
        let mut before = fixture.item("N#").await;
        for _ in 0..2 {
            assert!(record(&fixture, &n, Change::Paused).await);
        }
        let mut after = fixture.item("N#").await;
        assert!(!after.contains_key("expires_at"), "kept while it waits");
        after.insert("expires_at".into(), before["expires_at"].clone());
        // The timeline shows each pause, and the earlier parking.
        let (told, earlier) = (after.remove("moments"), before.remove("moments"));
        assert_eq!(moments(told), moments(earlier) + 2);
        assert_eq!(after, before);
        let found = waiting(&fixture).await;
        assert_eq!((found.len(), &found[0].key), (1, &n.ledger_key()));
        assert_eq!(fixture.table.count_marked("paused").await.unwrap(), 1);

        assert!(!fixture.table.let_go(&found[0].key, "2026-01-01T00:00:00.000Z", NOW).await.unwrap());
        assert_eq!(waiting(&fixture).await.len(), 1, "it was requested again");
        assert_eq!(mortal(&fixture).await, [""; 0]);
        assert!(fixture.table.let_go(&found[0].key, &found[0].position.at, NOW).await.unwrap());
        assert!(waiting(&fixture).await.is_empty());
        assert_eq!(mortal(&fixture).await, ["N#", "WA"]);
    }
}

#[tokio::test]
async fn each_wait_of_a_notification_has_a_later_time_than_those_before() {
    let fixture = Fixture::new().await;
    let (n, key) = (order(1), order(1).ledger_key());
    record(&fixture, &n, processed()).await;
    let wait = async |now| {
        assert!(fixture.table.record(&Entry { notification: &n, change: Change::Paused, now }).await.unwrap());
        waiting(&fixture).await.remove(0).position.at
    };
    let first = wait(NOW).await;
    let second = wait(NOW - Duration::SECOND).await;
    assert!(second > first);
    assert!(!fixture.table.let_go(&key, &first, NOW).await.unwrap(), "its message is not on its way");
    assert!(fixture.table.let_go(&key, &second, NOW).await.unwrap());
    assert!(wait(NOW).await > second);
    for ended in [first, second] {
        assert!(!fixture.table.let_go(&key, &ended, NOW).await.unwrap(), "another function has ended that one");
    }
    assert_eq!(waiting(&fixture).await.len(), 1);
}

#[tokio::test]
async fn a_repeated_message_repairs_a_wait_that_was_interrupted() {
    for requests in 0.. {
        let fixture = Fixture::new().await;
        let n = long();
        record(&fixture, &n, processed()).await;
        let table = dying(requests, &fixture);
        let entry = || Entry { notification: &n, change: Change::Paused, now: NOW };
        let done = match table.record(&entry()).await {
            Ok(waits) => waits,
            Err(StoreError::Unavailable(_)) => false,
            Err(error) => panic!("{error}"),
        };
        assert!(record(&fixture, &n, Change::Paused).await);
        assert_eq!((waiting(&fixture).await.len(), mortal(&fixture).await), (1, vec![]), "{requests}");
        if done {
            assert!(requests > 4);
            break;
        }
    }
}

#[tokio::test]
async fn after_a_wait_the_record_and_its_parts_expire_again() {
    let fixture = Fixture::new().await;
    let n = long();
    record(&fixture, &n, processed()).await;
    record(&fixture, &n, Change::Paused).await;
    assert!(!record(&fixture, &n, processed()).await, "by an attempt that hung");
    assert_eq!(mortal(&fixture).await, [""; 0]);
    let since = waiting(&fixture).await.remove(0).position.at;
    assert!(fixture.table.let_go(&n.ledger_key(), &since, NOW).await.unwrap());
    assert_eq!(mortal(&fixture).await, ["N#", "RA", "RA", "WA"]);
}

#[tokio::test]
async fn a_paused_notification_does_not_expire() {
    let fixture = Fixture::new().await;
    let n = long();
    record(&fixture, &n, Change::Failed(attempt(Reason::Unavailable))).await;
    record(&fixture, &n, Change::Paused).await;
    assert_eq!(mortal(&fixture).await, [""; 0]);
    assert!(record(&fixture, &n, Change::Failed(attempt(Reason::Lost))).await, "by an attempt that hung");
    assert_eq!(mortal(&fixture).await, [""; 0]);
    let item = fixture.item("N#").await;
    assert_eq!((item["state"].as_s().unwrap().as_str(), item["attempts"].as_l().unwrap().len()), ("paused", 2));
    act(&fixture, &n.ledger_key(), Deed::Release).await;
    record(&fixture, &n, processed()).await;
    assert_eq!(mortal(&fixture).await, ["N#", "RA", "RA"]);
}

#[tokio::test]
async fn a_kept_record_that_moved_to_another_key_expires_with_its_parts() {
    for requests in 0..=4 {
        let fixture = Fixture::new().await;
        let (key, new) = (long().ledger_key(), order(3).ledger_key());
        record(&fixture, &long(), Change::Paused).await;
        act(&fixture, &key, Deed::Release).await;
        assert_eq!(dying(requests, &fixture).moved(&key, &new, NOW).await.is_ok(), requests == 4);
        fixture.table.moved(&key, &new, NOW).await.unwrap();
        assert_eq!(mortal(&fixture).await, ["N#", "RA", "RA"], "{requests}");
    }
}

#[tokio::test]
async fn a_held_notification_does_not_expire_until_it_is_released() {
    let fixture = Fixture::new().await;
    let (n, key) = (long(), long().ledger_key());
    let answer = Answering { feedback: FeedbackState::Queued, ..Answering::none() };
    record(&fixture, &n, Change::Dead { attempt: attempt(Reason::Bug), answer: Some(answer) }).await;
    act(&fixture, &key, Deed::Hold).await;
    assert_eq!(mortal(&fixture).await, [""; 0]);
    act(&fixture, &key, Deed::ResendFeedback).await;
    let sent = Answer::Sent { id: Uuid::from_u128(1), verdict: Verdict::failure("x"), was_marked: false };
    for answer in [Answer::Failed(attempt(Reason::Unavailable)), sent] {
        fixture.table.answer(&key, &answer, NOW).await.unwrap();
    }
    assert_eq!(mortal(&fixture).await, [""; 0]);
    let known = fixture.table.look(&key).await.unwrap().same.unwrap();
    assert!(known.is_held(NOW + RETENTION * 10));
    act(&fixture, &key, Deed::Release).await;
    assert_eq!(mortal(&fixture).await, ["N#"]);
}

#[tokio::test]
async fn an_operators_action_extends_the_life_of_an_expiring_record() {
    let fixture = Fixture::new().await;
    let n = order(1);
    record(&fixture, &n, dead()).await;
    let later = NOW + Duration::days(10);
    let action = Action { deed: Deed::Replay, at: later, by: "op", note: "" };
    assert!(fixture.table.act(&n.ledger_key(), action).await.unwrap());
    let item = fixture.item("N#").await;
    let expires_at = (later + RETENTION).unix_timestamp().to_string();
    assert_eq!((item["expires_at"].as_n().unwrap(), item["actions"].as_l().unwrap().len()), (&expires_at, 1));
}

#[tokio::test]
async fn an_erasure_also_deletes_what_waits() {
    let fixture = Fixture::new().await;
    record(&fixture, &order(1), dead()).await;
    record(&fixture, &order(1), Change::Paused).await;
    let kept = fixture.table.kept(TENANT, None).await.unwrap();
    assert_eq!(kept.keys.len(), 2);
    for key in &kept.keys {
        fixture.table.erase(key).await.unwrap();
    }
    assert!(fixture.items().await.is_empty() && waiting(&fixture).await.is_empty());
}

async fn expire(fixture: &Fixture, sort_key_start: &str, at: time::OffsetDateTime) {
    use aws_sdk_dynamodb::types::AttributeValue::N;
    let item = fixture.item(sort_key_start).await;
    let update = fixture.client.update_item().table_name(&fixture.name).update_expression("SET expires_at = :at");
    let update = update.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
    let update = update.expression_attribute_values(":at", N(at.unix_timestamp().to_string()));
    update.send().await.unwrap();
}

fn endless() -> Pause {
    Pause { tenant: None, events: "*".into(), since: NOW, by: "op".into(), note: String::new(), until: None }
}

#[tokio::test]
async fn a_pause_that_is_over_can_still_be_ended_once() {
    let fixture = Fixture::new().await;
    let (table, end) = (&fixture.table, NOW + Duration::HOUR);
    let pause = Pause { until: Some(end), ..endless() };
    table.pause(&pause).await.unwrap();
    let before = end - Duration::MILLISECOND;
    assert_eq!(table.pauses(before).await.unwrap(), std::slice::from_ref(&pause));
    assert!(table.overdue(before).await.unwrap().is_empty());
    assert!(!table.end_overdue(None, "*", before).await.unwrap());

    assert!(table.pauses(end).await.unwrap().is_empty());
    let years = Duration::days(1_000);
    assert_eq!(table.overdue(end + years).await.unwrap(), [pause], "it does not expire");
    assert!(table.end_overdue(None, "*", end).await.unwrap());
    assert!(!table.end_overdue(None, "*", end).await.unwrap(), "once");
    assert!(table.overdue(end + years).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_pause_that_was_prolonged_after_it_was_over_is_not_ended() {
    let fixture = Fixture::new().await;
    let (table, end) = (&fixture.table, NOW + Duration::HOUR);
    table.pause(&Pause { until: Some(end), ..endless() }).await.unwrap();
    assert_eq!(table.overdue(end).await.unwrap().len(), 1);
    for until in [Some(end + Duration::HOUR), None] {
        let longer = Pause { until, ..endless() };
        table.pause(&longer).await.unwrap();
        assert!(!table.end_overdue(None, "*", end).await.unwrap(), "{until:?}");
        assert_eq!(table.pauses(end).await.unwrap(), [longer]);
    }
}

#[tokio::test]
async fn a_pause_has_ended_although_the_repetition_is_refused() {
    let fixture = Fixture::new().await;
    let table = repeating(&fixture);
    let pause = Pause {
        tenant: Some(TENANT.to_owned()),
        events: "*".to_owned(),
        since: NOW,
        until: None,
        by: "op".to_owned(),
        note: String::new(),
    };
    fixture.table.pause(&pause).await.unwrap();
    table.resume(Some(TENANT), "*", NOW + Duration::minutes(1)).await.unwrap();
    assert!(table.pauses(NOW).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_notification_paused_again_after_its_release_still_waits() {
    let fixture = Fixture::new().await;
    let (n, later) = (order(1), NOW + Duration::SECOND);
    let release = |at| Action { deed: Deed::Release, at, by: "op", note: "job" };
    for now in [NOW, later] {
        let entry = Entry { notification: &n, change: Change::Paused, now };
        assert!(fixture.table.record(&entry).await.unwrap());
    }
    let key = n.ledger_key();
    assert!(!fixture.table.release_sent(&key, NOW, release(later)).await.unwrap());
    assert_eq!(waiting(&fixture).await[0].updated_at, Some(later));
    assert_eq!(mortal(&fixture).await, [""; 0]);
    assert!(fixture.table.release_sent(&key, later, release(later)).await.unwrap());
    assert!(!fixture.table.release_sent(&key, later, release(later)).await.unwrap(), "it is no longer paused");
    assert!(waiting(&fixture).await.is_empty());
    assert_eq!(mortal(&fixture).await, ["N#"]);
}

#[tokio::test]
async fn an_expired_pause_or_hold_has_no_effect() {
    let fixture = Fixture::new().await;
    let pause = endless();
    fixture.table.pause(&pause).await.unwrap();
    assert_eq!(fixture.table.pauses(NOW).await.unwrap(), [pause]);
    expire(&fixture, "*#", NOW - Duration::days(3)).await;
    assert!(fixture.table.pauses(NOW).await.unwrap().is_empty());
    assert!(fixture.table.pauses(NOW).await.unwrap().is_empty());

    let n = order(1);
    record(&fixture, &n, Change::Parked(Reason::Held)).await;
    expire(&fixture, "N#", NOW - Duration::days(3)).await;
    let known = fixture.table.look(&n.ledger_key()).await.unwrap().same.unwrap();
    assert!(!known.is_held(NOW) && known.is_held(NOW - Duration::days(4)));
}

#[tokio::test]
async fn an_erasure_is_known_beside_the_pauses_until_it_expires_and_never_moves_back() {
    let fixture = Fixture::new().await;
    fixture.table.pause(&endless()).await.unwrap();
    let erasure = |tenant: &str, of_before| Erasure { tenant: tenant.into(), of_before };
    for of_before in [NOW, NOW + Duration::HOUR, NOW] {
        fixture.table.set_erasure(&erasure("T-1", of_before), NOW).await.unwrap();
    }
    let known = fixture.table.orders(NOW).await.unwrap();
    assert_eq!(known, Orders { pauses: vec![endless()], erasures: vec![erasure("t-1", NOW + Duration::HOUR)] });
    assert_eq!(fixture.table.pauses(NOW).await.unwrap(), [endless()], "it is no pause");
    assert!(fixture.table.overdue(NOW).await.unwrap().is_empty());
    let later = fixture.table.orders(NOW + Duration::days(1_000)).await.unwrap();
    assert_eq!(later, Orders { pauses: vec![endless()], erasures: vec![] });
}

#[tokio::test]
async fn an_erasure_finds_what_was_parked_before_its_tenant_was_known() {
    let fixture = Fixture::new().await;
    let n = Notification { tenant: None, ..order(1) };
    record(&fixture, &n, Change::Parked(Reason::TenantUnknown)).await;
    let own = fixture.table.kept(TENANT, None).await.unwrap().keys;
    assert!(own.is_empty(), "nothing says whose it is");
    fixture.table.moved(&n.ledger_key(), &order(1).ledger_key(), NOW).await.unwrap();
    assert_eq!(fixture.table.kept(TENANT, None).await.unwrap().keys.len(), 1);
}

#[tokio::test]
async fn an_erasure_finds_the_parts_of_a_long_item_from_before_its_tenant_was_known_and_their_record_last() {
    let fixture = Fixture::new().await;
    let n = Notification { tenant: None, ..long() };
    record(&fixture, &n, Change::Parked(Reason::TenantUnknown)).await;
    fixture.table.moved(&n.ledger_key(), &long().ledger_key(), NOW).await.unwrap();
    let kept = fixture.table.kept(TENANT, None).await.unwrap();
    for keys in &kept.keys {
        fixture.table.erase(keys).await.unwrap();
    }
    assert!(fixture.items().await.is_empty());
    assert!(kept.keys.len() > 1 && kept.keys.last().unwrap().1.starts_with("N#"), "{:?}", kept.keys);
    assert_eq!(kept.keys.len(), kept.times.len());
}

#[tokio::test]
async fn an_erasure_sees_that_waits_and_parts_of_raw_items_were_received_with_their_records() {
    let fixture = Fixture::new().await;
    record(&fixture, &long(), processed()).await;
    record(&fixture, &long(), Change::Paused).await;
    let mut kept = fixture.table.kept(TENANT, None).await.unwrap();
    fixture.table.receive_with_records(&mut kept).await.unwrap();
    assert!(kept.times.len() == 4 && kept.times.iter().all(|times| times.received == Some(NOW)), "{kept:?}");
    let own = kept.keys.iter().find(|(_, sk)| sk.starts_with("N#")).unwrap();
    fixture.table.erase(own).await.unwrap();
    let mut kept = fixture.table.kept(TENANT, None).await.unwrap();
    fixture.table.receive_with_records(&mut kept).await.unwrap();
    assert!(kept.times.len() == 3 && kept.times.iter().all(|times| times.received.is_none()), "{kept:?}");
    assert_eq!(kept.times.iter().filter(|times| times.is_part).count(), 2);
}

#[tokio::test]
async fn a_pause_ends_in_upper_or_lower_case_of_its_tenant_and_can_begin_again() {
    let fixture = Fixture::new().await;
    let pause = |tenant: &str| {
        let (tenant, events) = (Some(tenant.to_owned()), "*".to_owned());
        Pause { tenant, events, since: NOW, by: "op".into(), note: String::new(), until: None }
    };
    for _ in 0..2 {
        fixture.table.pause(&pause("T-1")).await.unwrap();
        assert_eq!(fixture.table.pauses(NOW).await.unwrap(), [pause("t-1")]);
        assert!(fixture.table.resume(Some("t-1"), "*", NOW).await.unwrap());
        assert!(fixture.table.pauses(NOW).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_erasure_finds_nothing_of_a_tenant_with_a_longer_id() {
    let fixture = Fixture::new().await;
    let longer = format!("{TENANT}9");
    let other = Notification { tenant: Some(longer.clone()), ..order(1) };
    record(&fixture, &other, dead()).await;
    assert!(fixture.table.kept(TENANT, None).await.unwrap().keys.is_empty());
    assert_eq!(fixture.table.kept(&longer, None).await.unwrap().keys.len(), 1);
}
