use crate::world::{World, order, processed};
use fixtures::TENANT;
use time::Duration;
use webhooks_host::Host;
use webhooks_model::State;
use webhooks_model::job::Status;
use webhooks_model::{Notification, Origin, Pause, Reason, Work};
use webhooks_store::{Action, Change, Deed, Entry};

fn paused() -> Change {
    Change::Paused
}

#[tokio::test]
async fn releases_what_waited_and_what_a_processor_paused_afterwards() {
    let world = World::new().await;
    world.recorded(12, paused).await;
    world.begin(Work::Release, 100).await;
    assert!(world.slice(1).await, "a processor may still have the pause in its cache");
    assert_eq!(world.repairs.hidden()[0].1, std::time::Duration::from_secs(15));
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
async fn does_not_release_what_another_pause_covers() {
    let world = World::new().await;
    world.recorded(2, paused).await;
    let now = world.host.now();
    let pause = Pause {
        tenant: Some(TENANT.into()),
        events: "sales_order.*".into(),
        since: now,
        by: "op".into(),
        note: String::new(),
        until: None,
    };
    world.table.table.pause(&pause).await.unwrap();
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 0, 2));
    assert!(world.replays().is_empty());
}

#[tokio::test]
async fn releases_no_faster_than_the_rate() {
    let world = World::new().await;
    world.recorded(25, paused).await;
    world.begin(Work::Release, 10).await;
    assert!(world.slice(1).await);
    assert_eq!((world.replays().len(), world.progress().await), (10, (Status::Running, 10, 0)));
    assert_eq!(world.repairs.hidden()[0].1, std::time::Duration::from_secs(1), "ten at ten a second");
}

#[tokio::test]
async fn does_not_wait_for_what_another_pause_keeps() {
    let world = World::new().await;
    world.recorded(25, paused).await;
    let now = world.host.now();
    // The one received last comes first.
    let n = Notification { tenant: Some("z-1".into()), received_at: now - Duration::hours(2), ..order(26, now) };
    world.table.table.record(&Entry { notification: &n, change: paused(), now }).await.unwrap();
    let (tenant, events, by, note) = (Some(TENANT.into()), "*".into(), "op".into(), String::new());
    world.table.table.pause(&Pause { tenant, events, since: now, by, note, until: None }).await.unwrap();
    world.begin(Work::Release, 10).await;
    world.host.advance(Duration::minutes(1));
    let begun = world.host.now();
    while world.slice(1).await {}
    assert_eq!((world.progress().await, world.host.now()), ((Status::Finished, 1, 25), begun));
}

#[tokio::test]
async fn the_end_of_a_pause_ends_no_hold() {
    let world = World::new().await;
    world.recorded(1, || Change::Parked(Reason::Unmapped)).await;
    world.recorded(1, paused).await;
    let (key, at) = (order(1, world.host.now()).ledger_key(), world.host.now());
    let hold = Action { deed: Deed::Hold, at, by: "op", note: "" };
    assert!(world.table.table.act(&key, hold).await.unwrap());
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    assert!(!world.slice(1).await);
    assert_eq!((world.replays().len(), world.progress().await), (0, (Status::Finished, 0, 1)));
    assert_eq!(world.table.needing_attention("paused").await, 0, "its release replays it");
    let record = world.table.table.record_of(&key).await.unwrap().unwrap();
    assert_eq!((record.state, record.reason, record.expires_at), (State::Parked, Some(Reason::Held), None));
}

#[tokio::test]
async fn a_list_that_lags_behind_lets_nothing_go_on_that_is_no_longer_paused() {
    let world = World::new().await;
    world.recorded(1, processed).await;
    for (name, text) in [("attention_at", "2026-11-23T11:00:00.000Z"), ("attention", "paused")] {
        world.table.overwrite("N#", name, text).await;
    }
    assert_eq!(world.table.needing_attention("paused").await, 1);
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    assert!(!world.slice(1).await);
    assert_eq!((world.replays().len(), world.progress().await), (0, (Status::Finished, 0, 1)));
}

/// Orders 1 and 2 have ended, and were replayed during a pause.
async fn two_wait(world: &World) {
    world.recorded(2, processed).await;
    world.recorded(2, paused).await;
    assert_eq!(world.table.needing_attention("paused").await, 2);
}

#[tokio::test]
async fn releases_a_replay_of_an_ended_notification() {
    let world = World::new().await;
    two_wait(&world).await;
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    assert!(!world.slice(1).await);
    assert_eq!((world.replays().len(), world.progress().await), (2, (Status::Finished, 2, 0)));
    assert!(world.replays().iter().all(|delivery| delivery.meta.origin == Origin::Replay));
    assert_eq!(world.table.needing_attention("paused").await, 0);
    let record = world.table.table.record_of(&order(1, world.host.now()).ledger_key()).await.unwrap().unwrap();
    assert_eq!((record.state, record.actions[0].what.as_str()), (State::Processed, "replay"));
    assert!(record.expires_at.is_some(), "it expires again");
}

#[tokio::test]
async fn a_wait_ends_when_its_notification_has_moved_to_another_key() {
    let world = World::new().await;
    world.recorded(1, || Change::Parked(Reason::Unmapped)).await;
    world.recorded(1, paused).await;
    let now = world.host.now();
    world.table.table.moved(&order(1, now).ledger_key(), &order(2, now).ledger_key(), now).await.unwrap();
    assert_eq!(world.table.needing_attention("paused").await, 1);
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    assert!(!world.slice(1).await);
    assert_eq!((world.replays().len(), world.progress().await), (0, (Status::Finished, 0, 1)));
    assert_eq!(world.table.needing_attention("paused").await, 0);
}

#[tokio::test]
async fn a_wait_stays_if_its_message_cannot_be_queued() {
    let world = World::new().await;
    two_wait(&world).await;
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    world.notifications.refuse(true);
    assert!(world.slice(1).await);
    assert_eq!(world.table.needing_attention("paused").await, 2);
    world.notifications.refuse(false);
    assert!(!world.slice(2).await);
    assert_eq!((world.replays().len(), world.table.needing_attention("paused").await), (2, 0));
}

#[tokio::test]
async fn a_paused_notification_that_cannot_be_queued_is_sent_by_the_next_slice() {
    let world = World::new().await;
    world.recorded(2, paused).await;
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    world.notifications.refuse(true);
    assert!(world.slice(1).await);
    assert_eq!(world.table.needing_attention("paused").await, 2);
    world.notifications.refuse(false);
    assert!(!world.slice(2).await);
    assert_eq!((world.replays().len(), world.progress().await), (2, (Status::Finished, 2, 0)));
    let record = world.table.table.record_of(&order(1, world.host.now()).ledger_key()).await.unwrap().unwrap();
    assert_eq!((record.state, record.actions[0].what.as_str()), (State::Retrying, "release"));
    assert!(record.actions[0].text.contains("after the outage"), "the job's note");
}

#[tokio::test]
async fn releases_what_waits_for_a_pause_that_is_over_but_not_ended() {
    let world = World::new().await;
    world.recorded(2, paused).await;
    let now = world.host.now();
    let (events, by, note) = ("*".into(), "op".into(), String::new());
    let pause = Pause { tenant: None, events, since: now, by, note, until: Some(now + Duration::SECOND) };
    world.table.table.pause(&pause).await.unwrap();
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(1));
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 2, 0));
}

#[tokio::test]
async fn the_next_pass_finds_what_was_paused_behind_the_position_of_a_long_one() {
    let world = World::new().await;
    world.recorded(25, paused).await;
    world.begin(Work::Release, 10).await;
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 10, 0));
    let (n, now) = (order(99, world.host.now()), world.host.now());
    world.table.table.record(&Entry { notification: &n, change: paused(), now }).await.unwrap();
    world.host.advance(Duration::minutes(2));
    let mut slices = 1;
    while world.slice(2).await {
        slices += 1;
        assert!(slices < 10);
    }
    assert_eq!(world.progress().await, (Status::Finished, 26, 0));
}

#[tokio::test]
async fn goes_on_until_a_version_can_read_what_is_paused() {
    let world = World::new().await;
    world.recorded(1, paused).await;
    world.table.overwrite("N#", "state", "postponed").await;
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(2));
    assert!(world.slice(1).await && world.slice(2).await);
    assert_eq!(world.progress().await, (Status::Running, 0, 1));
    world.table.overwrite("N#", "state", "paused").await;
    assert!(!world.slice(3).await);
    assert_eq!((world.progress().await, world.replays().len()), ((Status::Finished, 1, 0), 1));
}

#[tokio::test]
async fn a_pass_is_not_the_last_if_its_first_page_had_something_unreadable() {
    let world = World::new().await;
    let now = world.host.now();
    // The one paused last comes first.
    for (number, at) in [(1, now + Duration::SECOND), (2, now)] {
        let entry = Entry { notification: &order(number, now), change: paused(), now: at };
        world.table.table.record(&entry).await.unwrap();
        if number == 1 {
            world.table.overwrite("N#", "proof", "sealed").await;
        }
    }
    world.begin(Work::Release, 1).await;
    world.host.advance(Duration::minutes(2));
    for receive_count in 1..=4 {
        assert!(world.slice(receive_count).await);
    }
    assert_eq!(world.replays().len(), 1);
}

#[tokio::test]
async fn goes_on_while_two_wait_for_a_version_that_can_send_them() {
    let world = World::new().await;
    world.recorded(2, paused).await;
    for number in [1, 2] {
        let key = order(number, world.host.now()).ledger_key();
        world.table.overwrite(&format!("N#{}", key.notification), "proof", "sealed").await;
    }
    world.begin(Work::Release, 100).await;
    world.host.advance(Duration::minutes(2));
    assert!(world.slice(1).await && world.slice(2).await);
    assert_eq!(world.progress().await, (Status::Running, 0, 2));
}

#[tokio::test]
async fn goes_on_until_a_version_can_send_what_waits_and_records_nothing_meanwhile() {
    for change in [paused as fn() -> Change, processed] {
        let world = World::new().await;
        world.recorded(1, change).await;
        world.recorded(1, paused).await;
        let known = world.table.item("N#").await["proof"].as_s().unwrap().clone();
        world.table.overwrite("N#", "proof", "sealed").await;
        let before = world.table.item("N#").await;
        world.begin(Work::Release, 100).await;
        world.host.advance(Duration::minutes(2));
        assert!(world.slice(1).await && world.slice(2).await);
        assert_eq!((world.progress().await, world.replays().len()), ((Status::Running, 0, 1), 0));
        assert_eq!(world.table.item("N#").await, before);
        world.table.overwrite("N#", "proof", &known).await;
        assert!(!world.slice(3).await);
        assert_eq!((world.progress().await, world.replays().len()), ((Status::Finished, 1, 0), 1));
    }
}
