//! Measures what a sender writes: units, offsets, spans, sizes and forms.

use crate::ticks::Ticks;
use crate::words::words;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

/// A timestamp in the right unit is at most this far from the time of receipt.
const BEFORE: Duration = Duration::days(30);
const AFTER: Duration = Duration::days(1);
/// The prime of the 32-bit FNV-1a hash.
const FNV_PRIME: u32 = 0x0100_0193;
const FNV_BASIS: u32 = 0x811c_9dc5;

words! {
    /// The unit of a header's timestamp.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Unit {
        Seconds = "seconds",
        Milliseconds = "milliseconds",
        Microseconds = "microseconds",
        Nanoseconds = "nanoseconds",
        /// 100 ns since the year 1.
        Ticks = "ticks of .NET",
        /// RFC 3339.
        Text = "text with a date",
        Other = "something else",
    }
}

/// The time in a header and its unit. The right unit puts it close to the time of receipt. `None`
/// if no unit does.
pub fn timestamp(text: &str, received: OffsetDateTime) -> (Unit, Option<OffsetDateTime>) {
    let is_near = |at: &OffsetDateTime| *at >= received - BEFORE && *at <= received + AFTER;
    let Ok(number) = text.parse::<i64>() else {
        let read = OffsetDateTime::parse(text, &Rfc3339).ok();
        return (if read.is_some() { Unit::Text } else { Unit::Other }, read);
    };
    let units = [
        (Unit::Milliseconds, 1_000_000),
        (Unit::Seconds, 1_000_000_000),
        (Unit::Microseconds, 1_000),
        (Unit::Nanoseconds, 1),
    ];
    let epoch = units.into_iter().find_map(|(unit, nanos)| {
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(number) * nanos).ok()?;
        is_near(&at).then_some((unit, Some(at)))
    });
    let ticks = || {
        let at = Ticks::new(number)?.to_datetime();
        is_near(&at).then_some((Unit::Ticks, Some(at)))
    };
    epoch.or_else(ticks).unwrap_or((Unit::Other, None))
}

/// Formats an offset as `+01:00`.
pub fn offset_text(offset: UtcOffset) -> String {
    let minutes = offset.whole_minutes();
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// A span in coarse words, so that few different ones exist.
pub fn span(span: Duration) -> &'static str {
    let most = [
        (Duration::seconds(10), "under 10 seconds"),
        (Duration::minutes(1), "under a minute"),
        (Duration::minutes(10), "under 10 minutes"),
        (Duration::hours(1), "under an hour"),
        (Duration::hours(6), "under 6 hours"),
        (Duration::days(1), "under a day"),
        (Duration::days(7), "under a week"),
    ];
    most.into_iter().find(|(most, _)| span < *most).map_or("a week or more", |(_, words)| words)
}

/// The size, rounded up to a power of two in KiB.
pub fn size(bytes: usize) -> String {
    format!("at most {} KiB", bytes.div_ceil(1024).next_power_of_two())
}

/// The form of a signature, never its value: `base64, 44 characters`, and its prefix, such as
/// `sha256=`.
pub fn signature(header: &str) -> String {
    let trimmed = header.trim();
    let (prefix, rest) = match trimmed.split_once(['=', ':']) {
        Some((name, rest)) if name.len() <= 10 && rest.len() > 2 => (format!(", after {name}"), rest),
        _ => (String::new(), trimmed),
    };
    let is_hex = rest.bytes().all(|b| b.is_ascii_hexdigit());
    let is_base64 = rest.trim_end_matches('=').bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b));
    let alphabet = if is_hex {
        "hex"
    } else if is_base64 {
        "base64"
    } else {
        "other characters"
    };
    let blanks = if trimmed.len() == header.len() { "" } else { ", blanks around it" };
    format!("{alphabet}, {} characters{prefix}{blanks}", rest.len())
}

/// The digest of an address: 16 bits, which 65,536 IPv4 addresses share. It is enough to count
/// addresses, and too little to identify one.
pub fn address_digest(address: std::net::IpAddr) -> u16 {
    let fold =
        |bytes: &[u8]| bytes.iter().fold(FNV_BASIS, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(FNV_PRIME));
    let sum = match address.to_canonical() {
        std::net::IpAddr::V4(address) => fold(&address.octets()),
        std::net::IpAddr::V6(address) => fold(&address.octets()),
    };
    let [a, b, c, d] = sum.to_be_bytes();
    u16::from_be_bytes([a ^ c, b ^ d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::{datetime, offset};

    const RECEIVED: OffsetDateTime = datetime!(2026-11-23 12:00:05 UTC);

    #[test]
    fn a_timestamps_unit_puts_it_close_to_its_receipt() {
        for (text, unit) in [
            ("1795435200", Unit::Seconds),
            ("1795435200123", Unit::Milliseconds),
            ("1795435200123456", Unit::Microseconds),
            ("1795435200123456789", Unit::Nanoseconds),
            ("639310320000000000", Unit::Ticks),
            ("2026-11-23T12:00:00Z", Unit::Text),
            ("17", Unit::Other),
            ("9223372036854775807", Unit::Other),
            ("yesterday", Unit::Other),
            ("", Unit::Other),
        ] {
            let (found, at) = timestamp(text, RECEIVED);
            assert_eq!(found, unit, "{text}");
            assert_eq!(at.is_some(), unit != Unit::Other, "{text}");
        }
    }

    #[test]
    fn an_offset_is_written_as_iso_8601_has_it() {
        let texts = [UtcOffset::UTC, offset!(+1), offset!(-3:30), offset!(+5:45)].map(offset_text);
        assert_eq!(texts, ["+00:00", "+01:00", "-03:30", "+05:45"]);
    }

    #[test]
    fn spans_and_sizes_fall_into_few_words() {
        assert_eq!(span(Duration::ZERO), "under 10 seconds");
        assert_eq!(span(Duration::seconds(10)), "under a minute");
        assert_eq!(span(Duration::days(7)), "a week or more");
        assert_eq!(
            [0, 1024, 1025, 1 << 20].map(size),
            ["at most 1 KiB", "at most 1 KiB", "at most 2 KiB", "at most 1024 KiB"]
        );
    }

    #[test]
    fn reports_a_signatures_form_and_never_its_value() {
        let real = "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk=";
        for (header, form) in [
            (real.to_owned(), "base64, 44 characters"),
            (format!(" {real}"), "base64, 44 characters, blanks around it"),
            (format!("sha256={}", "0f".repeat(32)), "hex, 64 characters, after sha256"),
            ("t:a b".to_owned(), "other characters, 3 characters, after t"),
            ("t:ab".to_owned(), "other characters, 4 characters"),
            ("AAAA=".to_owned(), "base64, 5 characters"),
        ] {
            assert_eq!(signature(&header), form);
        }
    }

    #[test]
    fn a_digest_distinguishes_addresses_without_identifying_them() {
        let digest = |text: &str| address_digest(text.parse().unwrap());
        let published = ["18.202.121.26", "34.242.104.102", "54.220.26.45"].map(digest);
        assert!(published[0] != published[1] && published[1] != published[2] && published[0] != published[2]);
        assert_eq!(published[..2], [0x6a90, 0x1902], "as FNV-1a has it, so that versions agree");
        assert_eq!(digest("::ffff:18.202.121.26"), published[0]);
        let same = (0..=u16::MAX).filter(|low| {
            let [c, d] = low.to_be_bytes();
            address_digest(std::net::Ipv4Addr::new(10, 1, c, d).into()) == published[0]
        });
        assert!(same.count() <= 16, "a digest is spread over all addresses");
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_measure(text in ".{0,60}") {
            let _ = (timestamp(&text, RECEIVED), signature(&text));
        }
    }
}
