//! Measures the clock of Visma Net's times without a zone (docs/visma-net.md#times-and-zones).

use crate::clock::Written;
use time::{Duration, OffsetDateTime, UtcOffset};

/// All offsets of zones are multiples of this.
const STEP: Duration = Duration::minutes(15);
/// Longest time between a change and its notification. It is below a step, or two offsets would
/// fit.
const SLOWEST: Duration = Duration::minutes(10);
/// The most that the sender's clock may be ahead of ours.
const AHEAD: Duration = Duration::minutes(1);
/// The range of all zones.
const OFFSETS: std::ops::RangeInclusive<Duration> = Duration::hours(-12)..=Duration::hours(14);

/// The offset of the clock that wrote `stamp`, the `lastModifiedDateTime` of a resource. The
/// notification of that change was received at `received_at`. `None` if the time has a zone or
/// cannot be read, or if no offset fits: then the notification was late, or the resource has
/// changed since.
pub fn observed(stamp: &str, received_at: OffsetDateTime) -> Option<UtcOffset> {
    let Written::WithoutZone(shown) = Written::parse(stamp)? else { return None };
    // The offset, less the delay of the notification.
    let ahead = shown.assume_utc() - received_at;
    let latest = (ahead + SLOWEST).whole_seconds();
    let offset = Duration::seconds(latest - latest.rem_euclid(STEP.whole_seconds()));
    let fits = offset >= ahead - AHEAD && OFFSETS.contains(&offset);
    fits.then(|| UtcOffset::from_whole_seconds(offset.whole_seconds().try_into().ok()?).ok())?
}

/// Whether the time has its own zone, so that no setting applies.
pub fn names_its_zone(stamp: &str) -> bool {
    matches!(Written::parse(stamp), Some(Written::WithZone(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Zone;
    use proptest::prelude::*;
    use time::macros::{datetime, offset};

    const RECEIVED: OffsetDateTime = datetime!(2026-11-28 12:00:03 UTC);

    #[test]
    fn the_offset_lies_between_the_stamp_and_the_notification() {
        for (stamp, expected) in [
            ("2026-11-28T12:00:00.123", Some(offset!(UTC))),
            ("2026-11-28T13:00:01", Some(offset!(+1))),
            ("2026-11-28 06:59:30", Some(offset!(-5))),
            ("2026-11-28T17:25:00", Some(offset!(+5:30))),
            ("2026-11-28T12:00:20", Some(offset!(UTC))),
            ("2026-11-28T11:48:00", None),
            ("2026-11-25T11:00:00", None),
            ("2026-11-28T12:00:00Z", None),
            ("yesterday", None),
        ] {
            assert_eq!(observed(stamp, RECEIVED), expected, "{stamp}");
            assert_eq!(names_its_zone(stamp), stamp.ends_with('Z'), "{stamp}");
        }
    }

    proptest! {
        #[test]
        fn the_offset_of_any_zone_is_found(at in 1_700_000_000..2_000_000_000_i64, took in -60..=600_i64) {
            let at = OffsetDateTime::from_unix_timestamp(at).unwrap();
            for name in ["UTC", "Europe/Oslo", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"] {
                let wall = Zone::named(name).unwrap().clock();
                let (shown, (hour, minute, second)) = (wall.show(at), wall.show(at).as_hms());
                let stamp = format!("{}T{hour:02}:{minute:02}:{second:02}", shown.date());
                prop_assert_eq!(observed(&stamp, at + Duration::seconds(took)), Some(wall.offset_at(at)));
            }
        }
    }
}
