//! Sums up many tenants: those with problems first, and their number.

use crate::commands::check::{Check, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Up to this many tenants, each is shown.
const FEW: usize = 5;
/// The most tenants with problems to show.
const MOST: usize = 20;

/// The checks that people see. With up to five tenants, all of them.
#[must_use]
pub fn summary(checks: &[Check], tenants: &[String]) -> Vec<Check> {
    let known: BTreeSet<&str> = tenants.iter().map(String::as_str).collect();
    let tenant = |check: &Check| {
        let (_, name) = check.name.rsplit_once(" of ")?;
        known.get(name).map(|name| (*name).to_owned())
    };
    if known.len() <= FEW {
        return checks.to_vec();
    }
    let mut of_tenants = BTreeMap::<String, Vec<Check>>::new();
    let mut others = vec![];
    let mut place = None;
    for check in checks {
        if let Some(name) = tenant(check) {
            place.get_or_insert(others.len());
            of_tenants.entry(name).or_default().push(check.clone());
        } else {
            others.push(check.clone());
        }
    }
    let place = place.unwrap_or(others.len());
    let behind = others.split_off(place);
    others.extend(in_few_lines(of_tenants));
    others.extend(behind);
    others
}

fn in_few_lines(of_tenants: BTreeMap<String, Vec<Check>>) -> Vec<Check> {
    let all = of_tenants.len();
    let mut ill: Vec<Vec<Check>> = of_tenants.into_values().filter(|checks| worst(checks) > 0).collect();
    let well = all - ill.len();
    ill.sort_by_key(|checks| std::cmp::Reverse(worst(checks)));
    let left_out = ill.len().saturating_sub(MOST);
    let mut shown: Vec<Check> = ill.into_iter().take(MOST).flatten().filter(|check| weight(check) > 0).collect();
    if left_out > 0 {
        let advice = "See all of them: visma-webhooks doctor --output json.";
        shown.push(Check::warning("more tenants", format!("{left_out} more are not well"), advice));
    }
    if all > 0 {
        shown.push(Check::ok("tenants", format!("{well} of {all} are well")));
    }
    shown
}

fn worst(checks: &[Check]) -> u8 {
    checks.iter().map(weight).max().unwrap_or_default()
}

fn weight(check: &Check) -> u8 {
    match check.verdict {
        Verdict::Failed => 3,
        Verdict::Unknown => 2,
        Verdict::Warning => 1,
        Verdict::Ok | Verdict::Skipped => 0,
    }
}
