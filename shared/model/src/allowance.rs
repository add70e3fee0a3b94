//! How many calls to the ERP a tenant has, and how fast waiting notifications may continue.

use std::cmp::max;
use time::{Duration, OffsetDateTime};

/// The documented window: "X per hour per company and client" (docs/visma-net.md#rate-limits).
const WINDOW: Duration = Duration::HOUR;
/// Used if the ERP does not tell the limit. It is the only number that Visma has published
/// (docs/visma-net.md#rate-limits, `6-fixed-window`).
const ASSUMED_LIMIT: u64 = 500;

/// A tenant's longer wait for calls happens in the ledger, since SQS counts hidden messages as in
/// flight and bills every receipt.
pub const LONGEST_ON_QUEUE: std::time::Duration = std::time::Duration::from_secs(300);

/// The calls of a tenant that has used up its quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    pub tenant: String,
    /// Calls in a window of one hour, as the ERP reports them.
    pub limit: Option<u64>,
    /// Calls that one notification needs, with its feedback.
    pub calls_each: u64,
    /// The end of the used-up window.
    pub resets_at: OffsetDateTime,
    /// The quota up to this time has been given to waiting notifications; `None` before the first
    /// one.
    pub released_to: Option<OffsetDateTime>,
}

impl Allowance {
    /// Calls in an hour, reported or assumed.
    pub fn calls_per_hour(&self) -> u64 {
        self.limit.unwrap_or(ASSUMED_LIMIT).max(1)
    }

    /// How many may continue now. Unused quota adds up to one window at most.
    pub fn room(&self, now: OffsetDateTime) -> usize {
        let saved = now - self.given_to(now);
        let each = self.time_each();
        usize::try_from((saved.whole_milliseconds() / each.whole_milliseconds()).max(0)).unwrap_or(usize::MAX)
    }

    /// The time up to which the quota is used once this many have continued.
    #[must_use]
    pub fn given_after(&self, released: usize, now: OffsetDateTime) -> OffsetDateTime {
        self.given_to(now).saturating_add(self.time_for(released as u64))
    }

    /// The approximate time at which the last of this many continues.
    #[must_use]
    pub fn done_at(&self, waiting: u64, now: OffsetDateTime) -> OffsetDateTime {
        max(self.given_to(now), now).saturating_add(self.time_for(waiting))
    }

    fn given_to(&self, now: OffsetDateTime) -> OffsetDateTime {
        let saved_up = now - max(WINDOW, self.time_each());
        max(self.released_to.unwrap_or(self.resets_at), max(self.resets_at, saved_up))
    }

    /// The time of the quota that one notification uses.
    fn time_each(&self) -> Duration {
        max(self.time_for(1), Duration::MILLISECOND)
    }

    fn time_for(&self, notifications: u64) -> Duration {
        let calls = u128::from(notifications) * u128::from(self.calls_each.max(1));
        let millis = calls * WINDOW.whole_milliseconds().unsigned_abs() / u128::from(self.calls_per_hour());
        Duration::milliseconds(i64::try_from(millis).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    const RESET: OffsetDateTime = datetime!(2026-11-23 13:00 UTC);

    fn allowance(limit: Option<u64>) -> Allowance {
        Allowance { tenant: "t".into(), limit, calls_each: 1, resets_at: RESET, released_to: None }
    }

    #[test]
    fn notifications_wait_for_the_windows_end_and_then_follow_the_quota() {
        let allowance = allowance(Some(500));
        let room = |minutes| allowance.room(RESET + Duration::minutes(minutes));
        assert_eq!([room(-30), room(0), room(15), room(60), room(600)], [0, 0, 125, 500, 500]);
    }

    #[test]
    fn used_quota_is_not_given_twice() {
        let now = RESET + Duration::minutes(15);
        let released_to = Some(allowance(Some(500)).given_after(125, now));
        let next = Allowance { released_to, ..allowance(Some(500)) };
        assert_eq!([next.room(now), next.room(now + Duration::minutes(15))], [0, 125]);
        let used_up_again = Allowance { resets_at: RESET + Duration::HOUR, ..next };
        assert_eq!(used_up_again.room(now + Duration::minutes(15)), 0);
    }

    #[test]
    fn a_feedback_takes_a_call_as_well() {
        let allowance = Allowance { calls_each: 2, ..allowance(Some(500)) };
        assert_eq!(allowance.room(RESET + Duration::HOUR), 250);
        assert_eq!(allowance.done_at(25_000, RESET), RESET + Duration::hours(100));
    }

    #[test]
    fn fifty_times_the_hourly_quota_takes_fifty_hours() {
        let now = RESET - Duration::minutes(40);
        assert_eq!(allowance(Some(500)).done_at(25_000, now), RESET + Duration::hours(50));
        assert_eq!(allowance(None).calls_per_hour(), 500, "the published number, where none is told");
    }

    proptest! {
        #[test]
        fn in_any_hour_no_more_goes_on_than_two_windows_have(limit in 1..5_000u64, each in 1..3u64, steps in prop::collection::vec(1..120i64, 1..60)) {
            let mut allowance = Allowance { calls_each: each, ..allowance(Some(limit)) };
            let (mut now, mut gone) = (RESET, vec![]);
            for minutes in steps {
                now += Duration::minutes(minutes);
                let room = allowance.room(now);
                allowance.released_to = Some(allowance.given_after(room, now));
                prop_assert_eq!(allowance.room(now), 0);
                gone.push((now, room as u64 * each));
                let calls: u64 = gone.iter().filter(|(at, _)| now - *at < Duration::HOUR).map(|(_, calls)| calls).sum();
                prop_assert!(calls <= 2 * limit + 2 * each, "{calls} of {limit}");
            }
        }
    }
}
