use crate::world::World;
use fixtures::TENANT;
use time::Duration;
use webhooks_host::Host;
use webhooks_model::Allowance;
use webhooks_store::Change;

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

fn waits() -> Change {
    Change::RateLimited { attempt: None, waits_here: true }
}

async fn used_up(world: &World, tenant: &str, limit: Option<u64>) {
    let resets_at = world.host.now() + Duration::minutes(30);
    let allowance = Allowance { tenant: tenant.into(), limit, calls_each: 2, resets_at, released_to: None };
    world.table.table.used_up(&allowance, world.host.now()).await.unwrap();
}

#[tokio::test]
async fn counts_what_waits_for_calls_and_estimates_its_end() {
    let world = World::new().await;
    used_up(&world, TENANT, Some(4)).await;
    used_up(&world, OTHER, None).await;
    for number in 1..=10 {
        world.order(number, Duration::ZERO, waits()).await;
    }
    let items = world.get("/operations/v1/quotas").await.body["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "nothing waits for the other tenant's calls");
    let told = &items[0];
    assert_eq!((&told["tenant"], &told["waiting"]), (&TENANT.into(), &10.into()));
    assert_eq!((&told["calls_per_hour"], &told["is_assumed"]), (&4.into(), &false.into()));
    assert_eq!(told["done_at"], "2026-11-23T17:30:00Z", "ten by two calls of four an hour, from the window's end");
    let counts = world.get("/operations/v1/counts").await.body;
    assert_eq!((&counts["rate_limited"], &counts["dead"]), (&10.into(), &0.into()));
}

#[tokio::test]
async fn an_unreported_limit_is_marked_as_assumed() {
    let world = World::new().await;
    used_up(&world, TENANT, None).await;
    world.order(1, Duration::ZERO, waits()).await;
    let told = world.get("/operations/v1/quotas").await.body["items"][0].clone();
    assert_eq!((&told["calls_per_hour"], &told["is_assumed"]), (&500.into(), &true.into()));
}
