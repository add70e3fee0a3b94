//! A pause that is over releases its notifications without a person. A tenant that is paused since
//! its erasure is left alone.

use crate::world::World;
use fixtures::TENANT;
use serde_json::json;
use time::Duration;
use webhooks_model::audit::AuditResult;
use webhooks_model::job::{Job, job_of};
use webhooks_model::work::Work;
use webhooks_model::{Collection, Origin, Pause};
use webhooks_store::Erasure;

async fn world() -> World {
    World::new(json!({"collections": []})).await
}

/// A pause of the tenant that ends in this many hours.
async fn pause(world: &World, events: &str, hours: Option<i64>) {
    let until = hours.map(|hours| world.now() + Duration::hours(hours));
    let (tenant, note) = (Some(TENANT.to_owned()), "month end".to_owned());
    let pause = Pause { tenant, events: events.to_owned(), since: world.now(), by: "op".into(), note, until };
    world.table.table.pause(&pause).await.unwrap();
}

/// The jobs sent to the repair function.
async fn jobs(world: &World) -> Vec<Job> {
    let mut jobs = vec![];
    for sent in world.repairs.sent() {
        jobs.push(world.table.table.job(job_of(&sent.body).unwrap()).await.unwrap().unwrap());
    }
    jobs
}

/// The audit of pauses: who, what and with which result, newest first.
async fn deeds(world: &World) -> Vec<[String; 4]> {
    let (from, to) = (world.now() - Duration::DAY, world.now() + Duration::DAY);
    let records = world.table.table.audited(from, to, None, 100).await.unwrap().records;
    let result = |result: Option<AuditResult>| result.map(|result| result.code);
    let told = records.into_iter().map(|one| [one.by, one.deed, one.on.name, result(one.result).unwrap_or_default()]);
    told.collect()
}

#[tokio::test]
async fn a_pause_that_is_over_releases_its_notifications_once_by_a_job() {
    let world = world().await;
    pause(&world, "customer.*", Some(2)).await;
    pause(&world, "account.*", Some(2)).await;
    pause(&world, "*", None).await;
    assert_eq!(world.run().await.pauses_ended, 0);
    assert!(world.repairs.sent().is_empty() && deeds(&world).await.is_empty());

    world.host.advance(Duration::hours(2));
    assert_eq!(world.run().await.pauses_ended, 2);
    let begun = jobs(&world).await;
    assert_eq!(begun.iter().map(|job| &job.work).collect::<Vec<_>>(), [&Work::Release], "one lets go on both");
    let mut told = deeds(&world).await;
    told.sort();
    let deed = |events: &str| ["reconciler", "resume", events, "done"].map(str::to_owned);
    assert_eq!(told, [deed("account.*"), deed("customer.*")]);
    assert_eq!(world.table.table.pauses(world.now()).await.unwrap().len(), 1, "the one without an end");

    assert_eq!(world.run().await.pauses_ended, 0);
    assert_eq!(world.repairs.sent().len(), 1);
}

#[tokio::test]
async fn a_pause_whose_job_cannot_be_queued_is_left_to_the_next_run() {
    let world = world().await;
    pause(&world, "*", Some(1)).await;
    world.host.advance(Duration::hours(1));
    world.repairs.refuse(true);
    assert_eq!(world.run().await.pauses_ended, 0);
    assert!(deeds(&world).await.is_empty());
    assert_eq!(world.table.table.overdue(world.now()).await.unwrap().len(), 1);
    world.repairs.refuse(false);
    assert_eq!(world.run().await.pauses_ended, 1);
    assert_eq!(jobs(&world).await.len(), 1);
}

#[tokio::test]
async fn a_run_for_one_tenant_leaves_pauses_alone() {
    let world = world().await;
    pause(&world, "*", Some(1)).await;
    world.host.advance(Duration::hours(1));
    assert_eq!(world.run_for(Some(TENANT)).await.pauses_ended, 0);
    assert_eq!(world.run().await.pauses_ended, 1);
}

#[tokio::test]
async fn writes_nothing_about_an_erased_tenant_until_its_pause_ends() {
    let rules = json!({"collections": ["customer"], "silence_hours": 1});
    let world = World::with_settings(rules, json!([{"id": TENANT.to_uppercase()}])).await;
    world.hear(TENANT, Origin::Webhook).await;
    world.host.advance(Duration::hours(2));
    world.change(&TENANT.to_uppercase(), Collection::Customer, "10002", 30);
    pause(&world, "*", None).await;
    let erasure = Erasure { tenant: TENANT.into(), of_before: world.now() };
    world.table.table.set_erasure(&erasure, world.now()).await.unwrap();
    let kept = async || world.table.table.kept(TENANT, None).await.unwrap().keys;
    let before = kept().await;

    let report = world.run().await;
    assert_eq!((report.tenants, report.calls, report.silent), (0, 0, Some(0)));
    assert!(world.queued().is_empty());
    assert_eq!(kept().await, before);

    assert!(world.table.table.resume(Some(TENANT), "*", world.now()).await.unwrap());
    assert_eq!(world.run().await.tenants, 1);
    assert_eq!(world.queued().len(), 1, "it goes on like a new tenant");
    assert!(kept().await.len() > before.len());
}

#[tokio::test]
async fn writes_nothing_about_an_erased_tenant_that_is_not_in_the_settings() {
    let world = World::with_tenants(json!({"collections": []}), &[]).await;
    world.table.table.know(TENANT, world.now()).await.unwrap();
    pause(&world, "*", None).await;
    let erasure = Erasure { tenant: TENANT.into(), of_before: world.now() };
    world.table.table.set_erasure(&erasure, world.now()).await.unwrap();
    let kept = async || world.table.table.kept(TENANT, None).await.unwrap().keys;
    let before = kept().await;
    world.run().await;
    assert_eq!(kept().await, before, "while it is paused");

    for key in &before {
        world.table.table.erase(key).await.unwrap();
    }
    assert!(world.table.table.resume(Some(TENANT), "*", world.now()).await.unwrap());
    world.run().await;
    assert!(kept().await.is_empty(), "nothing of it is left");
}
