use crate::support::{Fixture, NOW, TENANT, notification, order};
use time::Duration;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{Allowance, LedgerKey, Notification, Reason, State};
use webhooks_store::{Action, Answer, Answering, Answers, Attempts, Change, Deed, Entry, Mark, WaitForCalls};

fn line(reason: Reason) -> Attempt {
    Attempt { at: NOW, receive_count: 1, reason, detail: "429".into() }
}

fn waits(attempt: Option<Attempt>) -> Change {
    Change::RateLimited { attempt, waits_here: true }
}

async fn record(fixture: &Fixture, n: &Notification, change: Change) -> bool {
    fixture.table.record(&Entry { notification: n, change, now: NOW }).await.unwrap()
}

async fn waiting(fixture: &Fixture) -> Vec<LedgerKey> {
    oldest(fixture, 1000).await
}

async fn oldest(fixture: &Fixture, most: usize) -> Vec<LedgerKey> {
    fixture.table.waiting(TENANT, most).await.unwrap().into_iter().map(|one| one.key).collect()
}

fn allowance() -> Allowance {
    let resets_at = NOW + Duration::HOUR;
    Allowance { tenant: TENANT.into(), limit: Some(500), calls_each: 1, resets_at, released_to: None }
}

/// A feedback of a notification that has ended so.
async fn ended(fixture: &Fixture, n: &Notification, feedback: FeedbackState) -> LedgerKey {
    let answer = Answering {
        feedback,
        address: Address::of(n, false),
        verdict: (feedback == FeedbackState::Queued).then(|| Verdict::success("Done.")),
        deadline: Some(NOW + Duration::HOUR),
    };
    assert!(record(fixture, n, Change::Ended { state: State::Processed, answer }).await);
    n.ledger_key()
}

async fn feedback_waits(fixture: &Fixture, n: &Notification, read: FeedbackState) -> bool {
    feedback_waits_for(fixture, n, read, allowance()).await
}

async fn feedback_waits_for(fixture: &Fixture, n: &Notification, read: FeedbackState, allowance: Allowance) -> bool {
    let (verdict, since) = (Verdict::success("Done."), n.received_at);
    let wait = WaitForCalls { read, verdict, since, attempt: Some(line(Reason::RateLimited)), allowance };
    fixture.table.wait_for_calls(&n.ledger_key(), &wait, NOW).await.unwrap()
}

fn numbered(number: i64) -> Notification {
    let body = format!(r#"{{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"{number}"}}"#);
    Notification { received_at: NOW - Duration::minutes(number), ..notification(&body, 7) }
}

#[tokio::test]
async fn lists_what_waits_for_calls_by_tenant_oldest_first_until_its_release() {
    let fixture = Fixture::new().await;
    for number in 1..=205 {
        assert!(record(&fixture, &numbered(number), waits(None)).await);
    }
    let found = waiting(&fixture).await;
    assert_eq!(found.len(), 205);
    assert_eq!((found[0].entity.key.as_str(), found[204].entity.key.as_str()), ("SO/205", "SO/1"));
    assert_eq!(oldest(&fixture, 2).await, found[..2]);
    assert!(fixture.table.waiting("another", 1000).await.unwrap().is_empty());
    fixture.table.watch(&found[0], Mark::Retrying, NOW).await.unwrap();
    assert_eq!(waiting(&fixture).await.len(), 204);
    assert_eq!(fixture.table.due(Mark::Retrying, NOW, None).await.unwrap().pending[0].key, found[0]);
}

#[tokio::test]
async fn a_waiting_notification_is_not_stuck() {
    let fixture = Fixture::new().await;
    record(&fixture, &order(1), waits(None)).await;
    let late = NOW + Duration::days(3);
    assert!(fixture.table.due(Mark::Retrying, late, None).await.unwrap().pending.is_empty());
    let arrived = fixture.table.arrived(TENANT, "2026-11-20T00:00:00.000Z", late).await.unwrap();
    assert_eq!(arrived.notifications[0].mark, Some(Mark::Limited));
}

#[tokio::test]
async fn a_wait_stops_when_the_notification_ends_is_held_or_fails() {
    for (change, state) in [
        (Change::Ended { state: State::Processed, answer: Answering::none() }, "processed"),
        (Change::Parked(Reason::Unmapped), "parked"),
        (Change::Paused, "paused"),
    ] {
        let fixture = Fixture::new().await;
        record(&fixture, &order(1), waits(None)).await;
        assert!(record(&fixture, &order(1), change).await);
        assert_eq!(fixture.item("N#").await["state"].as_s().unwrap(), state);
        assert!(waiting(&fixture).await.is_empty());
    }
    let fixture = Fixture::new().await;
    record(&fixture, &order(1), waits(None)).await;
    let action = Action { deed: Deed::Hold, at: NOW, by: "op", note: "" };
    assert!(fixture.table.act(&order(1).ledger_key(), action).await.unwrap());
    assert!(waiting(&fixture).await.is_empty());
}

#[tokio::test]
async fn a_dead_or_ended_notification_does_not_wait_for_calls() {
    for change in [
        Change::Dead { attempt: line(Reason::Bug), answer: None },
        Change::Ended { state: State::Processed, answer: Answering::none() },
    ] {
        let fixture = Fixture::new().await;
        record(&fixture, &order(1), change).await;
        assert!(!record(&fixture, &order(1), waits(None)).await);
        assert!(waiting(&fixture).await.is_empty());
    }
}

#[tokio::test]
async fn counts_attempts_without_those_that_the_quota_ended() {
    let fixture = Fixture::new().await;
    let reasons = [Reason::Unavailable, Reason::RateLimited, Reason::Lost, Reason::TokenRefused, Reason::TokenRefused];
    for reason in reasons {
        let attempt = Some(line(reason));
        let is_limit = reason == Reason::RateLimited;
        let change = if is_limit { waits(attempt) } else { Change::Failed(line(reason)) };
        record(&fixture, &order(1), change).await;
    }
    let known = fixture.table.look(&order(1).ledger_key()).await.unwrap().same.unwrap();
    assert_eq!(known.attempts, Attempts { failed: 4, lost: 1, refused: 2, is_full: false });
    assert!(!known.attempts.are_refused());
    assert!(Attempts { failed: 3, ..known.attempts }.are_refused());
    assert!(!Attempts::default().are_refused());
}

#[tokio::test]
async fn keeps_a_tenants_allowance_until_its_erasure() {
    let fixture = Fixture::new().await;
    let mut allowance = Allowance { calls_each: 2, ..allowance() };
    fixture.table.used_up(&allowance, NOW).await.unwrap();
    assert_eq!(fixture.table.allowances().await.unwrap(), [allowance.clone()]);
    fixture.table.set_released(TENANT, NOW + Duration::minutes(90), NOW).await.unwrap();
    allowance.resets_at = NOW + Duration::hours(2);
    fixture.table.used_up(&Allowance { limit: None, ..allowance.clone() }, NOW).await.unwrap();
    let known = fixture.table.allowances().await.unwrap().remove(0);
    assert_eq!((known.resets_at, known.limit), (allowance.resets_at, Some(500)));
    assert_eq!(known.released_to, Some(NOW + Duration::minutes(90)));
    for key in &fixture.table.kept(TENANT, None).await.unwrap().keys {
        fixture.table.erase(key).await.unwrap();
    }
    assert!(fixture.table.allowances().await.unwrap().is_empty());
}

#[tokio::test]
async fn feedback_waits_for_calls_among_the_notifications_in_the_order_of_receipt() {
    let fixture = Fixture::new().await;
    for number in [1, 3] {
        record(&fixture, &numbered(number), waits(None)).await;
    }
    for (number, read) in [(2, FeedbackState::Queued), (4, FeedbackState::Awaited)] {
        ended(&fixture, &numbered(number), read).await;
        assert!(feedback_waits(&fixture, &numbered(number), read).await);
    }
    let found = fixture.table.waiting(TENANT, 3).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.key.entity.key.as_str(), one.mark, one.feedback)).collect();
    let queued = Some(FeedbackState::Queued);
    assert_eq!(
        found,
        [
            ("SO/4", Mark::LimitedFeedback, queued),
            ("SO/3", Mark::Limited, None),
            ("SO/2", Mark::LimitedFeedback, queued)
        ]
    );
    let late = fixture.table.arrived(TENANT, "2026-11-20T00:00:00.000Z", NOW + Duration::days(3)).await.unwrap();
    assert!(late.notifications.iter().all(|one| one.mark.is_some()), "none of them is stuck");
}

#[tokio::test]
async fn of_what_came_at_the_same_time_a_notification_continues_before_a_feedback() {
    let fixture = Fixture::new().await;
    let first = numbered(1);
    let second = Notification { received_at: first.received_at, ..numbered(2) };
    ended(&fixture, &second, FeedbackState::Queued).await;
    assert!(feedback_waits(&fixture, &second, FeedbackState::Queued).await);
    record(&fixture, &first, waits(None)).await;
    assert_eq!(waiting(&fixture).await, [first.ledger_key(), second.ledger_key()]);
}

#[tokio::test]
async fn what_only_a_newer_version_can_read_does_not_hold_up_what_waits_behind_it() {
    let fixture = Fixture::new().await;
    for number in [2, 4] {
        record(&fixture, &numbered(number), waits(None)).await;
    }
    for number in [1, 3] {
        ended(&fixture, &numbered(number), FeedbackState::Queued).await;
        assert!(feedback_waits(&fixture, &numbered(number), FeedbackState::Queued).await);
    }
    for (number, name) in [(4, "state"), (3, "feedback")] {
        fixture.overwrite(&format!("N#{}", numbered(number).key), name, "postponed").await;
    }
    assert_eq!(oldest(&fixture, 1).await, [numbered(2).ledger_key()]);
    assert_eq!(waiting(&fixture).await, [numbered(2).ledger_key(), numbered(1).ledger_key()]);
}

#[tokio::test]
async fn a_feedback_waits_until_it_is_released_or_sent() {
    let fixture = Fixture::new().await;
    let (released, sent) = (numbered(1), numbered(2));
    for n in [&released, &sent] {
        ended(&fixture, n, FeedbackState::Queued).await;
        assert!(feedback_waits(&fixture, n, FeedbackState::Queued).await);
        assert!(feedback_waits(&fixture, n, FeedbackState::Queued).await, "a second message about it");
    }
    fixture.table.watch(&released.ledger_key(), Mark::Queued, NOW).await.unwrap();
    assert_eq!(waiting(&fixture).await, [sent.ledger_key()]);
    let key = sent.ledger_key();
    let known = fixture.table.answered(std::slice::from_ref(&key)).await.unwrap().remove(&key).unwrap();
    assert!(known.is_marked);
    let id = known.address.ids[0];
    let answer = Answer::Sent { id, verdict: Verdict::success("Done."), was_marked: known.is_marked };
    fixture.table.answer(&key, &answer, NOW).await.unwrap();
    assert!(waiting(&fixture).await.is_empty());
}

#[tokio::test]
async fn a_feedback_that_was_sent_or_whose_record_needs_a_person_does_not_wait_in_the_table() {
    let fixture = Fixture::new().await;
    let n = numbered(1);
    assert!(!feedback_waits(&fixture, &n, FeedbackState::Queued).await, "there is no record");
    ended(&fixture, &n, FeedbackState::Awaited).await;
    assert!(!feedback_waits(&fixture, &n, FeedbackState::Queued).await, "it was read in another state");
    let (dead, again) = (numbered(2), numbered(3));
    let answer =
        Answering { feedback: FeedbackState::Queued, verdict: Some(Verdict::failure("Failed.")), ..Answering::none() };
    for n in [&dead, &again] {
        record(&fixture, n, Change::Dead { attempt: line(Reason::Bug), answer: Some(answer.clone()) }).await;
    }
    for deed in [Deed::Hold, Deed::Release] {
        let action = Action { deed, at: NOW, by: "op-1", note: "" };
        assert!(fixture.table.act(&again.ledger_key(), action).await.unwrap());
    }
    fixture.table.watch(&again.ledger_key(), Mark::Queued, NOW).await.unwrap();
    assert_eq!(fixture.needing_attention("feedback_queued").await, 1);
    assert!(!feedback_waits(&fixture, &again, FeedbackState::Queued).await, "another attempt follows");
    assert!(!feedback_waits(&fixture, &dead, FeedbackState::Queued).await);
    assert_eq!(fixture.needing_attention("dead").await, 1);
    assert!(waiting(&fixture).await.is_empty());
}

#[tokio::test]
async fn a_feedback_tells_a_later_end_of_the_window_but_not_what_a_notification_costs() {
    let fixture = Fixture::new().await;
    let (n, known) = (numbered(1), Allowance { calls_each: 2, ..allowance() });
    ended(&fixture, &n, FeedbackState::Queued).await;
    let earlier = Allowance { resets_at: NOW, ..known.clone() };
    fixture.table.used_up(&earlier, NOW).await.unwrap();
    assert!(feedback_waits(&fixture, &n, FeedbackState::Queued).await);
    assert_eq!(fixture.table.allowances().await.unwrap(), [known]);
}

#[tokio::test]
async fn an_end_of_the_window_that_differs_by_less_than_a_minute_is_the_same() {
    let fixture = Fixture::new().await;
    let (n, first) = (numbered(1), allowance());
    ended(&fixture, &n, FeedbackState::Queued).await;
    let ends_after = |later: Duration| Allowance { resets_at: first.resets_at + later, ..first.clone() };
    for (later, known) in [
        (Duration::ZERO, Duration::ZERO),
        (Duration::seconds(59), Duration::ZERO),
        (Duration::MINUTE, Duration::MINUTE),
        (Duration::ZERO, Duration::MINUTE),
    ] {
        assert!(feedback_waits_for(&fixture, &n, FeedbackState::Queued, ends_after(later)).await);
        assert_eq!(fixture.table.allowances().await.unwrap(), [ends_after(known)], "{later}");
    }
}
