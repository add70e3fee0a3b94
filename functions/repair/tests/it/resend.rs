use crate::world::{JOB, World, order};
use aws_sdk_dynamodb::operation::query::QueryInput;
use fixtures::{FakeQueue, Mood, TENANT, refuses, sqs_event};
use std::collections::BTreeSet;
use std::time::Duration;
use time::Duration as Span;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::{Address, FeedbackMessage, FeedbackState, Verdict};
use webhooks_model::job::{Job, Status, message};
use webhooks_model::ledger::Attempt;
use webhooks_model::work::ParkedFeedback;
use webhooks_model::{LedgerKey, QueueName, Reason, State, Work};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Entry};
use webhooks_telemetry::{Captured, subscriber_for_tests};

/// Records that order SO/{number} has ended and Visma Net refused its feedback. A second passes.
async fn parked(world: &World, number: u128, reason: Reason, detail: &str) -> LedgerKey {
    let n = order(number, world.host.now());
    let verdict = Verdict::success("Done.");
    let answer = Answering {
        feedback: FeedbackState::Queued,
        address: Address { ids: vec![Uuid::from_u128(number)], source: None },
        verdict: Some(verdict.clone()),
        deadline: None,
    };
    let change = Change::Ended { state: State::Processed, answer };
    world.table.table.record(&Entry { notification: &n, change, now: world.host.now() }).await.unwrap();
    refused(world, &n.ledger_key(), reason, detail).await;
    n.ledger_key()
}

async fn refused(world: &World, key: &LedgerKey, reason: Reason, detail: &str) {
    let at = world.host.now();
    let attempt = Attempt { at, receive_count: 1, reason, detail: detail.into() };
    let answer = Answer::Parked { attempt, verdict: Verdict::success("Done.") };
    world.table.table.answer(key, &answer, at).await.unwrap();
    world.host.advance(Span::SECOND);
}

fn everything(world: &World) -> ParkedFeedback {
    ParkedFeedback { tenant: None, reason: None, cause: None, from: None, to: world.host.now() }
}

/// The notifications whose feedback was put on the queue, one for each message.
fn sent(world: &World) -> Vec<LedgerKey> {
    let key = |body: &str| match FeedbackMessage::parse(body).unwrap() {
        FeedbackMessage::Feedback { notification } => notification,
        other => panic!("{other:?}"),
    };
    feedback_queue(world).sent().iter().map(|sent| key(&sent.body)).collect()
}

fn feedback_queue(world: &World) -> FakeQueue {
    world.queue_pairs.iter().find(|(name, ..)| *name == QueueName::Feedback).unwrap().1.clone()
}

#[tokio::test]
async fn sends_each_parked_feedback_once_and_no_faster_than_the_rate() {
    let world = World::new().await;
    let mut all = BTreeSet::new();
    for number in 1..=25 {
        all.insert(parked(&world, number, Reason::GaveUp, "status 503").await.entity.key);
    }
    world.begin(Work::Resend(everything(&world)), 10).await;
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 10, 0));
    while world.slice(1).await {}
    let waits: Vec<Duration> = world.repairs.hidden().into_iter().map(|(_, wait)| wait).collect();
    assert_eq!(waits, [Duration::from_secs(1); 2], "ten at ten a second, twice");
    assert_eq!(world.progress().await, (Status::Finished, 25, 0));
    let sent: Vec<String> = sent(&world).into_iter().map(|key| key.entity.key).collect();
    assert_eq!(sent.len(), 25, "one message for each");
    assert_eq!(sent.into_iter().collect::<BTreeSet<_>>(), all);
}

#[tokio::test]
async fn feedback_that_does_not_match_the_filter_stays_parked() {
    let world = World::new().await;
    let early = parked(&world, 1, Reason::GaveUp, "status 503").await;
    let since = world.host.now();
    let refused = parked(&world, 2, Reason::FeedbackRefused, "feedback: refused (404)").await;
    let late = parked(&world, 3, Reason::GaveUp, "status 503").await;
    let until = world.host.now() - Span::SECOND;
    let all = everything(&world);
    let filters = [
        (ParkedFeedback { reason: Some(Reason::FeedbackRefused), ..all.clone() }, vec![&refused]),
        (ParkedFeedback { cause: Some("503".into()), from: Some(since), ..all.clone() }, vec![&late]),
        (ParkedFeedback { to: since, ..all.clone() }, vec![&early]),
        (ParkedFeedback { tenant: Some("other".into()), ..all.clone() }, vec![]),
        (ParkedFeedback { tenant: Some(TENANT.into()), to: until, ..all }, vec![]),
    ];
    let mut expected = vec![];
    for (filter, meant) in filters {
        let job = Job::new(world.host.new_id(), Work::Resend(filter), 10, "op", "", world.host.now());
        assert!(world.table.table.create(&job).await.unwrap());
        world.repair.batch(sqs_event(&[message(job.id)], 1), "r-1", Duration::from_secs(30)).await;
        expected.extend(meant.into_iter().cloned());
        assert_eq!(sent(&world), expected);
    }
}

#[tokio::test]
async fn sends_no_more_than_the_rate_if_some_feedback_does_not_match() {
    let world = World::new().await;
    let reasons =
        [Reason::GaveUp, Reason::GaveUp, Reason::GaveUp, Reason::FeedbackRefused, Reason::GaveUp].into_iter().zip(1..);
    for (reason, number) in reasons {
        parked(&world, number, reason, "why").await;
    }
    let filter = ParkedFeedback { reason: Some(Reason::GaveUp), ..everything(&world) };
    world.begin(Work::Resend(filter), 2).await;
    assert!(world.slice(1).await);
    assert_eq!((world.progress().await, sent(&world).len()), ((Status::Running, 2, 0), 2));
}

#[tokio::test]
async fn passes_over_feedback_that_only_a_newer_version_can_read() {
    let world = World::new().await;
    let newer = parked(&world, 1, Reason::GaveUp, "status 503").await;
    let own = parked(&world, 2, Reason::GaveUp, "status 503").await;
    world.table.overwrite(&format!("N#{}", newer.notification), "state", "postponed").await;
    world.begin(Work::Resend(everything(&world)), 10).await;
    while world.slice(1).await {}
    assert_eq!((sent(&world), world.progress().await), (vec![own], (Status::Finished, 1, 1)));
}

#[tokio::test]
async fn a_slice_looks_at_a_hundred_entries_without_a_match() {
    let world = World::new().await;
    for number in 1..=101 {
        parked(&world, number, Reason::GaveUp, "status 503").await;
    }
    let filter = ParkedFeedback { reason: Some(Reason::FeedbackRefused), ..everything(&world) };
    world.begin(Work::Resend(filter), 50).await;
    assert!(world.slice(1).await);
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 0, 0));
}

#[tokio::test]
async fn leaves_queued_and_newly_parked_feedback_alone() {
    let world = World::new().await;
    let by_hand = parked(&world, 1, Reason::GaveUp, "status 503").await;
    let again = parked(&world, 2, Reason::GaveUp, "status 503").await;
    let own = parked(&world, 3, Reason::GaveUp, "status 503").await;
    let action = Action { deed: Deed::ResendFeedback, at: world.host.now(), by: "op", note: "by hand" };
    assert!(world.table.table.act(&by_hand, action).await.unwrap());
    world.begin(Work::Resend(everything(&world)), 10).await;
    refused(&world, &again, Reason::GaveUp, "status 503").await;
    while world.slice(1).await {}
    assert_eq!((sent(&world), world.progress().await), (vec![own], (Status::Finished, 1, 0)));
}

#[tokio::test]
async fn a_resend_by_two_at_the_same_time_is_sent_once() {
    let world = World::new().await;
    let key = parked(&world, 1, Reason::GaveUp, "status 503").await;
    world.begin(Work::Resend(everything(&world)), 10).await;
    let job = world.table.table.job(JOB).await.unwrap().unwrap();
    let note = job.note_beside();
    let action = || Action { deed: Deed::ResendParked, at: world.host.now(), by: "op", note: &note };
    assert!(world.table.table.act(&key, action()).await.unwrap());
    assert!(!world.table.table.act(&key, action()).await.unwrap(), "the second one leaves it alone");
}

#[tokio::test]
async fn watches_feedback_that_was_recorded_but_not_sent() {
    let world = World::new().await;
    let first = parked(&world, 1, Reason::GaveUp, "status 503").await;
    parked(&world, 2, Reason::GaveUp, "status 503").await;
    world.begin(Work::Resend(everything(&world)), 10).await;
    feedback_queue(&world).refuse(true);
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 1, 0));
    assert_eq!(world.table.needing_attention("feedback_queued").await, 1, "the reconciler sends it");
    feedback_queue(&world).refuse(false);
    while world.slice(2).await {}
    assert_eq!((sent(&world), world.progress().await), (vec![first], (Status::Finished, 2, 0)));
}

#[tokio::test]
async fn passes_over_feedback_that_somebody_resends_meanwhile_and_keeps_its_rate() {
    let world = World::new().await;
    let last = parked(&world, 1, Reason::GaveUp, "status 503").await;
    let by_hand = parked(&world, 2, Reason::GaveUp, "status 503").await;
    let first = parked(&world, 3, Reason::GaveUp, "status 503").await;
    world.begin(Work::Resend(everything(&world)), 2).await;
    let queue = feedback_queue(&world);
    queue.set_mood(Mood::Waits);
    let meanwhile = async {
        queue.until_asked().await;
        let action = Action { deed: Deed::ResendFeedback, at: world.host.now(), by: "op", note: "by hand" };
        assert!(world.table.table.act(&by_hand, action).await.unwrap());
        queue.set_mood(Mood::Takes);
    };
    let (comes_again, ()) = tokio::join!(world.slice(1), meanwhile);
    assert!(comes_again);
    assert_eq!((sent(&world), world.progress().await), (vec![first.clone()], (Status::Running, 1, 1)));
    assert_eq!(world.repairs.hidden()[0].1, Duration::from_secs(1), "two at two a second");
    while world.slice(2).await {}
    assert_eq!((sent(&world), world.progress().await), (vec![first, last], (Status::Finished, 2, 1)));
}

/// The console shows a running job as idle if it was not updated for long.
#[tokio::test]
async fn a_slice_that_cannot_begin_says_why_and_does_not_count_as_an_update() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let mut world = World::new().await;
    parked(&world, 1, Reason::GaveUp, "status 503").await;
    let job = world.begin(Work::Resend(everything(&world)), 10).await;
    world.host.advance(Span::SECOND);
    world.repair.store = world.table.through(refuses::<QueryInput>());
    assert!(world.slice(1).await);
    let told = "the slice will be repeated: the code does not match the table: request not built";
    assert!(captured.lines().iter().any(|line| line["message"] == told), "{}", captured.text());
    let progress = world.table.table.job(JOB).await.unwrap().unwrap().progress;
    assert_eq!(progress.updated_at, job.progress.updated_at);
}
