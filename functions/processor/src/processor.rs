//! The steps of one notification, and what becomes of a failure among them.

use crate::admission::admit;
use crate::confirmation::{Facts, Question, question};
use crate::failure::Failure;
use crate::handler::Handler;
use crate::ports::{Limits, Ports};
use crate::{intake_message, sentences};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::{FutureExt, StreamExt, stream};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tracing::Instrument;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_model::cloud_event::CloudEvent;
use webhooks_model::feedback::{Address, FeedbackMessage, FeedbackMode, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::retry::{self, Next};
use webhooks_model::{Entity, HeadChange, Notification, Reason, State, Versions};
use webhooks_queue::{Message, Sender};
use webhooks_settings::{Cache, FeedbackId, Route, Settings};
use webhooks_store::{Advance, Change, Entry, Ledger, Seen};
use webhooks_visma::Visma;

/// Notifications of one delivery that run at the same time.
const CONCURRENCY: usize = 16;
/// Left of an attempt's time for writing down that it took too long.
const FOR_THE_LEDGER: Duration = Duration::from_secs(1);

pub struct Processor<P: Ports> {
    pub settings: Cache<P::Source, P::Host>,
    pub ledger: P::Ledger,
    pub visma: P::Visma,
    pub events: P::Queue,
    pub feedback: P::Queue,
    pub notifications: P::Pacer,
    pub handler: P::Handler,
    pub host: P::Host,
    pub limits: Limits,
}

/// How a notification got through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Duplicate,
    Ended(State),
}

/// What is found out on the way to the end.
struct Findings {
    seen: Seen,
    facts: Facts,
    route: Route,
    superseded: bool,
}

impl<P: Ports> Processor<P> {
    /// `budget` is the time there is for the batch.
    pub async fn batch(&self, event: SqsEvent, budget: Duration) -> SqsBatchResponse {
        let attempt = budget.saturating_sub(FOR_THE_LEDGER);
        webhooks_batch::run(event, &self.notifications, budget, |received| self.message(received, attempt)).await
    }

    async fn message(&self, received: Received, longest: Duration) -> Outcome {
        let settings = match self.settings.get().await {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!(error = %error, "no settings, so nothing can be processed: {error}");
                return self.again(Failure::from(error).next, &received);
            }
        };
        let notifications = match intake_message::read(&received.body, settings.as_ref()) {
            Ok(notifications) => notifications,
            Err(_) => {
                tracing::error!(message_id = received.message_id, "a foreign message on the notifications queue");
                return self.again(Next::Bug, &received);
            }
        };
        let attempts = notifications.iter().map(|n| self.attempt(n, &settings, &received, longest));
        let failed: Vec<Next> =
            stream::iter(attempts).buffer_unordered(CONCURRENCY).filter_map(|next| async move { next }).collect().await;
        let outcomes = failed.into_iter().map(|next| self.again(next, &received));
        outcomes.reduce(sooner).unwrap_or(Outcome::Done)
    }

    /// One attempt at one notification. `Some` when the message has to come again.
    async fn attempt(
        &self,
        n: &Notification,
        settings: &Settings,
        received: &Received,
        longest: Duration,
    ) -> Option<Next> {
        let tenant = n.tenant.as_deref().unwrap_or_default();
        let span = tracing::info_span!("notification", notification = %n.key, tenant, event = n.event_name(), delivery = %n.delivery);
        let work = async {
            let process = AssertUnwindSafe(self.process(n, settings, received)).catch_unwind();
            let result = match tokio::time::timeout(longest, process).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Failure::panicked()),
                Err(_) => Err(Failure::timed_out()),
            };
            match result {
                Ok(Done::Duplicate) => tracing::info!("duplicate"),
                Ok(Done::Ended(state)) => tracing::info!(state = state.as_str(), "{state}"),
                Err(failure) => return self.settle(n, settings, received, failure).await,
            }
            None
        };
        work.instrument(span).await
    }

    async fn process(&self, n: &Notification, settings: &Settings, received: &Received) -> Result<Done, Failure> {
        let seen = self.ledger.look(&n.ledger_key()).await?;
        if seen.same.and_then(|known| known.state).is_some_and(State::is_final) {
            return Ok(Done::Duplicate);
        }
        if self.limits.is_last(received.receive_count) {
            self.record(
                n,
                self.dead(received, Reason::Lost, "the last attempt began and was not heard of again", false),
            )
            .await?;
        }
        if n.entity == Entity::Unparseable {
            return self.end(n, State::Unparseable, FeedbackState::None, settings, None).await;
        }
        admit(n, settings).map_err(Failure::parked)?;
        let route = settings.route(n.entity, n.kind);
        let fetched = match question(n, &route, seen.repeated).map_err(Failure::parked)? {
            Question::None => None,
            Question::Fetch(path) => {
                let tenant = n.tenant.as_deref().unwrap_or_default();
                Some(self.visma.fetch(&settings.visma, tenant, path).await?)
            }
        };
        let facts = Facts::new(n, fetched);
        let superseded = self.advance(n, &seen, &facts).await?;
        self.finish(n, settings, Findings { seen, facts, route, superseded }).await
    }

    /// Brings the entity up to date. `true` when the notification has come too late to matter.
    async fn advance(&self, n: &Notification, seen: &Seen, facts: &Facts) -> Result<bool, Failure> {
        if n.entity_key.is_none() {
            return Ok(false);
        }
        let mut change = head_change(n, seen, facts);
        let now = self.host.now();
        if let (Entity::Account, Some(id), Some(version)) = (n.entity, &change.internal_id, change.versions.resource) {
            let previous = self.ledger.number_account(&change.entity, id, version, now).await?;
            change.previous_key = change.previous_key.or(previous);
        }
        if let Some(previous) = change.previous_key.clone().filter(|previous| *previous != change.entity.key) {
            let old = webhooks_model::EntityId { key: previous, ..change.entity.clone() };
            self.ledger.mark_renumbered(&old, &change.entity.key, now).await?;
        }
        let advanced = self.ledger.advance(&change, seen.head.as_ref(), now).await? == Advance::Advanced;
        Ok(facts.refuted || (!advanced && (n.kind.is_hint() || seen.repeated)))
    }

    async fn finish(&self, n: &Notification, settings: &Settings, found: Findings) -> Result<Done, Failure> {
        let Findings { seen, facts, route, superseded } = found;
        let address = Address::of(n, settings.visma.feedback_id == FeedbackId::HeaderFirst);
        let resource = facts.resource.as_ref();
        let verdict = if superseded {
            sentences::superseded(n, &facts)
        } else {
            self.handler.handle(n, resource).await?.unwrap_or_else(|| sentences::processed(n, &facts))
        };
        // Nobody gets an event of what is superseded, so nobody could post its outcome.
        let mode = match route.feedback {
            _ if address.ids.is_empty() => FeedbackMode::None,
            FeedbackMode::Deferred if superseded || !route.publish => FeedbackMode::Automatic,
            mode => mode,
        };
        if route.publish && !superseded {
            let status = n.status.clone().or_else(|| resource.and_then(webhooks_model::Resource::status));
            let event = CloudEvent::new(n, resource, status.as_deref(), mode);
            self.send(&self.events, n, event.into_message()).await?;
        }
        let already = seen.same.and_then(|known| known.feedback).filter(|state| *state != FeedbackState::None);
        let feedback = match (already, mode) {
            (Some(state), _) => state,
            (None, FeedbackMode::None) => FeedbackState::None,
            (None, FeedbackMode::Deferred) => FeedbackState::Awaited,
            (None, FeedbackMode::Automatic) => self.queue_feedback(n, address, verdict).await?,
        };
        let state = if superseded { State::Superseded } else { State::Processed };
        self.end(n, state, feedback, settings, Some(&route)).await
    }

    async fn end(
        &self,
        n: &Notification,
        state: State,
        feedback: FeedbackState,
        settings: &Settings,
        route: Option<&Route>,
    ) -> Result<Done, Failure> {
        let address = Address::of(n, settings.visma.feedback_id == FeedbackId::HeaderFirst);
        let deadline =
            route.filter(|_| feedback == FeedbackState::Awaited).map(|route| self.host.now() + route.deadline());
        let ended = self.record(n, Change::Ended { state, feedback, address, deadline }).await?;
        Ok(if ended { Done::Ended(state) } else { Done::Duplicate })
    }

    /// Writes a failure down. `Some` when the message has to come again.
    async fn settle(
        &self,
        n: &Notification,
        settings: &Settings,
        received: &Received,
        failure: Failure,
    ) -> Option<Next> {
        let reason = failure.next.reason();
        if let Next::Park(reason) = failure.next {
            tracing::warn!(reason = reason.as_str(), "parked: {reason}");
            return match self.record(n, Change::Parked(reason)).await {
                Ok(_) => None,
                Err(unwritten) => Some(self.unwritten(&unwritten)),
            };
        }
        let last = self.limits.is_last(received.receive_count);
        let change = if last {
            tracing::error!(reason = reason.as_str(), receive_count = received.receive_count, "dead: {reason}");
            let answered = self.report_death(n, settings).await;
            self.dead(received, reason, &failure.detail, answered)
        } else {
            tracing::warn!(
                reason = reason.as_str(),
                receive_count = received.receive_count,
                "will be retried: {reason}"
            );
            Change::Failed(self.line(received, reason, &failure.detail))
        };
        match self.record(n, change).await {
            Ok(true) => Some(failure.next),
            // Another attempt reached the end meanwhile.
            Ok(false) => None,
            Err(unwritten) => Some(self.unwritten(&unwritten)),
        }
    }

    /// Tells the accountant, if anybody is to be told. The death stands even if this fails.
    async fn report_death(&self, n: &Notification, settings: &Settings) -> bool {
        let address = Address::of(n, settings.visma.feedback_id == FeedbackId::HeaderFirst);
        let wanted = settings.route(n.entity, n.kind).feedback != FeedbackMode::None && n.tenant.is_some();
        if address.ids.is_empty() || !wanted {
            return false;
        }
        self.queue_feedback(n, address, sentences::dead(n)).await.is_ok()
    }

    async fn queue_feedback(
        &self,
        n: &Notification,
        address: Address,
        verdict: Verdict,
    ) -> Result<FeedbackState, Failure> {
        let message = FeedbackMessage::Feedback { notification: n.ledger_key(), address, verdict };
        let body = serde_json::to_string(&message).expect("strings, ids and flags always serialise");
        self.send(&self.feedback, n, body).await?;
        Ok(FeedbackState::Queued)
    }

    async fn send(&self, queue: &P::Queue, n: &Notification, body: String) -> Result<(), Failure> {
        queue.send(Message { body, group: n.tenant.as_deref(), attributes: &[] }).await?;
        Ok(())
    }

    async fn record(&self, notification: &Notification, change: Change) -> Result<bool, Failure> {
        Ok(self.ledger.record(&Entry { notification, change, now: self.host.now() }).await?)
    }

    fn unwritten(&self, failure: &Failure) -> Next {
        tracing::error!(error = failure.detail, "the ledger could not be written: {}", failure.detail);
        failure.next
    }

    fn dead(&self, received: &Received, reason: Reason, detail: &str, answered: bool) -> Change {
        Change::Dead { attempt: self.line(received, reason, detail), answered }
    }

    fn line(&self, received: &Received, reason: Reason, detail: &str) -> Attempt {
        Attempt { at: self.host.now(), receive_count: received.receive_count, reason, detail: detail.to_owned() }
    }

    fn again(&self, next: Next, received: &Received) -> Outcome {
        let after = match next {
            // Handed out once more, SQS moves it to the dead-letter queue.
            _ if self.limits.is_last(received.receive_count) => return Outcome::Again { wait: Duration::ZERO },
            Next::Retry { after, .. } => after,
            Next::Park(_) | Next::Bug => None,
        };
        Outcome::Again { wait: retry::wait(after, received.receive_count, self.limits.retry_base, self.host.random()) }
    }
}

fn head_change(n: &Notification, seen: &Seen, facts: &Facts) -> HeadChange {
    let resource = facts.resource.as_ref();
    let key = n.ledger_key();
    let signed_body = n.occurred_at.filter(|_| n.proof != webhooks_model::notification::Proof::Nothing);
    let received = webhooks_model::Ticks::from_datetime(n.received_at);
    let modified = resource.and_then(webhooks_model::Resource::modified);
    let versions = Versions::new(modified, signed_body, received);
    let current = resource.and_then(webhooks_model::Resource::status);
    let announced = n.status.clone().map(|status| (signed_body.unwrap_or(received), status));
    let milestone = announced.or_else(|| Some((modified?, current.clone()?)));
    HeadChange {
        entity: key.entity,
        notification: key.notification,
        versions,
        strictly_newer: seen.repeated,
        status: current.or_else(|| n.status.clone()),
        milestone,
        deleted: facts.deleted,
        gone: facts.gone,
        detail: resource.and_then(|resource| resource.detail(n.entity)),
        internal_id: resource.and_then(|resource| resource.internal_id(n.entity)),
        previous_key: n.previous_key.clone().filter(|_| n.kind == webhooks_model::Kind::IdentityChanged),
    }
}

fn sooner(one: Outcome, other: Outcome) -> Outcome {
    match (one, other) {
        (Outcome::Again { wait: a }, Outcome::Again { wait: b }) => Outcome::Again { wait: a.min(b) },
        (Outcome::Done, again) | (again, Outcome::Done) => again,
    }
}
