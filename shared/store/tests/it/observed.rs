use crate::support::{Fixture, NOW};
use std::collections::BTreeMap;
use time::Duration;
use webhooks_model::observed::delivers;
use webhooks_model::{Fact, OpenQuestion};
use webhooks_store::{Deliveries, Observation, Observations};

fn seen(value: &str, agrees: bool, notifications: u64, at: Duration) -> Observation {
    let fact = Fact { question: OpenQuestion::EventNames, subject: "header".into(), value: value.into() };
    Observation { fact, agrees, notifications, first_seen: NOW + at, last_seen: NOW + at }
}

#[tokio::test]
async fn a_fact_is_one_item_that_counts_its_notifications() {
    let fixture = Fixture::new().await;
    let table = &fixture.table;
    assert_eq!(table.observed().await.unwrap(), []);
    table.observe(&seen("ACCT", false, 1, Duration::ZERO)).await.unwrap();
    table.observe(&seen("ACCT", true, 41, Duration::HOUR)).await.unwrap();
    table.observe(&seen("OTHER", true, 2, Duration::ZERO)).await.unwrap();
    let mut observed = table.observed().await.unwrap();
    observed.sort_by(|one, other| one.fact.cmp(&other.fact));
    let both = Observation { notifications: 42, first_seen: NOW, ..seen("ACCT", true, 0, Duration::HOUR) };
    assert_eq!(observed, [both, seen("OTHER", true, 2, Duration::ZERO)]);
    assert_eq!(fixture.items().await.len(), 2);
}

#[tokio::test]
async fn a_fact_expires_when_it_is_not_seen_for_the_retention() {
    let fixture = Fixture::new().await;
    fixture.table.observe(&seen("ACCT", true, 1, Duration::ZERO)).await.unwrap();
    fixture.table.observe(&seen("ACCT", true, 1, Duration::DAY)).await.unwrap();
    let item = fixture.item("event_names#").await;
    let expected = (NOW + Duration::DAY + Duration::days(90)).unix_timestamp();
    assert_eq!(item["expires_at"].as_n().unwrap(), &expected.to_string());
    assert_eq!(item["pk"].as_s().unwrap(), "observed", "it belongs to no tenant");
}

#[tokio::test]
async fn finds_when_subscriptions_last_delivered() {
    let fixture = Fixture::new().await;
    let ids: Vec<String> = (0..120).map(|at| format!("subscription {at}")).collect();
    let last = [(3, NOW + Duration::HOUR), (119, NOW)];
    for (at, last_seen) in last {
        let fact = delivers(&ids[at]).fact;
        let seen = Observation { fact, agrees: true, notifications: 1, first_seen: NOW, last_seen };
        fixture.table.observe(&seen).await.unwrap();
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = fixture.table.delivering(&ids).await.unwrap();
    assert_eq!(found, BTreeMap::from(last.map(|(at, last_seen)| (ids[at].to_owned(), last_seen))));
    assert_eq!(fixture.table.delivering(&[]).await.unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn records_the_state_of_subscriptions_without_an_expiry() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.table.subscriptions().await.unwrap(), BTreeMap::new());
    let (awaited, quiet) = (Deliveries::Awaited { since: NOW }, Deliveries::Quiet { since: NOW });
    let all = [("a", Deliveries::Seen), ("b", awaited), ("c", quiet)];
    let all = BTreeMap::from(all.map(|(id, deliveries)| (id.to_owned(), deliveries)));
    fixture.table.set_subscriptions(&all).await.unwrap();
    assert_eq!(fixture.table.subscriptions().await.unwrap(), all);
    assert!(!fixture.item("SUBSCRIPTIONS").await.contains_key("expires_at"));
}

#[tokio::test]
async fn subscriptions_in_the_form_of_a_newer_version_are_not_taken_for_none() {
    let fixture = Fixture::new().await;
    fixture.table.set_subscriptions(&BTreeMap::from([("a".to_owned(), Deliveries::Seen)])).await.unwrap();
    fixture.overwrite("SUBSCRIPTIONS", "subscriptions", r#"{"a":"muted"}"#).await;
    let error = fixture.table.subscriptions().await.unwrap_err();
    assert!(error.to_string().starts_with("a newer version"), "{error}");
}
