//! Plans the faults and their times. The same seed gives the same plan; the machine decides what
//! the functions do at those times.

use super::aws::Function;
use fastrand::Rng;
use standin::{Endpoint, Fault, Outage};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

const KINDS: u32 = 26;
const RESTART_EVERY: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// `kill -9` of one process, if one runs.
    Kill(Function),
    RestartAws,
    /// The company's ERP goes down, or up again with `None`.
    Outage {
        company: usize,
        outage: Option<Outage>,
    },
    /// The answers to the next calls of the endpoint.
    Answers {
        company: usize,
        endpoint: Endpoint,
        faults: Vec<Fault>,
    },
    RevokeTokens {
        company: usize,
    },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// In the order of time.
    pub(super) acts: Vec<(Duration, Act)>,
}

impl Plan {
    /// Acts within `length`, several per second, with a restart in the middle of each section.
    pub(super) fn new(seed: u64, length: Duration, companies: usize) -> Self {
        let (mut rng, mut acts, mut at, mut deck) = (Rng::with_seed(seed), vec![], Duration::ZERO, vec![]);
        loop {
            at += Duration::from_millis(rng.u64(200..700));
            if at >= length {
                break;
            }
            // Cards instead of dice, so that even a short plan has every kind.
            if deck.is_empty() {
                deck.extend(0..KINDS);
                rng.shuffle(&mut deck);
            }
            let card = deck.pop().expect("it was filled");
            act(&mut rng, card, at, companies, &mut acts);
        }
        let stretches = u32::try_from(length.as_secs() / RESTART_EVERY.as_secs()).unwrap_or(u32::MAX).max(1);
        let restarts =
            (0..stretches).map(|number| (length / stretches * number + length / stretches / 2, Act::RestartAws));
        acts.extend(restarts);
        acts.sort_by_key(|(at, _)| *at);
        Self { acts }
    }
}

fn act(rng: &mut Rng, card: u32, at: Duration, companies: usize, acts: &mut Vec<(Duration, Act)>) {
    let company = rng.usize(..companies);
    let endpoint = [Endpoint::Resource, Endpoint::Feedback][rng.usize(..2)];
    let answers = |faults| Act::Answers { company, endpoint, faults };
    let new = match card {
        0..5 => Act::Kill(Function::Processor),
        5..9 => Act::Kill(Function::Feedback),
        9..12 => Act::Kill(Function::Intake),
        12..14 => {
            let outage = [Outage::Unavailable, Outage::Dropped][rng.usize(..2)];
            acts.push((at + Duration::from_millis(rng.u64(500..3000)), Act::Outage { company, outage: None }));
            Act::Outage { company, outage: Some(outage) }
        }
        14..16 => answers(vec![Fault::retry_after(429, rng.u64(1..3)); rng.usize(3..12)]),
        // The longest of these is longer than a function may run.
        16..18 => {
            let milliseconds = [800, 2000, 6000][rng.usize(..3)];
            answers(vec![Fault::Slow { milliseconds }; rng.usize(1..6)])
        }
        18..20 => answers(vec![Fault::status(500), Fault::Lost, Fault::Drop, Fault::status(401), Fault::Lost]),
        20 => Act::RevokeTokens { company },
        21..23 => Act::Kill(Function::Repair),
        23..25 => Act::Kill(Function::Operations),
        // It is parked until an operator resends it.
        _ => Act::Answers { company, endpoint: Endpoint::Feedback, faults: vec![Fault::status(400); 2] },
    };
    acts.push((at, new));
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = BTreeMap::<&str, usize>::new();
        for (_, act) in &self.acts {
            let name = match act {
                Act::Kill(_) => continue,
                Act::Outage { outage: None, .. } => continue,
                Act::RestartAws => "restarts of AWS",
                Act::Outage { .. } => "outages of the ERP",
                Act::RevokeTokens { .. } => "revocations of tokens",
                Act::Answers { faults, .. } => match faults[0] {
                    Fault::Status { status: 429, .. } => "storms of 429",
                    Fault::Status { status: 400, .. } => "refusals of feedback",
                    Fault::Slow { .. } => "slow stretches",
                    _ => "errors and lost answers",
                },
            };
            *counts.entry(name).or_default() += 1;
        }
        let counts: Vec<_> = counts.into_iter().map(|(name, count)| format!("{count} {name}")).collect();
        f.write_str(&counts.join(", "))
    }
}

#[test]
fn the_same_seed_is_the_same_plan_and_another_one_is_not() {
    let plan = |seed| Plan::new(seed, Duration::from_secs(25), 3);
    assert_eq!(plan(7), plan(7));
    assert_ne!(plan(7), plan(8));
}

#[test]
fn a_short_plan_has_every_kind_of_fault() {
    for seed in 0..100 {
        let told = Plan::new(seed, Duration::from_secs(20), 3).to_string();
        assert_eq!(told.split(", ").count(), 7, "{seed}: {told}");
    }
}

#[test]
fn a_long_plan_restarts_aws_every_two_minutes_and_is_in_order() {
    let plan = Plan::new(1, Duration::from_secs(600), 3);
    assert_eq!(plan.acts.iter().filter(|(_, act)| *act == Act::RestartAws).count(), 5);
    assert!(plan.acts.is_sorted_by_key(|(at, _)| *at));
}
