//! The counted hours that runs write.

use crate::world::World;
use fixtures::TENANT;
use serde_json::json;
use time::{Duration, OffsetDateTime};
use webhooks_model::feedback::{Address, FeedbackState};
use webhooks_model::rollup::hour_of;
use webhooks_model::{Notification, Origin, Reason, Rollup};
use webhooks_store::{Answering, Change};

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

async fn world() -> World {
    World::with_tenants(json!({"collections": [], "silence_hours": 24}), &[TENANT, OTHER]).await
}

/// Received just now.
fn came(world: &World, tenant: &str, key: &str) -> Notification {
    world.accepted(tenant, key, Origin::Webhook)
}

async fn end(world: &World, n: &Notification) {
    world.end(n, Answering::none()).await;
}

async fn hour(world: &World, tenant: Option<&str>, hour: OffsetDateTime) -> Rollup {
    let all = world.table.table.rollups(tenant, hour, hour + Duration::HOUR).await.unwrap();
    all.into_iter().next().map(|one| one.rollup).unwrap_or_default()
}

#[tokio::test]
async fn each_run_counts_new_notifications_once() {
    let world = world().await;
    let start = hour_of(world.now());
    for received in 1..=3 {
        end(&world, &came(&world, TENANT, &format!("1000{received}"))).await;
        world.host.advance(Duration::minutes(6));
        world.run().await;
        assert_eq!(hour(&world, Some(TENANT), start).await.received, received);
        world.run().await;
        assert_eq!(hour(&world, Some(TENANT), start).await.received, received, "nothing new came");
    }
    end(&world, &came(&world, OTHER, "1")).await;
    world.host.advance(Duration::minutes(6));
    world.run().await;
    let all = hour(&world, None, start).await;
    assert_eq!((all.received, all.processed()), (4, 4), "{all:?}");
    let summary = world.table.table.summary().await.unwrap().unwrap();
    assert_eq!((summary.tenants, summary.silent), (2, Some(0)));
    assert_eq!(summary.counted_to, world.now() - Duration::minutes(5));
}

#[tokio::test]
async fn leaves_the_latest_notifications_to_the_next_run() {
    let world = world().await;
    let start = hour_of(world.now());
    end(&world, &came(&world, TENANT, "10001")).await;
    world.run().await;
    assert_eq!(hour(&world, Some(TENANT), start).await.received, 0);
}

#[tokio::test]
async fn an_hour_in_which_something_was_open_is_counted_anew_when_it_has_ended() {
    let world = world().await;
    let (start, n) = (hour_of(world.now()), came(&world, TENANT, "10001"));
    world.record(&n, Change::Parked(Reason::TenantNotApproved)).await;
    let waits = came(&world, TENANT, "10002");
    world.record(&waits, Change::RateLimited { attempt: None, waits_here: true }).await;
    world.host.advance(Duration::minutes(6));
    world.run().await;
    let before = hour(&world, Some(TENANT), start).await;
    assert_eq!((before.received, before.open, before.failed()), (2, 1, 1));
    assert_eq!(before.parked.get("tenant_not_approved"), Some(&1));

    for n in [&n, &waits] {
        end(&world, n).await;
    }
    for _ in 0..12 {
        world.host.advance(Duration::minutes(15));
        world.run().await;
    }
    let after = hour(&world, Some(TENANT), start).await;
    assert_eq!((after.received, after.open, after.failed(), after.processed()), (2, 0, 0, 2), "{after:?}");
    assert_eq!(hour(&world, None, start).await.processed(), 2);
}

#[tokio::test]
async fn an_hour_in_which_something_stays_open_does_not_hold_up_the_later_ones() {
    let world = world().await;
    let waits = came(&world, TENANT, "10001");
    world.record(&waits, Change::RateLimited { attempt: None, waits_here: true }).await;
    for (key, received) in [("10002", 2), ("10003", 1), ("10004", 1)] {
        end(&world, &came(&world, TENANT, key)).await;
        world.host.advance(Duration::minutes(6));
        world.run().await;
        assert_eq!(hour(&world, Some(TENANT), hour_of(world.now())).await.received, received, "{key}");
        world.host.advance(Duration::hours(2));
    }
}

#[tokio::test]
async fn an_hour_without_news_is_not_written_again() {
    let world = world().await;
    let start = hour_of(world.now());
    end(&world, &came(&world, TENANT, "10001")).await;
    for tenant in [Some(TENANT), None] {
        let mut written = vec![];
        for _ in 0..2 {
            world.host.advance(Duration::minutes(6));
            world.run().await;
            written.push(world.table.table.rollups(tenant, start, start + Duration::HOUR).await.unwrap());
        }
        assert!(!written[0].is_empty() && written[0] == written[1], "{written:?}");
    }
}

#[tokio::test]
async fn a_run_reads_five_hundred_pages_of_the_feed_and_the_next_goes_on() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT]).await;
    let start = hour_of(world.now());
    world.host.advance(Duration::minutes(2));
    end(&world, &came(&world, TENANT, "10001")).await;
    world.host.advance(Duration::minutes(6));
    world.cost.fill_pages(501);
    // One page is for the hour before.
    for received in [49_900, 50_101] {
        world.run().await;
        assert_eq!(hour(&world, Some(TENANT), start).await.received, received);
    }
}

#[tokio::test]
async fn an_hour_of_fifty_thousand_keeps_its_numbers_and_holds_up_no_later_one() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT]).await;
    let start = hour_of(world.now());
    world.host.advance(Duration::minutes(2));
    let waits = came(&world, TENANT, "10001");
    world.record(&waits, Change::RateLimited { attempt: None, waits_here: true }).await;
    world.host.advance(Duration::minutes(6));
    world.cost.fill_pages(501);
    for minutes in [0, 60, 70] {
        world.host.advance(Duration::minutes(minutes));
        world.run().await;
    }
    let later = hour_of(world.now());
    end(&world, &came(&world, TENANT, "10002")).await;
    world.host.advance(Duration::minutes(6));
    world.run().await;
    let of_start = hour(&world, Some(TENANT), start).await;
    assert_eq!((of_start.received, of_start.open), (50_101, 50_101));
    assert_eq!(hour(&world, Some(TENANT), later).await.received, 1);
}

#[tokio::test]
async fn an_hour_that_no_run_has_room_to_count_again_holds_up_no_later_one() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT]).await;
    let (start, waits) = (hour_of(world.now()), came(&world, TENANT, "0"));
    world.record(&waits, Change::RateLimited { attempt: None, waits_here: true }).await;
    for key in 1..=150 {
        end(&world, &came(&world, TENANT, &key.to_string())).await;
    }
    for minutes in [6, 60] {
        world.host.advance(Duration::minutes(minutes));
        world.run().await;
    }
    world.host.advance(Duration::minutes(90));
    let later = hour_of(world.now());
    end(&world, &came(&world, TENANT, "200")).await;
    world.host.advance(Duration::minutes(6));
    // One read takes a whole run.
    world.cost.slow_reads(&world.host, Duration::MINUTE);
    for received in [0, 1] {
        world.run().await;
        assert_eq!(hour(&world, Some(TENANT), later).await.received, received);
    }
    let of_start = hour(&world, Some(TENANT), start).await;
    assert_eq!((of_start.received, of_start.open), (151, 1), "as it was counted first");
}

#[tokio::test]
async fn an_hour_that_a_run_has_no_time_to_count_again_is_left_to_the_next_run() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT]).await;
    let (start, waits) = (hour_of(world.now()), came(&world, TENANT, "10001"));
    world.record(&waits, Change::RateLimited { attempt: None, waits_here: true }).await;
    world.host.advance(Duration::minutes(66));
    world.run().await;
    end(&world, &waits).await;
    world.host.advance(Duration::HOUR);
    // Its count begins when a run of a minute has no more time.
    world.cost.slow_down(&world.host, Duration::MINUTE);
    for (seconds, open) in [(60, 1), (600, 0)] {
        world.run_within(std::time::Duration::from_secs(seconds)).await;
        let rollup = hour(&world, Some(TENANT), start).await;
        assert_eq!((rollup.received, rollup.open), (1, open), "a run of {seconds} seconds");
    }
}

#[tokio::test]
async fn a_run_out_of_time_keeps_what_it_has_counted_of_the_current_hour() {
    let world = World::with_tenants(json!({"collections": []}), &[TENANT]).await;
    let start = hour_of(world.now());
    end(&world, &came(&world, TENANT, "0")).await;
    world.host.advance(Duration::minutes(6));
    world.run().await;
    for key in 1..=150 {
        end(&world, &came(&world, TENANT, &key.to_string())).await;
    }
    world.host.advance(Duration::minutes(6));
    world.cost.slow_reads(&world.host, Duration::MINUTE);
    for received in [101, 151] {
        world.run().await;
        assert_eq!(hour(&world, Some(TENANT), start).await.received, received, "a read has a hundred at most");
    }
}

#[tokio::test]
async fn a_record_that_is_written_long_after_its_receipt_is_counted_in_its_hour() {
    let world = world().await;
    let (start, late) = (hour_of(world.now()), came(&world, TENANT, "10001"));
    end(&world, &came(&world, TENANT, "10002")).await;
    world.host.advance(Duration::minutes(90));
    world.run().await;
    assert_eq!(hour(&world, Some(TENANT), start).await.received, 1);
    end(&world, &late).await;
    for _ in 0..8 {
        world.host.advance(Duration::minutes(15));
        world.run().await;
    }
    assert_eq!(hour(&world, Some(TENANT), start).await.received, 2);
}

#[tokio::test]
async fn an_hour_keeps_the_calls_that_its_tenant_had_left() {
    let world = world().await;
    let (start, waits) = (hour_of(world.now()), came(&world, TENANT, "10001"));
    world.record(&waits, Change::RateLimited { attempt: None, waits_here: true }).await;
    for (minutes, left) in [(5, 78), (1, 77)] {
        world.host.advance(Duration::minutes(minutes));
        world.lists.0.lock().unwrap().quotas.insert(TENANT.to_owned(), left);
        world.run().await;
        assert_eq!(hour(&world, Some(TENANT), start).await.calls_left, Some(left), "from its first moment on");
    }
    assert_eq!(hour(&world, Some(TENANT), start - Duration::HOUR).await.calls_left, None);

    world.lists.0.lock().unwrap().quotas.clear();
    end(&world, &came(&world, TENANT, "10002")).await;
    world.host.advance(Duration::minutes(6));
    world.run().await;
    let counted_on = hour(&world, Some(TENANT), start).await;
    assert_eq!((counted_on.received, counted_on.calls_left), (2, Some(77)));

    end(&world, &waits).await;
    for _ in 0..12 {
        world.host.advance(Duration::minutes(15));
        world.run().await;
    }
    let counted_anew = hour(&world, Some(TENANT), start).await;
    assert_eq!((counted_anew.open, counted_anew.calls_left), (0, Some(77)));
}

#[tokio::test]
async fn counts_found_changes_as_gaps_and_pending_feedback_as_open() {
    let world = world().await;
    let start = hour_of(world.now());
    end(&world, &world.accepted(TENANT, "10001", Origin::Reconciliation)).await;
    let feedback = FeedbackState::Queued;
    let answer = Answering { feedback, address: Address::default(), verdict: None, deadline: None };
    world.end(&came(&world, TENANT, "10002"), answer).await;
    world.host.advance(Duration::minutes(6));
    world.run().await;
    let rollup = hour(&world, Some(TENANT), start).await;
    assert_eq!((rollup.gaps, rollup.open, rollup.answered), (1, 1, 0));
}

#[tokio::test]
async fn the_next_run_writes_the_sums_that_a_run_could_not_write() {
    let world = world().await;
    let start = hour_of(world.now());
    end(&world, &came(&world, TENANT, "10001")).await;
    world.host.advance(Duration::minutes(66));
    for (refuses, summed) in [(true, 0), (true, 0), (false, 1)] {
        world.cost.refuse_sums(refuses);
        world.run().await;
        assert_eq!(hour(&world, Some(TENANT), start).await.received, 1);
        assert_eq!(hour(&world, None, start).await.received, summed);
        assert_eq!(world.table.table.summary().await.unwrap().is_none(), refuses, "it says how far the sums reach");
    }
    assert!(world.table.table.unsummed().await.unwrap().is_empty());
}

#[tokio::test]
async fn catches_up_on_days_without_a_run_at_low_cost() {
    let world = world().await;
    let start = hour_of(world.now());
    world.host.advance(Duration::minutes(6));
    world.run().await;
    end(&world, &came(&world, TENANT, "10001")).await;
    world.host.advance(Duration::days(10));
    let late = hour_of(world.now());
    end(&world, &came(&world, TENANT, "10002")).await;
    world.host.advance(Duration::minutes(10));
    let (_, cost) = world.run_counted().await;
    assert_eq!(hour(&world, Some(TENANT), start).await.received, 1);
    assert_eq!(hour(&world, None, late).await.received, 1);
    assert!(cost.requests < 200, "not one for each of 240 hours: {cost:?}");
}

#[tokio::test]
async fn a_run_for_one_tenant_leaves_the_numbers_alone() {
    let world = world().await;
    end(&world, &came(&world, TENANT, "10001")).await;
    world.host.advance(Duration::minutes(6));
    world.run_for(Some(TENANT)).await;
    assert_eq!(world.table.table.summary().await.unwrap(), None);
    assert!(world.table.table.rolling(TENANT).await.unwrap().is_none());
}

#[tokio::test]
async fn a_quiet_run_costs_the_same_however_many_notifications_there_are() {
    let mut costs = vec![];
    for many in [5, 60] {
        let world = world().await;
        for key in 0..many {
            end(&world, &came(&world, TENANT, &key.to_string())).await;
        }
        world.host.advance(Duration::minutes(6));
        let (_, busy) = world.run_counted().await;
        assert!(busy.rows >= many * 2, "each by the feed and once whole: {busy:?}");
        world.host.advance(Duration::minutes(1));
        costs.push(world.run_counted().await.1.requests);
    }
    assert_eq!(costs[0], costs[1]);
}
