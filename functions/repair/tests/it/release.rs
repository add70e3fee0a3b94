use crate::world::{World, order};
use fixtures::TENANT;
use time::Duration;
use webhooks_host::Host;
use webhooks_model::job::Status;
use webhooks_model::{Origin, Pause, Work};
use webhooks_store::{Change, Entry, Ledger, Pauses};

fn paused() -> Change {
    Change::Paused
}

#[tokio::test]
async fn what_waited_goes_on_and_what_a_processor_still_made_wait_goes_on_after_it() {
    let world = World::new().await;
    world.recorded(12, paused).await;
    world.begin(Work::Release, 100).await;
    assert!(world.slice(1).await, "a processor may believe in the pause for a while yet");
    assert_eq!((world.replays().len(), world.progress().await), (12, (Status::Running, 12, 0)));
    assert!(world.replays().iter().all(|delivery| delivery.meta.origin == Origin::Replay));

    world.host.advance(Duration::seconds(14));
    let (n, now) = (order(13, world.host.now()), world.host.now());
    world.table.table.record(&Entry { notification: &n, change: paused(), now }).await.unwrap();
    assert!(world.slice(2).await);
    assert_eq!(
        world.progress().await,
        (Status::Running, 13, 0),
        "the twelve are on their way, and the new one follows"
    );
    world.host.advance(Duration::minutes(1));
    assert!(!world.slice(3).await);
    assert_eq!(world.progress().await, (Status::Finished, 13, 0));
}

#[tokio::test]
async fn what_another_pause_covers_goes_on_waiting() {
    let world = World::new().await;
    world.recorded(2, paused).await;
    let now = world.host.now();
    let pause = Pause {
        tenant: Some(TENANT.into()),
        events: "sales_order.*".into(),
        since: now,
        by: "op".into(),
        note: String::new(),
    };
    world.table.table.pause(&pause).await.unwrap();
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 0, 2));
    assert!(world.replays().is_empty());
}
