use benches::bill::{Bill, Capacity};
use benches::budget::{Budgets, costs};
use benches::count::{Count, count};
use benches::scenario::{Scenario, Traffic};

/// Dollars for a million notifications, without logs.
const MILLION: f64 = 3.4;

async fn counted(traffic: Traffic) -> Vec<(Scenario, Count)> {
    let mut counts = Vec::new();
    for scenario in Scenario::of(traffic) {
        counts.push((scenario, count(scenario).await));
    }
    counts
}

fn hold(counts: &[(Scenario, Count)]) {
    let actual = Budgets(counts.iter().map(|(scenario, count)| (scenario.to_string(), costs(count))).collect());
    let broken = Budgets::read().differences(&actual);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn sparse_notifications_keep_to_the_budget() {
    hold(&counted(Traffic::Sparse).await);
}

#[tokio::test]
async fn batches_of_ten_keep_to_the_budget_and_usual_ones_to_the_goal_with_provisioned_capacity() {
    let counts = counted(Traffic::Busy(10)).await;
    hold(&counts);
    for usual in Scenario::usual() {
        let (_, count) = counts.iter().find(|(scenario, _)| *scenario == usual).expect("the usual ones are counted");
        let bill = Bill::of(usual, count, Capacity::Provisioned);
        assert!(bill.total() <= MILLION, "{usual}: {bill:?}");
    }
}

#[tokio::test]
async fn batches_of_a_hundred_keep_to_the_budget() {
    hold(&counted(Traffic::Busy(100)).await);
}

#[test]
fn every_budget_belongs_to_a_scenario() {
    let mut scenarios: Vec<String> = Scenario::all().iter().map(ToString::to_string).collect();
    scenarios.sort();
    assert_eq!(Budgets::read().0.into_keys().collect::<Vec<_>>(), scenarios);
}
