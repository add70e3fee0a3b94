//! The ledger as the processor uses it.

use crate::attributes::{Item, Update, number, partition, string, text, time_text};
use crate::head::Head;
use crate::table::{StoreError, Table};
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{EntityId, HeadChange, LedgerKey, Notification, Reason, State, Ticks};

/// A longer raw item is kept in parts: DynamoDB takes 400 KB an item.
const LONGEST_INLINE: usize = 256 * 1024;

/// What the processor needs of the table.
pub trait Ledger: Send + Sync {
    /// What is known of a notification and of its entity, in two reads.
    fn look(&self, key: &LedgerKey) -> impl Future<Output = Result<Seen, StoreError>> + Send;

    /// Brings the entity to a newer version, or says that a newer one is there already.
    fn advance(
        &self,
        change: &HeadChange,
        current: Option<&Head>,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<Advance, StoreError>> + Send;

    /// The number an account had before it was renumbered, found by its stable id; `None` if it never was.
    fn number_account(
        &self,
        entity: &EntityId,
        internal_id: &str,
        version: Ticks,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<Option<String>, StoreError>> + Send;

    /// Marks a renumbered account's old number. May be repeated.
    fn mark_renumbered(
        &self,
        old: &EntityId,
        new_key: &str,
        now: OffsetDateTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Writes down how an attempt went. `false` when the notification had already reached a final state, which then stays.
    fn record(&self, entry: &Entry<'_>) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// What the table knows before a notification is processed.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// This notification, if it was here before.
    pub same: Option<Known>,
    /// Whether the same content was here under another id.
    pub repeated: bool,
    pub head: Option<Head>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// `None` when only the feedback function has written so far.
    pub state: Option<State>,
    pub feedback: Option<FeedbackState>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    Advanced,
    Superseded,
}

/// One line of the ledger.
#[derive(Debug)]
pub struct Entry<'a> {
    pub notification: &'a Notification,
    pub change: Change,
    pub now: OffsetDateTime,
}

#[derive(Debug)]
pub enum Change {
    /// An attempt failed; another follows. A dead or parked notification stays so.
    Failed(Attempt),
    /// The last attempt failed, or is about to begin and may not live to tell. With what Visma Net is told, if it is.
    Dead {
        attempt: Attempt,
        answer: Option<Answering>,
    },
    Parked(Reason),
    /// `Processed`, `Superseded` or `Unparseable`: every effect has happened but the feedback, whose own way begins here.
    Ended {
        state: State,
        answer: Answering,
    },
}

/// The answer to Visma Net as it stands when a notification ends. What was decided before stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    pub feedback: FeedbackState,
    pub address: Address,
    /// `None` while somebody else is to decide, or nobody is.
    pub verdict: Option<Verdict>,
    /// By when an awaited outcome has to come.
    pub deadline: Option<OffsetDateTime>,
}

impl Answering {
    /// Nobody is told anything.
    pub fn none() -> Self {
        Self { feedback: FeedbackState::None, address: Address::default(), verdict: None, deadline: None }
    }

    fn write(&self, update: Update) -> Update {
        let ids = self.address.ids.iter().map(|id| string(id.to_string())).collect();
        let update = update
            .set_if_absent("feedback", string(self.feedback.as_str()))
            .set_if_absent("feedback_ids", AttributeValue::L(ids))
            .set_some("feedback_deadline", self.deadline.map(|at| string(time_text(at))));
        match &self.verdict {
            Some(verdict) => update
                .set_if_absent("feedback_success", AttributeValue::Bool(verdict.is_success))
                .set_if_absent("feedback_description", string(verdict.description.as_str())),
            None => update,
        }
    }
}

impl Change {
    fn state(&self) -> State {
        match self {
            Self::Failed(_) => State::Retrying,
            Self::Dead { .. } => State::Dead,
            Self::Parked(_) => State::Parked,
            Self::Ended { state, .. } => *state,
        }
    }

    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Failed(attempt) | Self::Dead { attempt, .. } => Some(attempt.reason),
            Self::Parked(reason) => Some(*reason),
            Self::Ended { .. } => None,
        }
    }
}

impl Ledger for Table {
    async fn look(&self, key: &LedgerKey) -> Result<Seen, StoreError> {
        let (same_content, head) = tokio::join!(self.same_content(key), self.read_head(&key.entity));
        let (items, head) = (same_content?, head?);
        let own = sort_key(key);
        let same = items.iter().find(|item| text(item, "sk") == Some(&own)).map(known);
        let repeated = items.iter().any(|item| text(item, "sk") != Some(&own));
        Ok(Seen { same, repeated, head })
    }

    async fn advance(
        &self,
        change: &HeadChange,
        current: Option<&Head>,
        now: OffsetDateTime,
    ) -> Result<Advance, StoreError> {
        self.advance_head(change, current, now).await
    }

    async fn number_account(
        &self,
        entity: &EntityId,
        internal_id: &str,
        version: Ticks,
        now: OffsetDateTime,
    ) -> Result<Option<String>, StoreError> {
        Table::number_account(self, entity, internal_id, version, now).await
    }

    async fn mark_renumbered(&self, old: &EntityId, new_key: &str, now: OffsetDateTime) -> Result<(), StoreError> {
        Table::mark_renumbered(self, old, new_key, now).await
    }

    async fn record(&self, entry: &Entry<'_>) -> Result<bool, StoreError> {
        let key = entry.notification.ledger_key();
        let pk = partition(&key.entity);
        let raw = &entry.notification.raw;
        let parts = if raw.len() > LONGEST_INLINE { self.write_parts(&pk, &key, raw, entry.now).await? } else { 0 };
        let mut update = self.entry_update(entry, parts);
        let condition = forward_only(&mut update, entry.change.state());
        self.update(&pk, &sort_key(&key), update, Some(condition)).await
    }
}

impl Table {
    async fn same_content(&self, key: &LedgerKey) -> Result<Vec<Item>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :content)")
            .projection_expression("sk, #state, feedback")
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":pk", string(partition(&key.entity)))
            .expression_attribute_values(":content", string(format!("N#{}.", key.notification.content())))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(&error))?;
        Ok(answer.items.unwrap_or_default())
    }

    fn entry_update(&self, entry: &Entry<'_>, parts: usize) -> Update {
        let n = entry.notification;
        let received = time_text(n.received_at);
        let key = n.ledger_key();
        let update = Update::default()
            .set("tenant", string(&key.entity.tenant))
            .set("event", string(n.event_name()))
            .set("channel", string(n.channel.as_str()))
            .set("origin", string(n.origin.as_str()))
            .set("subscription", string(&n.subscription))
            .set("delivery", string(n.delivery.to_string()))
            .set("received_at", string(&received))
            .set("updated_at", string(time_text(entry.now)))
            .set("feed", string(feed_day(&key.entity.tenant, n.received_at)))
            .set("feed_at", string(format!("{received}#{}", n.key)))
            .set("expires_at", self.ttl(entry.now))
            .set_some("status", n.status.as_deref().map(string))
            .set_some("source", n.source.as_deref().map(string));
        let update =
            if parts == 0 { update.set("raw", string(&n.raw)) } else { update.set("raw_parts", number(parts)) };
        let update = match entry.change.reason() {
            Some(reason) => update.set("reason", string(reason.as_str())),
            None => update,
        };
        with_change(update, &entry.change, &received)
    }

    async fn write_parts(
        &self,
        pk: &str,
        key: &LedgerKey,
        raw: &str,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError> {
        let mut rest = raw;
        let mut written = 0;
        while !rest.is_empty() {
            let (part, next) = rest.split_at(rest.floor_char_boundary(LONGEST_INLINE));
            let update = Update::default().set("raw", string(part)).set("expires_at", self.ttl(now));
            self.update(pk, &format!("RAW#{}#{written}", key.notification), update, None).await?;
            (rest, written) = (next, written + 1);
        }
        Ok(written)
    }
}

/// The feed index's partition: a tenant's day.
pub(crate) fn feed_day(tenant: &str, at: OffsetDateTime) -> String {
    format!("{tenant}#{}", &time_text(at)[..10])
}

fn with_change(update: Update, change: &Change, received: &str) -> Update {
    let state = change.state();
    let update = match change {
        // A dead or parked notification that fails once more stays dead or parked.
        Change::Failed(attempt) => {
            update.set_if_absent("state", string(state.as_str())).append("attempts", line(attempt))
        }
        Change::Dead { attempt, answer } => {
            let update = update.set("state", string(state.as_str())).append("attempts", line(attempt));
            answer.iter().fold(update, |update, answer| answer.write(update))
        }
        Change::Parked(_) => update.set("state", string(state.as_str())),
        Change::Ended { answer, .. } => answer.write(update.set("state", string(state.as_str()))),
    };
    if state.needs_attention() {
        update.set("attention", string(state.as_str())).set("attention_at", string(received))
    } else if state.is_final() && !answer_is_parked(change) {
        update.remove("attention").remove("attention_at").remove("reason")
    } else {
        update
    }
}

/// Then a person should still look, though the processor is done.
fn answer_is_parked(change: &Change) -> bool {
    matches!(change, Change::Ended { answer, .. } if answer.feedback == FeedbackState::Parked)
}

/// State moves only forward, whoever writes last.
fn forward_only(update: &mut Update, next: State) -> String {
    let state = update.name("state");
    let failing = next == State::Retrying;
    let from: Vec<String> = State::ALL
        .into_iter()
        .filter(|known| known.may_become(next) || (failing && !known.is_final()))
        .map(|known| update.value(string(known.as_str())))
        .collect();
    format!("attribute_not_exists({state}) OR {state} IN ({})", from.join(", "))
}

pub(crate) fn line(attempt: &Attempt) -> AttributeValue {
    let fields = [
        ("at", string(time_text(attempt.at))),
        ("receive_count", number(attempt.receive_count)),
        ("reason", string(attempt.reason.as_str())),
        ("detail", string(&attempt.detail)),
    ];
    AttributeValue::M(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(crate) fn sort_key(key: &LedgerKey) -> String {
    format!("N#{}", key.notification)
}

fn known(item: &Item) -> Known {
    Known {
        state: text(item, "state").and_then(State::parse),
        feedback: text(item, "feedback").and_then(FeedbackState::parse),
    }
}
