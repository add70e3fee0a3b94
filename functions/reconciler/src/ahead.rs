//! Detects changes in the future, which only a wrong time zone in the settings causes.

use time::{Duration, OffsetDateTime};
use webhooks_model::Collection;
use webhooks_model::collection::Row;
use webhooks_settings::Visma;

/// Above any difference between clocks, and below any difference between zones.
const TOO_FAR: Duration = Duration::minutes(14);

/// Logs a warning. Such changes are found late, when their time has come. A zone that is wrong the
/// other way does not show here; `doctor` measures both.
pub(crate) fn warn(tenant: &str, collection: Collection, rows: &[Row], now: OffsetDateTime) {
    if let Some(minutes_ahead) = minutes_ahead(rows, now) {
        let setting = Visma::zone_setting(collection.api());
        tracing::warn!(
            tenant,
            collection = %collection,
            minutes_ahead,
            "changes from the future: {setting} is wrong, see visma-webhooks doctor"
        );
    }
}

/// How far the latest change is ahead of our clock, if that is too far.
fn minutes_ahead(rows: &[Row], now: OffsetDateTime) -> Option<i64> {
    let ahead = |row: &Row| match row {
        Row::Read(listed) => Some(listed.modified.first().to_datetime() - now),
        Row::NoKey | Row::NoTime { .. } => None,
    };
    let ahead = rows.iter().filter_map(ahead).max()?;
    (ahead > TOO_FAR).then(|| ahead.whole_minutes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use webhooks_model::collection::Listed;
    use webhooks_model::{Clock, Revision, Zone};

    #[test]
    fn a_zone_to_the_west_of_the_erp_shows_changes_from_the_future() {
        let now = datetime!(2026-07-01 12:00 UTC);
        let ahead = |zone, shown: &[&str]| {
            let clock = Clock::new(Zone::named(zone).unwrap(), now);
            let row = |shown: &&str| {
                let modified = clock.read(shown).unwrap();
                Row::Read(Listed { key: "1920".into(), modified, revision: Revision::default() })
            };
            minutes_ahead(&shown.iter().map(row).collect::<Vec<_>>(), now)
        };
        let oslo = ["2026-07-01T09:00:00", "2026-07-01T13:58:00"];
        assert_eq!(ahead("UTC", &oslo), Some(118));
        assert_eq!(ahead("Europe/Oslo", &oslo), None);
        assert_eq!(ahead("UTC", &["2026-07-01T12:01:00"]), None, "a clock that is a little fast");
        assert_eq!(ahead("UTC", &[]), None);
    }
}
