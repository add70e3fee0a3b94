use crate::world::{World, token};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use webhooks_host::Host;
use webhooks_store::KnownTenant;

const PATH: &str = "/operations/v1/tenants";

async fn known(world: &World, id: &str, name: Option<&str>, heard_at: Option<OffsetDateTime>) {
    let name = name.map(str::to_owned);
    let tenant = KnownTenant { id: id.into(), name, company_id: None, heard_at, is_silent: heard_at.is_none() };
    world.table.table.set_tenant(&tenant, world.host.now()).await.unwrap();
}

#[tokio::test]
async fn lists_tenants_with_names_the_one_last_heard_of_first() {
    let world = World::new().await;
    let now = world.host.now();
    known(&world, "t-1", None, None).await;
    known(&world, "t-2", Some("Ål & Sønn"), Some(now - Duration::HOUR)).await;
    known(&world, "t-3", Some("Other"), Some(now)).await;
    let answer = world.get(PATH).await;
    assert_eq!(answer.items("id"), ["t-3", "t-2", "t-1"]);
    assert_eq!(
        answer.body["items"][0],
        json!({"id": "t-3", "name": "Other", "heard_at": "2026-11-23T12:00:00Z", "is_silent": false})
    );
    assert_eq!(answer.body["items"][2], json!({"id": "t-1", "is_silent": true}));
}

#[tokio::test]
async fn before_the_first_run_of_the_schedule_the_directory_is_empty() {
    assert_eq!(World::new().await.get(PATH).await.body, json!({"items": []}));
}

#[tokio::test]
async fn the_directory_requires_the_role_read_and_takes_no_parameters() {
    let world = World::new().await;
    assert_eq!(world.ask("GET", PATH, token("visma-webhooks/repair"), None).await.problem(), (403, "forbidden"));
    assert_eq!(world.ask("GET", PATH, Value::Null, None).await.problem(), (401, "unauthenticated"));
    assert_eq!(world.get(&format!("{PATH}?name=x")).await.problem(), (400, "invalid_parameter"));
}
