use crate::world::{JOB, World, order, processed};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextMut;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use fixtures::{Refuses, TENANT, TestHost};
use time::Duration;
use webhooks_host::Host;
use webhooks_model::job::Status;
use webhooks_model::{Work, notification::Notification};
use webhooks_store::{Entry, Erasure, Table};

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

/// The table behind an interceptor.
fn through(world: &World, interceptor: impl Intercept + 'static) -> Table {
    let config = world.table.client.config().to_builder().interceptor(interceptor).build();
    Table::new(Client::from_conf(config), world.table.name.clone(), Duration::days(90))
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
async fn what_comes_after_the_erasure_began_is_erased_too_and_does_not_prolong_it() {
    let world = World::new().await;
    world.begin(erase(), 100).await;
    world.slice(1).await;
    for (number, after) in [(1, time::Duration::ZERO), (2, time::Duration::SECOND)] {
        let now = world.host.now() + after;
        let entry = Entry { notification: &order(number, now), change: processed(), now };
        world.table.table.record(&entry).await.unwrap();
    }
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 2, 0));
    assert!(kept(&world).await.is_empty());
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
    let world = World::new().await;
    world.recorded(3, processed).await;
    world.begin(erase(), 100).await;
    world.host.step(Duration::milliseconds(600));
    assert!(world.slice(1).await);
    assert_eq!((world.progress().await, kept(&world).await.len()), ((Status::Running, 2, 0), 1));
    world.host.step(Duration::ZERO);
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 3, 0));
    assert!(kept(&world).await.is_empty());
}

/// Each page of the table has one item and takes this long.
#[derive(Debug)]
struct SmallPages(TestHost, Duration);

impl Intercept for SmallPages {
    fn name(&self) -> &'static str {
        "SmallPages"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(scan) = context.input_mut().downcast_mut::<ScanInput>() {
            scan.limit = Some(1);
            self.0.advance(self.1);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_slice_without_time_for_the_whole_table_is_followed_by_another() {
    let mut world = World::new().await;
    world.recorded(3, processed).await;
    world.begin(erase(), 100).await;
    world.repair.store = through(&world, SmallPages(world.host.clone(), Duration::milliseconds(600)));
    assert!(world.slice(1).await);
    assert!(!kept(&world).await.is_empty(), "a slice has time for two pages");
    while world.slice(1).await {}
    assert_eq!(world.progress().await, (Status::Finished, 3, 0));
    assert!(kept(&world).await.is_empty());
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
    world.repair.store = through(&world, SmallPages(world.host.clone(), Duration::ZERO));
    assert!(world.slice(1).await, "an attempt may have read it before it was deleted");
    assert!(!world.slice(1).await);
    assert_eq!(world.progress().await, (Status::Finished, 2, 0));
}

#[tokio::test]
async fn a_slice_that_dies_after_it_has_deleted_is_not_forgotten() {
    let mut world = World::new().await;
    world.begin(erase(), 100).await;
    world.slice(1).await;
    world.recorded(1, processed).await;
    world.repair.store = through(&world, Refuses::<DeleteItemInput>::all());
    assert!(world.slice(1).await);
    for key in world.table.table.kept(TENANT, None).await.unwrap().keys {
        world.table.table.erase(&key).await.unwrap();
    }
    world.repair.store = world.table.table.clone();
    assert!(world.slice(1).await, "an attempt may have read it before it was deleted");
    assert!(!world.slice(1).await);
}
