//! Handles outcomes that did not come in time, and work whose message was lost.

use crate::ports::{Ports, Reconciler};
use crate::reconciler::Report;
use crate::run::Run;
use crate::sweep::SweepError;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackMessage, FeedbackState, Verdict};
use webhooks_model::sentences::NO_OUTCOME;
use webhooks_model::{Delivery, Language, LedgerKey, State};
use webhooks_queue::{Message, Sender};
use webhooks_settings::Settings;
use webhooks_store::{Mark, Pending, StoreError};

/// Slices of the feed in one run over all tenants. The next run continues.
const MOST_PAGES: u32 = 500;

/// What a notification needs that has not changed for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Its feedback was decided, but not sent.
    Feedback,
    /// It has not ended.
    Replay,
    /// It may still be on its way.
    Time(Mark),
    Nothing,
}

/// `before` is the latest time of a last change that counts as stuck.
fn need(pending: &Pending, before: OffsetDateTime) -> Need {
    let (need, mark) = match (pending.feedback, pending.state) {
        (Some(FeedbackState::Queued), _) => (Need::Feedback, Mark::Queued),
        (_, Some(State::Retrying)) => (Need::Replay, Mark::Retrying),
        _ => return Need::Nothing,
    };
    if pending.moved_at > before { Need::Time(mark) } else { need }
}

/// The text for the accountant when the integrator's system did not answer.
fn no_outcome(key: &LedgerKey, language: Language) -> Verdict {
    // An entity without a key has one made by us.
    let name = Some(key.entity.key.as_str()).filter(|name| !name.starts_with('~'));
    let subject = language.subject(key.entity.entity, name);
    Verdict::failure(&language.say(NO_OUTCOME, &[("subject", subject.as_str())]))
}

/// Tells of marked notifications that only a newer version can read.
fn pass_over(mark: Mark, unread: usize, report: &mut Report) {
    if unread > 0 {
        tracing::warn!(mark = mark.as_str(), unread, "records of a newer version are passed over");
        report.unread += unread;
    }
}

impl<P: Ports> Reconciler<P> {
    /// Ends overdue outcomes and queues lost work again. A run for one tenant leaves the marks
    /// alone, since they belong to all. `scope` holds that tenant, and the feed to begin with.
    /// Returns the feed that the next run should begin with.
    pub(crate) async fn settle(
        &self,
        settings: &Settings,
        tenants: &[&str],
        scope: (Option<&str>, Option<&str>),
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<Option<String>, SweepError> {
        let (only, first) = scope;
        let before = self.host.now() - settings.reconciliation.stuck_after();
        if only.is_none() {
            self.expire_overdue(settings, before, run, report).await?;
            for mark in [Mark::Retrying, Mark::Queued] {
                self.push_marked(mark, before, run, report).await?;
            }
        }
        let mut pages = MOST_PAGES;
        let first = tenants.iter().position(|tenant| Some(*tenant) == first).unwrap_or(0);
        for tenant in tenants[first..].iter().chain(&tenants[..first]) {
            if pages == 0 || !run.has_messages(self.host.now()) {
                return Ok(Some((*tenant).to_owned()));
            }
            let start = before - settings.reconciliation.first_lookback();
            self.look_through(&tenant.to_lowercase(), (start, before), &mut pages, run, report).await?;
        }
        Ok(None)
    }

    async fn expire_overdue(
        &self,
        settings: &Settings,
        before: OffsetDateTime,
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<(), SweepError> {
        let mut after = None;
        while run.has_time(self.host.now()) {
            let now = self.host.now();
            let overdue = self.sweeps.due(Mark::Awaited, now, after).await?;
            pass_over(Mark::Awaited, overdue.unread, report);
            for one in overdue.pending {
                if !run.take_message(now) {
                    return Ok(());
                }
                let verdict = no_outcome(&one.key, settings.language(Some(&one.key.entity.tenant)));
                self.expire(&one, &verdict, (now, before), run, report).await?;
            }
            after = overdue.next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Writes the ledger first, then the queue, then the mark. If the run dies in between, the next
    /// one finds the mark.
    async fn expire(
        &self,
        one: &Pending,
        no_outcome: &Verdict,
        (now, before): (OffsetDateTime, OffsetDateTime),
        run: &Run<'_>,
        report: &mut Report,
    ) -> Result<(), SweepError> {
        let key = &one.key;
        match one.feedback {
            Some(FeedbackState::Awaited) => {
                if !self.sweeps.expire(key, no_outcome, now, before).await? {
                    // The outcome is here but Visma Net has not accepted it yet, or it was sent a
                    // moment ago.
                    let last = one.deadline.unwrap_or(now) + (now - before);
                    self.sweeps.watch(key, Mark::Awaited, last).await?;
                    return Ok(());
                }
                let tenant = &key.entity.tenant;
                tracing::warn!(tenant, notification = %key.notification, "an outcome did not come in time");
                report.expired += 1;
            }
            Some(FeedbackState::Queued) => {}
            _ => return Ok(self.sweeps.unmark(key, Mark::Awaited, now).await?),
        }
        self.queue_feedback(key, run).await?;
        self.sweeps.watch(key, Mark::Queued, now).await?;
        Ok(())
    }

    async fn push_marked(
        &self,
        mark: Mark,
        before: OffsetDateTime,
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<(), SweepError> {
        let mut after = None;
        while run.has_time(self.host.now()) {
            let due = self.sweeps.due(mark, before, after).await?;
            pass_over(mark, due.unread, report);
            for one in due.pending {
                if !self.push(&one, before, run, report).await? {
                    return Ok(());
                }
            }
            after = due.next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Reads the feed from the last run's end to the second time of `span`; the first run starts at
    /// its beginning.
    async fn look_through(
        &self,
        tenant: &str,
        span: (OffsetDateTime, OffsetDateTime),
        pages: &mut u32,
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<(), SweepError> {
        let (start, before) = span;
        let mut position = self.sweeps.looked_through(tenant, start).await?;
        while *pages > 0 && run.has_time(self.host.now()) {
            *pages -= 1;
            let arrived = self.sweeps.arrived(tenant, &position, before).await?;
            // Marked notifications are found by their mark.
            for one in arrived.notifications.iter().filter(|one| one.mark.is_none()) {
                if !self.push(one, before, run, report).await? {
                    return Ok(());
                }
            }
            if arrived.unread > 0 {
                tracing::warn!(tenant, unread = arrived.unread, "records of a newer version are passed over");
                report.unread += arrived.unread;
            }
            position = arrived.position;
            self.sweeps.set_looked_through(tenant, &position, self.host.now()).await?;
            if arrived.is_last {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Queues it if the run has room. Returns `false` if it has none.
    async fn push(
        &self,
        one: &Pending,
        before: OffsetDateTime,
        run: &mut Run<'_>,
        report: &mut Report,
    ) -> Result<bool, SweepError> {
        let (key, now) = (&one.key, self.host.now());
        let needed = need(one, before);
        if let Need::Time(mark) = needed
            && (self.sweeps.watch(key, mark, one.moved_at).await? || mark != Mark::Queued)
        {
            return Ok(true);
        }
        let mark = match needed {
            Need::Nothing => {
                if let Some(mark) = one.mark {
                    self.sweeps.unmark(key, mark, now).await?;
                }
                return Ok(true);
            }
            _ if !run.take_message(now) => return Ok(false),
            // A dead notification keeps its own mark, so no later run would find its feedback.
            Need::Feedback | Need::Time(_) => {
                self.queue_feedback(key, run).await?;
                report.requeued.feedback += 1;
                Mark::Queued
            }
            Need::Replay => {
                let delivery = self.delivery_of(key).await?;
                let is_there = delivery.is_some();
                if let Some(delivery) = delivery {
                    self.queue_delivery(key, &delivery, run).await?;
                    report.requeued.notifications += 1;
                }
                let tenant = &key.entity.tenant;
                tracing::warn!(tenant, notification = %key.notification, is_there, "stuck without a message");
                Mark::Retrying
            }
        };
        // Watches it, in case this message is lost as well.
        self.sweeps.watch(key, mark, now).await?;
        Ok(true)
    }

    /// `None` also if only a newer version can read the record. One such record must not stop the
    /// run.
    pub(crate) async fn delivery_of(&self, key: &LedgerKey) -> Result<Option<Delivery>, SweepError> {
        match self.sweeps.replay(key).await {
            Err(error @ StoreError::Newer(_)) => {
                tracing::warn!(tenant = key.entity.tenant, notification = %key.notification, "passed over: {error}");
                Ok(None)
            }
            delivery => Ok(delivery?),
        }
    }

    pub(crate) async fn queue_feedback(&self, key: &LedgerKey, run: &Run<'_>) -> Result<(), SweepError> {
        let message = FeedbackMessage::Feedback { notification: key.clone() };
        let body = serde_json::to_string(&message).expect("names and ids always serialise");
        let group = Some(key.entity.tenant.as_str());
        Ok(self.feedback.send(Message { body, group, attributes: &[], trace: run.trace }).await?)
    }

    pub(crate) async fn queue_delivery(
        &self,
        key: &LedgerKey,
        delivery: &Delivery,
        run: &Run<'_>,
    ) -> Result<(), SweepError> {
        let group = Some(key.entity.tenant.as_str());
        let message = Message { body: delivery.to_message(), group, attributes: &[], trace: run.trace };
        Ok(self.queue.send(message).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;
    use time::macros::datetime;

    const BEFORE: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    #[test]
    fn what_has_not_moved_for_long_needs_its_message_again() {
        let needed = |state, feedback, moved_at| {
            let (key, state) = (fixtures::order(1, BEFORE).ledger_key(), Some(state));
            let pending = Pending { key, state, feedback, deadline: None, moved_at, mark: None };
            need(&pending, BEFORE)
        };
        let later = BEFORE + Duration::MILLISECOND;
        for (state, feedback, old, young) in [
            (State::Processed, Some(FeedbackState::Queued), Need::Feedback, Need::Time(Mark::Queued)),
            (State::Retrying, Some(FeedbackState::Queued), Need::Feedback, Need::Time(Mark::Queued)),
            (State::Retrying, None, Need::Replay, Need::Time(Mark::Retrying)),
            (State::Processed, Some(FeedbackState::Sent), Need::Nothing, Need::Nothing),
            (State::Dead, None, Need::Nothing, Need::Nothing),
        ] {
            assert_eq!([needed(state, feedback, BEFORE), needed(state, feedback, later)], [old, young], "{state:?}");
        }
    }

    #[test]
    fn a_missing_outcome_names_no_key_that_we_made() {
        let mut key = fixtures::order(1, BEFORE).ledger_key();
        let told = |key: &LedgerKey| no_outcome(key, Language::En).description;
        assert!(told(&key).as_str().contains("SO/1"));
        key.entity.key = "~44136fa355b3678a".into();
        assert!(!told(&key).as_str().contains('~'));
    }
}
