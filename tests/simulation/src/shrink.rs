//! Shortens a failing run while the same invariant breaks.

use crate::check::Violation;
use crate::run::{Outcome, Plan, run};

/// Removes decisions or makes them uneventful while the same invariant breaks, in a limited number
/// of runs. The outcome has its story.
pub fn shortest(plan: &Plan, broken: &Violation, most_runs: usize) -> Outcome {
    let mut search = Search { plan: plan.clone(), broken: broken.clone(), runs_left: most_runs };
    let mut best = run(plan).script;
    loop {
        let before = best.clone();
        search.remove(&mut best);
        search.calm(&mut best);
        if best == before || search.runs_left == 0 {
            break;
        }
    }
    run(&Plan { script: Some(best), tells: true, ..plan.clone() })
}

struct Search {
    plan: Plan,
    broken: Violation,
    runs_left: usize,
}

impl Search {
    fn fails(&mut self, script: &[u32]) -> bool {
        if self.runs_left == 0 {
            return false;
        }
        self.runs_left -= 1;
        let outcome = run(&Plan { script: Some(script.to_vec()), ..self.plan.clone() });
        outcome.violation.is_some_and(|violation| violation.invariant == self.broken.invariant)
    }

    /// Ranges of decisions, the longest first, and from the end, where they matter least.
    fn remove(&mut self, best: &mut Vec<u32>) {
        let mut length = best.len().next_power_of_two();
        while length > 0 {
            let mut end = best.len();
            while end > 0 {
                let start = end.saturating_sub(length);
                let shorter: Vec<u32> = best[..start].iter().chain(&best[end..]).copied().collect();
                if self.fails(&shorter) {
                    *best = shorter;
                }
                end = start;
            }
            length /= 2;
        }
    }

    fn calm(&mut self, best: &mut Vec<u32>) {
        let mut length = best.len().next_power_of_two() / 2;
        while length > 0 {
            for start in (0..best.len()).step_by(length) {
                let end = (start + length).min(best.len());
                if best[start..end].iter().all(|choice| *choice == 0) {
                    continue;
                }
                let mut calmer = best.clone();
                calmer[start..end].fill(0);
                if self.fails(&calmer) {
                    *best = calmer;
                }
            }
            length /= 2;
        }
    }
}
