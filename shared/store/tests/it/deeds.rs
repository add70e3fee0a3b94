//! The conditions of operators' actions.

use crate::support::{Fixture, NOW, order};
use uuid::Uuid;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{Reason, State};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Entry};

fn attempt() -> Attempt {
    Attempt { at: NOW, receive_count: 1, reason: Reason::Unavailable, detail: "status 503".into() }
}

fn ended(feedback: FeedbackState) -> Change {
    let answer = Answering { feedback, address: Address::default(), verdict: None, deadline: Some(NOW) };
    Change::Ended { state: State::Processed, answer }
}

async fn record(fixture: &Fixture, id: u128, change: Change) {
    assert!(fixture.table.record(&Entry { notification: &order(id), change, now: NOW }).await.unwrap());
}

async fn act(fixture: &Fixture, id: u128, deed: Deed) -> bool {
    let action = Action { deed, at: NOW, by: "op", note: "" };
    fixture.table.act(&order(id).ledger_key(), action).await.unwrap()
}

#[tokio::test]
async fn holds_what_has_not_ended_and_releases_what_is_held_or_paused() {
    type Case = (fn() -> Change, bool, bool);
    let cases: [Case; 6] = [
        (|| Change::Failed(attempt()), true, false),
        (|| Change::Dead { attempt: attempt(), answer: None }, true, false),
        (|| Change::Parked(Reason::Unmapped), true, false),
        (|| Change::Parked(Reason::Held), true, true),
        (|| Change::Paused, true, true),
        (|| ended(FeedbackState::None), false, false),
    ];
    let fixture = Fixture::new().await;
    for (id, (change, is_held, is_released)) in (1..).zip(cases) {
        for (id, deed, expected) in [(id, Deed::Hold, is_held), (id + 10, Deed::Release, is_released)] {
            record(&fixture, id, change()).await;
            assert_eq!(act(&fixture, id, deed).await, expected, "{deed:?}: {:?}", change());
            assert!(act(&fixture, id, Deed::Replay).await, "any of them can be replayed");
        }
    }
    for deed in [Deed::Hold, Deed::Release, Deed::Replay] {
        assert!(!act(&fixture, 99, deed).await, "{deed:?} without a record");
    }
}

#[tokio::test]
async fn a_replay_ends_a_hold_only_if_an_operator_asks_for_it() {
    let fixture = Fixture::new().await;
    let key = order(1).ledger_key();
    let replay = Action { deed: Deed::Replay, at: NOW, by: "op", note: "" };
    record(&fixture, 1, Change::Dead { attempt: attempt(), answer: None }).await;
    assert!(fixture.table.note_replay(&key, replay).await.unwrap());
    assert!(act(&fixture, 1, Deed::Hold).await);
    assert!(!fixture.table.note_replay(&key, replay).await.unwrap());
    assert!(fixture.table.look(&key).await.unwrap().same.unwrap().is_held(NOW));
    assert!(act(&fixture, 1, Deed::Replay).await);
    let known = fixture.table.record_of(&key).await.unwrap().unwrap();
    assert_eq!((known.state, known.reason, known.attention), (State::Retrying, None, None));
    assert_eq!(fixture.needing_attention("retrying").await, 1, "it is watched, in case its message is lost");
    let noted: Vec<&str> = known.actions.iter().map(|action| action.what.as_str()).collect();
    assert_eq!(noted, ["replay", "hold", "replay"]);
}

#[tokio::test]
async fn only_a_good_end_ends_a_hold() {
    let fixture = Fixture::new().await;
    let cases: [(Change, bool); 6] = [
        (Change::Failed(attempt()), false),
        (Change::Dead { attempt: attempt(), answer: None }, false),
        (Change::Parked(Reason::TokenRefused), false),
        (Change::Paused, false),
        (Change::Ended { state: State::Superseded, answer: Answering::none() }, true),
        (ended(FeedbackState::None), true),
    ];
    for (id, (change, ends_it)) in (1..).zip(cases) {
        record(&fixture, id, Change::Failed(attempt())).await;
        assert!(act(&fixture, id, Deed::Hold).await);
        let said = format!("{change:?}");
        let late = Entry { notification: &order(id), change, now: NOW };
        fixture.table.record(&late).await.unwrap();
        let known = fixture.table.look(&order(id).ledger_key()).await.unwrap().same.unwrap();
        assert_eq!(known.is_held(NOW), !ends_it, "{said}");
    }
}

#[tokio::test]
async fn decides_only_awaited_feedback_and_resends_only_unsent_feedback() {
    let fixture = Fixture::new().await;
    let verdict = || Verdict::success("Done.");
    let sent = Answer::Sent { id: Uuid::nil(), verdict: verdict(), was_marked: false };
    for (id, (feedback, answer, decides, resends, resends_parked)) in (1..).zip([
        (FeedbackState::None, None, false, false, false),
        (FeedbackState::Awaited, None, true, false, false),
        (FeedbackState::Queued, None, false, true, false),
        (FeedbackState::Queued, Some(Answer::Parked { attempt: attempt(), verdict: verdict() }), false, true, true),
        (FeedbackState::Queued, Some(sent), false, false, false),
    ]) {
        for (id, deed, expected) in [
            (id, Deed::Outcome, decides),
            (id + 10, Deed::ResendFeedback, resends),
            (id + 20, Deed::ResendParked, resends_parked),
        ] {
            record(&fixture, id, ended(feedback)).await;
            if let Some(answer) = &answer {
                fixture.table.answer(&order(id).ledger_key(), answer, NOW).await.unwrap();
            }
            assert_eq!(act(&fixture, id, deed).await, expected, "{deed:?}: {feedback:?}, {answer:?}");
        }
    }
}
