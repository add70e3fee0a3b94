//! What a run may still do.

use time::OffsetDateTime;
use webhooks_queue::Trace;
use webhooks_settings::Settings;

#[derive(Debug)]
pub(crate) struct Run<'t> {
    /// The invocation's, which what it finds goes on with.
    pub(crate) trace: Option<&'t Trace>,
    calls: u32,
    gaps: usize,
    messages: usize,
    ends_at: OffsetDateTime,
}

impl<'t> Run<'t> {
    pub(crate) fn new(settings: &Settings, ends_at: OffsetDateTime, trace: Option<&'t Trace>) -> Self {
        let rules = &settings.reconciliation;
        Self { trace, calls: rules.max_calls, gaps: rules.max_gaps, messages: rules.max_gaps, ends_at }
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
}
