//! Durations, as a small histogram for percentiles.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::Duration;

/// Longer durations count as this: 34 years.
const LONGEST: u64 = 1 << 40;

/// Counts by duration. Each doubling has four buckets, so a percentile is at most a quarter too
/// high, and never too low.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spread(BTreeMap<u8, u64>);

impl Spread {
    pub fn add(&mut self, took: Duration) {
        *self.0.entry(bucket(millis(took))).or_default() += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            *self.0.entry(*bucket).or_default() += count;
        }
    }

    /// The milliseconds within which this many percent ended. `None` if nothing was counted.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let all: u64 = self.0.values().sum();
        let rank = (all * percent).div_ceil(100).max(1);
        let mut counted = 0;
        let found = self.0.iter().find(|(_, count)| {
            counted += **count;
            counted >= rank
        });
        found.map(|(bucket, _)| longest_of(*bucket))
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.whole_milliseconds()).unwrap_or(0).clamp(1, LONGEST)
}

/// The doubling and its quarter.
fn bucket(millis: u64) -> u8 {
    let doubling = millis.ilog2();
    let quarter = ((millis << 2) >> doubling) & 3;
    u8::try_from(u64::from(doubling) * 4 + quarter).expect("the longest is in bucket 160")
}

/// The longest duration of a bucket, in milliseconds.
fn longest_of(bucket: u8) -> u64 {
    let (doubling, quarter) = (u32::from(bucket / 4).min(40), u64::from(bucket % 4));
    ((5 + quarter) << doubling).div_ceil(4) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread(all: &[u64]) -> Spread {
        let mut spread = Spread::default();
        for millis in all {
            spread.add(Duration::milliseconds(i64::try_from(*millis).unwrap()));
        }
        spread
    }

    #[test]
    fn an_empty_spread_has_no_percentile_and_zero_counts_as_a_millisecond() {
        assert_eq!(Spread::default().percentile(50), None);
        let mut spread = Spread::default();
        spread.add(Duration::seconds(-5));
        assert_eq!(spread.percentile(95), Some(1), "clocks differ");
    }

    #[test]
    fn a_spread_is_written_small_and_read_again() {
        let spread = spread(&[120, 120, 4_000]);
        let json = serde_json::to_string(&spread).unwrap();
        assert_eq!(json, r#"{"27":2,"47":1}"#);
        assert_eq!(serde_json::from_str::<Spread>(&json).unwrap(), spread);
    }

    proptest! {
        #[test]
        fn a_percentile_is_never_too_low_and_at_most_a_quarter_too_high(
            mut all in prop::collection::vec(1..10_000_000_000_u64, 1..200), percent in 1..=100_u64
        ) {
            let read = spread(&all).percentile(percent).unwrap();
            all.sort_unstable();
            let exact = all[(all.len() * percent as usize).div_ceil(100).max(1) - 1];
            prop_assert!(exact <= read && read <= exact + exact / 4, "{exact} read as {read}");
        }

        #[test]
        fn merged_spreads_are_the_spread_of_all(
            one in prop::collection::vec(0..1_000_000_u64, 0..50), other in prop::collection::vec(0..1_000_000_u64, 0..50)
        ) {
            let mut merged = spread(&one);
            merged.merge(&spread(&other));
            prop_assert_eq!(merged, spread(&[one, other].concat()));
        }
    }
}
