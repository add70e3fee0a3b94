//! The design's goals for busy traffic, compared with the budgets. Other tests compare the budgets
//! with the counts.

use benches::budget::{Budgets, Costs};
use benches::scenario::{Scenario, Traffic};

/// Requests to AWS that feedback may make per notification, besides the one to Visma Net.
const FEEDBACK_REQUESTS: f64 = 1.2;
const PROCESSOR_WRITES: f64 = 2.0;
const PROCESSOR_WRITE_UNITS: f64 = 4.0;

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
