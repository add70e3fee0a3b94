use crate::world::{World, order};
use fixtures::{FakeQueue, TestHost};
use std::collections::HashMap;
use std::time::Duration;
use time::Duration as Span;
use webhooks_host::Host;
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::job::Status;
use webhooks_model::work::Redrive;
use webhooks_model::{QueueName, Work};
use webhooks_queue::{DeadLetter, DeadLetterQueue};

fn all() -> Redrive {
    Redrive { queue: QueueName::Feedback, message: None, rejected: false }
}

/// The feedback of sales order SO/{number}.
fn body(number: usize) -> String {
    let notification = order(number as u128, TestHost::START).ledger_key();
    serde_json::to_string(&FeedbackMessage::Feedback { notification }).unwrap()
}

impl World {
    /// The feedback queue and its dead letters.
    fn queue_pair(&self) -> (&FakeQueue, &FakeQueue) {
        let queue_pair = self
            .queue_pairs
            .iter()
            .find(|queue_pair| queue_pair.0 == QueueName::Feedback)
            .expect("every queue is there");
        (&queue_pair.1, &queue_pair.2)
    }

    fn dead(&self, number: usize, rejected: bool) {
        self.queue_pair().1.put(self.letter(number, rejected));
    }

    fn letter(&self, number: usize, rejected: bool) -> DeadLetter {
        let code =
            aws_sdk_sqs::types::MessageAttributeValue::builder().data_type("String").string_value("unknown_type");
        let code = ("rejection_code".to_owned(), code.build().unwrap());
        DeadLetter {
            id: number.to_string(),
            body: body(number),
            receipt: number.to_string(),
            sent_at: self.host.now() - Span::hours(1),
            receive_count: 1,
            group: Some("tenant".into()),
            trace: None,
            attributes: rejected.then_some(code).into_iter().collect::<HashMap<_, _>>(),
        }
    }
}

#[tokio::test]
async fn sends_dead_letters_back_unchanged_at_the_jobs_rate() {
    let world = World::new().await;
    (1..=25).for_each(|number| world.dead(number, false));
    world.begin(Work::Redrive(all()), 15).await;
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 15, 0), "SQS hands out ten at once");
    assert_eq!(world.repairs.hidden()[0].1, Duration::from_secs(1), "fifteen at fifteen a second");
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 25, 0));
    let (source, dead) = world.queue_pair();
    let mut bodies: Vec<_> = source.sent().into_iter().map(|sent| (sent.body, sent.group)).collect();
    bodies.sort();
    let mut expected: Vec<_> = (1..=25).map(|number| (body(number), Some("tenant".to_owned()))).collect();
    expected.sort();
    assert_eq!(bodies, expected);
    assert!(dead.lying().is_empty());
    assert_eq!(world.emitted.values("DeadLettersRedriven").iter().sum::<u64>(), 25);
}

#[tokio::test]
async fn a_message_whose_deletion_failed_is_sent_twice_and_none_is_lost() {
    let world = World::new().await;
    (1..=3).for_each(|number| world.dead(number, false));
    world.begin(Work::Redrive(all()), 10).await;
    let (source, dead) = world.queue_pair();
    dead.keep(true);
    assert!(world.slice(1).await, "the slice comes again");
    assert_eq!((source.sent().len(), dead.lying().len()), (1, 3));
    dead.keep(false);
    dead.show_all();
    while world.slice(2).await {}
    assert!(dead.lying().is_empty());
    let mut bodies: Vec<_> = source.sent().into_iter().map(|sent| sent.body).collect();
    assert_eq!(bodies.len(), 4);
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 3);
}

#[tokio::test]
async fn a_message_that_the_queue_refuses_stays_visible() {
    let world = World::new().await;
    (1..=3).for_each(|number| world.dead(number, false));
    world.begin(Work::Redrive(all()), 10).await;
    let (source, dead) = world.queue_pair();
    source.refuse(true);
    assert!(world.slice(1).await);
    assert_eq!(dead.lying().len(), 3);
    source.refuse(false);
    while world.slice(2).await {}
    assert_eq!(source.sent().len(), 3, "shown again at once");
}

/// A job that has sent one of three letters. The answer with the other two was lost.
async fn two_hidden() -> World {
    let world = World::new().await;
    (1..=3).for_each(|number| world.dead(number, false));
    world.begin(Work::Redrive(all()), 10).await;
    let lost = world.queue_pair().1.receive(2, Duration::ZERO, Duration::ZERO).await.unwrap();
    assert_eq!(lost.len(), 2);
    assert!(world.slice(1).await && world.slice(2).await);
    assert_eq!(world.progress().await, (Status::Running, 1, 0));
    assert_eq!(world.repairs.hidden().last().unwrap().1, Duration::from_secs(180), "as long as they are hidden");
    world
}

#[tokio::test]
async fn looks_again_for_letters_that_a_lost_answer_has_hidden() {
    let world = two_hidden().await;
    world.queue_pair().1.show_all();
    while world.slice(3).await {}
    assert_eq!(world.progress().await, (Status::Finished, 3, 0));
    assert!(world.queue_pair().1.lying().is_empty());
}

#[tokio::test]
async fn looks_again_each_time_that_letters_are_hidden() {
    let world = two_hidden().await;
    let dead = world.queue_pair().1;
    dead.show_all();
    assert_eq!(dead.receive(1, Duration::ZERO, Duration::ZERO).await.unwrap().len(), 1);
    assert!(world.slice(3).await && world.slice(4).await);
    assert_eq!(world.progress().await, (Status::Running, 2, 0));
    dead.show_all();
    while world.slice(5).await {}
    assert_eq!(world.progress().await, (Status::Finished, 3, 0));
}

#[tokio::test]
async fn does_not_wait_for_ever_for_letters_that_stay_hidden() {
    let world = two_hidden().await;
    assert!(!world.slice(3).await);
    assert_eq!(world.progress().await, (Status::Finished, 1, 0));
}

#[tokio::test]
async fn does_not_redrive_rejected_or_newly_dead_messages() {
    let world = World::new().await;
    // More than a slice reads, in front of those that may be sent.
    (1..=30).for_each(|number| world.dead(number, true));
    (31..=33).for_each(|number| world.dead(number, false));
    world.begin(Work::Redrive(all()), 1).await;
    // Sent at the moment at which the job began.
    world.host.advance(Span::HOUR);
    world.dead(34, false);
    while world.slice(1).await {}
    let (source, dead) = world.queue_pair();
    assert_eq!(world.progress().await, (Status::Finished, 3, 31));
    assert_eq!((source.sent().len(), dead.lying().len()), (3, 31));
}

#[tokio::test]
async fn does_not_redrive_a_rejected_message_that_has_no_room_for_a_code() {
    let world = World::new().await;
    let (source, dead) = world.queue_pair();
    dead.put(DeadLetter { body: r#"{"type":"outcome"}"#.into(), ..world.letter(1, false) });
    world.begin(Work::Redrive(all()), 10).await;
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 0, 1));
    assert_eq!((source.sent().len(), dead.lying().len()), (0, 1));
}

#[tokio::test]
async fn sends_a_letter_behind_more_rejected_ones_than_a_slice_reads() {
    let world = World::new().await;
    (1..=1005).for_each(|number| world.dead(number, true));
    world.dead(1006, false);
    world.begin(Work::Redrive(all()), 10).await;
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 0, 1000));
    assert!(world.slice(2).await && world.slice(3).await);
    assert_eq!(world.progress().await, (Status::Running, 1, 1005));
    let (source, dead) = world.queue_pair();
    dead.show_all();
    assert!(world.slice(4).await && !world.slice(5).await, "it looks once more");
    assert_eq!(world.progress().await, (Status::Finished, 1, 1005));
    assert_eq!((source.sent().len(), dead.lying().len()), (1, 1005));
}

#[tokio::test]
async fn redrives_rejected_messages_on_request() {
    let world = World::new().await;
    world.dead(1, true);
    world.begin(Work::Redrive(Redrive { rejected: true, ..all() }), 10).await;
    while world.slice(1).await {}
    let sent = world.queue_pair().0.sent();
    assert_eq!(sent[0].attributes, [("rejection_code".to_owned(), "unknown_type".to_owned())]);
}

#[tokio::test]
async fn redrives_a_single_message_at_any_position() {
    let world = World::new().await;
    (1..=25).for_each(|number| world.dead(number, false));
    world.begin(Work::Redrive(Redrive { message: Some("17".into()), ..all() }), 10).await;
    assert!(!world.slice(1).await);
    let (source, dead) = world.queue_pair();
    assert_eq!(world.progress().await, (Status::Finished, 1, 0));
    assert_eq!((source.sent().len(), &source.sent()[0].body, dead.lying().len()), (1, &body(17), 24));
    let again = World::new().await;
    again.begin(Work::Redrive(Redrive { message: Some("gone".into()), ..all() }), 10).await;
    assert!(!again.slice(1).await);
    assert_eq!(again.progress().await, (Status::Finished, 0, 0));
}
