use benches::budget::{Budgets, costs};
use benches::count::count;
use benches::scenario::{Scenario, Traffic};

async fn holds(traffic: Traffic) {
    let mut actual = Budgets::default();
    for scenario in Scenario::of(traffic) {
        actual.0.insert(scenario.to_string(), costs(&count(scenario).await));
    }
    let broken = Budgets::read().differences(&actual);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn sparse_notifications_cost_what_they_did() {
    holds(Traffic::Sparse).await;
}

#[tokio::test]
async fn batches_of_ten_cost_what_they_did() {
    holds(Traffic::Busy(10)).await;
}

#[tokio::test]
async fn batches_of_a_hundred_cost_what_they_did() {
    holds(Traffic::Busy(100)).await;
}

#[test]
fn every_budget_is_of_a_scenario() {
    let mut scenarios: Vec<String> = Scenario::all().iter().map(ToString::to_string).collect();
    scenarios.sort();
    assert_eq!(Budgets::read().0.into_keys().collect::<Vec<_>>(), scenarios);
}
