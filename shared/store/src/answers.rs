//! The answer to Visma Net: as recorded when a notification ends, and the ledger for the feedback
//! function, with what was answered.

use crate::attributes::{Item, Update, flag, string, text, time_text};
use crate::error::StoreError;
use crate::history::line;
use crate::implied::{feedback_id, feedback_ids, ids_of, received_at};
use crate::item::Items;
use crate::keys::{keys_of, partition, sort_key};
use crate::marks::{Mark, Settled, is_about_feedback};
use crate::seen::is_of_newer_version;
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;
use webhooks_model::feedback::{Address, Description, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{Allowance, LedgerKey, Notification, Reason, State};

/// The attributes of a notification that the feedback function reads.
const ATTRIBUTES: [&str; 12] = [
    "pk",
    "sk",
    "feed_at",
    "header_id",
    "feedback",
    "feedback_ids",
    "feedback_success",
    "feedback_description",
    "feedback_deadline",
    "source",
    "attention",
    "feedback_attempts",
];

/// The answer to Visma Net when a notification ends. An earlier decision is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    pub feedback: FeedbackState,
    pub address: Address,
    /// `None` if an integrator decides, or if there is no answer.
    pub verdict: Option<Verdict>,
    /// The deadline of an awaited outcome.
    pub deadline: Option<OffsetDateTime>,
}

impl Answering {
    /// No answer is sent.
    pub fn none() -> Self {
        Self { feedback: FeedbackState::None, address: Address::default(), verdict: None, deadline: None }
    }

    pub(crate) fn write(&self, update: Update, n: &Notification) -> Update {
        let update = match feedback_ids(n, &self.address) {
            Some(ids) => update.set_if_absent("feedback_ids", ids),
            None => update,
        };
        let update = update
            .set_if_absent("feedback", string(self.feedback.as_str()))
            .set_some("feedback_deadline", self.deadline.map(|at| string(time_text(at))));
        match &self.verdict {
            Some(verdict) => update
                .set_if_absent("feedback_success", AttributeValue::Bool(verdict.is_success))
                .set_if_absent("feedback_description", string(verdict.description.as_str())),
            None => update,
        }
    }
}

/// The operations of the feedback function on the table. It is a trait, since a test replaces it
/// by one that refuses some keys.
pub trait Answers: Send + Sync {
    /// These notifications by key. An unknown one is absent. At most 100 keys, which is one read. If
    /// only a newer version knows the state of a feedback, this is an error.
    fn answered(
        &self,
        keys: &[LedgerKey],
    ) -> impl Future<Output = Result<HashMap<LedgerKey, Answered>, StoreError>> + Send;

    /// Records an answer, a refusal or a failed attempt. An answer that Visma Net accepted never
    /// changes: then this is `false`.
    fn answer(
        &self,
        key: &LedgerKey,
        answer: &Answer,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Lets a decided feedback wait in the table until the reconciler releases it. `false` if the
    /// feedback has changed since it was read, the notification has not ended, or the record has a
    /// mark for a person.
    fn wait_for_calls(
        &self,
        key: &LedgerKey,
        wait: &WaitForCalls,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// A feedback of a tenant whose calls are used up.
#[derive(Debug, Clone)]
pub struct WaitForCalls {
    /// The state in which the feedback was read.
    pub read: FeedbackState,
    pub verdict: Verdict,
    /// The place in the list of what waits: the time of receipt.
    pub since: OffsetDateTime,
    /// `None` if the list of failed tries has enough of these.
    pub attempt: Option<Attempt>,
    pub allowance: Allowance,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// `None` if the processor has not recorded the notification yet.
    pub feedback: Option<FeedbackState>,
    pub address: Address,
    /// The answer that the processor decided; `None` if an integrator decides.
    pub verdict: Option<Verdict>,
    /// Whether its outcome was awaited, so that it has a deadline.
    pub is_deferred: bool,
    /// When intake accepted the notification.
    pub received_at: Option<OffsetDateTime>,
    /// Whether it has a mark because of its feedback: parked, overdue or watched.
    pub is_marked: bool,
    /// Since when each recorded try has ended for lack of calls; `None` if the last one did not.
    pub limited_since: Option<OffsetDateTime>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Visma Net accepted it under this id. A mark because of the feedback goes, and that of the state
    /// returns. `was_marked` says which case is likely.
    Sent { id: Uuid, verdict: Verdict, was_marked: bool },
    /// Visma Net refuses it for good; a person must look at it.
    Parked { attempt: Attempt, verdict: Verdict },
    /// An attempt failed; another follows.
    Failed(Attempt),
}

impl<I: Items> Answers for Table<I> {
    async fn answered(&self, keys: &[LedgerKey]) -> Result<HashMap<LedgerKey, Answered>, StoreError> {
        let mut by_name: HashMap<(String, String), &LedgerKey> =
            keys.iter().map(|key| ((partition(&key.entity), sort_key(key)), key)).collect();
        let items = self.items.get_many(by_name.keys().cloned().collect(), &ATTRIBUTES, true).await?;
        if items.iter().any(is_of_newer_version) {
            return Err(StoreError::Newer("a record"));
        }
        let found = items.iter().filter_map(|item| {
            let key = by_name.remove(&keys_of(item)?)?.clone();
            let answered = read(&key, item);
            Some((key, answered))
        });
        Ok(found.collect())
    }

    async fn answer(&self, key: &LedgerKey, answer: &Answer, now: OffsetDateTime) -> Result<bool, StoreError> {
        let (pk, sk) = (partition(&key.entity), sort_key(key));
        let tenant = key.entity.tenant.as_str();
        let write = |(settled, is_recorded): (Settled, bool)| {
            let (mut update, condition) = answering(key, answer, now, settled);
            if is_recorded {
                // An item that an operator keeps has no expiry; this write adds none.
                let mut condition = format!("{condition} AND attribute_exists({})", update.name("state"));
                let own = settled.condition(&mut update, tenant);
                condition.extend(own.map(|own| format!(" AND {own}")));
                return (update, condition);
            }
            let mut update = update.set("expires_at", self.ttl(now));
            let condition = format!("{condition} AND attribute_not_exists({})", update.name("state"));
            (update, condition)
        };
        let case_of = |item: &Item| case_of(answer, item, tenant);
        self.write_case((&pk, &sk), (likely(answer), true), write, case_of).await
    }

    async fn wait_for_calls(
        &self,
        key: &LedgerKey,
        wait: &WaitForCalls,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        // Comes first. Without it, the reconciler would never release what waits.
        self.used_up_for_feedback(&wait.allowance, now).await?;
        let own = Mark::LimitedFeedback.value(&key.entity.tenant);
        let update = with_verdict(Update::default(), FeedbackState::Queued, &wait.verdict)
            .set("feedback_at", string(time_text(now)))
            .set("attention", string(own.as_str()))
            .set("attention_at", string(time_text(wait.since)));
        let mut update = wait.attempt.iter().fold(update, |update, one| update.append("feedback_attempts", line(one)));
        let [state, feedback, attention] = ["state", "feedback", "attention"].map(|name| update.name(name));
        // What else becomes of a notification that has not ended would replace the mark.
        let ended = [State::Processed, State::Superseded].map(|state| update.value(string(state.as_str()))).join(", ");
        let read = update.value(string(wait.read.as_str()));
        let marks = [own.as_str(), Mark::Awaited.as_str(), Mark::Queued.as_str()];
        let marks = marks.map(|mark| update.value(string(mark))).join(", ");
        let condition = format!(
            "{state} IN ({ended}) AND {feedback} = {read} \
             AND (attribute_not_exists({attention}) OR {attention} IN ({marks}))"
        );
        self.update(&partition(&key.entity), &sort_key(key), update, Some(condition)).await
    }
}

fn likely(answer: &Answer) -> Settled {
    match answer {
        Answer::Failed(_) => Settled::Untouched,
        Answer::Parked { .. } => Settled::Refused,
        Answer::Sent { was_marked: true, .. } => Settled::Removed,
        Answer::Sent { was_marked: false, .. } => Settled::Stays,
    }
}

/// The case, and whether the processor has recorded the notification. `None` if Visma Net has
/// accepted the feedback before.
fn case_of(answer: &Answer, item: &Item, tenant: &str) -> Option<(Settled, bool)> {
    let is_recorded = item.contains_key("state");
    let settled = match answer {
        _ if text(item, "feedback") == Some(FeedbackState::Sent.as_str()) => return None,
        Answer::Failed(_) => Settled::Untouched,
        Answer::Parked { .. } if is_recorded => Settled::refused(item),
        Answer::Parked { .. } => Settled::Refused,
        Answer::Sent { .. } if is_recorded => Settled::accepted(item, tenant),
        Answer::Sent { .. } => Settled::Removed,
    };
    Some((settled, is_recorded))
}

/// The update and its condition. The condition needs no parentheses when more is appended.
fn answering(key: &LedgerKey, answer: &Answer, now: OffsetDateTime, settled: Settled) -> (Update, String) {
    let update = Update::default().set("feedback_at", string(time_text(now)));
    let update = settled.change(update, now);
    let mut update = match answer {
        Answer::Sent { id, verdict, .. } => with_verdict(update, FeedbackState::Sent, verdict)
            .set_some("feedback_id", feedback_id(&key.notification, *id).map(string))
            .remove("feedback_deadline"),
        Answer::Parked { attempt, verdict } => {
            with_verdict(update, FeedbackState::Parked, verdict).append("feedback_attempts", line(attempt))
        }
        Answer::Failed(attempt) => update.append("feedback_attempts", line(attempt)),
    };
    let (state, sent) = (update.name("feedback"), update.value(string(FeedbackState::Sent.as_str())));
    let condition = format!("NOT {state} = {sent}");
    (update, condition)
}

/// Sets the feedback's state and what it says.
pub(crate) fn with_verdict(update: Update, state: FeedbackState, verdict: &Verdict) -> Update {
    update
        .set("feedback", string(state.as_str()))
        .set("feedback_success", AttributeValue::Bool(verdict.is_success))
        .set("feedback_description", string(verdict.description.as_str()))
}

fn read(key: &LedgerKey, item: &Item) -> Answered {
    let (tenant, key) = (key.entity.tenant.as_str(), &key.notification);
    Answered {
        feedback: text(item, "feedback").and_then(FeedbackState::parse),
        address: Address { ids: ids_of(key, item), source: text(item, "source").map(str::to_owned) },
        verdict: text(item, "feedback_description").map(|description| Verdict {
            is_success: flag(item, "feedback_success"),
            description: Description::new(description),
        }),
        is_deferred: item.contains_key("feedback_deadline"),
        received_at: received_at(item),
        is_marked: is_about_feedback(item, tenant),
        limited_since: limited_since(item),
    }
}

fn limited_since(item: &Item) -> Option<OffsetDateTime> {
    let tries = item.get("feedback_attempts")?.as_l().ok()?;
    let tries = tries.iter().rev().filter_map(|one| one.as_m().ok());
    let first = tries.take_while(|one| text(one, "reason") == Some(Reason::RateLimited.as_str())).last()?;
    OffsetDateTime::parse(text(first, "at")?, &Rfc3339).ok()
}
