//! The decisions of a run, in order. Zero is always the uneventful decision, so a shorter list or
//! one with more zeros is a simpler story.

/// The source of decisions: a seed, or a given list.
#[derive(Debug)]
pub(crate) struct Choices {
    rng: fastrand::Rng,
    script: Option<Vec<u32>>,
    log: Vec<u32>,
}

impl Choices {
    /// Decisions of a script. After its end, all decisions are zero.
    pub(crate) fn new(seed: u64, script: Option<Vec<u32>>) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed), script, log: Vec::new() }
    }

    /// One of the options, as often as its weight says. An option with weight zero is never chosen.
    pub(crate) fn pick(&mut self, weights: &[u32]) -> usize {
        let total: u32 = weights.iter().sum();
        if total == 0 || weights[0] == total {
            return 0;
        }
        let picked = match &self.script {
            Some(script) => scripted(script.get(self.log.len()).copied().unwrap_or(0) as usize, weights),
            None => weighted(self.rng.u32(0..total), weights),
        };
        self.log.push(u32::try_from(picked).expect("there are few options"));
        picked
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.pick(&vec![1; count])
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
