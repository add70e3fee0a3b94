//! How long an item is kept after each kind of write. An item that expires too early is unknown
//! when its notification comes again; personal data must not be kept for ever.

use crate::support::{Fixture, NOW, TENANT, account, at, change, notification, order, with_status};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::audit::{AuditRecord, AuditResult, Target};
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::filter::Filter;
use webhooks_model::job::Job;
use webhooks_model::ledger::Attempt;
use webhooks_model::walk::Walk;
use webhooks_model::{
    Allowance, Collection, HeadChange, LedgerKey, Notification, Pause, Reason, Stamp, State, Versions,
};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Entry, Mark, Place, Unfinished, Watermark};

const RETENTION: Duration = Duration::days(90);

fn day(number: i64) -> OffsetDateTime {
    NOW + Duration::days(number)
}

/// For each item, by the beginning of its sort key, the day on which its retention began; `None` if
/// it does not expire.
async fn kept_since(fixture: &Fixture) -> BTreeMap<String, Option<i64>> {
    let items = fixture.items().await;
    let since = |at: &str| {
        let end = OffsetDateTime::from_unix_timestamp(at.parse().unwrap()).unwrap();
        let since = end - RETENTION - NOW;
        assert_eq!(since, Duration::days(since.whole_days()), "to the second");
        since.whole_days()
    };
    let mut all = BTreeMap::new();
    for item in &items {
        let end = item.get("expires_at").map(|end| since(end.as_n().unwrap()));
        let name = item["sk"].as_s().unwrap().split('#').next().unwrap_or_default();
        let known = all.insert(name.to_owned(), end);
        assert!(known.is_none_or(|known| known == end), "{name}: {known:?} and {end:?}");
    }
    all
}

async fn since(fixture: &Fixture, name: &str) -> Option<i64> {
    kept_since(fixture).await[name]
}

fn attempt(reason: Reason) -> Attempt {
    Attempt { at: NOW, receive_count: 1, reason, detail: "why".into() }
}

fn ended(feedback: FeedbackState) -> Change {
    let deadline = (feedback == FeedbackState::Awaited).then_some(NOW);
    Change::Ended { state: State::Processed, answer: Answering { feedback, deadline, ..Answering::none() } }
}

/// A notification longer than one item.
fn long() -> Notification {
    notification(&format!(r#"{{"event":"SALESORDER_UPDATED","orderId":"2","note":"{}"}}"#, "x".repeat(300_000)), 2)
}

async fn record(fixture: &Fixture, n: &Notification, change: Change, on: i64) -> bool {
    fixture.table.record(&Entry { notification: n, change, now: day(on) }).await.unwrap()
}

/// A record written on the first day.
async fn recorded(change: Change) -> (Fixture, LedgerKey) {
    let fixture = Fixture::new().await;
    assert!(record(&fixture, &order(1), change, 0).await);
    (fixture, order(1).ledger_key())
}

async fn act(fixture: &Fixture, deed: Deed, on: i64) -> bool {
    let action = Action { deed, at: day(on), by: "op", note: "" };
    fixture.table.act(&order(1).ledger_key(), action).await.unwrap()
}

#[tokio::test]
async fn every_write_of_a_notification_renews_its_retention() {
    let changes: [fn() -> Change; 8] = [
        || Change::Failed(attempt(Reason::Unavailable)),
        || Change::Dead { attempt: attempt(Reason::Lost), answer: None },
        || Change::Parked(Reason::Unmapped),
        || Change::ParkedAfter(attempt(Reason::TenantNotApproved)),
        || Change::RateLimited { attempt: None, waits_here: false },
        || Change::RateLimited { attempt: None, waits_here: true },
        || ended(FeedbackState::Queued),
        || ended(FeedbackState::Awaited),
    ];
    for change in changes {
        let (fixture, _) = recorded(change()).await;
        assert_eq!(since(&fixture, "N").await, Some(0), "{:?}", change());
        let (fixture, _) = recorded(Change::Failed(attempt(Reason::Unavailable))).await;
        record(&fixture, &order(1), change(), 10).await;
        assert_eq!(since(&fixture, "N").await, Some(10), "{:?} as the second", change());
    }
}

#[tokio::test]
async fn a_paused_or_held_notification_does_not_expire_and_neither_do_its_parts() {
    let changes: [fn() -> Change; 2] = [|| Change::Paused, || Change::Parked(Reason::Held)];
    for change in changes {
        let fixture = Fixture::new().await;
        record(&fixture, &long(), Change::Failed(attempt(Reason::Unavailable)), 0).await;
        assert_eq!(kept_since(&fixture).await, BTreeMap::from([("N".into(), Some(0)), ("RAW".into(), Some(0))]));
        record(&fixture, &long(), change(), 1).await;
        assert_eq!(kept_since(&fixture).await, BTreeMap::from([("N".into(), None), ("RAW".into(), None)]));
        record(&fixture, &long(), ended(FeedbackState::None), 2).await;
        assert_eq!(kept_since(&fixture).await, BTreeMap::from([("N".into(), Some(2)), ("RAW".into(), Some(2))]));
    }
}

#[tokio::test]
async fn after_the_end_only_new_work_renews_the_retention() {
    let (fixture, key) = recorded(ended(FeedbackState::Awaited)).await;
    let failed = Answer::Failed(attempt(Reason::Unavailable));
    fixture.table.answer(&key, &failed, day(1)).await.unwrap();
    fixture.table.watch(&key, Mark::Awaited, day(2)).await.unwrap();
    assert_eq!(since(&fixture, "N").await, Some(0), "an attempt and a mark");
    let late = Verdict::failure("It did not come in time.");
    assert!(fixture.table.expire(&key, &late, day(3), day(3)).await.unwrap());
    assert_eq!(since(&fixture, "N").await, Some(3), "the outcome was given up");
    let sent = Answer::Sent { id: Uuid::nil(), verdict: late, was_marked: false };
    fixture.table.answer(&key, &sent, day(4)).await.unwrap();
    assert_eq!(since(&fixture, "N").await, Some(3), "Visma Net accepted the answer");
    fixture.overwrite("N#", "attention", Mark::Awaited.as_str()).await;
    fixture.table.unmark(&key, Mark::Awaited, day(5)).await.unwrap();
    assert_eq!(since(&fixture, "N").await, Some(5), "the mark was removed");
    fixture.table.replayed(&key, day(6)).await.unwrap();
    assert_eq!(since(&fixture, "N").await, Some(6), "it was repeated");
    let new = LedgerKey { entity: account("1"), ..key.clone() };
    let (fixture, key) = recorded(Change::Parked(Reason::Unmapped)).await;
    fixture.table.moved(&key, &new, day(7)).await.unwrap();
    assert_eq!(since(&fixture, "N").await, Some(7), "it moved to another key");
}

#[tokio::test]
async fn an_ended_notification_that_waits_does_not_expire_whatever_becomes_of_its_feedback() {
    let (fixture, key) = recorded(ended(FeedbackState::Awaited)).await;
    assert!(record(&fixture, &order(1), Change::Paused, 1).await);
    let late = Verdict::failure("It did not come in time.");
    assert!(fixture.table.expire(&key, &late, day(2), day(2)).await.unwrap());
    assert_eq!(since(&fixture, "N").await, None, "the outcome was given up");
    fixture.table.unmark(&key, Mark::Awaited, day(3)).await.unwrap();
    assert!(!fixture.item("N#").await.contains_key("attention"));
    assert_eq!(since(&fixture, "N").await, None, "the mark was removed");
}

#[tokio::test]
async fn an_answer_before_its_record_expires() {
    let fixture = Fixture::new().await;
    let failed = Answer::Failed(attempt(Reason::Unavailable));
    fixture.table.answer(&order(1).ledger_key(), &failed, day(1)).await.unwrap();
    assert_eq!(since(&fixture, "N").await, Some(1));
}

#[tokio::test]
async fn an_operators_action_renews_the_retention() {
    for (feedback, deed) in [
        (FeedbackState::None, Deed::Replay),
        (FeedbackState::Queued, Deed::ResendFeedback),
        (FeedbackState::Awaited, Deed::Outcome),
    ] {
        let (fixture, _) = recorded(ended(feedback)).await;
        assert!(act(&fixture, deed, 5).await, "{deed:?}");
        assert_eq!(since(&fixture, "N").await, Some(5), "{deed:?}");
    }
    let (fixture, _) = recorded(Change::Parked(Reason::Unmapped)).await;
    assert!(act(&fixture, Deed::Acknowledge { kind: "parked", changed_at: NOW }, 5).await);
    assert_eq!(since(&fixture, "N").await, Some(5), "acknowledged");
    assert!(act(&fixture, Deed::Unacknowledge { kind: "parked" }, 6).await);
    assert_eq!(since(&fixture, "N").await, Some(6), "the acknowledgement was withdrawn");
    let (fixture, _) = recorded(Change::Parked(Reason::Unmapped)).await;
    assert!(act(&fixture, Deed::Hold, 1).await);
    assert_eq!(since(&fixture, "N").await, None, "held");
    assert!(act(&fixture, Deed::Release, 2).await);
    assert_eq!(since(&fixture, "N").await, Some(2), "released");
    assert!(act(&fixture, Deed::Hold, 3).await);
    assert!(act(&fixture, Deed::Replay, 4).await);
    assert_eq!(since(&fixture, "N").await, Some(4), "held, and replayed");
}

#[tokio::test]
async fn a_change_renews_a_heads_retention_unless_it_is_too_late() {
    let fixture = Fixture::new().await;
    let table = &fixture.table;
    table.advance(&with_status(2, 20, "Open"), day(0)).await.unwrap();
    assert_eq!(since(&fixture, "HEAD").await, Some(0));
    table.advance(&with_status(3, 30, "Completed"), day(1)).await.unwrap();
    assert_eq!(since(&fixture, "HEAD").await, Some(1));
    table.advance(&change(4, 5), day(2)).await.unwrap();
    assert_eq!(since(&fixture, "HEAD").await, Some(1), "too late");
    table.advance(&with_status(1, 10, "On hold"), day(3)).await.unwrap();
    assert_eq!(since(&fixture, "HEAD").await, Some(3), "too late, and of its timeline");
    table.advance(&with_status(5, 25, "Open"), day(4)).await.unwrap();
    assert_eq!(since(&fixture, "HEAD").await, Some(3), "too late, and its timeline shows this status then");
    let fixture = Fixture::new().await;
    fixture.table.mark_renumbered(&account("1920"), "1921", day(4)).await.unwrap();
    assert_eq!(since(&fixture, "HEAD").await, Some(4), "renumbered");
    let versions = Versions { resource: at(20).map(Stamp::from), ..Versions::default() };
    let numbered = HeadChange { entity: account("1920"), internal_id: Some("70".into()), versions, ..change(1, 0) };
    fixture.table.advance(&numbered, day(5)).await.unwrap();
    let kept = kept_since(&fixture).await;
    assert_eq!(kept, BTreeMap::from([("HEAD".into(), Some(5)), ("NUMBER".into(), Some(5))]));
}

#[tokio::test]
async fn keeps_what_the_reconciler_records_for_the_retention() {
    let fixture = Fixture::new().await;
    let table = &fixture.table;
    let rest = Unfinished { until: NOW, walk: Walk::new(50) };
    for (on, unfinished) in [(1, Some(rest)), (2, None)] {
        let watermark = Watermark { swept_to: NOW, page_size: None, unfinished };
        table.set_watermark(TENANT, Collection::Customer, &watermark, day(on)).await.unwrap();
        assert_eq!(since(&fixture, "SWEEP").await, Some(on));
    }
    table.set_place(&Place::default(), day(3)).await.unwrap();
    assert_eq!(since(&fixture, "PLACE").await, Some(3));
    for (on, heard) in [(4, None), (5, Some(NOW))] {
        table.silent_since(TENANT, heard, day(on)).await.unwrap();
        assert_eq!(since(&fixture, "SILENCE").await, Some(on));
    }
    let resets_at = NOW + Duration::HOUR;
    let allowance = Allowance { tenant: TENANT.into(), limit: None, calls_each: 1, resets_at, released_to: None };
    table.used_up(&allowance, day(6)).await.unwrap();
    assert_eq!(since(&fixture, "ALLOWANCE").await, Some(6));
    table.set_released(TENANT, NOW, day(7)).await.unwrap();
    assert_eq!(since(&fixture, "ALLOWANCE").await, Some(7));
    let fixture = Fixture::new().await;
    fixture.table.set_looked_through(TENANT, "2026-11-20T00:00:00.000Z", day(8)).await.unwrap();
    assert_eq!(since(&fixture, "SWEEP").await, Some(8), "the feed");
}

#[tokio::test]
async fn only_a_pause_that_is_over_expires() {
    let fixture = Fixture::new().await;
    let table = &fixture.table;
    let pause = |on| {
        let (events, by, note) = ("*".into(), "op".into(), String::new());
        Pause { tenant: None, events, since: day(on), by, note, until: None }
    };
    table.pause(&pause(0)).await.unwrap();
    assert_eq!(since(&fixture, "*").await, None);
    assert!(table.resume(None, "*", day(1)).await.unwrap());
    assert_eq!(since(&fixture, "*").await, Some(1));
    assert!(!table.resume(None, "*", day(2)).await.unwrap());
    assert_eq!(since(&fixture, "*").await, Some(1), "it was over");
    table.pause(&pause(3)).await.unwrap();
    assert_eq!(since(&fixture, "*").await, None, "it is paused again");
    table.pause(&Pause { until: Some(day(4)), ..pause(3) }).await.unwrap();
    assert_eq!(since(&fixture, "*").await, None, "notifications that wait for it must still be released");
    assert!(table.end_overdue(None, "*", day(5)).await.unwrap());
    assert_eq!(since(&fixture, "*").await, Some(5));
}

#[tokio::test]
async fn keeps_a_job_from_its_start() {
    let fixture = Fixture::new().await;
    let (from, to) = (day(-1), day(1));
    let filter = Filter { tenant: Some(TENANT.into()), states: vec![], entity: None, event: None, from, to };
    let job = Job::new(Uuid::from_u128(7), filter, 10, "op", "because", day(1));
    assert!(fixture.table.create(&job).await.unwrap());
    assert!(fixture.table.progress(job.id, &job.progress).await.unwrap());
    assert_eq!(since(&fixture, &job.id.to_string()).await, Some(1));
}

#[tokio::test]
async fn an_action_and_its_result_expire_together() {
    let fixture = Fixture::new().await;
    let table = fixture.table.clone().with_audit_retention(Duration::days(400));
    let on = Target { tenant: Some(TENANT.into()), kind: "notification".into(), name: "n".into() };
    let (id, by, role, deed) = (Uuid::from_u128(1), "op".into(), "repair".into(), "hold".into());
    let record = AuditRecord { id, at: day(0), by, role, deed, on, result: None };
    assert!(table.note(&record).await.unwrap());
    assert!(table.note_result(&record, &AuditResult { at: day(1), code: "done".into() }).await.unwrap());
    let items = fixture.items().await;
    let ends: Vec<&String> = items.iter().map(|item| item["expires_at"].as_n().unwrap()).collect();
    let expected = day(400).unix_timestamp().to_string();
    assert_eq!(ends, [&expected, &expected]);
}
