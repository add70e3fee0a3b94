use crate::world::{World, token};
use serde_json::{Value, json};
use time::Duration;
use webhooks_host::Host;
use webhooks_model::observed::older_secret;
use webhooks_model::{Fact, OpenQuestion};
use webhooks_store::{Observation, Observations};

const PATH: &str = "/operations/v1/observed";

async fn see(world: &World, question: OpenQuestion, subject: &str, value: &str, agrees: bool, notifications: u64) {
    let fact = Fact { question, subject: subject.into(), value: value.into() };
    let at = world.host.now();
    let seen = Observation { fact, agrees, notifications, first_seen: at, last_seen: at };
    world.table.table.observe(&seen).await.unwrap();
    world.host.advance(Duration::MINUTE);
}

async fn question(world: &World, code: &str) -> Value {
    let answer = world.get(PATH).await;
    let items = answer.body["items"].as_array().expect("questions").clone();
    items.into_iter().find(|item| item["question"] == code).unwrap_or_else(|| panic!("no {code}"))
}

#[tokio::test]
async fn every_question_shows_its_assumption_before_any_observation() {
    let world = World::new().await;
    let answer = world.get(PATH).await;
    let items = answer.body["items"].as_array().unwrap();
    assert_eq!(items.len(), OpenQuestion::ALL.len());
    for item in items {
        assert_eq!(
            (&item["stands"], &item["notifications"], &item["facts"]),
            (&json!("assumed"), &json!(0), &json!([]))
        );
        assert!(item["assumed"].as_str().unwrap().ends_with('.') && item["advice"].is_null(), "{item}");
    }
}

#[tokio::test]
async fn an_observation_that_differs_contradicts_and_advises() {
    let world = World::new().await;
    see(&world, OpenQuestion::EventNames, "header", "ACCOUNT_UPDATED", true, 40).await;
    let names = question(&world, "event_names").await;
    assert_eq!(
        (&names["stands"], &names["advice"], &names["notifications"]),
        (&json!("observed"), &Value::Null, &json!(40))
    );
    see(&world, OpenQuestion::EventNames, "header", "AccountWasChanged", false, 2).await;
    let names = question(&world, "event_names").await;
    assert_eq!((&names["stands"], &names["notifications"]), (&json!("contradicted"), &json!(42)));
    assert!(names["advice"].as_str().unwrap().contains("event_aliases"), "{names}");
    assert_eq!(names["facts"][0]["value"], "AccountWasChanged", "what differs comes first");
    assert!(names["first_seen"].as_str() < names["last_seen"].as_str(), "{names}");
}

#[tokio::test]
async fn a_notification_with_two_headers_counts_once_and_one_of_each_event_counts_twice() {
    let world = World::new().await;
    for header in ["x-vwd-notification-timestamp", "x-vwd-webhook-timestamp"] {
        see(&world, OpenQuestion::TimestampUnit, header, "milliseconds", true, 10).await;
    }
    for event in ["ACCOUNT_UPDATED", "CUSTOMER_UPDATED"] {
        see(&world, OpenQuestion::BodyShape, event, "object /event:string", true, 10).await;
    }
    assert_eq!(question(&world, "timestamp_unit").await["notifications"], 10);
    assert_eq!(question(&world, "body_shape").await["notifications"], 20);
}

#[tokio::test]
async fn shows_when_an_old_secret_was_last_used() {
    let world = World::new().await;
    let unused = question(&world, "secret_rotation").await;
    assert_eq!((&unused["is_measured"], &unused["facts"]), (&json!(true), &json!([])));
    let fact = older_secret("accounts", "2026-10").fact;
    see(&world, fact.question, &fact.subject, &fact.value, true, 3).await;
    let used = question(&world, "secret_rotation").await["facts"][0].clone();
    assert_eq!((&used["subject"], &used["value"]), (&json!("accounts"), &json!("old secret 2026-10 used")));
    assert!(used["last_seen"].is_string(), "{used}");
}

#[tokio::test]
async fn reading_observations_requires_the_role_read() {
    let world = World::new().await;
    assert_eq!(world.ask("GET", PATH, Value::Null, None).await.problem(), (401, "unauthenticated"));
    assert_eq!(world.ask("GET", PATH, token("visma-webhooks/raw"), None).await.problem(), (403, "forbidden"));
}
