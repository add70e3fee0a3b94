//! Runs five thousand schedules in continuous integration, half of them on each core. Also proves
//! that the checks can fail: they find every planted bug as a violation of its invariant, with a
//! story of a few lines.

use clap::ValueEnum;
use simulation::{Met, Outcome, Plan, Planted, Sabotage, Violation, run, shortest};
use std::collections::BTreeMap;
use std::time::Instant;

const EACH: u64 = 2_500;
const RUNS_TO_SHORTEN: usize = 2_000;
/// The number of schedules within which each bug must be caught.
const SCHEDULES: u64 = 3_000;
/// Some fine bugs show only if several faults happen in a certain order.
const SCHEDULES_OF_FINE_BUGS: u64 = 20_000;
const RUNS_TO_SHORTEN_A_PLANTED_BUG: usize = 1_500;

/// Runs these seeds, and fails with the shortest story of the first that breaks an invariant.
fn no_invariant_breaks(seeds: std::ops::Range<u64>) {
    let (start, count) = (Instant::now(), seeds.end - seeds.start);
    let (mut accepted, mut faults) = (0, 0);
    let mut met = BTreeMap::from(Met::ALL.map(|what| (what, 0)));
    for seed in seeds {
        let plan = Plan { seed, ..Plan::default() };
        let outcome = run(&plan);
        if let Some(violation) = outcome.violation {
            let story = shortest(&plan, &violation, RUNS_TO_SHORTEN).story.join("\n");
            panic!("seed {seed} breaks {violation}\n{story}\n\ncargo xtask simulate --seed {seed}");
        }
        accepted += outcome.accepted;
        faults += outcome.faults;
        outcome.met.into_iter().for_each(|what| *met.entry(what).or_default() += 1);
    }
    println!("{count} schedules, {:.0} a second; met: {met:?}", count as f64 / start.elapsed().as_secs_f64());
    // A simulation without events would find nothing.
    assert!(accepted as u64 > count && u64::from(faults) > count, "{accepted} notifications, {faults} faults");
    assert!(met.values().all(|schedules| *schedules > 0), "{met:?}");
}

#[test]
fn no_invariant_breaks_in_the_first_half_of_the_schedules() {
    no_invariant_breaks(0..EACH);
}

#[test]
fn no_invariant_breaks_in_the_second_half_of_the_schedules() {
    no_invariant_breaks(EACH..2 * EACH);
}

#[test]
fn a_seed_replays_its_run_exactly() {
    for seed in 0..50 {
        let plan = Plan { seed, tells: true, ..Plan::default() };
        let (first, second) = (run(&plan), run(&plan));
        assert_eq!(first.story, second.story, "seed {seed}");
        let scripted = run(&Plan { script: Some(first.script.clone()), ..plan });
        assert_eq!(first.story, scripted.story, "seed {seed} by its script");
        assert!(!first.story.is_empty());
    }
}

/// The first schedule with a violation that counts.
fn first_caught(bug: &Plan, schedules: u64, counts: impl Fn(&Violation) -> bool) -> Option<(Plan, Violation)> {
    (0..schedules).find_map(|seed| {
        let plan = Plan { seed, ..bug.clone() };
        let violation = run(&plan).violation.filter(&counts)?;
        Some((plan, violation))
    })
}

fn sabotaged(sabotage: Sabotage) -> Option<(Plan, Violation)> {
    // It may break other promises first.
    let plan = Plan { sabotage: Some(sabotage), ..Plan::default() };
    first_caught(&plan, SCHEDULES, |found| found.invariant == sabotage.breaks())
}

#[test]
fn every_planted_bug_is_caught_by_its_invariant() {
    let mut missed = Vec::new();
    for sabotage in Sabotage::value_variants() {
        match sabotaged(*sabotage) {
            Some((plan, violation)) => {
                println!("| {sabotage:?} | {} | {} | {violation}", violation.invariant as u8, plan.seed + 1);
            }
            None => missed.push(format!("{sabotage:?} was not caught in {SCHEDULES} schedules")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Every third fine bug from `first` on, so that three tests share them.
fn fine_bugs_are_caught(first: usize) {
    let mut missed = Vec::new();
    for bug in Planted::value_variants().iter().skip(first).step_by(3) {
        let planted = Plan { planted: Some(*bug), ..Plan::default() };
        // A fine bug may break other promises first. The check of its own promise must find it too.
        match first_caught(&planted, SCHEDULES_OF_FINE_BUGS, |found| found.invariant == bug.breaks()) {
            Some((plan, violation)) => {
                println!(
                    "| {} | {bug:?} | {} | {} | {violation}",
                    bug.number(),
                    violation.invariant as u8,
                    plan.seed + 1
                );
            }
            None => missed.push(format!("{bug:?} was not caught in {SCHEDULES_OF_FINE_BUGS} schedules")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_first_third_of_the_fine_bugs_is_caught() {
    fine_bugs_are_caught(0);
}

#[test]
fn the_second_third_of_the_fine_bugs_is_caught() {
    fine_bugs_are_caught(1);
}

#[test]
fn the_last_third_of_the_fine_bugs_is_caught() {
    fine_bugs_are_caught(2);
}

#[test]
fn a_fine_bug_is_chosen_by_its_number_or_its_name() {
    for bug in Planted::value_variants() {
        let name = bug.to_possible_value().expect("none is skipped").get_name().to_owned();
        assert_eq!(Planted::parse(&bug.number().to_string()), Ok(*bug));
        assert_eq!(Planted::parse(&name), Ok(*bug));
    }
    let behind = Planted::value_variants().len() + 1;
    assert!(Planted::parse("0").is_err() && Planted::parse(&behind.to_string()).is_err());
}

#[test]
fn the_story_of_a_failing_seed_is_shortened_and_still_breaks_the_same_invariant() {
    let (plan, violation) = sabotaged(Sabotage::AckBeforeSend).expect("caught, as the other test says");
    let long = run(&Plan { tells: true, ..plan.clone() });
    let Outcome { violation: broken, story, .. } = shortest(&plan, &violation, RUNS_TO_SHORTEN_A_PLANTED_BUG);
    assert_eq!(broken.expect("it still fails").invariant, violation.invariant);
    assert!(story.len() <= long.story.len() && story.len() < 20, "{}", story.join("\n"));
}
