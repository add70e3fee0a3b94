//! The graph of the crates in ARCHITECTURE.md.

use crate::sources::{dependencies, layer, root};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// `a & b --> c & d --> e`, line by line.
fn drawn(text: &str) -> Graph {
    let mut graph = Graph::new();
    for line in text.lines() {
        let steps: Vec<Vec<&str>> = line.split("-->").map(|names| names.split('&').map(str::trim).collect()).collect();
        for pair in steps.windows(2) {
            for from in &pair[0] {
                graph.entry((*from).to_owned()).or_default().extend(pair[1].iter().map(|to| (*to).to_owned()));
            }
        }
    }
    graph
}

fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![from.to_owned()];
    while let Some(next) = waiting.pop() {
        let others = graph.get(&next).into_iter().flatten();
        waiting.extend(others.filter(|other| found.insert((*other).clone())).cloned());
    }
    found
}

/// Removes edges that follow from others.
fn reduced(graph: &Graph) -> Graph {
    let needless = |others: &BTreeSet<String>, one: &String| {
        others.iter().any(|other| other != one && reached(graph, other).contains(one))
    };
    let kept = graph.iter().map(|(from, others)| {
        let kept = others.iter().filter(|one| !needless(others, one)).cloned();
        (from.clone(), kept.collect::<BTreeSet<_>>())
    });
    kept.filter(|(_, others)| !others.is_empty()).collect()
}

#[test]
fn architecture_draws_the_dependencies_of_the_crates() {
    let name = |folder: &str| folder.rsplit('/').next().unwrap_or_default().to_owned();
    let real: Graph = dependencies()
        .into_iter()
        .filter(|(folder, _)| layer(folder).is_some())
        .map(|(folder, others)| (name(&folder), others.iter().map(|other| name(other)).collect()))
        .collect();
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let graph = text.split("```mermaid").nth(1).and_then(|rest| rest.split("```").next()).expect("a graph");
    assert_eq!(drawn(graph), reduced(&real));
}
