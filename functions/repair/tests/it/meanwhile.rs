//! What happens to a job while one of its slices works.

use crate::world::{JOB, World, processed};
use fixtures::Mood;
use std::time::Duration;
use webhooks_model::job::{Progress, Status};

/// A job over this many notifications, ten a second. Its first slice waits for the queue until
/// `meanwhile` has happened. Returns whether the slice's message comes again.
async fn interrupted(world: &World, count: u128, meanwhile: impl Future<Output = ()>) -> bool {
    world.recorded(count, processed).await;
    world.job(&[], 10).await;
    world.notifications.set_mood(Mood::Waits);
    let other = async {
        world.notifications.until_asked().await;
        meanwhile.await;
        world.notifications.set_mood(Mood::Takes);
    };
    let (comes_again, ()) = tokio::join!(world.handed_out(1), other);
    comes_again
}

/// Another process changes the job.
async fn changed(world: &World, change: impl FnOnce(&mut Progress)) {
    let mut progress = world.table.table.job(JOB).await.unwrap().unwrap().progress;
    change(&mut progress);
    assert!(world.table.table.progress(JOB, &progress).await.unwrap());
}

#[tokio::test]
async fn a_job_that_is_cancelled_during_a_slice_keeps_what_the_slice_has_done() {
    let world = World::new().await;
    let cancel = changed(&world, |progress| progress.status = Status::Cancelled);
    assert!(!interrupted(&world, 15, cancel).await);
    assert_eq!((world.progress().await, world.replays().len()), ((Status::Cancelled, 10, 0), 10));
}

#[tokio::test]
async fn a_job_that_is_cancelled_during_its_last_slice_is_finished() {
    let world = World::new().await;
    let cancel = changed(&world, |progress| progress.status = Status::Cancelled);
    assert!(!interrupted(&world, 5, cancel).await);
    assert_eq!(world.progress().await, (Status::Finished, 5, 0));
}

#[tokio::test]
async fn a_slice_that_another_one_has_overtaken_leaves_the_progress_alone() {
    let world = World::new().await;
    let overtake = changed(&world, |progress| progress.due_at += Duration::from_secs(60));
    assert!(interrupted(&world, 15, overtake).await);
    assert_eq!(world.progress().await, (Status::Running, 0, 0));
}

#[tokio::test]
async fn a_second_message_waits_while_a_slice_works() {
    let world = World::new().await;
    let second = async {
        let begun = tokio::time::timeout(Duration::from_secs(10), world.handed_out(1)).await;
        assert_eq!(begun, Ok(true), "it does nothing, and so does not wait for the queue");
        assert_eq!(world.repairs.hidden(), [("r0".to_owned(), Duration::from_secs(30))]);
    };
    assert!(interrupted(&world, 15, second).await);
    assert_eq!((world.progress().await, world.replays().len()), ((Status::Running, 10, 0), 10));
}
