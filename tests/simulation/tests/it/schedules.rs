//! Runs five thousand schedules in continuous integration, half of them on each core.

use simulation::{Met, Plan, run, shortest};
use std::collections::BTreeMap;
use std::time::Instant;

const EACH: u64 = 2_500;
const RUNS_TO_SHORTEN: usize = 2_000;

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
