//! Dead letters can be read and redriven without losing one.

use crate::fakes::{Memory, message};
use aws_sdk_sqs::types::MessageAttributeValue;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::watch;
use visma_webhooks::commands::dlq::{Name, Pace, Redriven, counted_look, look, reason_told, redrive, redriven};
use visma_webhooks::queue::{Depth, Queue, Received};
use visma_webhooks::{Exit, Failure};
use webhooks_model::QueueName;

const BEGAN: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
const FAST: Pace = Pace { rate: 1000, limit: 1000, queue: QueueName::Notifications, rejected: false };

fn rejected(body: &str) -> Received {
    let text = |text: &str| MessageAttributeValue::builder().data_type("String").string_value(text).build().unwrap();
    let attributes =
        [("rejection_code".to_owned(), text("unknown_key")), ("rejection".to_owned(), text("no such notification"))];
    Received { attributes: attributes.into(), ..message(body) }
}

fn numbered(count: usize) -> Memory {
    Memory::of((0..count).map(|number| message(&number.to_string())))
}

async fn run(from: &Memory, to: &Memory, pace: Pace) -> Redriven {
    let (_stop, stopped) = watch::channel(false);
    redrive(from, to, &pace, BEGAN, stopped, |_| ()).await.unwrap()
}

#[tokio::test]
async fn a_look_shows_each_letter_once_and_hides_none() {
    let queue = numbered(25);
    assert_eq!(look(&queue, 20).await.unwrap().len(), 20);
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.waiting, depth.in_flight), (25, 0));
    assert_eq!(look(&queue, 100).await.unwrap().len(), 25);
}

/// A queue that hides nothing: it returns its only message on every receive.
#[derive(Default)]
struct Forgetful {
    receives: Cell<usize>,
    shown: RefCell<Vec<String>>,
}

impl Queue for Forgetful {
    async fn receive(&self, _: usize, _: Duration, _: Duration) -> Result<Vec<Received>, Failure> {
        self.receives.set(self.receives.get() + 1);
        Ok(vec![Received { receipt: self.receives.get().to_string(), ..message("only") }])
    }

    async fn send(&self, _: &Received) -> Result<(), Failure> {
        panic!("nothing is sent")
    }

    async fn delete(&self, _: &Received) -> Result<(), Failure> {
        panic!("nothing is deleted")
    }

    async fn show(&self, message: &Received) -> Result<(), Failure> {
        self.shown.borrow_mut().push(message.receipt.clone());
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, Failure> {
        Ok(Depth { waiting: 1, in_flight: 0 })
    }
}

#[tokio::test]
async fn lists_a_message_that_reappears_at_once_only_once() {
    let queue = Forgetful::default();
    assert_eq!(look(&queue, 20).await.unwrap().len(), 1);
    assert_eq!((queue.receives.get(), queue.shown.take()), (2, vec!["2".to_owned()]), "the newest receipt counts");
    queue.receives.set(0);
    assert_eq!(counted_look(&queue, 20).await.unwrap().1.len(), 1);
    assert_eq!(queue.receives.get(), 1, "it does not wait for a second one");
}

#[tokio::test]
async fn does_not_wait_at_an_empty_queue() {
    let queue = Memory::default();
    let (depth, letters) = counted_look(&queue, 20).await.unwrap();
    assert_eq!((depth.waiting, letters.len(), queue.receives.get()), (0, 0, 0));
}

#[tokio::test]
async fn redrives_all_letters_unchanged() {
    let (from, to) = (numbered(23), Memory::default());
    assert_eq!(run(&from, &to, FAST).await, Redriven { sent: 23, ..Redriven::default() });
    assert_eq!(to.bodies(), (0..23).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(to.waiting.borrow().iter().all(|message| message.group.as_deref() == Some("t-1")));
    assert!(from.bodies().is_empty() && from.hidden.borrow().is_empty());
}

#[tokio::test]
async fn redrives_at_most_the_limit() {
    let (from, to) = (numbered(23), Memory::default());
    assert_eq!(run(&from, &to, Pace { limit: 12, ..FAST }).await.sent, 12);
    assert_eq!((from.bodies().len(), to.bodies().len()), (11, 12));
}

#[tokio::test]
async fn leaves_rejected_outcomes_unless_requested() {
    let letters = || Memory::of([rejected("bad"), message("good")]);
    let (from, to) = (letters(), Memory::default());
    assert_eq!(run(&from, &to, FAST).await, Redriven { sent: 1, rejected: 1, ..Redriven::default() });
    assert_eq!((from.bodies(), to.bodies()), (vec!["bad".to_owned()], vec!["good".to_owned()]));
    assert_eq!(run(&letters(), &Memory::default(), Pace { rejected: true, ..FAST }).await.sent, 2);
}

#[tokio::test]
async fn leaves_a_rejected_outcome_that_has_no_room_for_a_code() {
    let id = "44136fa355b3678a1146ad16f7e8649e.a-1";
    let good = json!({"type": "feedback", "notification": {"tenant": "t", "entity": "account", "key": "1", "id": id}});
    let (from, to) = (Memory::of([message("bad"), message(&good.to_string())]), Memory::default());
    let done = run(&from, &to, Pace { queue: QueueName::Feedback, ..FAST }).await;
    assert_eq!(done, Redriven { sent: 1, rejected: 1, ..Redriven::default() });
    assert_eq!((from.bodies(), to.bodies()), (vec!["bad".to_owned()], vec![good.to_string()]));
}

#[tokio::test]
async fn does_not_redrive_letters_that_died_again() {
    let again = Received { sent_at: BEGAN + time::Duration::SECOND, ..message("again") };
    let (from, to) = (Memory::of([message("once"), again]), Memory::default());
    assert_eq!(run(&from, &to, FAST).await, Redriven { sent: 1, dead_again: 1, ..Redriven::default() });
    assert_eq!((from.bodies(), to.bodies()), (vec!["again".to_owned()], vec!["once".to_owned()]));
}

#[tokio::test]
async fn a_redrive_says_how_many_letters_are_hidden() {
    let (from, to) = (numbered(3), Memory::default());
    // The answer to this receive is lost.
    from.receive(2, Duration::ZERO, Duration::ZERO).await.unwrap();
    let done = run(&from, &to, FAST).await;
    let report = redriven(&done, from.depth().await.unwrap());
    assert_eq!(
        (&report.json["sent"], &report.json["waiting"], &report.json["in_flight"]),
        (&1.into(), &0.into(), &2.into())
    );
    assert!(report.text.contains("the same command in a minute"), "{}", report.text);
    let all = redriven(&done, Depth { waiting: 0, in_flight: 0 });
    assert!(!all.text.contains("hidden") && !all.text.contains("to continue"), "{}", all.text);
}

#[tokio::test]
async fn a_stop_leaves_no_letter_hidden() {
    let (from, to) = (numbered(8), Memory::default());
    let (stop, stopped) = watch::channel(false);
    let third = |sent: usize| {
        if sent == 3 {
            stop.send(true).unwrap();
        }
    };
    let done = redrive(&from, &to, &FAST, BEGAN, stopped, third).await.unwrap();
    assert_eq!(done, Redriven { sent: 3, interrupted: true, ..Redriven::default() });
    assert_eq!((from.bodies().len(), to.bodies().len(), from.hidden.borrow().len()), (5, 3, 0));
}

#[tokio::test]
async fn a_refusing_queue_loses_no_letter() {
    let (from, to) = (numbered(8), Memory::default());
    to.takes.set(Some(3));
    let (_stop, stopped) = watch::channel(false);
    let failure = redrive(&from, &to, &FAST, BEGAN, stopped, |_| ()).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Unavailable);
    assert_eq!((from.bodies().len(), to.bodies().len(), from.hidden.borrow().len()), (5, 3, 0));
}

#[test]
fn shows_the_rejection_as_the_reason() {
    let told = reason_told(Name::Feedback, &rejected("{}"));
    assert_eq!(told.reason, "unknown_key: no such notification");
    let told = reason_told(Name::Feedback, &message("no json"));
    assert_eq!(told.reason, "not_an_object: the message is not a JSON object");
    let event = message(r#"{"type": "account.changed", "subject": "account/1920"}"#);
    let told = reason_told(Name::Events, &event);
    assert_eq!((told.what.as_str(), told.reason.as_str()), ("account.changed account/1920", "no consumer deleted it"));
}
