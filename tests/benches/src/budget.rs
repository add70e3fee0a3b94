//! The budget of a notification: its cost when it was last reviewed.

use crate::count::{Count, Share};
use aws_fake::Service;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const FILE: &str = include_str!("../budgets.json");
/// The path of [`FILE`], for writing it again.
pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budgets.json");
/// Counts are the same in every run, but fractions are inexact.
const EXACT: f64 = 1e-9;

/// The cost of one notification, by what is counted.
pub type Costs = BTreeMap<String, f64>;

/// Keyed by function.
pub type ByFunction = BTreeMap<String, Costs>;

/// Keyed by scenario.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Budgets(pub BTreeMap<String, ByFunction>);

impl Budgets {
    /// # Panics
    /// The file is malformed.
    pub fn read() -> Self {
        serde_json::from_str(FILE).expect("budgets.json is what `calls --write` wrote")
    }

    /// Describes each difference in a sentence. Ignores scenarios that were not counted.
    pub fn differences(&self, actual: &Self) -> Vec<String> {
        let nothing = ByFunction::default();
        let of = |(name, actual): (&String, &ByFunction)| -> Vec<String> {
            let told = differences(self.0.get(name).unwrap_or(&nothing), actual);
            told.into_iter().map(|told| format!("{name}: {told}")).collect()
        };
        actual.0.iter().flat_map(of).collect()
    }

    /// A line for each function.
    pub fn to_text(&self) -> String {
        let scenarios = self.0.iter().map(|(name, functions)| {
            let functions = functions.iter().map(|(function, costs)| {
                let costs = serde_json::to_string(costs).expect("names and numbers always serialise");
                format!("    \"{function}\": {}", costs.replace("\":", "\": ").replace(",\"", ", \""))
            });
            format!("  \"{name}\": {{\n{}\n  }}", functions.collect::<Vec<_>>().join(",\n"))
        });
        format!("{{\n{}\n}}\n", scenarios.collect::<Vec<_>>().join(",\n"))
    }
}

/// The cost of one notification, by name.
pub fn costs(count: &Count) -> ByFunction {
    let of = |share| of_share(share, count.notifications);
    let shares =
        [("intake", of(&count.intake)), ("processor", of(&count.processor)), ("feedback", of(&count.feedback))];
    let mut functions: ByFunction = shares.into_iter().map(|(name, costs)| (name.to_owned(), costs)).collect();
    let visma = [("token", count.visma.token), ("resource", count.visma.resource), ("feedback", count.visma.feedback)];
    let visma = visma.into_iter().map(|(name, calls)| (name.to_owned(), each(calls as f64, count.notifications)));
    functions.insert("Visma Net".to_owned(), visma.filter(|(_, cost)| *cost > 0.0).collect());
    functions.retain(|_, costs| !costs.is_empty());
    functions
}

fn of_share(share: &Share, notifications: usize) -> Costs {
    let mut costs = Costs::new();
    for (operation, tally) in share.calls.iter() {
        let is_send = operation.service == Service::Sqs && operation.name.starts_with("SendMessage");
        if share.sends.is_none() || !is_send {
            costs.insert(operation.to_string(), each(tally.requests as f64, notifications));
        }
    }
    costs.extend(share.sends.map(|sends| ("SQS sends".to_owned(), sends.requests)));
    let sums = [
        ("write units", share.calls.write_units()),
        ("read units", share.calls.read_units()),
        ("SQS chunks", share.sqs_chunks(notifications)),
    ];
    costs.extend(sums.map(|(name, sum)| (name.to_owned(), each(sum, notifications))));
    costs.retain(|_, cost| *cost > 0.0);
    costs
}

fn each(sum: f64, notifications: usize) -> f64 {
    sum / notifications as f64
}

fn differences(budget: &ByFunction, actual: &ByFunction) -> Vec<String> {
    let names = |functions: &ByFunction| -> Vec<(String, String)> {
        let names = |(function, costs): (&String, &Costs)| {
            costs.keys().map(|name| (function.clone(), name.clone())).collect::<Vec<_>>()
        };
        functions.iter().flat_map(names).collect()
    };
    let mut all = names(budget);
    all.extend(names(actual));
    all.sort();
    all.dedup();
    let cost = |functions: &ByFunction, (function, name): &(String, String)| {
        functions.get(function).and_then(|costs| costs.get(name)).copied().unwrap_or(0.0)
    };
    let found = all.iter().filter_map(|name| difference(name, cost(budget, name), cost(actual, name)));
    found.collect()
}

fn difference((function, name): &(String, String), budget: f64, actual: f64) -> Option<String> {
    if actual > budget + EXACT {
        return Some(format!("{function}: {name} rose from {budget} to {actual} a notification"));
    }
    (actual < budget - EXACT).then(|| {
        format!("{function}: {name} fell from {budget} to {actual} a notification: keep it, with `cargo run -p benches --bin calls -- --write`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(function: &str, costs: &[(&str, f64)]) -> ByFunction {
        let costs = costs.iter().map(|(name, cost)| ((*name).to_owned(), *cost)).collect();
        BTreeMap::from([(function.to_owned(), costs)])
    }

    #[test]
    fn reports_higher_lower_and_new_costs() {
        let budget = of("intake", &[("a", 1.0), ("b", 1.0), ("c", 1.0)]);
        let actual = of("intake", &[("a", 1.0), ("b", 1.01), ("c", 0.5), ("d", 0.1)]);
        let told = differences(&budget, &actual);
        let expected = ["b rose from 1 to 1.01", "c fell from 1 to 0.5", "d rose from 0 to 0.1"];
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let budgets = Budgets(BTreeMap::from([("sparse".to_owned(), of("intake", &[("SQS SendMessage", 1.0)]))]));
        assert_eq!(serde_json::from_str::<Budgets>(&budgets.to_text()).unwrap(), budgets);
    }
}
