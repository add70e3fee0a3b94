use crate::support::{Fixture, NOW};
use std::collections::{BTreeMap, BTreeSet};
use webhooks_model::observed::delivers;
use webhooks_store::{Deliveries, Observation, Observations};

#[tokio::test]
async fn finds_the_subscriptions_that_have_delivered() {
    let fixture = Fixture::new().await;
    let ids: Vec<String> = (0..120).map(|at| format!("subscription {at}")).collect();
    for at in [3, 119] {
        let fact = delivers(&ids[at]).fact;
        let seen = Observation { fact, agrees: true, notifications: 1, first_seen: NOW, last_seen: NOW };
        fixture.table.observe(&seen).await.unwrap();
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = fixture.table.delivering(&ids).await.unwrap();
    assert_eq!(found, BTreeSet::from([ids[3].to_owned(), ids[119].to_owned()]));
    assert_eq!(fixture.table.delivering(&[]).await.unwrap(), BTreeSet::new());
}

#[tokio::test]
async fn records_the_state_of_subscriptions_without_an_expiry() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.table.subscriptions().await.unwrap(), BTreeMap::new());
    let all = [("a", Deliveries::Seen), ("b", Deliveries::Awaited { since: NOW })];
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
    assert!(fixture.table.subscriptions().await.is_err());
}
