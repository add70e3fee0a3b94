//! Compares the counts with the budgets, and the budgets with the design's goals for busy traffic.

use benches::bill::{Bill, Capacity};
use benches::budget::{Budgets, Costs, costs};
use benches::count::{Count, Scenario, Traffic, count};

/// Dollars for a million notifications, without logs.
const MILLION: f64 = 3.4;
/// Requests to AWS that feedback may make per notification, besides the one to Visma Net.
const FEEDBACK_REQUESTS: f64 = 1.2;
const PROCESSOR_WRITES: f64 = 2.0;
const PROCESSOR_WRITE_UNITS: f64 = 4.0;

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

fn requests(costs: &Costs) -> f64 {
    let services = ["DynamoDB ", "SQS SendMessage", "SQS sends", "SQS Change", "Secrets Manager "];
    let of_services = costs.iter().filter(|(name, _)| services.iter().any(|service| name.starts_with(service)));
    of_services.map(|(_, cost)| cost).sum()
}

fn cost(costs: &Costs, name: &str) -> f64 {
    costs.get(name).copied().unwrap_or(0.0)
}

#[test]
fn busy_traffic_of_known_entities_keeps_to_the_goals() {
    let budgets = Budgets::read().0;
    let busy = Scenario::all().into_iter().filter(|scenario| scenario.known && scenario.traffic != Traffic::Sparse);
    for scenario in busy {
        let functions = &budgets[&scenario.to_string()];
        let intake = &functions["intake"];
        assert_eq!((requests(intake), cost(intake, "SQS SendMessage")), (1.0, 1.0), "{scenario}: intake");
        let processor = &functions["processor"];
        assert!(cost(processor, "DynamoDB UpdateItem") <= PROCESSOR_WRITES, "{scenario}: writes of the processor");
        assert!(cost(processor, "write units") <= PROCESSOR_WRITE_UNITS, "{scenario}: write units of the processor");
        if scenario.wanted.feedback {
            assert!(requests(&functions["feedback"]) <= FEEDBACK_REQUESTS, "{scenario}: requests of feedback");
            assert_eq!(cost(&functions["Visma Net"], "feedback"), 1.0, "{scenario}: calls to Visma Net");
        }
    }
}
