//! The changes that a run found in one list.

use std::collections::BTreeMap;
use webhooks_model::Ticks;
use webhooks_model::collection::Row;

/// This many rows of a list with the same time, or with only a new time, were not changed by
/// people, but by an upgrade of the ERP, an import or a mass update
/// (docs/visma-net.md#mass-changes).
const MASS: usize = 50;

#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Changes without a notification, by their time.
    gaps: BTreeMap<Ticks, Gaps>,
    /// Rows where only the time is new.
    pub(crate) touched: usize,
    pub(crate) without_key: usize,
    pub(crate) without_time: usize,
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

    pub(crate) fn unreadable(&self) -> usize {
        self.without_key + self.without_time
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
