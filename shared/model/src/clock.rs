//! Reads the times of Visma Net (docs/visma-net.md#bodies, docs/visma-net.md#lists). Many have no
//! zone (docs/visma-net.md#times-and-zones), and the sender's clock shows one hour of autumn twice.

use crate::ticks::Ticks;
use crate::zone::{WallClock, Zone};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

/// Largest difference between the sender's clock and ours. A time that was read just before its
/// second moment may be up to twice that too late.
pub const SKEW: Duration = Duration::minutes(1);

/// An earlier time was never set (docs/visma-net.md#times-and-zones).
const EARLIEST: OffsetDateTime = time::macros::datetime!(2000-01-01 0:00 UTC);
/// A time further ahead of ours is wrong: no two zones are so far apart.
const AHEAD: Duration = Duration::days(2);

/// How to read times without a zone: the sender's clock, and the time of receipt.
#[derive(Debug, Clone)]
pub struct Clock {
    wall: WallClock,
    now: OffsetDateTime,
}

/// A moment as it was read. A time that the sender's clock showed twice has two readings. The later
/// one applies as soon as it has passed: a resource that still shows this time has not changed
/// since the earlier reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    at: Ticks,
    first: Ticks,
    latest: Ticks,
}

/// A time as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    WithZone(OffsetDateTime),
    WithoutZone(PrimitiveDateTime),
}

impl Clock {
    pub fn new(zone: Zone, now: OffsetDateTime) -> Self {
        Self { wall: zone.clock(), now }
    }

    /// Reads `2024-05-27T18:12:55.7720784Z`, an offset instead of `Z`, a space instead of `T`, or
    /// no zone. A time without a zone is read by the sender's clock. `None` for a time that cannot
    /// be right.
    pub fn read(&self, text: &str) -> Option<Stamp> {
        let [first, second] = match Written::parse(text)? {
            Written::WithZone(at) => [at, at],
            Written::WithoutZone(shown) => self.wall.readings(shown),
        };
        if !self.is_credible(first) {
            return None;
        }
        if first == second {
            return Some(Ticks::from_datetime(first).into());
        }
        let at = if second <= self.now + SKEW { second } else { first };
        let [at, first, latest] = [at, first, at + SKEW * 2].map(Ticks::from_datetime);
        Some(Stamp { at, first, latest })
    }

    /// The same for .NET ticks or a Unix epoch, both taken for UTC.
    pub(crate) fn read_number(&self, number: i64) -> Option<Ticks> {
        Ticks::from_number(number).filter(|at| self.is_credible(at.to_datetime()))
    }

    fn is_credible(&self, at: OffsetDateTime) -> bool {
        at >= EARLIEST && at - self.now <= AHEAD
    }
}

/// The latest time that can be right at `now`.
pub fn latest_credible(now: OffsetDateTime) -> Ticks {
    Ticks::from_datetime(now + AHEAD)
}

impl From<Ticks> for Stamp {
    fn from(at: Ticks) -> Self {
        Self { at, first: at, latest: at }
    }
}

impl Stamp {
    /// The most likely moment.
    pub fn at(self) -> Ticks {
        self.at
    }

    /// The other possible moment, or the same one if there is only one.
    pub fn first(self) -> Ticks {
        self.first
    }

    /// The latest version of another state that this state may still be newer than.
    pub fn latest(self) -> Ticks {
        self.latest
    }

    /// Whether `version` is this state or certainly a newer one. False in case of doubt.
    pub fn is_known_by(self, version: Ticks) -> bool {
        version == self.at || version == self.first || version > self.latest
    }

    pub fn is_certain(self) -> bool {
        self.at == self.latest
    }
}

impl Written {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Some(Self::WithZone(at));
        }
        let zoneless = time::macros::format_description!(
            version = 2,
            "[year]-[month]-[day][first [T] [ ]][hour]:[minute]:[second][optional [.[subsecond]]]"
        );
        PrimitiveDateTime::parse(text, &zoneless).ok().map(Self::WithoutZone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::UtcOffset;
    use time::macros::datetime;

    const OSLO: &str = "Europe/Oslo";

    fn read(zone: &str, text: &str, now: OffsetDateTime) -> Stamp {
        Clock::new(Zone::named(zone).unwrap(), now).read(text).unwrap()
    }

    fn utc(text: &str) -> Option<Ticks> {
        Clock::new(Zone::UTC, datetime!(2026-11-23 12:00 UTC)).read(text).map(Stamp::at)
    }

    #[test]
    fn seven_fraction_digits_are_kept() {
        let ticks = utc("2024-05-27T18:12:55.7720784Z").unwrap();
        assert_eq!(ticks.get() % 10_000_000, 7_720_784);
        assert_eq!(utc("2024-05-27T20:12:55.7720784+02:00"), Some(ticks));
        assert_eq!(utc("2024-05-27 18:12:55.7720784"), Some(ticks));
        assert_eq!(utc("2024-05-27 18:12:55.7720784Z"), Some(ticks));
        assert_eq!(utc("2024-05-27T18:12"), None);
    }

    #[test]
    fn a_time_that_cannot_be_right_is_no_time() {
        let now = datetime!(2026-11-23 12:00 UTC);
        for (zone, text, is_time) in [
            ("UTC", "0001-01-01T00:00:00", false),
            ("UTC", "0001-01-01T00:00:00Z", false),
            (OSLO, "0001-01-01T00:00:00", false),
            ("UTC", "1999-12-31T23:59:59", false),
            ("UTC", "2000-01-01T00:00:00", true),
            ("UTC", "2026-11-25T12:00:00", true),
            ("UTC", "2026-11-25T12:00:00.0000001", false),
            ("UTC", "9999-12-31T23:59:59.9999999Z", false),
            ("America/New_York", "9999-12-31T23:59:59.9999999", false),
        ] {
            let clock = Clock::new(Zone::named(zone).unwrap(), now);
            assert_eq!(clock.read(text).is_some(), is_time, "{text} in {zone}");
        }
        let ticks = |at| Clock::new(Zone::UTC, now).read_number(Ticks::from_datetime(at).get());
        assert_eq!(ticks(now), Some(Ticks::from_datetime(now)));
        assert_eq!([now + Duration::days(3), datetime!(9999-12-31 23:59 UTC)].map(ticks), [None, None]);
        assert_eq!(ticks(now + AHEAD), Some(latest_credible(now)));
        assert_eq!([0, 1, 1000].map(|number| Clock::new(Zone::UTC, now).read_number(number)), [None; 3]);
    }

    #[test]
    fn reads_a_time_without_a_zone_by_the_zones_clock() {
        for (zone, summer, winter) in [
            ("UTC", "2026-07-01T12:00:00", "2026-11-28T12:00:00"),
            (OSLO, "2026-07-01T14:00:00", "2026-11-28T13:00:00"),
            ("America/New_York", "2026-07-01T08:00:00", "2026-11-28T07:00:00"),
        ] {
            let now = datetime!(2026-12-01 0:00 UTC);
            assert_eq!(read(zone, summer, now).at().to_datetime(), datetime!(2026-07-01 12:00 UTC), "{zone}");
            assert_eq!(read(zone, winter, now).at().to_datetime(), datetime!(2026-11-28 12:00 UTC), "{zone}");
            assert_eq!(read(zone, "2026-07-01T12:00:00Z", now).at().to_datetime(), datetime!(2026-07-01 12:00 UTC));
        }
    }

    #[test]
    fn the_later_of_two_equal_hours_is_read_as_later() {
        let before = read(OSLO, "2026-10-25T02:50:00.000", datetime!(2026-10-25 0:50:01 UTC));
        let after = read(OSLO, "2026-10-25T02:10:00.000", datetime!(2026-10-25 1:10:01 UTC));
        assert_eq!(before.at().to_datetime(), datetime!(2026-10-25 0:50 UTC));
        assert_eq!(after.at().to_datetime(), datetime!(2026-10-25 1:10 UTC));
        assert!(!after.is_known_by(before.at()));
        let certain = read("UTC", "2026-10-25T01:10:00", datetime!(2026-10-25 1:10:01 UTC));
        assert!(certain.is_certain() && !after.is_certain());
        // Such a time may be read up to twice the skew too late.
        let latest = datetime!(2026-10-25 1:12 UTC);
        assert_eq!(after.latest().to_datetime(), latest);
        let is_known = [latest, latest + Duration::SECOND].map(|at| after.is_known_by(Ticks::from_datetime(at)));
        assert_eq!(is_known, [false, true]);
        // Looking again later does not change that.
        let again = read(OSLO, "2026-10-25T02:50:00.000", datetime!(2026-10-25 9:00 UTC));
        assert!(again.is_known_by(before.at()) && again.is_known_by(again.at()));
    }

    #[test]
    fn a_skipped_time_has_two_readings() {
        let skipped = read(OSLO, "2026-03-29T02:30:00", datetime!(2026-03-29 9:00 UTC));
        assert_eq!(skipped.first().to_datetime(), datetime!(2026-03-29 0:30 UTC));
        assert_eq!(skipped.at().to_datetime(), datetime!(2026-03-29 1:30 UTC));
    }

    fn zones() -> impl Strategy<Value = &'static str> {
        // One zone turns its clock by half an hour, one at midnight, and one has no turn.
        prop::sample::select(vec![
            "UTC",
            OSLO,
            "America/New_York",
            "Australia/Lord_Howe",
            "America/Havana",
            "Asia/Kolkata",
        ])
    }

    /// Any second of some years, and in every other case one close to a turn of the clocks of Oslo,
    /// New York, Lord Howe or Havana.
    fn moments() -> impl Strategy<Value = OffsetDateTime> {
        let turns = [
            datetime!(2026-03-29 1:00 UTC),
            datetime!(2026-10-25 1:00 UTC),
            datetime!(2026-03-08 7:00 UTC),
            datetime!(2026-11-01 6:00 UTC),
            datetime!(2026-04-04 15:00 UTC),
            datetime!(2026-10-03 15:30 UTC),
            datetime!(2026-11-01 5:00 UTC),
        ];
        let near =
            (prop::sample::select(turns.to_vec()), -7200..7200_i64).prop_map(|(at, by)| at + Duration::seconds(by));
        let any = (1_700_000_000..2_000_000_000_i64).prop_map(|at| OffsetDateTime::from_unix_timestamp(at).unwrap());
        prop_oneof![near, any]
    }

    fn written(at: PrimitiveDateTime) -> String {
        let (hour, minute, second) = at.time().as_hms();
        format!("{}T{hour:02}:{minute:02}:{second:02}.{:07}", at.date(), at.nanosecond() / 100)
    }

    proptest! {
        #[test]
        fn a_moment_survives_the_way_over_the_clock_of_any_zone(zone in zones(), at in moments(), late in 0..100_000_i64) {
            let wall = Zone::named(zone).unwrap().clock();
            let stamp = read(zone, &written(wall.show(at)), at + Duration::seconds(late));
            let readings = [stamp.first(), stamp.at()].map(Ticks::to_datetime);
            prop_assert!(readings.contains(&at), "{:?}", readings);
            for reading in readings {
                prop_assert_eq!(wall.show(reading), wall.show(at));
            }
            if late == 0 {
                prop_assert_eq!(stamp.at().to_datetime(), at);
            }
        }

        /// A state fetched after a change, and the one known before it. Clocks differ by up to a
        /// minute, and a fetch may come at any later time.
        #[test]
        fn a_later_change_is_never_taken_for_known(
            zone in zones(), change in moments(), apart in 1..8000_i64, seen in 0..8000_i64, late in 0..8000_i64, skew in -60..=60_i64,
        ) {
            let (apart, late, skew) = (Duration::seconds(apart), Duration::seconds(late), Duration::seconds(skew));
            let wall = Zone::named(zone).unwrap().clock();
            let next = change + apart;
            // Our clock differs from the ERP's only by the skew. The first state was fetched while
            // it was current.
            let first = read(zone, &written(wall.show(change)), change + Duration::seconds(seen).min(apart) - skew);
            let second = read(zone, &written(wall.show(next)), next + late - skew);
            let is_same_time = wall.show(change) == wall.show(next);
            prop_assert!(is_same_time || !second.is_known_by(first.at()), "{:?} {:?}", first, second);
            prop_assert!(first.at() <= second.latest(), "{:?} {:?}", first, second);
        }

        #[test]
        fn a_state_that_is_known_is_known_again_however_late_it_is_read(
            zone in zones(), change in moments(), seen in 0..8000_i64, late in 0..8000_i64,
        ) {
            let text = written(Zone::named(zone).unwrap().clock().show(change));
            let first = read(zone, &text, change + Duration::seconds(seen));
            let again = read(zone, &text, change + Duration::seconds(seen + late));
            prop_assert!(again.is_known_by(first.at()));
        }

        #[test]
        fn what_dot_net_writes_is_read_to_the_tick(raw in 630_822_816_000_000_000..=639_310_320_000_000_000_i64, separator in "[T ]", offset in -14_i64 * 60..=14 * 60) {
            let ticks = Ticks::new(raw).unwrap();
            let written = |at: OffsetDateTime, zone: &str| {
                let (date, fraction) = (at.date(), at.nanosecond() / 100);
                let (hour, minute, second) = at.time().as_hms();
                format!("{date}{separator}{hour:02}:{minute:02}:{second:02}.{fraction:07}{zone}")
            };
            for zone in ["", "Z"] {
                prop_assert_eq!(utc(&written(ticks.to_datetime(), zone)), Some(ticks));
            }
            let there = UtcOffset::from_whole_seconds(i32::try_from(offset * 60).unwrap()).unwrap();
            let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
            let zone = format!("{}{hours:02}:{minutes:02}", if offset < 0 { '-' } else { '+' });
            prop_assert_eq!(utc(&written(ticks.to_datetime().to_offset(there), &zone)), Some(ticks));
        }

        #[test]
        fn no_text_makes_the_parser_panic(zone in zones(), text in "([0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9])?.{0,64}") {
            let _ = Clock::new(Zone::named(zone).unwrap(), datetime!(2026-11-23 12:00 UTC)).read(&text);
        }
    }
}
