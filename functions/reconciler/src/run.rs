//! What a run may still do.

use time::OffsetDateTime;
use webhooks_queue::Trace;
use webhooks_settings::Settings;

/// Of what waits for a quota. Each tenant's quota is the closer bound.
const MOST_RELEASES: usize = 5_000;

#[derive(Debug)]
pub(crate) struct Run<'t> {
    /// The invocation's, which what it finds goes on with.
    pub(crate) trace: Option<&'t Trace>,
    calls: u32,
    gaps: usize,
    messages: usize,
    releases: usize,
    ends_at: OffsetDateTime,
}

impl<'t> Run<'t> {
    pub(crate) fn new(settings: &Settings, ends_at: OffsetDateTime, trace: Option<&'t Trace>) -> Self {
        let rules = &settings.reconciliation;
        Self {
            trace,
            calls: rules.max_calls,
            gaps: rules.max_gaps,
            messages: rules.max_gaps,
            releases: MOST_RELEASES,
            ends_at,
        }
    }

    pub(crate) fn has_time(&self, now: OffsetDateTime) -> bool {
        now < self.ends_at
    }

    pub(crate) fn is_spent(&self, now: OffsetDateTime) -> bool {
        self.calls == 0 || self.gaps == 0 || !self.has_time(now)
    }

    pub(crate) fn calls_left(&self) -> u32 {
        self.calls
    }

    pub(crate) fn take_call(&mut self, now: OffsetDateTime) -> bool {
        let may = !self.is_spent(now);
        self.calls -= u32::from(may);
        may
    }

    pub(crate) fn take_gap(&mut self) -> bool {
        let may = self.gaps > 0;
        self.gaps -= usize::from(may);
        may
    }

    /// For what is overdue or stuck, as much again as for gaps, so that neither starves the other.
    pub(crate) fn take_message(&mut self, now: OffsetDateTime) -> bool {
        let may = self.messages > 0 && self.has_time(now);
        self.messages -= usize::from(may);
        may
    }

    pub(crate) fn releases_left(&self) -> usize {
        self.releases
    }

    pub(crate) fn take_release(&mut self, now: OffsetDateTime) -> bool {
        let may = self.releases > 0 && self.has_time(now);
        self.releases -= usize::from(may);
        may
    }
}
