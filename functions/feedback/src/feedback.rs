//! The steps of one feedback, and what becomes of a failure.

use crate::delivery::deliver;
use crate::ports::{Limits, Ports};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use time::{Duration, OffsetDateTime};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;
use uuid::Uuid;
use webhooks_batch::{Outcome, Received};
use webhooks_host::Host;
use webhooks_metrics::{Metric, Metrics};
use webhooks_model::feedback::{Address, FeedbackMessage, FeedbackState, Rejection, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::retry::{self, Next};
use webhooks_model::{LedgerKey, Reason, observed};
use webhooks_queue::{Message, QueueError, Sender};
use webhooks_settings::{Cache, FeedbackId, LoadError, Settings};
use webhooks_store::{Answer, Answered, Answers, Observer, StoreError};
use webhooks_visma::{Fault, Quotas, Stage, VismaError};

/// An outcome may arrive before the processor has recorded the notification. During a deployment, a
/// message of a newer processor may arrive before this function is replaced.
const MAY_BE_EARLY_BY: Duration = Duration::minutes(15);
/// The time reserved for writing that Visma Net did not answer in time.
const FOR_THE_LEDGER: std::time::Duration = std::time::Duration::from_secs(1);

/// An error if the table refuses to look up that key, or only a newer version can read the record.
type Known = HashMap<LedgerKey, Result<Answered, StoreError>>;
/// The notifications of this batch's messages.
type Taken = Mutex<HashSet<LedgerKey>>;

pub struct Feedback<P: Ports> {
    pub settings: Cache<P::Source, P::Host>,
    pub answers: P::Answers,
    pub visma: P::Visma,
    pub queue: P::Pacer,
    pub rejected: P::Queue,
    pub host: P::Host,
    pub metrics: Metrics<P::Host>,
    pub limits: Limits,
    pub observer: Observer,
}

/// A feedback to send, once it is known to be wanted.
pub(crate) struct Wanted {
    pub(crate) key: LedgerKey,
    address: Address,
    /// The state in which it was read.
    pub(crate) state: FeedbackState,
    pub(crate) verdict: Verdict,
    was_marked: bool,
    pub(crate) limited_since: Option<OffsetDateTime>,
    pub(crate) received_at: Option<OffsetDateTime>,
}

enum Decision {
    Send(Box<Wanted>),
    AlreadyAnswered,
    /// The notification is not recorded yet.
    TooEarly,
    /// It cannot be read, for this reason.
    Unread(Next, String),
    Reject(Rejection),
}

impl<P: Ports> Feedback<P> {
    /// `budget` is the time for the whole batch.
    pub async fn batch(&self, event: SqsEvent, request_id: &str, budget: std::time::Duration) -> SqsBatchResponse {
        let begun = Instant::now();
        let (end, calls_end) = (begun + budget, begun + budget.saturating_sub(FOR_THE_LEDGER));
        let known = self.look_up(&event).await;
        let taken = Taken::default();
        let each = |received| self.message(received, known.as_ref(), &taken, calls_end);
        let left = end.saturating_duration_since(Instant::now());
        let response = webhooks_batch::run(event, &self.queue, left, each).await;
        if let Err(error) = self.observer.flush_by(&self.answers, self.host.now(), end).await {
            tracing::warn!(error = %error, "observations were not written yet: {error}");
        }
        self.metrics.record(None, self.quota_left(&taken));
        self.metrics.flush(request_id);
        response
    }

    /// The smallest quota left among the batch's tenants.
    fn quota_left(&self, taken: &Taken) -> Option<Metric> {
        let taken = taken.lock().expect("nothing panics while it is held");
        let quotas = taken.iter().filter_map(|key| self.visma.quota_left(&key.entity.tenant));
        quotas.map(|quota| quota.remaining).min().map(Metric::FeedbackQuotaLeft)
    }

    /// One read for the whole batch. `None` if it failed: then all messages come again. A record
    /// that cannot be read fails only its own message.
    async fn look_up(&self, event: &SqsEvent) -> Option<Known> {
        let bodies = event.records.iter().filter_map(|record| record.body.as_deref());
        let keys: Vec<LedgerKey> =
            bodies.filter_map(|body| Some(FeedbackMessage::parse(body).ok()?.notification().clone())).collect();
        let unread = |error: &StoreError| tracing::error!(error = %error, "the ledger cannot be read: {error}");
        match self.answers.answered(&keys).await {
            Ok(answered) => Some(answered.into_iter().map(|(key, answered)| (key, Ok(answered))).collect()),
            Err(error @ StoreError::Unavailable(_)) => {
                unread(&error);
                None
            }
            Err(_) => self.look_up_each(&keys).await.inspect_err(unread).ok(),
        }
    }

    /// Reads key by key, since one bad key must not fail the others.
    async fn look_up_each(&self, keys: &[LedgerKey]) -> Result<Known, StoreError> {
        let mut known = Known::new();
        for key in keys {
            match self.answers.answered(std::slice::from_ref(key)).await {
                Ok(answered) => known.extend(answered.into_iter().map(|(key, answered)| (key, Ok(answered)))),
                Err(error @ StoreError::Unavailable(_)) => return Err(error),
                Err(error) => drop(known.insert(key.clone(), Err(error))),
            }
        }
        Ok(known)
    }

    async fn message(&self, received: Received, known: Option<&Known>, taken: &Taken, calls_end: Instant) -> Outcome {
        let Some(known) = known else {
            return self.retry(None, Next::unavailable(), &received);
        };
        let settings = match self.settings.get().await {
            Ok(settings) => settings,
            Err(error) => {
                tracing::error!(error = %error, "no settings, so nothing can be sent: {error}");
                return self.retry(None, Next::unavailable(), &received);
            }
        };
        let message = match FeedbackMessage::parse(&received.body) {
            Ok(message) => message,
            Err(rejection) if rejection.may_be_newer() && self.age(&received) < MAY_BE_EARLY_BY => {
                tracing::warn!(code = rejection.code(), "waits, as a newer version may have written it: {rejection}");
                return self.again(Next::unavailable(), &received);
            }
            Err(rejection) => return self.reject(rejection, &received).await,
        };
        let key = message.notification();
        // The second of two messages about one notification waits, and then finds it answered.
        if !taken.lock().expect("nothing panics while it is held").insert(key.clone()) {
            return self.again(Next::unavailable(), &received);
        }
        let span = tracing::info_span!("feedback", notification = %key.notification, tenant = key.entity.tenant);
        let work = async {
            match self.decide(&message, known, &received) {
                Decision::Send(wanted) => self.send(&wanted, &settings, &received, calls_end).await,
                Decision::AlreadyAnswered => {
                    tracing::info!("duplicate");
                    Outcome::Done
                }
                Decision::TooEarly => self.again(Next::unavailable(), &received),
                Decision::Unread(next, why) => {
                    if next == Next::Bug {
                        tracing::error!(error = why, "the ledger cannot be read: {why}");
                    } else {
                        tracing::warn!(reason = next.reason().as_str(), "waits: {why}");
                    }
                    self.retry(Some(&key.entity.tenant), next, &received)
                }
                Decision::Reject(rejection) => self.reject(rejection, &received).await,
            }
        };
        work.instrument(span).await
    }

    fn decide(&self, message: &FeedbackMessage, known: &Known, received: &Received) -> Decision {
        let key = message.notification().clone();
        let found = match known.get(&key) {
            Some(Err(error)) => return Decision::Unread(error.next(), error.to_string()),
            Some(Ok(answered)) => Some(answered),
            None => None,
        };
        let Some((answered, state)) = found.and_then(|answered| Some((answered, answered.feedback?))) else {
            let early = self.age(received) < MAY_BE_EARLY_BY;
            return if early { Decision::TooEarly } else { Decision::Reject(Rejection::UnknownNotification) };
        };
        let is_decided = match message {
            FeedbackMessage::Outcome { verdict, .. } => answered.verdict.as_ref() == Some(verdict),
            FeedbackMessage::Feedback { .. } => false,
        };
        let verdict = match (message, state) {
            // Another record has the answer, or none is wanted.
            (FeedbackMessage::Feedback { .. }, FeedbackState::None | FeedbackState::Sent) => {
                return Decision::AlreadyAnswered;
            }
            // Any other outcome is not what the accountant reads, so a person must see it.
            (FeedbackMessage::Outcome { .. }, FeedbackState::Sent) if is_decided => return Decision::AlreadyAnswered,
            // With a verdict of its own, it waits for other items under its id.
            (FeedbackMessage::Outcome { verdict, .. }, FeedbackState::Awaited) if answered.verdict.is_none() => {
                Some(verdict.clone())
            }
            // Before it was parked, Visma Net may have accepted the feedback without our receiving
            // the answer. If it waits for calls, this is the message that decided it.
            (FeedbackMessage::Outcome { verdict, .. }, FeedbackState::Parked | FeedbackState::Queued)
                if answered.is_deferred && is_decided =>
            {
                Some(verdict.clone())
            }
            (FeedbackMessage::Outcome { .. }, _) => return Decision::Reject(Rejection::NotDeferred),
            (FeedbackMessage::Feedback { .. }, _) => answered.verdict.clone(),
        };
        match verdict {
            Some(verdict) if !answered.address.ids.is_empty() => Decision::Send(Box::new(Wanted {
                key,
                address: answered.address.clone(),
                state,
                verdict,
                was_marked: answered.is_marked,
                limited_since: answered.limited_since,
                received_at: answered.received_at,
            })),
            _ => Decision::Reject(Rejection::NoAddress),
        }
    }

    async fn send(&self, wanted: &Wanted, settings: &Settings, received: &Received, calls_end: Instant) -> Outcome {
        let tenant = &wanted.key.entity.tenant;
        let delivered = match timeout_at(calls_end, self.deliver(wanted, settings)).await {
            Ok(Ok(delivered)) => delivered,
            Ok(Err(_)) => return self.retry(Some(tenant), Next::unavailable(), received),
            Err(_) => Err(VismaError::Unavailable { stage: Stage::Feedback, fault: Fault::Timeout, after: None }),
        };
        let error = match delivered {
            Ok(id) => {
                self.observe(&wanted.address, &wanted.verdict, Some(id), settings);
                tracing::info!(is_success = wanted.verdict.is_success, "feedback sent");
                let elapsed = wanted.received_at.map(|at| Metric::AcceptedToFeedback(self.host.now() - at));
                self.metrics.record(Some(tenant), [Metric::FeedbackSent].into_iter().chain(elapsed));
                let answer = Answer::Sent { id, verdict: wanted.verdict.clone(), was_marked: wanted.was_marked };
                return self.write(wanted, &answer, received).await.unwrap_or(Outcome::Done);
            }
            Err(error) => error,
        };
        if matches!(error, VismaError::Refused { .. }) {
            self.observe(&wanted.address, &wanted.verdict, None, settings);
        }
        let has_waited_long = wanted.has_waited_long(&error, self.host.now());
        if !has_waited_long && let Some(outcome) = self.wait_in_ledger(wanted, &error, received).await {
            return outcome;
        }
        let next = match error {
            VismaError::Refused { .. } => Next::Park(Reason::FeedbackRefused),
            _ if has_waited_long || self.age(received) >= self.limits.give_up_after => Next::Park(Reason::GaveUp),
            _ => error.next(),
        };
        let reason = next.reason();
        let attempt = self.attempt(received, reason, &error);
        if matches!(next, Next::Park(_)) {
            tracing::warn!(reason = reason.as_str(), error = %error, "feedback parked: {error}");
            let answer = Answer::Parked { attempt, verdict: wanted.verdict.clone() };
            let unwritten = self.write(wanted, &answer, received).await;
            let metric = unwritten.is_none().then_some(Metric::FeedbackParked { reason: reason.as_str() });
            self.metrics.record(Some(tenant), metric);
            return unwritten.unwrap_or(Outcome::Done);
        }
        tracing::info!(
            reason = reason.as_str(),
            receive_count = received.receive_count,
            "feedback will be retried: {error}"
        );
        // It may be retried for hours, so fewer and fewer of its tries are logged.
        if received.receive_count.is_power_of_two()
            && let Some(outcome) = self.write(wanted, &Answer::Failed(attempt), received).await
        {
            return outcome;
        }
        self.retry(Some(tenant), next, received)
    }

    /// If Visma Connect refuses our credentials, a newer document may have better ones, such as a
    /// rotated client secret. So the settings are read again, at most once in half a minute, before
    /// the feedback is parked.
    async fn deliver(&self, wanted: &Wanted, settings: &Settings) -> Result<Result<Uuid, VismaError>, LoadError> {
        let tenant = &wanted.key.entity.tenant;
        let (address, verdict) = (&wanted.address, &wanted.verdict);
        let delivered = deliver(&self.visma, &settings.visma, tenant, address, verdict).await;
        if !delivered.as_ref().is_err_and(VismaError::is_refused_by_connect) {
            return Ok(delivered);
        }
        let newer = self.settings.refreshed().await?;
        if newer.visma == settings.visma {
            return Ok(delivered);
        }
        Ok(deliver(&self.visma, &newer.visma, tenant, address, verdict).await)
    }

    /// Observes that a feedback was accepted under this id, or refused under every one
    /// (docs/visma-net.md#open-questions). The batch writes it at its end.
    fn observe(&self, address: &Address, verdict: &Verdict, id: Option<Uuid>, settings: &Settings) {
        let is_first = address.ids.first() == id.as_ref();
        let is_header_first = settings.visma.feedback_id == FeedbackId::HeaderFirst;
        let taken = match id {
            None => observed::Taken::Neither,
            Some(_) if address.ids.len() == 1 => observed::Taken::Only,
            Some(_) if is_first == is_header_first => observed::Taken::Header,
            Some(_) => observed::Taken::Body,
        };
        let length = verdict.description.as_str().encode_utf16().count();
        let seen = observed::of_feedback(taken, is_first, address.source.as_deref(), length);
        self.observer.note(seen, self.host.now());
    }

    /// `Some` if the message has to come again: it could not be written, or there is another answer.
    async fn write(&self, wanted: &Wanted, answer: &Answer, received: &Received) -> Option<Outcome> {
        let next = match self.answers.answer(&wanted.key, answer, self.host.now()).await {
            // Another outcome has just been sent. The next time this one is a repetition, or set aside.
            Ok(false) if matches!(answer, Answer::Parked { .. }) => Next::unavailable(),
            Ok(_) => return None,
            Err(error) => {
                tracing::error!(error = %error, "the ledger could not be written: {error}");
                error.next()
            }
        };
        Some(self.retry(Some(&wanted.key.entity.tenant), next, received))
    }

    /// Sends the message with its reason to the dead-letter queue, for a person. Attributes count
    /// for the limit of SQS, so a message of nearly 1 MiB goes without them. Otherwise SQS would
    /// refuse it until it expires, and it would be lost.
    async fn reject(&self, rejection: Rejection, received: &Received) -> Outcome {
        let (code, text) = (rejection.code(), rejection.to_string());
        tracing::warn!(code, "rejected: {rejection}");
        let mut put_aside = self.put_aside(received, &[("rejection_code", code), ("rejection", text.as_str())]).await;
        if let Err(error @ QueueError::InvalidMessage(_)) = &put_aside {
            tracing::warn!(code, error = %error, "rejected without attributes, which make it too large: {rejection}");
            put_aside = self.put_aside(received, &[]).await;
        }
        match put_aside {
            Ok(()) => {
                self.metrics.record(None, [Metric::OutcomesRejected { code }]);
                Outcome::Done
            }
            Err(error) => self.retry(None, error.next(), received),
        }
    }

    async fn put_aside(&self, received: &Received, attributes: &[(&str, &str)]) -> Result<(), QueueError> {
        let trace = received.trace.as_ref();
        self.rejected.send(Message { body: received.body.clone(), group: None, attributes, trace }).await
    }

    pub(crate) fn attempt(&self, received: &Received, reason: Reason, error: &VismaError) -> Attempt {
        Attempt { at: self.host.now(), receive_count: received.receive_count, reason, detail: error.to_string() }
    }

    /// Handles a failed try that will be repeated.
    pub(crate) fn retry(&self, tenant: Option<&str>, next: Next, received: &Received) -> Outcome {
        self.metrics.record(tenant, [Metric::FeedbackRetried { reason: next.reason().as_str() }]);
        self.again(next, received)
    }

    fn again(&self, next: Next, received: &Received) -> Outcome {
        Outcome::Again { wait: retry::wait(next, received.receive_count, self.limits.retry_base, self.host.random()) }
    }

    fn age(&self, received: &Received) -> Duration {
        received.sent_at.map_or(Duration::ZERO, |sent_at| self.host.now() - sent_at)
    }
}
