//! One answer for several items of a delivery that have the same id of Visma Net.

use crate::failure::Failure;
use crate::ports::{Needs, Ports, Processor};
use crate::sentences;
use crate::steps::MOST_KEYS;
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::{LedgerKey, Notification, Origin, State};
use webhooks_settings::Settings;
use webhooks_store::Known;

/// A record names at most this many items. Larger groups, and those of several tenants, have their
/// answer at the deadline if one of their items waits.
const MOST_NAMED: usize = 100;

impl<P: Ports> Processor<P> {
    /// Decides each such answer once all items under its id have ended. It reads this from the
    /// ledger, so a repeated attempt decides the same. The items are those that were attempted and
    /// those that an operator holds. Returns the reason to retry the message, if any.
    pub(crate) async fn answer_together(
        &self,
        (attempted, held): (&[Notification], &[Notification]),
        settings: &Settings,
        received: &Received,
    ) -> Option<Needs> {
        let mut failed = None;
        for n in attempted {
            if let Err(failure) = self.answer_with(n, (attempted, held), settings, received).await {
                tracing::error!(error = failure.detail, "items under one id could not be answered: {}", failure.detail);
                failed = Some(Needs::Again(failure.next, received.receive_count));
            }
        }
        failed
    }

    async fn answer_with(
        &self,
        n: &Notification,
        (attempted, held): (&[Notification], &[Notification]),
        settings: &Settings,
        received: &Received,
    ) -> Result<(), Failure> {
        // The first of these keys has the answer.
        let keys = match (n.answer, n.origin) {
            (AnswerRole::Own, _) | (AnswerRole::ByFirst, Origin::Webhook | Origin::Reconciliation) => return Ok(()),
            (AnswerRole::ForAll, Origin::Webhook | Origin::Reconciliation) => under_id_of(n, attempted, held),
            // A replay has only one of the items. Its record names all, if it had to wait.
            (_, Origin::Replay) => {
                let own = n.ledger_key();
                self.ledger.waits_with(n.replays.as_ref().unwrap_or(&own)).await?
            }
        };
        let (mut answered, mut open, mut successes) = (None, false, 0);
        for key in &keys {
            let (key, mut known) = self.as_it_is(key).await?;
            let first: &LedgerKey = answered.get_or_insert_with(|| key.clone());
            if !known.is_some_and(has_ended) {
                if !may_name(&keys, &first.entity.tenant) {
                    return Ok(());
                }
                let is_named = known.is_some_and(|known| known.waits_together);
                // It may have ended just now.
                if !is_named && !self.ledger.wait_together(&key, &keys).await? {
                    known = self.as_it_is(&key).await?.1;
                }
            }
            if key == *first && known.is_some_and(|known| has_ended(known) && !is_ours(known)) {
                return Ok(());
            }
            open |= !known.is_some_and(has_ended);
            successes += usize::from(known.is_some_and(|known| ended_well(known) && known.is_success != Some(false)));
        }
        let Some(first) = answered.filter(|_| !open) else { return Ok(()) };
        let verdict = sentences::together(keys.len(), successes, settings.language(Some(&first.entity.tenant)));
        // If an earlier attempt decided it, its message may be missing.
        self.ledger.decide_together(&first, &verdict, self.host.now()).await?;
        self.queue_feedback_of(first, n, received).await
    }

    /// The item's record, or the one with which it goes on under another key.
    async fn as_it_is(&self, key: &LedgerKey) -> Result<(LedgerKey, Option<Known>), Failure> {
        let mut key = key.clone();
        let mut known = self.ledger.look(&key).await?.same;
        for _ in 0..MOST_KEYS {
            if !known.is_some_and(|known| known.is_moved) {
                break;
            }
            let Some(next) = self.ledger.record_of(&key).await?.and_then(|record| record.moved_to) else { break };
            known = self.ledger.look(&next).await?.same;
            key = next;
        }
        Ok((key, known))
    }
}

/// Whether a record of that tenant may name all of them. An erasure of a tenant must find all that
/// names it, so no record names another tenant.
fn may_name(all: &[LedgerKey], tenant: &str) -> bool {
    all.len() <= MOST_NAMED && all.iter().all(|key| key.entity.tenant == tenant)
}

fn has_ended(known: Known) -> bool {
    known.state.is_some_and(State::is_end) && !known.is_moved
}

/// Whether the items decide its answer. Without a verdict of its own, an integrator does, whatever the
/// route says by now.
fn is_ours(known: Known) -> bool {
    let is_open = matches!(known.feedback, Some(FeedbackState::Awaited | FeedbackState::Queued));
    is_open && ended_well(known) && known.is_success.is_some()
}

fn ended_well(known: Known) -> bool {
    matches!(known.state, Some(State::Processed | State::Superseded))
}

/// Those of `attempted` and `held` that share the answer of `first`, which comes first.
fn under_id_of(first: &Notification, attempted: &[Notification], held: &[Notification]) -> Vec<LedgerKey> {
    let is_other = |n: &&Notification| n.answer == AnswerRole::ByFirst && n.answer_id() == first.answer_id();
    let others = attempted.iter().filter(is_other).map(Notification::ledger_key);
    let held = held.iter().filter(is_other).filter_map(|n| n.replays.clone());
    std::iter::once(first.ledger_key()).chain(others).chain(held).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixtures::{TENANT, order};
    use time::OffsetDateTime;

    #[test]
    fn a_record_names_at_most_a_hundred_items_and_none_of_another_tenant() {
        let key = order(1, OffsetDateTime::UNIX_EPOCH).ledger_key();
        let may_name_so_many = |count| may_name(&vec![key.clone(); count], TENANT);
        assert_eq!([100, 101].map(may_name_so_many), [true, false]);
        assert!(!may_name(&[key], "another"));
    }
}
