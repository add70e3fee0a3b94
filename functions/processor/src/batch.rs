//! A batch from its start to its answer: its messages, and an attempt at each of their
//! notifications. `steps.rs` has the steps of an attempt, and `settle.rs` what follows a failure.

use crate::admission::wants_settings;
use crate::failure::Failure;
use crate::ports::{Done, Needs, Ports, Processor};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::retry::Next;
use webhooks_model::{Delivery, Notification, Origin};
use webhooks_settings::Settings;

/// The most notifications of one delivery that run at the same time.
const CONCURRENCY: usize = 16;
/// The time reserved for writing that an attempt took too long.
const FOR_THE_LEDGER: Duration = Duration::from_secs(1);
/// A younger delivery that comes for the first time has no record. Reading none for it keeps a
/// notification as cheap as others.
const NEW_FOR: time::Duration = time::Duration::minutes(1);

impl<P: Ports> Processor<P> {
    /// `budget` is the time for the whole batch.
    pub async fn batch(&self, event: SqsEvent, request_id: &str, budget: Duration) -> SqsBatchResponse {
        let begun = Instant::now();
        let (end, attempts_end) = (begun + budget, begun + budget.saturating_sub(FOR_THE_LEDGER));
        let each = |received| self.message(received, attempts_end);
        let response = webhooks_batch::run(event, &self.notifications, budget, each).await;
        if let Err(error) = self.local.observer.flush_by(&self.ledger, self.host.now(), end).await {
            tracing::warn!(error = %error, "observations were not written yet: {error}");
        }
        self.metrics.flush(request_id);
        response
    }

    async fn message(&self, received: Received, attempts_end: Instant) -> Outcome {
        let delivery = Delivery::from_message(&received.body);
        // A document newer than ours may be able to read a replay.
        let is_replay = delivery.as_ref().is_ok_and(|delivery| delivery.meta.origin == Origin::Replay);
        let settings = if is_replay { self.settings.for_replay().await } else { self.settings.get().await };
        let settings = match settings {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!(error = %error, "no settings, so nothing can be processed: {error}");
                return self.unrecorded(&received, &Failure::from(error));
            }
        };
        let Ok(delivery) = delivery else {
            tracing::error!("a foreign message on the notifications queue");
            self.count_failure(None, self.limits.is_last(received.receive_count), Next::Bug.reason());
            return self.again(Next::Bug, received.receive_count, &received);
        };
        let (settings, notifications) = self.read(&delivery, settings).await;
        let (notifications, held) = match self.left_to_attempt(&delivery, notifications, &settings, &received).await {
            Ok(left) => left,
            Err(failure) => {
                tracing::error!(error = failure.detail, "unread table, so nothing is recorded: {}", failure.detail);
                return self.unrecorded(&received, &failure);
            }
        };
        self.observe(&delivery, &notifications, settings.as_ref(), &received);
        let attempts = notifications.iter().map(|n| self.attempt(n, &settings, &received, attempts_end));
        let mut needs: Vec<Needs> = stream::iter(attempts).buffer_unordered(CONCURRENCY).collect().await;
        if needs.contains(&Needs::FreshMessage) {
            let group = notifications.iter().find_map(|n| n.tenant.as_deref());
            return self.begin_anew(&received, group).await;
        }
        needs.extend(self.answer_together((&notifications, &held), &settings, &received).await);
        let outcomes = needs.iter().filter_map(|needs| match needs {
            Needs::Again(next, tries) => Some(self.again(*next, *tries, &received)),
            Needs::Nothing | Needs::FreshMessage => None,
        });
        outcomes.reduce(sooner).unwrap_or(Outcome::Done)
    }

    /// Reads with newer settings if ours would park a notification. Newer settings are read at most
    /// twice a minute.
    async fn read(&self, delivery: &Delivery, settings: Arc<Settings>) -> (Arc<Settings>, Vec<Notification>) {
        let all = Notification::all_of(delivery, settings.as_ref());
        if !all.iter().any(|n| wants_settings(n, &settings)) {
            return (settings, all);
        }
        match self.settings.refreshed().await {
            Ok(newer) if !Arc::ptr_eq(&newer, &settings) => {
                let all = Notification::all_of(delivery, newer.as_ref());
                (newer, all)
            }
            _ => (settings, all),
        }
    }

    /// Leaves out what is erased, and finds the records that the others continue. What an operator
    /// holds is apart.
    async fn left_to_attempt(
        &self,
        delivery: &Delivery,
        all: Vec<Notification>,
        settings: &Settings,
        received: &Received,
    ) -> Result<(Vec<Notification>, Vec<Notification>), Failure> {
        let count = all.len();
        let left = self.local.pauses.without_erased(all, &self.ledger, self.host.now()).await?;
        if left.len() < count {
            tracing::info!(erased = count - left.len(), "forgotten, since their tenant was erased");
        }
        self.continue_records(delivery, left, settings, received).await
    }

    /// Finds the record of an attempt whose settings lacked an alias or a company's number, so that
    /// the notification continues that record and does not get a second one. What an operator holds
    /// under its earlier key is apart: a release replays it from there.
    async fn continue_records(
        &self,
        delivery: &Delivery,
        notifications: Vec<Notification>,
        settings: &Settings,
        received: &Received,
    ) -> Result<(Vec<Notification>, Vec<Notification>), Failure> {
        let now = self.host.now();
        let is_new = received.receive_count <= 1 && now - delivery.meta.received_at < NEW_FOR;
        if is_new || delivery.meta.origin != Origin::Webhook {
            return Ok((notifications, Vec::new()));
        }
        let (mut all, mut held) = (Vec::with_capacity(notifications.len()), Vec::new());
        'notifications: for mut n in notifications {
            for earlier in n.unnamed_keys(delivery, settings) {
                let Some(known) = self.ledger.look(&earlier).await?.same else { continue };
                n.replays = Some(earlier);
                if known.is_held(now) {
                    tracing::info!("held under the key of earlier settings");
                    held.push(n);
                    continue 'notifications;
                }
                break;
            }
            all.push(n);
        }
        Ok((all, held))
    }

    /// Makes one attempt at one notification. Without time for it, nothing is recorded: a large
    /// delivery may have many notifications whose turn comes with a later receipt.
    async fn attempt(
        &self,
        n: &Notification,
        settings: &Settings,
        received: &Received,
        attempts_end: Instant,
    ) -> Needs {
        let tenant = n.tenant.as_deref().unwrap_or_default();
        // An event outside the catalogue is the sender's text, which must not be logged.
        let event = n.event.map_or(n.entity.as_str(), |event| event.id);
        let span = tracing::info_span!("notification", notification = %n.key, tenant, event, delivery = %n.delivery);
        let work = async {
            if Instant::now() >= attempts_end {
                tracing::info!("no time left for an attempt");
                return Needs::Again(Next::unavailable(), received.receive_count);
            }
            let _at_work = self.local.in_flight.join();
            let known = OnceLock::new();
            let process = AssertUnwindSafe(self.process(n, settings, received, &known)).catch_unwind();
            let result = match timeout_at(attempts_end, process).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Failure::panicked()),
                Err(_) => Err(Failure::timed_out()),
            };
            match result {
                Ok(Done::Duplicate) => {
                    tracing::info!("duplicate");
                    self.count(n, Metric::Duplicates);
                }
                Ok(Done::Overtaken) => {
                    tracing::info!("overtaken");
                    return Needs::Again(Next::unavailable(), received.receive_count);
                }
                Ok(Done::Replayed) => {
                    tracing::info!("replayed");
                    self.count(n, Metric::Replayed);
                }
                Ok(Done::Paused) => {
                    tracing::info!("paused");
                    self.count(n, Metric::Paused);
                }
                Ok(Done::Held) => tracing::info!("held"),
                Ok(Done::HandedOver) => return Needs::FreshMessage,
                Ok(Done::Ended(state)) => tracing::info!(state = state.as_str(), "{state}"),
                Err(failure) => return self.settle(n, settings, received, known.get().copied(), failure).await,
            }
            Needs::Nothing
        };
        work.instrument(span).await
    }
}

fn sooner(one: Outcome, other: Outcome) -> Outcome {
    match (one, other) {
        (Outcome::Again { wait: a }, Outcome::Again { wait: b }) => Outcome::Again { wait: a.min(b) },
        (Outcome::Done, again) | (again, Outcome::Done) => again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_again_as_soon_as_one_of_its_notifications_wants_it() {
        let again = |seconds| Outcome::Again { wait: Duration::from_secs(seconds) };
        for (one, other, expected) in [
            (again(30), again(7), again(7)),
            (again(7), again(30), again(7)),
            (Outcome::Done, again(7), again(7)),
            (again(7), Outcome::Done, again(7)),
            (Outcome::Done, Outcome::Done, Outcome::Done),
        ] {
            assert_eq!(sooner(one, other), expected);
        }
    }
}
