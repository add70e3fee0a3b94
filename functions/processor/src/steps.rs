//! The steps of one notification. Its end is recorded after all effects except the feedback, which
//! starts then.

use crate::admission::{Facts, Question, admit, is_ambiguous, is_claim, question};
use crate::answer::{address, awaited, decided};
use crate::failure::Failure;
use crate::handler::Handler;
use crate::ports::{Done, Ports, Processor};
use crate::sentences;
use std::sync::{Arc, OnceLock};
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_model::cloud_event::CloudEvent;
use webhooks_model::delivery::{AnswerRole, RECONCILIATION};
use webhooks_model::feedback::{FeedbackMode, FeedbackState};
use webhooks_model::notification::Proof;
use webhooks_model::{
    Entity, EntityId, HeadChange, Kind, LedgerKey, Notification, Origin, Reason, Resource, Stamp, State, Ticks,
    Versions,
};
use webhooks_settings::{Route, Settings};
use webhooks_store::{Advance, Answering, Change, Deed, Known, Seen};

/// How many records of one notification are read, from one key to the next.
pub(crate) const MOST_KEYS: usize = 8;

/// The results of the steps before the end.
struct Findings {
    seen: Seen,
    facts: Facts,
    route: Route,
    superseded: bool,
}

impl<P: Ports> Processor<P> {
    pub(crate) async fn process(
        &self,
        n: &Notification,
        settings: &Settings,
        received: &Received,
        known: &OnceLock<Known>,
    ) -> Result<Done, Failure> {
        let seen = self.ledger.look(&n.ledger_key()).await?;
        // What becomes of a failure depends on the attempts before.
        known.get_or_init(|| seen.same.unwrap_or_default());
        // A record under another key is ended, without repeating its effects.
        let is_repeated = n.origin == Origin::Replay && n.moved_from().is_none();
        let is_over = |known: &Known| !is_repeated && known.state.is_some_and(State::is_final);
        if let Some(known) = seen.same.filter(is_over) {
            return self.repeat(n, known, received).await;
        }
        if self.is_held(n, seen.same).await? {
            return Ok(Done::Held);
        }
        // An attempt decided the feedback when the notification died, but perhaps could not queue
        // it.
        if seen.same.is_some_and(|known| known.feedback == Some(FeedbackState::Queued)) && n.origin != Origin::Replay {
            self.queue_feedback(n, received).await?;
        }
        // After a pause it would be a replay, as if a person had asked for it.
        if is_claim(n) {
            self.newer_that_admit(n, settings).await?;
            return Err(Failure::parked(Reason::Unconfirmable));
        }
        if self.local.pauses.hold(n, &self.ledger, self.host.now()).await? {
            self.record(n, Change::Paused).await?;
            return Ok(Done::Paused);
        }
        if self.limits.is_last(received.receive_count) && !self.begin_last(n, &seen, received).await? {
            return Ok(Done::HandedOver);
        }
        if n.entity == Entity::Unparseable {
            return self.end(n, received, State::Unparseable, Answering::none()).await;
        }
        let newer = self.newer_that_admit(n, settings).await?;
        let settings = newer.as_deref().unwrap_or(settings);
        if is_ambiguous(n, &seen) {
            return Err(Failure::parked(Reason::Ambiguous));
        }
        let route = settings.route(n.entity, n.kind);
        let facts = self.facts(n, settings, &route, &seen, received).await?;
        let superseded = self.advance(n, &seen, &facts).await?;
        if superseded && !facts.refuted && !seen.repeated {
            self.observe_overtaken(received);
        }
        self.finish(n, settings, received, Findings { seen, facts, route, superseded }).await
    }

    /// `None` if these settings admit it. Intake reads them separately, so it may know a newer
    /// subscription.
    async fn newer_that_admit(&self, n: &Notification, settings: &Settings) -> Result<Option<Arc<Settings>>, Failure> {
        match admit(n, settings) {
            Ok(()) => Ok(None),
            Err(Reason::TenantNotServed) => {
                let newer = Box::pin(self.settings.as_of(n.received_at)).await?;
                admit(n, &newer).map_err(Failure::parked)?;
                Ok(Some(newer))
            }
            Err(reason) => Err(Failure::parked(reason)),
        }
    }

    /// Whether an operator holds it, also under its former key. A release or a replay ends the hold in
    /// the table before it sends its message, so no message ends a hold.
    async fn is_held(&self, n: &Notification, known: Option<Known>) -> Result<bool, Failure> {
        let now = self.host.now();
        if known.is_some_and(|known| known.is_held(now)) {
            return Box::pin(self.stays_held(n, &n.ledger_key())).await;
        }
        let old = match n.moved_from().filter(|_| n.origin == Origin::Replay) {
            Some(old) => Some(old.clone()),
            None if known.is_some_and(|known| known.continues) => {
                Box::pin(self.ledger.record_of(&n.ledger_key())).await?.and_then(|record| record.moved_from)
            }
            None => None,
        };
        let Some(old) = old else { return Ok(false) };
        let known = Box::pin(self.ledger.look(&old)).await?.same;
        Ok(known.is_some_and(|known| known.is_held(now)) && Box::pin(self.stays_held(n, &old)).await?)
    }

    /// Earlier versions left the hold when an operator asked for a replay. Their message may still be
    /// on the queue.
    async fn stays_held(&self, n: &Notification, key: &LedgerKey) -> Result<bool, Failure> {
        if n.origin != Origin::Replay {
            return Ok(true);
        }
        let actions = self.ledger.record_of(key).await?.map(|record| record.actions).unwrap_or_default();
        let mut since_hold = actions.iter().rev().take_while(|action| action.what != Deed::Hold.as_str());
        Ok(!since_hold.any(|action| action.what == Deed::Replay.as_str()))
    }

    /// It has ended before. A repeated message may belong to an attempt that died before it queued
    /// the feedback. So may a message that a person redrove from the dead-letter queue: SQS counts its
    /// receipts from zero again.
    async fn repeat(&self, n: &Notification, known: Known, received: &Received) -> Result<Done, Failure> {
        self.observe_repetition(n, known, received);
        let (key, feedback) = match known.is_moved {
            // If this record was closed for the one that the replay is about, closing that too would
            // leave none.
            true => self.continuation(n.ledger_key()).await?,
            false => {
                self.close_moved(n).await?;
                (n.ledger_key(), known.feedback)
            }
        };
        let is_same_message = received.receive_count > 1 || known.delivery == Some(n.delivery);
        if is_same_message && feedback == Some(FeedbackState::Queued) {
            self.queue_feedback_of(key, n, received).await?;
        }
        Ok(Done::Duplicate)
    }

    /// The record for which another was closed, and its feedback. The attempt that ended it may have
    /// had settings with an alias or a company number that ours lack.
    async fn continuation(&self, closed: LedgerKey) -> Result<(LedgerKey, Option<FeedbackState>), Failure> {
        let record = self.ledger.record_of(&closed).await?;
        let Some(key) = record.and_then(|record| record.moved_to) else { return Ok((closed, None)) };
        let known = self.ledger.look(&key).await?.same;
        Ok((key, known.and_then(|known| known.feedback)))
    }

    /// What the ERP shows of the entity, if the route or the notification's proof needs it.
    async fn facts(
        &self,
        n: &Notification,
        settings: &Settings,
        route: &Route,
        seen: &Seen,
        received: &Received,
    ) -> Result<Facts, Failure> {
        let fetched = match question(n, route, seen.repeated).map_err(Failure::parked)? {
            Question::None => None,
            Question::Fetch(path) => {
                let tenant = n.tenant.as_deref().unwrap_or_default();
                let fetched = self.fetch(settings, tenant, path).await?;
                self.observe_fetched(n, path, settings, &fetched, received);
                Some(fetched?)
            }
        };
        Facts::new(n, fetched).confirmed(n).map_err(Failure::parked)
    }

    /// Advances the entity's head. `true` if the notification is superseded.
    async fn advance(&self, n: &Notification, seen: &Seen, facts: &Facts) -> Result<bool, Failure> {
        if n.entity_key.is_none() {
            return Ok(false);
        }
        let change = head_change(n, seen, facts);
        let now = self.host.now();
        if let Some(announced) = change.previous_key.clone().filter(|announced| *announced != change.entity.key) {
            let old = EntityId { key: announced, ..change.entity.clone() };
            self.ledger.mark_renumbered(&old, &change.entity.key, now).await?;
        }
        let advanced = self.ledger.advance(&change, now).await? == Advance::Advanced;
        Ok(facts.refuted || (!advanced && (n.kind.is_hint() || seen.repeated)))
    }

    async fn finish(
        &self,
        n: &Notification,
        settings: &Settings,
        received: &Received,
        found: Findings,
    ) -> Result<Done, Failure> {
        let Findings { seen, facts, route, superseded } = found;
        let resource = facts.resource.as_ref();
        let language = settings.language(n.tenant.as_deref());
        let verdict = if superseded {
            sentences::superseded(n, &facts, seen.repeated, language)
        } else {
            self.handler.handle(n, resource).await?.unwrap_or_else(|| sentences::processed(n, &facts, language))
        };
        let address = address(n, settings);
        // A superseded notification publishes no event, so no integrator could send its outcome.
        let mode = match route.feedback {
            _ if address.ids.is_empty() || n.answer == AnswerRole::ByFirst => FeedbackMode::None,
            FeedbackMode::Deferred if superseded || !route.publish => FeedbackMode::Automatic,
            mode => mode,
        };
        if route.publish && !superseded {
            let event = CloudEvent::new(n, resource, sentences::status(n, &facts), mode);
            self.send(&self.events, n, received, event.into_message()).await?;
        }
        let state = if superseded { State::Superseded } else { State::Processed };
        let deadline = self.host.now() + route.deadline();
        let known = seen.same.unwrap_or_default();
        let answered = match known.feedback {
            None if n.answer != AnswerRole::ByFirst && self.is_answered_elsewhere(n, known).await? => {
                Some(FeedbackState::None)
            }
            answered => answered,
        };
        let answer = match (answered, mode) {
            // Its verdict counts in the answer of the first.
            _ if n.answer == AnswerRole::ByFirst => Answering { address, verdict: Some(verdict), ..Answering::none() },
            (Some(feedback), _) => Answering { feedback, ..Answering::none() },
            (None, FeedbackMode::None) => Answering { address, ..Answering::none() },
            (None, FeedbackMode::Automatic) if self.waits_together(n, known).await? => {
                awaited(address, Some(verdict), deadline)
            }
            (None, FeedbackMode::Automatic) => decided(address, verdict),
            (None, FeedbackMode::Deferred) => awaited(address, None, deadline),
        };
        self.end(n, received, state, answer).await
    }

    /// Whether the answer was decided in a record under an earlier key, since Visma Net is told only
    /// once. A record that was parked in between has no answer.
    pub(crate) async fn is_answered_elsewhere(&self, n: &Notification, known: Known) -> Result<bool, Failure> {
        let own = known.continues.then(|| n.ledger_key());
        let mut key = n.moved_from().cloned().or(own);
        for _ in 0..MOST_KEYS {
            let Some(earlier) = key else { break };
            let Some(record) = self.ledger.record_of(&earlier).await? else { break };
            if record.feedback.is_some() || record.newer_feedback.is_some() {
                return Ok(true);
            }
            key = record.moved_from;
        }
        Ok(false)
    }

    /// Whether the answer is that of several items. A replay has only one of them, so it waits for the
    /// others only if its record names them, perhaps the one under its former key.
    async fn waits_together(&self, n: &Notification, known: Known) -> Result<bool, Failure> {
        if n.answer != AnswerRole::ForAll || n.origin != Origin::Replay || known.waits_together {
            return Ok(n.answer == AnswerRole::ForAll);
        }
        let Some(old) = n.moved_from() else { return Ok(false) };
        Ok(self.ledger.look(old).await?.same.is_some_and(|old| old.waits_together))
    }

    /// Records the end. Only the attempt that wins this write queues the feedback.
    async fn end(
        &self,
        n: &Notification,
        received: &Received,
        state: State,
        answer: Answering,
    ) -> Result<Done, Failure> {
        let is_decided_here = answer.feedback == FeedbackState::Queued && answer.verdict.is_some();
        let ended = self.record(n, Change::Ended { state, answer }).await?;
        if !ended && n.origin == Origin::Replay {
            self.ledger.replayed(&n.ledger_key(), self.host.now()).await?;
            return Ok(Done::Replayed);
        }
        if !ended {
            return self.overtaken(n).await;
        }
        self.count_end(n, state);
        if is_decided_here {
            self.queue_feedback(n, received).await?;
        }
        Ok(Done::Ended(state))
    }

    /// Another attempt has just recorded the end. If it works on the same message, delivered twice,
    /// it may die before it queues the feedback. Then only this message can queue it.
    async fn overtaken(&self, n: &Notification) -> Result<Done, Failure> {
        let known = self.ledger.look(&n.ledger_key()).await?.same;
        let is_twin =
            |known: Known| known.delivery == Some(n.delivery) && known.feedback == Some(FeedbackState::Queued);
        Ok(if known.is_some_and(is_twin) { Done::Overtaken } else { Done::Duplicate })
    }
}

fn head_change(n: &Notification, seen: &Seen, facts: &Facts) -> HeadChange {
    let resource = facts.resource.as_ref();
    let key = n.ledger_key();
    let signed_body = n.occurred_at.filter(|_| n.proof != Proof::Nothing);
    let received = Ticks::from_datetime(n.received_at);
    let modified = resource.and_then(Resource::modified);
    // The reconciler's deliveries have the time of the ERP's list, which is the resource's.
    let is_found = n.origin != Origin::Webhook && n.subscription == RECONCILIATION;
    let versions = match is_found {
        true => Versions::new(modified.or(signed_body.map(Stamp::from)), None, received),
        false => Versions::new(modified, signed_body, received),
    };
    let current = resource.and_then(Resource::status).map(str::to_owned);
    let announced = n.status.clone().map(|status| (signed_body.unwrap_or(received), status));
    let milestone = announced.or_else(|| Some((modified?.at(), current.clone()?)));
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
        internal_id: resource.and_then(|resource| resource.internal_id(n.entity)).map(str::to_owned),
        previous_key: n.previous_key.clone().filter(|_| n.kind == Kind::IdentityChanged && n.event_is_proven),
        revision: resource.map(Resource::revision).cloned().unwrap_or_default(),
        was_swept: n.origin == Origin::Reconciliation,
    }
}
