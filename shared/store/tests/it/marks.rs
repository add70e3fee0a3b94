//! The mark of a record whose feedback Visma Net refuses, and the mark of one whose feedback is
//! settled.

use crate::support::{self, Faulty, Fixture, NOW, account, dying, order};
use aws_sdk_dynamodb::types::AttributeValue;
use time::Duration;
use uuid::Uuid;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{LedgerKey, Reason, State};
use webhooks_store::{
    Action, Answer, Answering, Answers, BatchPage, Change, Deed, Entry, Item, Items, Mark, Query, QueryPage,
    StoreError, Table, Write,
};

fn attempt() -> Attempt {
    Attempt { at: NOW, receive_count: 1, reason: Reason::Unavailable, detail: "status 400".into() }
}

fn refused() -> Answer {
    Answer::Parked { attempt: attempt(), verdict: Verdict::failure("It failed.") }
}

fn sent(was_marked: bool) -> Answer {
    Answer::Sent { id: Uuid::from_u128(1), verdict: Verdict::failure("It failed."), was_marked }
}

fn ended(feedback: FeedbackState) -> Change {
    let answer = Answering { feedback, address: Address::default(), verdict: None, deadline: None };
    Change::Ended { state: State::Processed, answer }
}

fn dead() -> Change {
    let Change::Ended { answer, .. } = ended(FeedbackState::Queued) else { unreachable!() };
    Change::Dead { attempt: attempt(), answer: Some(answer) }
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Dead,
    Ended,
    HeldAndReleased,
    Refused,
    Sent,
    Resent,
    /// The reconciler has queued its feedback again.
    Watched,
    /// It goes on under another key.
    Closed,
}

/// One notification, and what happens to it.
struct Story {
    fixture: Fixture,
    key: LedgerKey,
}

impl Story {
    async fn new() -> Self {
        Self { fixture: Fixture::new().await, key: order(1).ledger_key() }
    }

    async fn record(&self, change: Change) {
        let said = format!("{change:?}");
        let entry = Entry { notification: &order(1), change, now: NOW };
        assert!(self.fixture.table.record(&entry).await.unwrap(), "{said}");
    }

    async fn answer(&self, answer: &Answer) {
        self.fixture.table.answer(&self.key, answer, NOW).await.unwrap();
    }

    async fn act(&self, deed: Deed) {
        let action = Action { deed, at: NOW, by: "op", note: "" };
        assert!(self.fixture.table.act(&self.key, action).await.unwrap(), "{deed:?}");
    }

    async fn happens(&self, event: Event) {
        match event {
            Event::Dead => self.record(dead()).await,
            Event::Ended => self.record(ended(FeedbackState::Queued)).await,
            Event::HeldAndReleased => {
                self.act(Deed::Hold).await;
                self.act(Deed::Release).await;
            }
            Event::Refused => self.answer(&refused()).await,
            Event::Sent => self.answer(&sent(false)).await,
            Event::Resent => self.act(Deed::ResendParked).await,
            Event::Watched => assert!(self.fixture.table.watch(&self.key, Mark::Queued, NOW).await.unwrap()),
            Event::Closed => {
                let new = LedgerKey { entity: account("1"), ..self.key.clone() };
                self.fixture.table.moved(&self.key, &new, NOW).await.unwrap();
            }
        }
    }

    /// The only list that has it.
    async fn list(&self) -> Option<String> {
        let item = self.fixture.item("N#").await;
        assert_eq!(item.contains_key("attention"), item.contains_key("attention_at"), "it is in the index");
        item.get("attention").map(|mark| mark.as_s().unwrap().clone())
    }
}

#[tokio::test]
async fn refused_feedback_is_listed_when_its_notification_has_ended_after_all() {
    type Events = &'static [Event];
    let cases: [(FeedbackState, Events); 6] = [
        (FeedbackState::Parked, &[Event::Refused]),
        (FeedbackState::Parked, &[Event::Refused, Event::Dead]),
        (FeedbackState::Parked, &[Event::Refused, Event::HeldAndReleased]),
        (FeedbackState::Parked, &[Event::HeldAndReleased, Event::Watched, Event::Refused]),
        (FeedbackState::Queued, &[Event::Refused]),
        (FeedbackState::Queued, &[Event::Refused, Event::Dead]),
    ];
    for (read, events) in cases {
        let story = Story::new().await;
        story.record(dead()).await;
        for event in events {
            story.happens(*event).await;
        }
        story.record(ended(read)).await;
        assert_eq!(story.list().await.as_deref(), Some("feedback_parked"), "{read:?}, {events:?}");
        assert!(!story.fixture.item("N#").await.contains_key("reason"), "{events:?}: it has ended well");
    }
}

#[tokio::test]
async fn feedback_that_is_sent_during_the_last_attempt_leaves_no_mark() {
    let story = Story::new().await;
    story.record(dead()).await;
    story.answer(&refused()).await;
    story.act(Deed::ResendFeedback).await;
    story.answer(&sent(true)).await;
    story.record(ended(FeedbackState::Parked)).await;
    assert_eq!(story.list().await, None);
}

#[tokio::test]
async fn an_end_keeps_the_acknowledgement_of_refused_feedback() {
    let story = Story::new().await;
    story.record(dead()).await;
    story.answer(&refused()).await;
    story.act(Deed::Acknowledge { kind: "feedback_parked", changed_at: NOW }).await;
    story.record(ended(FeedbackState::Parked)).await;
    assert_eq!(story.list().await.as_deref(), Some("acknowledged#feedback_parked"));
}

#[tokio::test]
async fn refused_feedback_of_a_record_that_is_gone_is_listed() {
    let story = Story::new().await;
    story.record(ended(FeedbackState::Parked)).await;
    assert_eq!(story.list().await.as_deref(), Some("feedback_parked"));
}

#[tokio::test]
async fn an_end_that_needs_a_person_takes_one_write_also_if_the_feedback_is_refused() {
    let story = Story::new().await;
    story.answer(&refused()).await;
    let change = Change::Ended { state: State::Unparseable, answer: Answering::none() };
    let entry = Entry { notification: &order(1), change, now: NOW };
    assert!(dying(1, &story.fixture).record(&entry).await.unwrap());
    assert_eq!(story.list().await.as_deref(), Some("unparseable"));
}

#[tokio::test]
async fn a_notification_that_failed_is_listed_again_when_its_feedback_is_sent() {
    for (failed, list) in [
        (dead as fn() -> Change, "dead"),
        (|| Change::Parked(Reason::Unmapped), "parked"),
        (|| Change::Parked(Reason::Held), "parked"),
    ] {
        for was_marked in [true, false] {
            let story = Story::new().await;
            story.record(failed()).await;
            story.answer(&refused()).await;
            assert_eq!(story.list().await.as_deref(), Some("feedback_parked"));
            story.act(Deed::ResendFeedback).await;
            story.answer(&sent(was_marked)).await;
            assert_eq!(story.list().await.as_deref(), Some(list), "read before the refusal: {}", !was_marked);
        }
    }
}

#[tokio::test]
async fn refused_feedback_does_not_hide_what_has_yet_to_continue() {
    for (change, list) in [
        (Change::Failed(attempt()), "retrying".to_owned()),
        (Change::Paused, "paused".to_owned()),
        (
            Change::RateLimited { attempt: None, waits_here: true },
            Mark::Limited.value(&order(1).ledger_key().entity.tenant),
        ),
    ] {
        let story = Story::new().await;
        story.record(change).await;
        story.answer(&refused()).await;
        assert_eq!(story.list().await, Some(list.clone()));
        story.answer(&sent(true)).await;
        assert_eq!(story.list().await, Some(list));
    }
}

#[tokio::test]
async fn feedback_that_is_sent_after_a_refusal_leaves_no_mark() {
    for was_marked in [true, false] {
        let story = Story::new().await;
        story.record(ended(FeedbackState::Queued)).await;
        story.answer(&refused()).await;
        story.answer(&sent(was_marked)).await;
        assert_eq!(story.list().await, None, "read before the refusal: {}", !was_marked);
    }
}

#[tokio::test]
async fn feedback_that_was_answered_before_the_record_has_its_list() {
    let story = Story::new().await;
    story.answer(&refused()).await;
    assert_eq!(story.list().await.as_deref(), Some("feedback_parked"));
    story.answer(&sent(false)).await;
    assert_eq!(story.list().await, None);
}

#[tokio::test]
async fn an_end_keeps_the_mark_of_feedback_that_is_resent_meanwhile() {
    let story = Story::new().await;
    story.record(dead()).await;
    story.answer(&refused()).await;
    story.act(Deed::ResendParked).await;
    story.record(ended(FeedbackState::Parked)).await;
    assert_eq!(story.list().await.as_deref(), Some("feedback_queued"), "its message may be lost");
}

#[tokio::test]
async fn a_record_that_is_closed_for_another_has_a_mark_while_its_feedback_needs_one() {
    let new = LedgerKey { entity: account("1"), ..order(1).ledger_key() };
    for (events, list) in [
        (&[][..], Some("feedback_queued")),
        (&[Event::Sent], None),
        (&[Event::Closed, Event::Sent], None),
        (&[Event::Refused], Some("feedback_parked")),
        (&[Event::Refused, Event::Dead], Some("feedback_parked")),
        (&[Event::Refused, Event::Resent], Some("feedback_queued")),
        (&[Event::Closed, Event::Refused], Some("feedback_parked")),
    ] {
        let story = Story::new().await;
        story.record(dead()).await;
        for event in events {
            story.happens(*event).await;
        }
        story.fixture.table.moved(&story.key, &new, NOW).await.unwrap();
        assert_eq!(story.list().await.as_deref(), list, "{events:?}");
        assert_eq!(story.fixture.item("N#").await["state"].as_s().unwrap(), "superseded");
    }
}

#[tokio::test]
async fn feedback_that_is_decided_while_its_record_is_closed_is_watched() {
    let story = Story::new().await;
    story.record(Change::Failed(attempt())).await;
    let new = LedgerKey { entity: account("1"), ..story.key.clone() };
    overtaken(&story, (0, Event::Dead)).moved(&story.key, &new, NOW).await.unwrap();
    assert_eq!(story.list().await.as_deref(), Some("feedback_queued"));
    assert_eq!(story.fixture.item("N#").await["state"].as_s().unwrap(), "superseded");
}

fn overtaken(story: &Story, (before, event): (usize, Event)) -> Table<Faulty<'_>> {
    support::overtaken(before, Box::new(move || Box::pin(story.happens(event))), &story.fixture)
}

#[tokio::test]
async fn feedback_that_is_refused_while_it_is_resent_is_watched() {
    let story = Story::new().await;
    story.record(dead()).await;
    let action = Action { deed: Deed::ResendFeedback, at: NOW, by: "op", note: "" };
    assert!(overtaken(&story, (2, Event::Refused)).act(&story.key, action).await.unwrap());
    assert_eq!(story.list().await.as_deref(), Some("feedback_queued"));
}

#[tokio::test]
async fn queued_feedback_that_is_still_listed_as_refused_can_be_resent() {
    let story = Story::new().await;
    story.record(dead()).await;
    story.answer(&refused()).await;
    story.fixture.overwrite("N#", "feedback", "queued").await;
    story.act(Deed::ResendFeedback).await;
    assert_eq!(story.list().await.as_deref(), Some("feedback_queued"));
}

#[tokio::test]
async fn an_answer_is_recorded_also_if_the_record_changes_meanwhile() {
    for (before, answer, event, feedback, list) in [
        (&[Event::Refused, Event::Resent][..], sent(true), Event::Ended, "sent", None),
        (&[Event::HeldAndReleased], refused(), Event::Dead, "parked", Some("feedback_parked")),
        (&[], sent(true), Event::Refused, "sent", Some("dead")),
    ] {
        let story = Story::new().await;
        story.record(dead()).await;
        for event in before {
            story.happens(*event).await;
        }
        overtaken(&story, (1, event)).answer(&story.key, &answer, NOW).await.unwrap();
        let item = story.fixture.item("N#").await;
        assert_eq!(item["feedback"].as_s().unwrap(), feedback, "{answer:?}, then {event:?}");
        assert_eq!(story.list().await.as_deref(), list, "{answer:?}, then {event:?}");
    }
}

/// An item that has always changed since it was read.
struct Restless;

impl Items for Restless {
    async fn update(&self, _: Write) -> Result<Option<Item>, StoreError> {
        Ok(None)
    }

    async fn get(&self, _: &str, _: &str) -> Result<Option<Item>, StoreError> {
        Ok(Some([("state".to_owned(), AttributeValue::S("dead".to_owned()))].into()))
    }

    async fn get_batch(&self, _: Vec<(String, String)>, _: &[&str], _: bool) -> Result<BatchPage, StoreError> {
        unreachable!("an answer reads one item")
    }

    async fn query_page(&self, _: &Query) -> Result<QueryPage, StoreError> {
        unreachable!("an answer reads one item")
    }
}

#[tokio::test]
async fn a_record_that_changes_all_the_time_is_left_to_the_next_attempt() {
    let table = Table::over(Restless, Duration::days(90));
    let answered = table.answer(&order(1).ledger_key(), &sent(false), NOW).await;
    assert!(matches!(answered, Err(StoreError::Unavailable(_))), "{answered:?}");
}

#[tokio::test]
async fn a_mark_about_nothing_makes_room_for_what_a_person_must_see() {
    let unread: fn() -> Change = || ended(FeedbackState::Queued);
    for (change, answer, list) in [
        (unread, Some(sent(false)), None),
        (unread, Some(refused()), Some("feedback_parked")),
        (dead, Some(sent(false)), Some("dead")),
        (|| Change::Parked(Reason::Unmapped), None, Some("parked")),
        (|| Change::Parked(Reason::Held), None, Some("parked")),
    ] {
        let story = Story::new().await;
        story.record(change()).await;
        let expires = story.fixture.item("N#").await.contains_key("expires_at");
        if let Some(answer) = &answer {
            story.answer(answer).await;
        }
        for (name, value) in [("attention", "retrying"), ("attention_at", "2026-11-23T12:00:00.000Z")] {
            story.fixture.overwrite("N#", name, value).await;
        }
        story.fixture.table.unmark(&story.key, Mark::Queued, NOW).await.unwrap();
        assert_eq!(story.list().await.as_deref(), Some("retrying"), "another mark stays");
        story.fixture.table.unmark(&story.key, Mark::Retrying, NOW).await.unwrap();
        assert_eq!(story.list().await.as_deref(), list, "{:?}, {answer:?}", change());
        assert_eq!(story.fixture.item("N#").await.contains_key("expires_at"), expires, "{:?}", change());
    }
}

#[tokio::test]
async fn a_mark_about_nothing_goes_also_if_refused_feedback_is_sent_meanwhile() {
    let story = Story::new().await;
    story.record(ended(FeedbackState::Queued)).await;
    story.answer(&refused()).await;
    story.fixture.overwrite("N#", "attention", "retrying").await;
    overtaken(&story, (1, Event::Sent)).unmark(&story.key, Mark::Retrying, NOW).await.unwrap();
    assert_eq!(story.list().await, None);
}
