//! The changes that a run found in one list: how many there are, the deliveries that are made for
//! them, and those whose time is in the future.

use serde_json::json;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::collection::{Listed, Row};
use webhooks_model::delivery::{Meta, RECONCILIATION};
use webhooks_model::{Channel, Collection, Delivery, Origin, Ticks};
use webhooks_settings::Visma;

/// This many rows of a list with the same time, or with only a new time, were not changed by
/// people, but by an upgrade of the ERP, an import or a mass update
/// (docs/visma-net.md#mass-changes).
const MASS: usize = 50;
/// Above any difference between clocks, and below any difference between zones.
const TOO_FAR: Duration = Duration::minutes(14);

#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Changes without a notification, by their time.
    gaps: BTreeMap<Ticks, Gaps>,
    /// Rows where only the time is new.
    pub(crate) touched: usize,
    pub(crate) without_key: usize,
    pub(crate) without_time: usize,
    /// Rows that a list without pages counts, and that did not come.
    pub(crate) absent: usize,
}

#[derive(Debug, Default)]
struct Gaps {
    seen: usize,
    queued: usize,
}

impl Found {
    pub(crate) fn see_gap(&mut self, modified: Ticks) {
        self.gaps.entry(modified).or_default().seen += 1;
    }

    pub(crate) fn queue_gap(&mut self, modified: Ticks) {
        self.gaps.entry(modified).or_default().queued += 1;
    }

    pub(crate) fn see_rows(&mut self, rows: &[Row]) {
        self.without_key += rows.iter().filter(|row| matches!(row, Row::NoKey)).count();
        self.without_time += rows.iter().filter(|row| matches!(row, Row::NoTime { .. })).count();
    }

    /// Absent rows count as one, since only the list itself says how many there are.
    pub(crate) fn unreadable(&self) -> usize {
        self.without_key + self.without_time + usize::from(self.absent > 0)
    }

    /// The number of queued changes whose webhooks should have come.
    pub(crate) fn gaps(&self) -> usize {
        self.gaps.values().filter(|gaps| gaps.seen < MASS).map(|gaps| gaps.queued).sum()
    }

    /// The number of queued changes that happened all at once.
    pub(crate) fn at_once(&self) -> usize {
        self.gaps.values().filter(|gaps| gaps.seen >= MASS).map(|gaps| gaps.queued).sum()
    }

    pub(crate) fn is_mass_change(&self) -> bool {
        self.touched >= MASS || self.gaps.values().any(|gaps| gaps.seen >= MASS)
    }
}

/// Makes a delivery for a change whose webhook never arrived. It uses only what the list said, so
/// that finding the same change twice makes the same notification.
pub(crate) fn delivery(tenant: &str, collection: Collection, gap: &Listed, id: Uuid, now: OffsetDateTime) -> Delivery {
    let body = json!({"event": collection.event(), "entityId": gap.key, "timeStamp": gap.modified.at().get()});
    let meta = Meta {
        id,
        channel: Channel::Dispatcher,
        origin: Origin::Reconciliation,
        subscription: RECONCILIATION.to_owned(),
        event: Some(collection.event().to_owned()),
        tenant: Some(tenant.to_lowercase()),
        replays: None,
        received_at: now,
        sent_from: None,
        refused_at: None,
        secret: None,
        shared_secret: false,
        answer_role: Default::default(),
        headers: BTreeMap::new(),
    };
    Delivery { meta, body: body.to_string().into_bytes() }
}

/// Logs a warning about changes in the future, which only a wrong time zone in the settings causes.
/// Such changes are found late, when their time has come. A zone that is wrong the other way does
/// not show here; `doctor` measures both.
pub(crate) fn warn_if_ahead(tenant: &str, collection: Collection, rows: &[Row], now: OffsetDateTime) {
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
        assert_eq!(ahead("UTC", &["2026-07-01T12:14:00"]), None, "a clock that is a little fast");
        assert_eq!(ahead("UTC", &["2026-07-01T12:15:00"]), Some(15));
        assert_eq!(ahead("UTC", &[]), None);
    }

    #[test]
    fn fifty_changes_of_one_moment_are_a_mass_change_and_no_gaps() {
        let now = Ticks::from_datetime(datetime!(2026-07-01 12:00 UTC));
        for (many, gaps, at_once) in [(49, 49, 0), (50, 0, 50)] {
            let mut found = Found::default();
            for _ in 0..many {
                found.see_gap(now);
                found.queue_gap(now);
            }
            assert_eq!((found.gaps(), found.at_once(), found.is_mass_change()), (gaps, at_once, many == 50));
            let touched = Found { touched: many, ..Found::default() };
            assert_eq!(touched.is_mass_change(), many == 50);
        }
    }

    #[test]
    fn counts_rows_without_a_key_and_rows_without_a_time() {
        let mut found = Found::default();
        let timeless = || Row::NoTime { key: "1920".into() };
        found.see_rows(&[Row::NoKey, timeless(), timeless()]);
        found.see_rows(&[Row::NoKey, Row::NoKey, timeless()]);
        assert_eq!((found.without_key, found.without_time, found.unreadable()), (3, 3, 6));
    }
}
