//! The checks can fail: every planted bug is found, as the invariant it breaks, and told in a story of a few lines.

use clap::ValueEnum;
use simulation::{Outcome, Plan, Sabotage, Violation, run, shortest};

/// Within so many schedules each must be caught.
const SCHEDULES: u64 = 3_000;
const RUNS_TO_SHORTEN: usize = 1_500;

fn first_caught(sabotage: Sabotage) -> Option<(Plan, Violation)> {
    (0..SCHEDULES).find_map(|seed| {
        let plan = Plan { seed, sabotage: Some(sabotage), ..Plan::default() };
        Some((plan.clone(), run(&plan).violation?))
    })
}

#[test]
fn every_planted_bug_is_caught_as_the_invariant_it_breaks() {
    let mut missed = Vec::new();
    for sabotage in Sabotage::value_variants() {
        match first_caught(*sabotage) {
            Some((plan, violation)) => {
                println!("| {sabotage:?} | {} | {} | {violation}", violation.invariant as u8, plan.seed + 1);
                if violation.invariant != sabotage.breaks() {
                    missed.push(format!("{sabotage:?} showed as {violation}"));
                }
            }
            None => missed.push(format!("{sabotage:?} was not caught in {SCHEDULES} schedules")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_story_of_a_failing_seed_is_shortened_and_still_breaks_the_same_invariant() {
    let (plan, violation) = first_caught(Sabotage::AckBeforeSend).expect("caught, as the other test says");
    let long = run(&Plan { tells: true, ..plan.clone() });
    let Outcome { violation: broken, story, .. } = shortest(&plan, &violation, RUNS_TO_SHORTEN);
    assert_eq!(broken.expect("it still fails").invariant, violation.invariant);
    assert!(story.len() <= long.story.len() && story.len() < 20, "{}", story.join("\n"));
}
