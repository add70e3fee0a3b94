//! SQS, Secrets Manager, and what the endpoint does for every service.

use crate::support::World;
use aws_fake::{Endpoint, Options, Service, sqs_event};
use aws_lambda_events::sqs::SqsEvent;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, MessageSystemAttributeNameForSends,
    MessageSystemAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

#[tokio::test]
async fn a_message_becomes_lambdas_event() {
    let world = World::new();
    let attribute = MessageAttributeValue::builder().data_type("String").string_value("v").build().unwrap();
    let trace = MessageSystemAttributeValue::builder().data_type("String").string_value(TRACE).build().unwrap();
    let sent = world.sqs.send_message().queue_url(world.endpoint.queue_url("events")).message_body("{\"a\": 1}");
    let sent = sent.message_group_id("tenant").message_attributes("name", attribute);
    let sent = sent.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, trace);
    let confirmed = sent.send().await.unwrap();
    assert_eq!(confirmed.md5_of_message_body(), Some("42b7b4f2921788ea14dac5566e6f06d0"));
    assert!(confirmed.md5_of_message_attributes().is_some() && confirmed.md5_of_message_system_attributes().is_some());

    let taken = world.endpoint.take("events", 10);
    let event: SqsEvent = serde_json::from_value(sqs_event("events", &taken)).unwrap();
    let [record] = event.records.as_slice() else { panic!("one record") };
    assert_eq!(record.message_id.as_deref(), confirmed.message_id());
    assert_eq!(record.body.as_deref(), Some("{\"a\": 1}"));
    assert_eq!(record.message_attributes["name"].string_value.as_deref(), Some("v"));
    let system = |name: &str| record.attributes[name].as_str();
    assert_eq!((system("AWSTraceHeader"), system("MessageGroupId")), (TRACE, "tenant"));
    assert_eq!(system("ApproximateReceiveCount"), "1");
    assert_eq!(world.endpoint.depth("events"), 0);
}

#[tokio::test]
async fn takes_messages_in_order_and_counts_receives() {
    let world = World::new();
    let url = world.endpoint.queue_url("feedback");
    for body in ["1", "2", "3"] {
        world.sqs.send_message().queue_url(&url).message_body(body).send().await.unwrap();
    }
    let depth = world.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All).send().await;
    let depth = depth.unwrap().attributes.unwrap();
    assert_eq!(depth[&QueueAttributeName::ApproximateNumberOfMessages], "3");
    let first = world.endpoint.take("feedback", 2);
    assert_eq!(first.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    world.endpoint.put("feedback", first.into_iter().skip(1));
    let again = world.endpoint.take("feedback", 10);
    let told: Vec<_> = again.iter().map(|message| (message.body.as_str(), message.receive_count)).collect();
    assert_eq!(told, [("3", 1), ("2", 2)]);
}

#[tokio::test]
async fn a_batch_is_one_request_billed_by_64_kib() {
    let world = World::new();
    let entry = |id: usize, bytes| {
        let entry = SendMessageBatchRequestEntry::builder().id(id.to_string()).message_body("x".repeat(bytes));
        entry.build().unwrap()
    };
    let send = |sizes: &[usize]| {
        let entries = sizes.iter().enumerate().map(|(id, bytes)| entry(id, *bytes)).collect();
        world.sqs.send_message_batch().queue_url(world.endpoint.queue_url("events")).set_entries(Some(entries)).send()
    };
    for (sizes, chunks) in [(vec![10; 10], 1), (vec![32_768, 32_768], 1), (vec![32_768, 32_769], 2)] {
        let calls = world.during(async { assert_eq!(send(&sizes).await.unwrap().successful.len(), sizes.len()) }).await;
        let tally = calls.tally(Service::Sqs, "SendMessageBatch");
        assert_eq!((tally.requests, tally.chunks, calls.sqs_chunks()), (1, chunks, chunks));
    }
    let refused = send(&[1; 11]).await.unwrap_err().into_service_error();
    assert!(refused.is_too_many_entries_in_batch_request(), "{refused:?}");
}

#[tokio::test]
async fn counts_the_calls_of_pacing() {
    let world = World::new();
    let url = world.endpoint.queue_url("notifications");
    let one = world.sqs.change_message_visibility().queue_url(&url).receipt_handle("r").visibility_timeout(5);
    let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id("0").receipt_handle("r").visibility_timeout(5);
    let many = world.sqs.change_message_visibility_batch().queue_url(&url).entries(entry.build().unwrap());
    let calls = world
        .during(async {
            one.send().await.unwrap();
            assert_eq!(many.send().await.unwrap().successful[0].id, "0");
        })
        .await;
    let requests = |name| calls.requests(Service::Sqs, name);
    assert_eq!((requests("ChangeMessageVisibility"), requests("ChangeMessageVisibilityBatch")), (1, 1));
}

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
