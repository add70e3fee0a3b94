use crate::support::World;
use aws_fake::{Endpoint, Options, Service};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

#[tokio::test]
async fn every_secret_name_returns_the_settings() {
    let world = World::new();
    world.endpoint.set_settings("{\"version\": 1}");
    let answer = world.secrets.get_secret_value().secret_id("any").send().await.unwrap();
    assert_eq!((answer.secret_string(), answer.name()), (Some("{\"version\": 1}"), Some("any")));
    assert_eq!(world.endpoint.calls().requests(Service::SecretsManager, "GetSecretValue"), 1);
}

#[tokio::test]
async fn records_connections_and_keeps_them_open() {
    let world = World::new();
    for _ in 0..3 {
        world.secrets.get_secret_value().secret_id("any").send().await.unwrap();
    }
    let [only] = world.endpoint.connections()[..] else { panic!("one connection") };
    assert_eq!((only.service, only.requests), (Some(Service::SecretsManager), 3));
    assert!(only.opened <= world.endpoint.age());
    world.put("a", 100, &[]).await;
    assert_eq!(world.endpoint.connections().len(), 2);
}

#[tokio::test]
async fn refuses_and_counts_unknown_operations() {
    let world = World::new();
    let unknown = world.sqs.purge_queue().queue_url(world.endpoint.queue_url("events")).send().await;
    assert!(unknown.is_err());
    let nowhere =
        world.sqs.send_message().queue_url(world.endpoint.queue_url("nowhere")).message_body("x").send().await;
    assert!(nowhere.unwrap_err().into_service_error().is_queue_does_not_exist());
    let tally = |name| world.endpoint.calls().tally(Service::Sqs, name);
    assert_eq!((tally("PurgeQueue").refused, tally("SendMessage").refused), (1, 1));
}

#[tokio::test]
async fn a_service_can_be_made_slow() {
    let latency = Duration::from_millis(30);
    let slow = BTreeMap::from([(Service::SecretsManager, latency)]);
    let endpoint = Endpoint::with(Options { settings: "{}".to_owned(), latency: slow }).unwrap();
    let world = World { endpoint, ..World::new() };
    let begun = Instant::now();
    let config = world.secrets.config().to_builder().endpoint_url(world.endpoint.url()).build();
    let secrets = aws_sdk_secretsmanager::Client::from_conf(config);
    secrets.get_secret_value().secret_id("any").send().await.unwrap();
    assert!(begun.elapsed() >= latency);
}
