//! The decisions of a run, in order, and the search for fewer of them while the same invariant
//! breaks. Zero is always the uneventful decision, so a shorter list or one with more zeros is a
//! simpler story.

use crate::check::Violation;
use crate::run::{Outcome, Plan, run};

/// The source of decisions: a seed, or a given list.
#[derive(Debug)]
pub(crate) struct Choices {
    rng: fastrand::Rng,
    /// For decisions that were added later, so that the others of a seed stay the same.
    aside: fastrand::Rng,
    script: Option<Vec<u32>>,
    log: Vec<u32>,
}

impl Choices {
    /// Decisions of a script. After its end, all decisions are zero.
    pub(crate) fn new(seed: u64, script: Option<Vec<u32>>) -> Self {
        let [rng, aside] = [seed, seed ^ 0xa51de].map(fastrand::Rng::with_seed);
        Self { rng, aside, script, log: Vec::new() }
    }

    /// One of the options, as often as its weight says. An option with weight zero is never chosen.
    pub(crate) fn pick(&mut self, weights: &[u32]) -> usize {
        self.decide(weights, false)
    }

    /// The same from the other source.
    pub(crate) fn pick_aside(&mut self, weights: &[u32]) -> usize {
        self.decide(weights, true)
    }

    fn decide(&mut self, weights: &[u32], is_aside: bool) -> usize {
        let total: u32 = weights.iter().sum();
        if total == 0 || weights[0] == total {
            return 0;
        }
        let rng = if is_aside { &mut self.aside } else { &mut self.rng };
        let picked = match &self.script {
            Some(script) => scripted(script.get(self.log.len()).copied().unwrap_or(0) as usize, weights),
            None => weighted(rng.u32(0..total), weights),
        };
        self.log.push(u32::try_from(picked).expect("there are few options"));
        picked
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.pick(&vec![1; count])
    }

    pub(crate) fn below_aside(&mut self, count: usize) -> usize {
        self.pick_aside(&vec![1; count])
    }

    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.pick(&[1000 - per_mille.min(1000), per_mille]) == 1
    }

    pub(crate) fn into_log(self) -> Vec<u32> {
        self.log
    }
}

fn weighted(mut at: u32, weights: &[u32]) -> usize {
    for (option, weight) in weights.iter().enumerate() {
        if at < *weight {
            return option;
        }
        at -= weight;
    }
    0
}

/// A shortened list may name an option that no longer exists.
fn scripted(wanted: usize, weights: &[u32]) -> usize {
    let wanted = wanted.min(weights.len() - 1);
    if weights[wanted] > 0 { wanted } else { weights.iter().position(|weight| *weight > 0).unwrap_or(0) }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_aside_do_not_change_the_others_of_a_seed() {
        let decisions = |aside: usize| {
            let mut choices = Choices::new(7, None);
            let mut others = Vec::new();
            for _ in 0..20 {
                for _ in 0..aside {
                    choices.below_aside(3);
                }
                others.push(choices.below(1000));
            }
            others
        };
        assert_eq!(decisions(0), decisions(2));
    }
}
