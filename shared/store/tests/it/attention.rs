use crate::support::{Fixture, NOW, order};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{Reason, State};
use webhooks_store::{Action, Answer, Answering, Answers, Attention, Change, Deed, Entry, acknowledged};

fn minute(number: i64) -> OffsetDateTime {
    NOW + Duration::minutes(number)
}

fn attempt() -> Attempt {
    Attempt { at: NOW, receive_count: 5, reason: Reason::Unavailable, detail: "status 503".into() }
}

async fn record(fixture: &Fixture, change: Change, at: i64) {
    let entry = Entry { notification: &order(1), change, now: minute(at) };
    assert!(fixture.table.record(&entry).await.unwrap());
}

async fn asked(fixture: &Fixture) -> Option<Attention> {
    fixture.table.record_of(&order(1).ledger_key()).await.unwrap().unwrap().attention
}

async fn act(fixture: &Fixture, deed: Deed, at: i64) -> bool {
    let action = Action { deed, at: minute(at), by: "op", note: "known" };
    fixture.table.act(&order(1).ledger_key(), action).await.unwrap()
}

/// An operator acknowledges the notification.
async fn acknowledge(fixture: &Fixture, at: i64) -> bool {
    let Attention { kind, changed_at, .. } = asked(fixture).await.unwrap();
    act(fixture, Deed::Acknowledge { kind, changed_at }, at).await
}

/// The number that needs attention of that kind, and the number of acknowledged ones.
async fn counts(fixture: &Fixture, kind: &str) -> (u64, u64) {
    let open = fixture.table.count_marked(kind).await.unwrap();
    (open, fixture.table.count_marked(&acknowledged(kind)).await.unwrap())
}

fn refused() -> Answer {
    Answer::Parked { attempt: attempt(), verdict: Verdict::success("Done.") }
}

fn processed() -> Change {
    let answer = Answering {
        feedback: FeedbackState::Queued,
        address: Address { ids: vec![Uuid::from_u128(1)], source: None },
        verdict: Some(Verdict::success("Done.")),
        deadline: None,
    };
    Change::Ended { state: State::Processed, answer }
}

#[tokio::test]
async fn counts_acknowledged_notifications_separately_until_they_are_withdrawn() {
    let fixture = Fixture::new().await;
    record(&fixture, Change::Parked(Reason::Unmapped), 0).await;
    assert!(acknowledge(&fixture, 1).await);
    assert_eq!(counts(&fixture, "parked").await, (0, 1));
    assert!(asked(&fixture).await.unwrap().is_acknowledged);
    assert!(!acknowledge(&fixture, 2).await, "once is enough");
    let listed = fixture.table.marked(&acknowledged("parked"), None, 10).await.unwrap().records;
    let note = listed[0].actions.last().unwrap();
    assert_eq!((note.what.as_str(), note.text.as_str(), note.by.as_deref()), ("acknowledge", "known", Some("op")));
    assert!(!act(&fixture, Deed::Unacknowledge { kind: "dead" }, 3).await);
    assert!(act(&fixture, Deed::Unacknowledge { kind: "parked" }, 3).await);
    assert_eq!(counts(&fixture, "parked").await, (1, 0));
    assert!(!act(&fixture, Deed::Unacknowledge { kind: "parked" }, 4).await);
}

#[tokio::test]
async fn a_later_failure_needs_attention_again() {
    for (again, kind) in [
        (Change::Parked(Reason::Unmapped), "parked"),
        (Change::ParkedAfter(attempt()), "parked"),
        (Change::Dead { attempt: attempt(), answer: None }, "dead"),
    ] {
        let fixture = Fixture::new().await;
        record(&fixture, Change::Parked(Reason::Unmapped), 0).await;
        assert!(acknowledge(&fixture, 1).await);
        assert!(act(&fixture, Deed::Replay, 2).await);
        assert_eq!(counts(&fixture, "parked").await, (0, 1), "the request for a replay is not a failure");
        record(&fixture, again, 3).await;
        assert_eq!((counts(&fixture, kind).await, counts(&fixture, "parked").await.1), ((1, 0), 0), "{kind}");
    }
}

#[tokio::test]
async fn an_acknowledgement_does_not_hide_a_newer_failure() {
    let fixture = Fixture::new().await;
    record(&fixture, Change::Parked(Reason::Unmapped), 0).await;
    let seen = asked(&fixture).await.unwrap().changed_at;
    let late = Deed::Acknowledge { kind: "parked", changed_at: seen };
    record(&fixture, Change::Parked(Reason::Unidentified), 1).await;
    assert!(!act(&fixture, late, 2).await, "it was parked again");
    assert!(act(&fixture, Deed::Hold, 3).await);
    let before = Deed::Acknowledge { kind: "parked", changed_at: minute(1) };
    assert!(!act(&fixture, before, 4).await, "it is held since");
    assert!(acknowledge(&fixture, 5).await);
    assert_eq!(counts(&fixture, "parked").await, (0, 1));
}

#[tokio::test]
async fn acknowledged_feedback_loses_its_mark_when_it_is_accepted() {
    let fixture = Fixture::new().await;
    let key = order(1).ledger_key();
    record(&fixture, processed(), 0).await;
    fixture.table.answer(&key, &refused(), minute(1)).await.unwrap();
    assert!(acknowledge(&fixture, 2).await);
    fixture.table.answer(&key, &refused(), minute(3)).await.unwrap();
    assert_eq!(counts(&fixture, "feedback_parked").await, (1, 0), "refused again");
    assert!(acknowledge(&fixture, 4).await);
    let was_marked = fixture.table.answered(std::slice::from_ref(&key)).await.unwrap()[&key].is_marked;
    let sent = Answer::Sent { id: Uuid::from_u128(1), verdict: Verdict::success("Done."), was_marked };
    fixture.table.answer(&key, &sent, minute(5)).await.unwrap();
    assert_eq!(counts(&fixture, "feedback_parked").await, (0, 0));
    assert_eq!(asked(&fixture).await, None);
}

#[tokio::test]
async fn resent_feedback_is_watched_and_no_longer_acknowledged() {
    let fixture = Fixture::new().await;
    record(&fixture, processed(), 0).await;
    fixture.table.answer(&order(1).ledger_key(), &refused(), minute(1)).await.unwrap();
    assert!(acknowledge(&fixture, 2).await);
    assert!(act(&fixture, Deed::ResendFeedback, 3).await);
    assert_eq!(counts(&fixture, "feedback_parked").await, (0, 0));
    assert_eq!(fixture.table.count_marked("feedback_queued").await.unwrap(), 1);
}

#[tokio::test]
async fn a_notification_that_continues_automatically_needs_no_attention() {
    for change in [Change::Failed(attempt()), Change::Paused, processed()] {
        let fixture = Fixture::new().await;
        record(&fixture, change, 0).await;
        assert_eq!(asked(&fixture).await, None);
    }
}
