//! The budget of a run.

use std::collections::HashMap;
use std::time::Duration;
use time::OffsetDateTime;
use webhooks_queue::Trace;
use webhooks_settings::Settings;
use webhooks_store::Orders;

/// The most releases in a run. They also end after half of its time, since a backlog of days must
/// not keep the lists from their turn.
const MOST_RELEASES: usize = 5_000;
/// The time for what follows the lists: the place where the next run begins, silent tenants, the
/// directory, metrics. Without it, Lambda would kill a run whose last list is slow.
const AFTER_THE_LISTS: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Run<'t> {
    /// The trace of the invocation, which queued messages continue.
    pub(crate) trace: Option<&'t Trace>,
    /// The erasures and the pauses at the beginning of the run.
    pub(crate) orders: Orders,
    calls: u32,
    gaps: usize,
    messages: usize,
    releases: usize,
    releases_end_at: OffsetDateTime,
    lists_end_at: OffsetDateTime,
    silence_ends_at: OffsetDateTime,
    ends_at: OffsetDateTime,
    /// The usable part of each tenant's quota, for calls to lists and for later fetches by the
    /// processor.
    quotas: HashMap<String, u64>,
    /// Whether some lists had no turn yet.
    pub(crate) others_wait: bool,
}

impl<'t> Run<'t> {
    /// A run of at most `time` from `now` on.
    pub(crate) fn new(
        settings: &Settings,
        now: OffsetDateTime,
        time: Duration,
        trace: Option<&'t Trace>,
        orders: Orders,
    ) -> Self {
        let ends_at = now + time;
        let after_the_lists = AFTER_THE_LISTS.min(time / 6);
        let rules = &settings.reconciliation;
        Self {
            trace,
            orders,
            calls: rules.max_calls,
            gaps: rules.max_gaps,
            messages: rules.max_gaps,
            releases: MOST_RELEASES,
            releases_end_at: now + time / 2,
            lists_end_at: ends_at - after_the_lists,
            silence_ends_at: ends_at - after_the_lists / 2,
            ends_at,
            quotas: HashMap::new(),
            others_wait: false,
        }
    }

    /// Whether lists, and what comes before them, may go on.
    pub(crate) fn has_time(&self, now: OffsetDateTime) -> bool {
        now < self.lists_end_at
    }

    /// Whether nothing may go on, not even what follows the search for silent tenants.
    pub(crate) fn is_over(&self, now: OffsetDateTime) -> bool {
        now >= self.ends_at
    }

    /// Whether another tenant's silence can be checked, which takes some reads. What follows needs
    /// the rest.
    pub(crate) fn has_time_to_listen(&self, now: OffsetDateTime) -> bool {
        now < self.silence_ends_at
    }

    /// How long a list may take.
    pub(crate) fn time_for_lists(&self, now: OffsetDateTime) -> Duration {
        Duration::try_from(self.lists_end_at - now).unwrap_or_default()
    }

    /// Whether nothing is left for lists.
    pub(crate) fn is_spent(&self, now: OffsetDateTime) -> bool {
        self.calls == 0 || self.gaps == 0 || !self.has_time(now)
    }

    pub(crate) fn calls_left(&self) -> u32 {
        self.calls
    }

    /// `remaining` is the tenant's quota according to the ERP. Half of it is reserved for arriving
    /// webhooks.
    pub(crate) fn note_quota(&mut self, tenant: &str, remaining: u64) {
        self.quotas.entry(tenant.to_owned()).or_insert(remaining / 2);
    }

    /// Whether the tenant has quota left for sweeps.
    pub(crate) fn may_ask(&self, tenant: &str) -> bool {
        self.quotas.get(tenant).is_none_or(|left| *left > 0)
    }

    pub(crate) fn take_call(&mut self, tenant: &str) {
        self.calls = self.calls.saturating_sub(1);
        self.use_quota(tenant);
    }

    /// How many changes a list may queue in its turn: half of the rest while other lists wait for
    /// their first turn.
    pub(crate) fn room(&self, tenant: &str) -> usize {
        let quota = self.quotas.get(tenant).map_or(usize::MAX, |left| usize::try_from(*left).unwrap_or(usize::MAX));
        let left = self.gaps.min(quota);
        if self.others_wait { left.div_ceil(2) } else { left }
    }

    pub(crate) fn take_gap(&mut self, tenant: &str) {
        self.gaps = self.gaps.saturating_sub(1);
        self.use_quota(tenant);
    }

    fn use_quota(&mut self, tenant: &str) {
        if let Some(left) = self.quotas.get_mut(tenant) {
            *left = left.saturating_sub(1);
        }
    }

    /// Whether more overdue or stuck work can be queued.
    pub(crate) fn has_messages(&self, now: OffsetDateTime) -> bool {
        self.messages > 0 && self.has_time(now)
    }

    /// Overdue and stuck work has the same limit as gaps, but separately, so that neither starves
    /// the other.
    pub(crate) fn take_message(&mut self, now: OffsetDateTime) -> bool {
        let may = self.has_messages(now);
        self.messages -= usize::from(may);
        may
    }

    pub(crate) fn releases_left(&self) -> usize {
        self.releases
    }

    pub(crate) fn take_release(&mut self, now: OffsetDateTime) -> bool {
        let may = self.releases > 0 && now < self.releases_end_at;
        self.releases -= usize::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn run(seconds: u64) -> Run<'static> {
        let settings = Settings::parse(&fixtures::document().to_string()).unwrap();
        Run::new(&settings, NOW, Duration::from_secs(seconds), None, Orders::default())
    }

    #[test]
    fn lists_end_ten_seconds_before_the_run_or_a_sixth_of_a_short_one() {
        for (seconds, for_lists) in [(120, 110), (60, 50), (6, 5)] {
            let (run, for_lists) = (run(seconds), Duration::from_secs(for_lists));
            assert_eq!(run.time_for_lists(NOW), for_lists);
            assert!(!run.is_spent(NOW) && run.is_spent(NOW + for_lists));
            assert!(run.has_time(NOW + for_lists - Duration::from_millis(1)) && !run.has_time(NOW + for_lists));
            let end = NOW + Duration::from_secs(seconds);
            let listens_to = NOW + for_lists + (Duration::from_secs(seconds) - for_lists) / 2;
            assert!(run.has_time_to_listen(listens_to - Duration::from_millis(1)));
            assert!(!run.has_time_to_listen(listens_to), "half of what is after the lists");
            assert!(!run.is_over(end - Duration::from_millis(1)) && run.is_over(end));
        }
    }

    #[test]
    fn a_run_is_spent_without_calls_or_without_room_for_changes() {
        assert!(Run { calls: 0, ..run(60) }.is_spent(NOW));
        assert!(Run { gaps: 0, ..run(60) }.is_spent(NOW));
    }

    #[test]
    fn releases_and_messages_have_a_limit_and_end_with_the_run() {
        let mut run = Run { messages: 2, ..run(60) };
        let (half, end) = (NOW + Duration::from_secs(30), NOW + Duration::from_secs(60));
        assert!(!run.take_message(end) && !run.take_release(half));
        assert!(Run { releases: 1, ..self::run(60) }.take_release(half - Duration::from_millis(1)));
        assert_eq!([0; 3].map(|_| run.take_message(NOW)), [true, true, false]);
        assert_eq!((0..=MOST_RELEASES).filter(|_| run.take_release(NOW)).count(), MOST_RELEASES);
        assert_eq!(run.releases_left(), 0);
    }

    #[test]
    fn calls_and_changes_use_half_of_the_quota_that_was_first_told() {
        let mut run = run(60);
        run.note_quota("t", 7);
        run.others_wait = true;
        assert_eq!(run.room("t"), 2, "half of three");
        run.take_call("t");
        run.take_gap("t");
        run.note_quota("t", 5);
        run.others_wait = false;
        assert_eq!((run.room("t"), run.may_ask("t")), (1, true));
        run.take_gap("t");
        assert_eq!((run.room("t"), run.may_ask("t"), run.may_ask("u")), (0, false, true));
    }
}
