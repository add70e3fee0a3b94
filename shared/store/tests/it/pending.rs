use crate::support::{Fixture, NOW, TENANT, noting, order};
use std::collections::HashSet;
use time::Duration;
use uuid::Uuid;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{LedgerKey, Notification, Reason, State};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Entry, Mark};

const LATE: Duration = Duration::hours(30);

fn attempt() -> Attempt {
    Attempt { at: NOW, receive_count: 2, reason: Reason::Unavailable, detail: "status 404".into() }
}

fn no_outcome() -> Verdict {
    Verdict::failure("The outcome did not come in time.")
}

fn ended(feedback: FeedbackState) -> Change {
    let deadline = (feedback == FeedbackState::Awaited).then_some(NOW + Duration::DAY);
    let answer = Answering { feedback, address: Address::default(), verdict: None, deadline };
    Change::Ended { state: State::Processed, answer }
}

async fn record(fixture: &Fixture, n: &Notification, change: Change, after: Duration) -> LedgerKey {
    fixture.table.record(&Entry { notification: n, change, now: NOW + after }).await.unwrap();
    n.ledger_key()
}

async fn due(fixture: &Fixture, mark: Mark, after: Duration) -> Vec<LedgerKey> {
    fixture.table.due(mark, NOW + after, None).await.unwrap().pending.into_iter().map(|one| one.key).collect()
}

#[tokio::test]
async fn an_awaited_outcome_is_due_at_its_deadline_until_it_is_sent() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, &order(1), ended(FeedbackState::Awaited), Duration::ZERO).await;
    assert!(due(&fixture, Mark::Awaited, Duration::hours(23)).await.is_empty());
    assert_eq!(due(&fixture, Mark::Awaited, Duration::hours(24)).await, std::slice::from_ref(&key));
    let answered = fixture.table.answered(std::slice::from_ref(&key)).await.unwrap();
    let was_marked = answered[&key].is_marked;
    let sent = Answer::Sent { id: Uuid::nil(), verdict: Verdict::success("Done."), was_marked };
    fixture.table.answer(&key, &sent, NOW).await.unwrap();
    assert!(due(&fixture, Mark::Awaited, LATE).await.is_empty());
    assert!(!fixture.table.expire(&key, &no_outcome(), NOW + LATE, NOW + LATE).await.unwrap());
}

#[tokio::test]
async fn an_outcome_expires_once_and_its_mark_stays_until_the_feedback_is_queued() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, &order(1), ended(FeedbackState::Awaited), Duration::ZERO).await;
    assert!(fixture.table.expire(&key, &no_outcome(), NOW + LATE, NOW).await.unwrap());
    assert!(!fixture.table.expire(&key, &no_outcome(), NOW + LATE, NOW).await.unwrap());
    let answered = fixture.table.answered(std::slice::from_ref(&key)).await.unwrap().remove(&key).unwrap();
    assert_eq!((answered.feedback, answered.verdict), (Some(FeedbackState::Queued), Some(no_outcome())));
    assert_eq!(due(&fixture, Mark::Awaited, LATE).await, std::slice::from_ref(&key));
    fixture.table.watch(&key, Mark::Queued, NOW + LATE).await.unwrap();
    assert!(due(&fixture, Mark::Awaited, LATE).await.is_empty());
    assert_eq!(due(&fixture, Mark::Queued, LATE).await, [key]);
}

#[tokio::test]
async fn an_outcome_in_progress_expires_only_if_its_attempts_are_stuck() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, &order(1), ended(FeedbackState::Awaited), Duration::ZERO).await;
    fixture.table.answer(&key, &Answer::Failed(attempt()), NOW).await.unwrap();
    assert!(!fixture.table.expire(&key, &no_outcome(), NOW + LATE, NOW).await.unwrap());
    assert!(fixture.table.expire(&key, &no_outcome(), NOW + LATE, NOW + Duration::DAY).await.unwrap());
}

#[tokio::test]
async fn an_outcome_that_an_operator_handed_in_expires_only_if_its_message_is_lost() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, &order(1), ended(FeedbackState::Awaited), Duration::ZERO).await;
    let outcome = Action { deed: Deed::Outcome, at: NOW, by: "op", note: "" };
    assert!(fixture.table.act(&key, outcome).await.unwrap());
    assert!(!fixture.table.expire(&key, &no_outcome(), NOW + LATE, NOW).await.unwrap());
    assert!(fixture.table.expire(&key, &no_outcome(), NOW + LATE, NOW + Duration::DAY).await.unwrap());
}

#[tokio::test]
async fn watches_a_retried_notification_until_it_ends_or_needs_a_person() {
    let fixture = Fixture::new().await;
    let n = order(1);
    let key = record(&fixture, &n, Change::Failed(attempt()), Duration::ZERO).await;
    record(&fixture, &n, Change::Failed(attempt()), Duration::HOUR).await;
    assert_eq!(
        due(&fixture, Mark::Retrying, Duration::ZERO).await,
        std::slice::from_ref(&key),
        "since the first failure"
    );
    let found = fixture.table.due(Mark::Retrying, NOW, None).await.unwrap().pending.remove(0);
    assert_eq!((found.state, found.moved_at), (Some(State::Retrying), NOW + Duration::HOUR));
    let act = |deed| fixture.table.act(&key, Action { deed, at: NOW + LATE, by: "b", note: "n" });
    assert!(act(Deed::Hold).await.unwrap());
    fixture.table.watch(&key, Mark::Retrying, NOW).await.unwrap();
    assert!(due(&fixture, Mark::Retrying, LATE).await.is_empty(), "held, so nothing is watched");
    assert!(act(Deed::Release).await.unwrap());
    assert_eq!(due(&fixture, Mark::Retrying, LATE).await, [key]);
    record(&fixture, &n, ended(FeedbackState::None), LATE).await;
    assert!(due(&fixture, Mark::Retrying, LATE).await.is_empty());
}

#[tokio::test]
async fn watches_only_feedback_that_is_decided_late() {
    let fixture = Fixture::new().await;
    let late = record(&fixture, &order(1), ended(FeedbackState::Queued), Duration::hours(2)).await;
    record(&fixture, &order(2), ended(FeedbackState::Queued), Duration::HOUR).await;
    assert_eq!(due(&fixture, Mark::Queued, LATE).await, std::slice::from_ref(&late));
    fixture.table.unmark(&late, Mark::Awaited, NOW).await.unwrap();
    assert_eq!(
        due(&fixture, Mark::Queued, LATE).await,
        std::slice::from_ref(&late),
        "another mark is not ours to take"
    );
    fixture.table.unmark(&late, Mark::Queued, NOW).await.unwrap();
    assert!(due(&fixture, Mark::Queued, LATE).await.is_empty());
}

#[tokio::test]
async fn watches_resent_feedback_until_it_is_sent_or_refused_again() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, &order(1), ended(FeedbackState::Queued), Duration::ZERO).await;
    let refused = Answer::Parked { attempt: attempt(), verdict: no_outcome() };
    fixture.table.answer(&key, &refused, NOW).await.unwrap();
    assert!(due(&fixture, Mark::Queued, LATE).await.is_empty(), "a person must look");
    let resend = Action { deed: Deed::ResendFeedback, at: NOW + Duration::HOUR, by: "op", note: "" };
    assert!(fixture.table.act(&key, resend).await.unwrap());
    assert!(due(&fixture, Mark::Queued, Duration::ZERO).await.is_empty(), "since it was resent");
    assert_eq!(due(&fixture, Mark::Queued, LATE).await, std::slice::from_ref(&key));
    fixture.table.answer(&key, &refused, NOW + Duration::HOUR).await.unwrap();
    assert!(due(&fixture, Mark::Queued, LATE).await.is_empty(), "a person must look again");
    assert!(fixture.table.act(&key, resend).await.unwrap());
    let was_marked = fixture.table.answered(std::slice::from_ref(&key)).await.unwrap()[&key].is_marked;
    let sent = Answer::Sent { id: Uuid::nil(), verdict: no_outcome(), was_marked };
    fixture.table.answer(&key, &sent, NOW + LATE).await.unwrap();
    assert!(due(&fixture, Mark::Queued, LATE).await.is_empty());
}

#[tokio::test]
async fn a_resend_leaves_the_mark_of_a_held_notification() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, &order(1), Change::Parked(Reason::Unmapped), Duration::ZERO).await;
    let refused = Answer::Parked { attempt: attempt(), verdict: no_outcome() };
    fixture.table.answer(&key, &refused, NOW).await.unwrap();
    for deed in [Deed::Hold, Deed::ResendFeedback] {
        assert!(fixture.table.act(&key, Action { deed, at: NOW, by: "op", note: "" }).await.unwrap());
    }
    assert_eq!(fixture.item("N#").await["attention"].as_s().unwrap(), "parked");
}

#[tokio::test]
async fn reads_the_feed_once_in_pages_and_skips_empty_days() {
    let fixture = Fixture::new().await;
    let mut received = Vec::new();
    for id in 1..=150 {
        let mut n = order(id);
        n.received_at = NOW + Duration::seconds(id as i64) + if id > 120 { Duration::days(40) } else { Duration::ZERO };
        received.push(record(&fixture, &n, ended(FeedbackState::None), Duration::days(41)).await);
    }
    let mut position = "2026-01-01".to_owned();
    let (mut seen, mut pages) = (Vec::new(), 0);
    let until = NOW + Duration::days(41);
    loop {
        let arrived = fixture.table.arrived(TENANT, &position, until).await.unwrap();
        assert!(arrived.notifications.len() <= 100);
        seen.extend(arrived.notifications.into_iter().map(|one| one.key));
        position = arrived.position;
        pages += 1;
        assert!(pages < 20, "a feed without an end");
        if arrived.is_last {
            break;
        }
    }
    assert_eq!(seen, received);
    let again = fixture.table.arrived(TENANT, &position, until).await.unwrap();
    assert_eq!((again.notifications.len(), again.position, again.is_last), (0, position, true));
}

#[tokio::test]
async fn reads_what_is_due_in_pages_of_a_hundred_each_once() {
    let fixture = Fixture::new().await;
    let mut expected = HashSet::new();
    for id in 1..=101 {
        expected.insert(record(&fixture, &order(id), Change::Failed(attempt()), Duration::ZERO).await);
    }
    let first = fixture.table.due(Mark::Retrying, NOW, None).await.unwrap();
    assert_eq!(first.pending.len(), 100);
    let rest = fixture.table.due(Mark::Retrying, NOW, first.next).await.unwrap();
    assert_eq!((rest.pending.len(), rest.next), (1, None));
    let found: HashSet<LedgerKey> = first.pending.into_iter().chain(rest.pending).map(|one| one.key).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_has_moved_on_is_not_due_although_the_index_lags_behind() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, &order(1), Change::Failed(attempt()), Duration::ZERO).await;
    let (table, reads) = noting(&fixture);
    assert_eq!(table.due(Mark::Retrying, NOW, None).await.unwrap().pending.len(), 1);
    reads.lock().unwrap().repeat_last_page();
    fixture.table.watch(&key, Mark::Retrying, NOW + Duration::HOUR).await.unwrap();
    assert!(table.due(Mark::Retrying, NOW, None).await.unwrap().pending.is_empty(), "it is due in an hour");
    record(&fixture, &order(1), ended(FeedbackState::Queued), Duration::hours(2)).await;
    let late = table.due(Mark::Retrying, NOW + LATE, None).await.unwrap();
    assert!(late.pending.is_empty(), "it has another mark");
}

#[tokio::test]
async fn reads_in_the_feed_only_what_is_not_settled_a_second_time() {
    let fixture = Fixture::new().await;
    let by_first = Notification { answer: AnswerRole::ByFirst, ..order(1) };
    record(&fixture, &by_first, Change::Parked(Reason::Unmapped), Duration::ZERO).await;
    record(&fixture, &order(2), Change::Failed(attempt()), Duration::ZERO).await;
    record(&fixture, &order(3), ended(FeedbackState::Queued), Duration::ZERO).await;
    record(&fixture, &order(4), ended(FeedbackState::None), Duration::ZERO).await;
    let key = record(&fixture, &order(5), ended(FeedbackState::Queued), Duration::ZERO).await;
    let sent = Answer::Sent { id: Uuid::nil(), verdict: Verdict::success("Done."), was_marked: false };
    fixture.table.answer(&key, &sent, NOW).await.unwrap();

    let (table, reads) = noting(&fixture);
    let arrived = table.arrived(TENANT, "2026-11-23", NOW + LATE).await.unwrap();
    assert_eq!(arrived.notifications.len(), 5);
    let again: HashSet<String> = reads.lock().unwrap().exact.drain(..).collect();
    assert_eq!(again, HashSet::from([1, 2, 3].map(|id| format!("N#{}", order(id).key))));
}

#[tokio::test]
async fn records_how_far_the_feed_was_read_and_never_moves_back() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.table.looked_through(TENANT, NOW).await.unwrap(), "2026-11-23T12:00:00.000Z");
    for position in ["2026-11-23T12:00:00.000Z#b", "2026-11-23T11:00:00.000Z"] {
        fixture.table.set_looked_through(TENANT, position, NOW).await.unwrap();
    }
    assert_eq!(fixture.table.looked_through(TENANT, NOW).await.unwrap(), "2026-11-23T12:00:00.000Z#b");
}

#[tokio::test]
async fn what_only_a_newer_version_can_read_counts_by_its_mark_or_in_the_feed() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, &order(1), Change::Failed(attempt()), Duration::ZERO).await;
    fixture.overwrite("N#", "state", "postponed").await;
    for (is_marked, expected) in [(true, (1, 0)), (false, (0, 1))] {
        if !is_marked {
            fixture.table.unmark(&key, Mark::Retrying, NOW).await.unwrap();
        }
        let due = fixture.table.due(Mark::Retrying, NOW + LATE, None).await.unwrap();
        let arrived = fixture.table.arrived(TENANT, "2026-11-23", NOW + LATE).await.unwrap();
        assert!(due.pending.is_empty() && arrived.notifications.is_empty());
        assert_eq!((due.unread, arrived.unread), expected);
    }
}
