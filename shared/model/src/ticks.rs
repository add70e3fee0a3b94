//! .NET ticks, one of Visma Net's two forms of a time (docs/visma-net.md#legacy-message).
//! `clock.rs` reads the other, text.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Ticks between 0001-01-01 and 1970-01-01.
const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;
/// 9999-12-31T23:59:59.9999999, the largest .NET `DateTime`.
const MAX_TICKS: i64 = 3_155_378_975_999_999_999;
const NANOS_PER_TICK: i128 = 100;
/// Smaller header timestamps are seconds instead of milliseconds (docs/visma-net.md#open-questions,
/// question 9).
const SECONDS_BELOW: i64 = 100_000_000_000;

/// A moment in units of 100 ns since 0001-01-01T00:00:00 UTC. It exceeds 2^53, so it never passes
/// through a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticks(i64);

impl Ticks {
    /// `None` outside the range of a .NET `DateTime`.
    pub fn new(ticks: i64) -> Option<Self> {
        (0..=MAX_TICKS).contains(&ticks).then_some(Self(ticks))
    }

    pub fn get(self) -> i64 {
        self.0
    }

    /// Rounds down to a whole tick; clamps to the years a .NET `DateTime` can hold.
    pub fn from_datetime(at: OffsetDateTime) -> Self {
        let ticks = at.unix_timestamp_nanos().div_euclid(NANOS_PER_TICK) + i128::from(UNIX_EPOCH_TICKS);
        let clamped = ticks.clamp(0, i128::from(MAX_TICKS));
        Self(i64::try_from(clamped).expect("clamped to i64's range"))
    }

    pub fn to_datetime(self) -> OffsetDateTime {
        let nanos = i128::from(self.0 - UNIX_EPOCH_TICKS) * NANOS_PER_TICK;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("every tick lies within the years 1 to 9999")
    }

    /// Reads a number as ticks, or as an epoch in milliseconds or seconds if it is too small for
    /// ticks.
    pub fn from_number(number: i64) -> Option<Self> {
        if number >= UNIX_EPOCH_TICKS {
            return Self::new(number);
        }
        Self::from_epoch(number)
    }

    /// Reads a Unix epoch in milliseconds, or in seconds below 1e11
    /// (docs/visma-net.md#open-questions, question 9).
    pub fn from_epoch(number: i64) -> Option<Self> {
        let millis = if (0..SECONDS_BELOW).contains(&number) { number.checked_mul(1000)? } else { number };
        if millis <= 0 {
            return None;
        }
        Self::new(millis.checked_mul(10_000)?.checked_add(UNIX_EPOCH_TICKS)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    #[test]
    fn reads_the_captured_legacy_timestamp() {
        let ticks = Ticks::new(637_969_430_208_130_000).unwrap();
        assert_eq!(ticks.to_datetime(), datetime!(2022-08-24 13:03:40.813 UTC));
    }

    #[test]
    fn header_timestamps_are_milliseconds_unless_they_are_too_small() {
        let expected = datetime!(2026-01-02 03:04:05 UTC);
        let seconds = expected.unix_timestamp();
        assert_eq!(Ticks::from_epoch(seconds * 1000).unwrap().to_datetime(), expected);
        assert_eq!(Ticks::from_epoch(seconds).unwrap().to_datetime(), expected);
        assert_eq!(Ticks::from_epoch(0), None);
        assert_eq!(Ticks::from_epoch(i64::MAX), None);
    }

    proptest! {
        #[test]
        fn ticks_survive_the_round_trip_through_a_datetime(raw in 0..=MAX_TICKS) {
            let ticks = Ticks::new(raw).unwrap();
            prop_assert_eq!(Ticks::from_datetime(ticks.to_datetime()), ticks);
        }

        #[test]
        fn the_later_moment_has_the_more_ticks(one in 0..=MAX_TICKS, other in 0..=MAX_TICKS) {
            let (one, other) = (Ticks::new(one).unwrap(), Ticks::new(other).unwrap());
            prop_assert_eq!(one.cmp(&other), one.to_datetime().cmp(&other.to_datetime()));
        }

        #[test]
        fn a_number_is_read_as_what_its_size_says(number in any::<i64>()) {
            let read = Ticks::from_number(number);
            if (UNIX_EPOCH_TICKS..=MAX_TICKS).contains(&number) {
                prop_assert_eq!(read.map(Ticks::get), Some(number));
            } else if let Some(ticks) = read {
                let seconds = ticks.to_datetime().unix_timestamp();
                prop_assert!(seconds == number || seconds == number.div_euclid(1000), "{} is {}", number, seconds);
            }
        }

        #[test]
        fn no_number_makes_the_reader_panic(number in any::<i64>()) {
            let _ = Ticks::from_number(number);
        }
    }
}
