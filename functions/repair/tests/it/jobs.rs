//! Replays by filter, what holds for every job, and the example event of `infra/events`.

use crate::world::{JOB, World, order, processed};
use fixtures::{TENANT, sqs_event, to_come_again};
use serde_json::Value;
use std::time::Duration;
use webhooks_host::Host;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Status, job_of, message};
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Notification, Origin, Reason, State, Work};
use webhooks_store::{Action, Change, Deed, Entry};

const EVENT: &str = include_str!("../../../../infra/events/repair.json");

#[tokio::test]
async fn a_job_replays_all_matches_of_its_filter_slice_by_slice() {
    let world = World::new().await;
    world.recorded(25, processed).await;
    world.job(&[], 10).await;
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 10, 0));
    assert_eq!(world.repairs.hidden()[0].1, Duration::from_secs(1), "ten at ten a second");
    let mut slices = 1;
    while world.slice(1).await {
        slices += 1;
    }
    assert_eq!(world.progress().await, (Status::Finished, 25, 0));
    assert_eq!(slices, 2, "the third ends it");
    let replays = world.replays();
    assert!(replays.iter().all(|replay| replay.meta.origin == Origin::Replay));
    let keys: Vec<_> = replays
        .iter()
        .map(|replay| Notification::read(replay, replay.items().unwrap()[0], &NoDirectory).ledger_key())
        .collect();
    let expected: Vec<_> = (1..=25).map(|number| order(number, world.host.now()).ledger_key()).collect();
    assert_eq!(keys, expected, "the same notifications, in the order received");
    assert_eq!(world.emitted.values("ReplaysQueued").iter().sum::<u64>(), 25);
}

#[tokio::test]
async fn leaves_other_notifications_alone_and_releases_paused_ones() {
    let world = World::new().await;
    world.recorded(3, processed).await;
    let paused = order(9, world.host.now() - time::Duration::minutes(1));
    let entry = Entry { notification: &paused, change: Change::Paused, now: world.host.now() };
    world.table.table.record(&entry).await.unwrap();
    world.job(&[State::Paused], 100).await;
    while world.slice(1).await {}
    assert_eq!(
        world.progress().await,
        (Status::Finished, 1, 0),
        "what the filter does not match does not count as skipped"
    );
    assert_eq!(world.table.needing_attention("paused").await, 0);
    let actions = world.table.items().await.iter().filter(|item| item.contains_key("actions")).count();
    assert_eq!(actions, 1);
}

#[tokio::test]
async fn a_replay_by_filter_lets_held_notifications_go_on() {
    let world = World::new().await;
    world.recorded(1, || Change::Parked(Reason::Unmapped)).await;
    let (key, at) = (order(1, world.host.now()).ledger_key(), world.host.now());
    let hold = Action { deed: Deed::Hold, at, by: "op", note: "" };
    assert!(world.table.table.act(&key, hold).await.unwrap());
    world.job(&[State::Parked], 100).await;
    while world.slice(1).await {}
    assert_eq!((world.progress().await, world.replays().len()), ((Status::Finished, 1, 0), 1));
    let record = world.table.table.record_of(&key).await.unwrap().unwrap();
    assert_eq!((record.state, record.reason), (State::Retrying, None));
}

#[tokio::test]
async fn one_job_replays_what_failed_of_all_tenants() {
    let world = World::new().await;
    world.recorded(2, || Change::Parked(Reason::Unmapped)).await;
    let now = world.host.now();
    for (number, change) in [(7, Change::Parked(Reason::Unmapped)), (8, processed())] {
        let other = Notification { tenant: Some("z-1".into()), ..order(number, now - time::Duration::minutes(5)) };
        world.table.table.record(&Entry { notification: &other, change, now }).await.unwrap();
    }
    let (from, states) = (now - time::Duration::HOUR, vec![State::Dead, State::Parked, State::Unparseable]);
    world.begin(Filter { tenant: None, states, entity: None, event: None, from, to: now }, 100).await;
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 3, 0));
    let tenants: Vec<_> = world.notifications.sent().iter().map(|sent| sent.group.clone().unwrap()).collect();
    assert_eq!(tenants, [TENANT, TENANT, "z-1"]);
}

#[tokio::test]
async fn a_cancelled_job_ends_with_its_next_slice() {
    let world = World::new().await;
    world.recorded(15, processed).await;
    world.job(&[], 10).await;
    assert!(world.slice(1).await);
    let mut progress = world.table.table.job(JOB).await.unwrap().unwrap().progress;
    progress.status = Status::Cancelled;
    assert!(world.table.table.progress(JOB, &progress).await.unwrap());
    assert!(!world.slice(2).await);
    assert_eq!(world.replays().len(), 10);
}

/// The number of replays in each second while there are two messages about the job, as after a
/// cancellation and a resumption.
async fn by_the_second(world: &World, seconds: usize) -> Vec<usize> {
    let (mut all, mut before) = (vec![], world.replays().len());
    for _ in 0..seconds {
        world.handed_out(1).await;
        world.handed_out(1).await;
        let sent = world.replays().len();
        all.push(sent - before);
        before = sent;
        world.host.advance(time::Duration::SECOND);
    }
    all
}

#[tokio::test]
async fn never_replays_more_per_second_than_the_rate() {
    for (rate, expected) in [(1, vec![1; 25]), (10, vec![10, 10, 5])] {
        let world = World::new().await;
        world.recorded(25, processed).await;
        world.job(&[], rate).await;
        let seconds = by_the_second(&world, 40).await;
        let busy: Vec<_> = seconds.into_iter().filter(|sent| *sent > 0).collect();
        assert_eq!(busy, expected, "{rate} a second");
        assert_eq!(world.progress().await, (Status::Finished, 25, 0));
    }
}

#[tokio::test]
async fn a_job_cancelled_and_resumed_continues_when_it_is_due() {
    let world = World::new().await;
    world.recorded(25, processed).await;
    world.job(&[], 10).await;
    world.handed_out(1).await;
    for status in [Status::Cancelled, Status::Running] {
        let mut progress = world.table.table.job(JOB).await.unwrap().unwrap().progress;
        progress.status = status;
        assert!(world.table.table.progress(JOB, &progress).await.unwrap());
    }
    assert_eq!(by_the_second(&world, 3).await, [0, 10, 5]);
}

#[tokio::test]
async fn a_slow_job_skips_other_notifications_quickly() {
    let world = World::new().await;
    world.recorded(59, processed).await;
    world.job(&[State::Dead], 1).await;
    world.slice(1).await;
    assert_eq!(world.progress().await, (Status::Finished, 0, 0));
}

#[tokio::test]
async fn replays_no_more_than_the_rate_if_some_notifications_do_not_match() {
    let world = World::new().await;
    let now = world.host.now();
    for number in 1..=6_u8 {
        let n = order(number.into(), now - time::Duration::minutes(2) + time::Duration::seconds(number.into()));
        let change = if number == 2 { Change::Parked(Reason::Unmapped) } else { processed() };
        world.table.table.record(&Entry { notification: &n, change, now }).await.unwrap();
    }
    world.job(&[State::Processed], 2).await;
    assert!(world.slice(1).await);
    assert_eq!((world.progress().await, world.replays().len()), ((Status::Running, 2, 0), 2));
}

#[tokio::test]
async fn a_slice_looks_at_a_hundred_notifications_without_a_match() {
    let world = World::new().await;
    let now = world.host.now();
    for number in 1..=101_u8 {
        let n = order(number.into(), now - time::Duration::minutes(2) + time::Duration::seconds(number.into()));
        world.table.table.record(&Entry { notification: &n, change: processed(), now }).await.unwrap();
    }
    world.job(&[State::Dead], 1).await;
    assert!(world.slice(1).await);
    let position = world.table.table.job(JOB).await.unwrap().unwrap().progress.position.unwrap();
    assert!(position.starts_with("2026-11-23T11:59:40.000Z#"), "the hundredth: {position}");
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 0, 0));
}

#[tokio::test]
async fn a_slice_that_reads_slowly_ends_early_and_the_next_one_continues() {
    let world = World::new().await;
    world.recorded(59, processed).await;
    world.job(&[State::Dead], 1).await;
    world.host.step(time::Duration::SECOND);
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 0, 0));
    let position = world.table.table.job(JOB).await.unwrap().unwrap().progress.position.unwrap();
    assert!(position.starts_with("2026-11-23T11:01:00.000Z#"), "it has read only the first: {position}");
    world.host.step(time::Duration::ZERO);
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 0, 0));
}

#[tokio::test]
async fn a_slice_that_replays_slowly_keeps_what_it_has_done() {
    let world = World::new().await;
    world.recorded(59, processed).await;
    world.job(&[], 100).await;
    world.host.step(time::Duration::SECOND);
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 25, 0));
    world.host.step(time::Duration::ZERO);
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 59, 0));
    assert_eq!(world.replays().len(), 59, "each once");
}

#[tokio::test]
async fn a_job_over_less_than_a_millisecond_ends() {
    let world = World::new().await;
    world.recorded(1, processed).await;
    let from = world.host.now() - time::Duration::HOUR;
    let to = from + time::Duration::microseconds(1);
    world.begin(Filter { tenant: Some(TENANT.into()), states: vec![], entity: None, event: None, from, to }, 10).await;
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 0, 0));
}

#[tokio::test]
async fn repeats_a_failed_slice_from_the_end_of_the_last_one() {
    let world = World::new().await;
    world.recorded(3, processed).await;
    world.job(&[], 1).await;
    world.notifications.refuse(true);
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 0, 0));
    world.notifications.refuse(false);
    while world.slice(2).await {}
    assert_eq!(world.progress().await, (Status::Finished, 3, 0));
}

#[tokio::test]
async fn a_long_job_gets_a_new_message_before_sqs_drops_the_old_one() {
    let world = World::new().await;
    world.recorded(15, processed).await;
    world.job(&[], 1).await;
    assert!(!world.slice(900).await);
    assert_eq!(world.repairs.sent()[0].body, message(JOB));
}

#[tokio::test]
async fn a_slow_job_gets_a_new_message_before_the_old_one_expires() {
    let world = World::new().await;
    world.recorded(2, processed).await;
    world.job(&[], 1).await;
    world.host.advance(time::Duration::hours(23));
    assert!(world.slice(1).await);
    assert!(world.repairs.sent().is_empty());
    world.host.advance(time::Duration::HOUR);
    assert!(!world.slice(2).await);
    assert_eq!(world.repairs.sent()[0].body, message(JOB));
}

#[tokio::test]
async fn a_message_about_an_unknown_job_does_no_harm() {
    let world = World::new().await;
    assert!(!world.slice(1).await, "a job that has expired");
    let response = world.repair.batch(sqs_event(&["nonsense".to_owned()], 1), "r-1", Duration::from_secs(30)).await;
    assert_eq!(to_come_again(&response), [0], "it goes to the dead-letter queue");
}

#[tokio::test]
async fn a_job_of_a_newer_version_waits_for_that_version() {
    let world = World::new().await;
    world.recorded(1, processed).await;
    world.job(&[], 10).await;
    let own = world.table.item(&JOB.to_string()).await["work"].as_s().unwrap().clone();
    let narrower = own.replacen(r#"{"replay":{"#, r#"{"replay":{"key":"SO/7","#, 1);
    for newer in [r#"{"recount":{}}"#, narrower.as_str()] {
        world.table.overwrite(&JOB.to_string(), "work", newer).await;
        assert!(world.handed_out(1).await, "{newer}");
    }
    assert!(world.notifications.sent().is_empty());
    world.table.overwrite(&JOB.to_string(), "work", &own).await;
    while world.slice(2).await {}
    assert_eq!(world.progress().await, (Status::Finished, 1, 0));
}

#[tokio::test]
async fn passes_over_what_only_a_newer_version_can_send_and_replays_the_others() {
    let world = World::new().await;
    world.recorded(3, processed).await;
    world.job(&[], 10).await;
    world.table.overwrite("N#", "proof", "sealed").await;
    let before = world.table.item("N#").await;
    while world.slice(1).await {}
    assert_eq!((world.progress().await, world.notifications.sent().len()), ((Status::Finished, 2, 1), 2));
    assert_eq!(world.table.item("N#").await, before);
}

#[tokio::test]
async fn a_replay_counts_what_only_a_newer_version_can_read_as_passed_over() {
    let world = World::new().await;
    world.recorded(3, processed).await;
    world.table.overwrite("N#", "state", "postponed").await;
    world.job(&[], 10).await;
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 2, 1));
}

#[tokio::test]
async fn the_example_event_continues_the_job_that_it_names() {
    let world = World::new().await;
    let event: Value = serde_json::from_str(EVENT).unwrap();
    let id = job_of(event["Records"][0]["body"].as_str().unwrap()).expect("it names a job");
    let job = Job::new(id, Work::Release, 1, "op", "why", world.host.now());
    assert!(world.table.table.create(&job).await.unwrap());
    world.repair.batch(serde_json::from_str(EVENT).unwrap(), "r-1", Duration::from_secs(30)).await;
    assert_ne!(world.table.table.job(id).await.unwrap().unwrap().progress.revision, 0);
}

/// As on a new stack without jobs.
#[tokio::test]
async fn the_example_event_about_an_unknown_job_is_done() {
    let world = World::new().await;
    let response = world.repair.batch(serde_json::from_str(EVENT).unwrap(), "r-1", Duration::from_secs(30)).await;
    assert!(response.batch_item_failures.is_empty());
}
