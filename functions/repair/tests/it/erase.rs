use crate::world::{JOB, World, order, processed};
use aws_sdk_dynamodb::config::Intercept;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use fixtures::{TENANT, TestHost, head_change, on_request, refuses};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use time::Duration;
use webhooks_host::Host;
use webhooks_model::job::Status;
use webhooks_model::{LedgerKey, Reason, Ticks, Versions, Work, notification::Notification};
use webhooks_store::{Change, Entry, Erasure};

fn erase() -> Work {
    Work::Erase { tenant: TENANT.into() }
}

/// Partition key and sort key of everything in the table except the job and what it told the other
/// functions.
async fn kept(world: &World) -> Vec<(String, String)> {
    let items = world.table.client.scan().table_name("webhooks").send().await.unwrap().items.unwrap();
    let text = |item: &std::collections::HashMap<String, _>, name: &str| {
        let value: &aws_sdk_dynamodb::types::AttributeValue = &item[name];
        value.as_s().unwrap().clone()
    };
    let keys = items.iter().map(|item| (text(item, "pk"), text(item, "sk")));
    keys.filter(|(pk, _)| pk != "jobs" && pk != "pauses").collect()
}

#[tokio::test]
async fn deletes_all_data_of_a_tenant_and_nothing_of_another() {
    let world = World::new().await;
    world.recorded(25, processed).await;
    let now = world.host.now();
    let other = Notification { tenant: Some(format!("{TENANT}9")), ..order(1, now) };
    world.table.table.record(&Entry { notification: &other, change: processed(), now }).await.unwrap();
    let of_other = vec![kept(&world).await.into_iter().find(|(pk, _)| pk.starts_with(&format!("{TENANT}9#"))).unwrap()];
    world.begin(erase(), 100).await;
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 25, 0));
    assert_eq!(kept(&world).await, of_other);
}

#[tokio::test]
async fn erases_what_arrives_during_an_erasure() {
    let world = World::new().await;
    world.recorded(3, processed).await;
    world.begin(erase(), 100).await;
    assert!(world.slice(1).await, "a pass that found something is followed by another");
    world.recorded(1, processed).await;
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 4, 0));
    assert!(kept(&world).await.is_empty());
}

#[tokio::test]
async fn a_parked_notification_that_comes_again_after_the_erasure_began_stays_with_its_wait() {
    let world = World::new().await;
    world.recorded(2, || Change::Parked(Reason::Unmapped)).await;
    world.begin(erase(), 100).await;
    // The second one is a replay, which has the old time of receipt.
    for (number, age) in [(1, Duration::ZERO), (2, Duration::minutes(58))] {
        let now = world.host.now();
        let entry = Entry { notification: &order(number, now - age), change: Change::Paused, now };
        assert!(world.table.table.record(&entry).await.unwrap());
    }
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 2, 0));
    let own = order(1, world.host.now()).key;
    let mut left: Vec<String> = kept(&world).await.into_iter().map(|(_, sk)| sk).collect();
    left.sort();
    assert_eq!(left, [format!("N#{own}"), format!("WAIT#{own}")]);
}

#[tokio::test]
async fn goes_on_for_as_long_as_an_attempt_may_write_what_it_read_before_it_was_deleted() {
    let world = World::new().await;
    world.begin(erase(), 100).await;
    world.slice(1).await;
    world.recorded(1, processed).await;
    world.slice(1).await;
    let due_at = world.table.table.job(JOB).await.unwrap().unwrap().progress.due_at;
    assert_eq!(due_at - world.host.now(), time::Duration::seconds(330), "30 seconds and the longest time-out");
}

#[tokio::test]
async fn what_comes_after_the_erasure_began_stays_and_does_not_prolong_it() {
    let world = World::new().await;
    world.begin(erase(), 100).await;
    world.slice(1).await;
    for (number, after) in [(1, time::Duration::ZERO), (2, time::Duration::SECOND)] {
        let now = world.host.now() + after;
        let entry = Entry { notification: &order(number, now), change: processed(), now };
        world.table.table.record(&entry).await.unwrap();
    }
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 0, 0));
    assert_eq!(kept(&world).await.len(), 2);
}

/// A notification too long for one item, with its record and its head.
async fn processed_now(world: &World, number: u128) {
    let now = world.host.now();
    let n = Notification { raw: "x".repeat(300_000), ..order(number, now) };
    world.table.table.record(&Entry { notification: &n, change: processed(), now }).await.unwrap();
    head_changed(world, n.ledger_key()).await;
}

/// Writes the head of this notification now. It does not say when the notification was received.
async fn head_changed(world: &World, key: LedgerKey) {
    let now = world.host.now();
    let versions = Versions { body: Some(Ticks::from_datetime(now)), ..Versions::default() };
    world.table.table.advance(&head_change(key, versions), now).await.unwrap();
}

/// As after a pause that ended too early.
#[tokio::test]
async fn ends_while_the_tenant_is_at_work_and_keeps_its_new_notifications_whole() {
    let world = World::new().await;
    world.recorded(1, processed).await;
    world.begin(erase(), 100).await;
    let mut number = 1;
    while world.slice(1).await {
        number += 1;
        world.host.advance(Duration::minutes(1));
        processed_now(&world, number).await;
    }
    assert_eq!((world.progress().await, number), ((Status::Finished, 2, 0), 2), "an old record, and a head");
    let mut left: Vec<String> = kept(&world).await.into_iter().map(|(_, sk)| sk[..2].to_owned()).collect();
    left.sort();
    assert_eq!(left, ["N#", "RA", "RA"]);
}

#[tokio::test]
async fn a_head_prolongs_the_erasure_if_it_was_written_before_the_other_functions_knew() {
    for (seconds, prolongs) in [(29, true), (30, false)] {
        let world = World::new().await;
        world.begin(erase(), 100).await;
        assert!(world.slice(1).await, "an attempt from before may still write");
        world.host.advance(Duration::seconds(seconds));
        head_changed(&world, order(1, world.host.now()).ledger_key()).await;
        assert_eq!(world.slice(1).await, prolongs, "{seconds} seconds after they were told");
        assert!(kept(&world).await.is_empty());
    }
}

#[tokio::test]
async fn parts_without_a_record_go_when_no_attempt_can_be_about_to_write_the_record() {
    for clock_ahead in [Duration::ZERO, Duration::seconds(3)] {
        let world = World::new().await;
        world.begin(erase(), 100).await;
        world.host.advance(Duration::minutes(1) + clock_ahead);
        processed_now(&world, 1).await;
        for key in kept(&world).await.iter().filter(|(_, sk)| !sk.starts_with("RAW#")) {
            world.table.table.erase(key).await.unwrap();
        }
        world.host.advance(-clock_ahead);
        assert!(world.slice(1).await);
        assert_eq!((world.progress().await, kept(&world).await.len()), ((Status::Running, 0, 0), 2));
        while world.slice(1).await {}
        assert_eq!(world.progress().await, (Status::Finished, 2, 0));
        assert!(kept(&world).await.is_empty());
    }
}

#[tokio::test]
async fn erases_what_an_attempt_from_before_writes_late() {
    let world = World::new().await;
    world.begin(erase(), 100).await;
    assert!(world.slice(1).await, "an attempt from before may still write");
    world.recorded(1, processed).await;
    assert!(world.slice(1).await, "a pass that found something is followed by another");
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 1, 0));
    assert!(kept(&world).await.is_empty());
}

#[tokio::test]
async fn tells_the_other_functions_what_is_erased_before_it_deletes_anything() {
    let world = World::new().await;
    world.recorded(1, processed).await;
    let job = world.begin(erase(), 100).await;
    world.slice(1).await;
    let known = world.table.table.orders(world.host.now()).await.unwrap().erasures;
    assert_eq!(known, [Erasure { tenant: TENANT.into(), of_before: job.created_at }]);
}

#[tokio::test]
async fn a_slice_without_time_for_all_that_it_found_is_followed_by_another() {
    for (step, erased) in [(Duration::milliseconds(600), 2), (Duration::SECOND, 1)] {
        let world = World::new().await;
        world.recorded(3, processed).await;
        world.begin(erase(), 100).await;
        world.host.step(step);
        assert!(world.slice(1).await);
        let left = kept(&world).await.len() as u64;
        assert_eq!((world.progress().await, left), ((Status::Running, erased, 0), 3 - erased));
        world.host.step(Duration::ZERO);
        while world.slice(1).await {}
        assert_eq!(world.progress().await, (Status::Finished, 3, 0));
        assert!(kept(&world).await.is_empty());
    }
}

/// Takes one deletion and refuses all others. Counts in `writes` how often the job is written.
fn takes_one(writes: Arc<AtomicUsize>) -> impl Intercept {
    let deletions = AtomicUsize::new(0);
    on_request(move |request| {
        let input = request.input();
        let update = input.downcast_ref::<UpdateItemInput>().and_then(|update| update.key()?.get("pk"));
        let is_of_job = update.is_some_and(|pk| pk.as_s().is_ok_and(|pk| pk == "jobs"));
        writes.fetch_add(usize::from(is_of_job), Ordering::Relaxed);
        let is_deletion = input.downcast_ref::<DeleteItemInput>().is_some();
        let is_late = is_deletion && deletions.fetch_add(1, Ordering::Relaxed) > 0;
        if is_late { Err("no answer".into()) } else { Ok(()) }
    })
}

#[tokio::test]
async fn counts_what_it_deleted_before_the_table_refused_and_writes_the_job_three_times() {
    let mut world = World::new().await;
    world.recorded(3, processed).await;
    world.begin(erase(), 100).await;
    let writes = Arc::new(AtomicUsize::new(0));
    world.repair.store = world.table.through(takes_one(writes.clone()));
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 1, 0));
    assert_eq!(writes.load(Ordering::Relaxed), 3, "claimed, found something, and done");
    world.repair.store = world.table.table.clone();
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 3, 0));
}

/// Each page of the table has one item and takes this long.
fn small_pages(host: TestHost, each: Duration) -> impl Intercept {
    on_request(move |request| {
        if let Some(scan) = request.input_mut().downcast_mut::<ScanInput>() {
            scan.limit = Some(1);
            host.advance(each);
        }
        Ok(())
    })
}

#[tokio::test]
async fn a_slice_without_time_for_the_whole_table_is_followed_by_another() {
    let mut world = World::new().await;
    world.recorded(3, processed).await;
    world.begin(erase(), 100).await;
    world.repair.store = world.table.through(small_pages(world.host.clone(), Duration::milliseconds(500)));
    let begun = world.host.now();
    assert!(world.slice(1).await);
    assert_eq!(world.host.now() - begun, Duration::SECOND, "a slice has time for two pages");
    assert!(!kept(&world).await.is_empty());
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 3, 0));
    assert!(kept(&world).await.is_empty());
}

#[tokio::test]
async fn a_slice_reads_no_further_once_it_has_found_as_many_items_as_its_rate() {
    let mut world = World::new().await;
    world.recorded(3, processed).await;
    world.begin(erase(), 1).await;
    world.repair.store = world.table.through(small_pages(world.host.clone(), Duration::ZERO));
    assert!(world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Running, 1, 0));
}

#[tokio::test]
async fn goes_on_if_only_a_later_page_has_something_from_before() {
    let mut world = World::new().await;
    world.begin(erase(), 100).await;
    assert!(world.slice(1).await, "an attempt from before may still write");
    let now = world.host.now();
    let mut two = [1, 2].map(|number| Notification { entity_key: Some("SO/1".into()), ..order(number, now) });
    // A scan reads the items of a partition in this order. Only the second one is from before.
    two.sort_by_key(|n| n.key.to_string());
    two[1].received_at = now - Duration::HOUR;
    for notification in &two {
        world.table.table.record(&Entry { notification, change: processed(), now }).await.unwrap();
    }
    world.repair.store = world.table.through(small_pages(world.host.clone(), Duration::ZERO));
    assert!(world.slice(1).await, "an attempt may have read it before it was deleted");
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 1, 0));
}

#[tokio::test]
async fn a_slice_that_dies_after_it_has_deleted_is_not_forgotten() {
    let mut world = World::new().await;
    world.begin(erase(), 100).await;
    world.slice(1).await;
    world.recorded(1, processed).await;
    world.repair.store = world.table.through(refuses::<DeleteItemInput>());
    assert!(world.slice(1).await);
    assert_eq!(world.repairs.hidden().last().unwrap().1.as_secs(), 30, "it does not try again at once");
    for key in world.table.table.kept(TENANT, None).await.unwrap().keys {
        world.table.table.erase(&key).await.unwrap();
    }
    world.repair.store = world.table.table.clone();
    assert!(world.slice(1).await, "an attempt may have read it before it was deleted");
    assert!(!world.slice(1).await);
}
