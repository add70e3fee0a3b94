use crate::support::{Fixture, NOW};
use time::Duration;
use webhooks_model::{Fact, OpenQuestion};
use webhooks_store::{Observation, Observations};

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
