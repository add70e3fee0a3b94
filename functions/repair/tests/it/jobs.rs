use crate::world::{JOB, World, order, processed};
use fixtures::{sqs_event, to_come_again};
use std::time::Duration;
use webhooks_host::Host;
use webhooks_model::job::{Status, message};
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Notification, Origin, State};
use webhooks_store::{Change, Entry, Jobs, Ledger};

#[tokio::test]
async fn a_job_replays_what_its_filter_finds_slice_by_slice_and_ends() {
    let world = World::new().await;
    world.recorded(25, processed).await;
    world.job(&[], 1).await;
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 10, 0));
    assert_eq!(world.repairs.hidden()[0].1, Duration::from_secs(10), "ten at one a second");
    let mut slices = 1;
    while world.slice(1).await {
        slices += 1;
    }
    assert_eq!(world.progress().await, (Status::Finished, 25, 0));
    assert!(slices >= 3);
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
async fn what_is_not_meant_is_passed_over_and_what_was_paused_is_released() {
    let world = World::new().await;
    world.recorded(3, processed).await;
    let paused = order(9, world.host.now() - time::Duration::minutes(1));
    let entry = Entry { notification: &paused, change: Change::Paused, now: world.host.now() };
    world.table.table.record(&entry).await.unwrap();
    world.job(&[State::Paused], 100).await;
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 1, 3));
    assert_eq!(world.table.needing_attention("paused").await, 0);
    let actions = world.table.items().await.iter().filter(|item| item.contains_key("actions")).count();
    assert_eq!(actions, 1);
}

#[tokio::test]
async fn a_cancelled_job_ends_with_its_next_slice() {
    let world = World::new().await;
    world.recorded(15, processed).await;
    world.job(&[], 1).await;
    assert!(world.slice(1).await);
    let mut progress = world.table.table.job(JOB).await.unwrap().unwrap().progress;
    progress.status = Status::Cancelled;
    assert!(world.table.table.progress(JOB, &progress).await.unwrap());
    assert!(!world.slice(2).await);
    assert_eq!(world.replays().len(), 10);
}

#[tokio::test]
async fn a_slice_that_failed_is_repeated_from_where_the_last_one_ended() {
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
async fn a_long_job_goes_on_under_a_new_message_before_sqs_gives_the_old_one_up() {
    let world = World::new().await;
    world.recorded(15, processed).await;
    world.job(&[], 1).await;
    assert!(!world.slice(900).await);
    assert_eq!(world.repairs.sent()[0].body, message(JOB));
}

#[tokio::test]
async fn a_message_about_no_job_of_ours_does_no_harm() {
    let world = World::new().await;
    assert!(!world.slice(1).await, "a job that has gone");
    let response = world.repair.batch(sqs_event(&["nonsense".to_owned()], 1), "r-1", Duration::from_secs(30)).await;
    assert_eq!(to_come_again(&response), [0], "it ends in the dead-letter queue, in sight");
}
