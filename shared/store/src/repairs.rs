//! Actions of an operator on a notification. Each is recorded in the notification's item, with who
//! and why, before anything happens. Parked feedback is found by its mark, so that all of it can be
//! sent again.

use crate::attention::{ACKNOWLEDGEMENT, CHANGES, FEEDBACK_PARKED, acknowledged};
use crate::attributes::{Update, is_one_of, string, time_text};
use crate::error::StoreError;
use crate::item::Items;
use crate::jobs::RecordPage;
use crate::keys::{partition, sort_key, tenant_in};
use crate::marks::{Mark, queued, says_refused};
use crate::moved::MOVED_TO;
use crate::records::Position;
use crate::replays::parts_in;
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::work::ParkedFeedback;
use webhooks_model::{LedgerKey, Reason, State};

/// The actions. Each has a condition; [`Table::act`] returns whether it held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Gives it to the processor again, and ends a hold. Any recorded notification, unless it has
    /// moved to another key, or only a newer version knows its state.
    Replay,
    /// No further attempt is made until it is released, and it does not expire until then. Only if
    /// it has not ended.
    Hold,
    /// It continues. Only if it is held or paused.
    Release,
    /// Sends its decided feedback again, and watches it until it is sent. Only if the feedback is
    /// parked or queued, never if Visma Net accepted it.
    ResendFeedback,
    /// The same, but only if the feedback is parked.
    ResendParked,
    /// Sets the outcome of deferred feedback, which has come then. Only if it is awaited, since a
    /// decision never changes.
    Outcome,
    /// Acknowledges attention of that kind. Only if the notification has not changed since.
    Acknowledge { kind: &'static str, changed_at: OffsetDateTime },
    /// Withdraws an acknowledgement. Only if it is acknowledged.
    Unacknowledge { kind: &'static str },
}

impl Deed {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::ResendFeedback | Self::ResendParked => "resend_feedback",
            Self::Outcome => "outcome",
            Self::Acknowledge { .. } => "acknowledge",
            Self::Unacknowledge { .. } => "unacknowledge",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Action<'a> {
    pub deed: Deed,
    pub at: OffsetDateTime,
    /// The operator, as named by the authoriser.
    pub by: &'a str,
    pub note: &'a str,
}

impl<I: Items> Table<I> {
    /// Records an action and applies it to the record. `false` if there is no record, or its state
    /// does not allow the action.
    pub async fn act(&self, key: &LedgerKey, action: Action<'_>) -> Result<bool, StoreError> {
        let (pk, sk) = (partition(&key.entity), sort_key(key));
        let (update, condition) = effect(noted(&action), &action);
        match action.deed {
            Deed::Hold => {
                let before = self.replace(&pk, &sk, update.remove("expires_at"), Some(condition)).await?;
                let Some(before) = before else { return Ok(false) };
                self.keep_parts(key, parts_in(&before)).await?;
                Ok(true)
            }
            Deed::Release => {
                let update = update.set("expires_at", self.ttl(action.at));
                self.update(&pk, &sk, update, Some(condition)).await
            }
            Deed::ResendFeedback => {
                let refused = || watched(effect(noted(&action), &action), action.at);
                let on_its_way = || unlisted(effect(noted(&action), &action));
                // Visma Net may refuse it in between.
                Ok(self.update_and_keep((&pk, &sk), action.at, refused).await?
                    || self.update_and_keep((&pk, &sk), action.at, on_its_way).await?
                    || self.update_and_keep((&pk, &sk), action.at, refused).await?)
            }
            Deed::ResendParked => {
                let refused = || watched(effect(noted(&action), &action), action.at);
                self.update_and_keep((&pk, &sk), action.at, refused).await
            }
            Deed::Replay => {
                let (update, held) = effect(noted(&action), &Action { deed: Deed::Release, ..action });
                let update = update.set("expires_at", self.ttl(action.at));
                Ok(self.note_replay(key, action).await? || self.update(&pk, &sk, update, Some(held)).await?)
            }
            Deed::Outcome | Deed::Acknowledge { .. } | Deed::Unacknowledge { .. } => {
                self.update_and_keep((&pk, &sk), action.at, || effect(noted(&action), &action)).await
            }
        }
    }

    /// Records a replay that nobody asks for now, such as one that waited for a pause. `false` if it is
    /// held: only an operator ends a hold.
    pub async fn note_replay(&self, key: &LedgerKey, action: Action<'_>) -> Result<bool, StoreError> {
        let replay = || effect(noted(&action), &action);
        self.update_and_keep((&partition(&key.entity), &sort_key(key)), action.at, replay).await
    }

    /// Records the release of a paused notification whose message is on its way. `false` if it was
    /// paused again after `since`, its last change when it was read: then it still waits. Also
    /// `false` if it is no longer paused.
    pub async fn release_sent(
        &self,
        key: &LedgerKey,
        since: OffsetDateTime,
        action: Action<'_>,
    ) -> Result<bool, StoreError> {
        let mut update = changed(noted(&action), &action).set("expires_at", self.ttl(action.at));
        let paused = is_one_of(&mut update, "state", &[State::Paused.as_str()]);
        let (at, read) = (update.name("updated_at"), update.value(string(time_text(since))));
        let condition = format!("{paused} AND {at} = {read}");
        self.update(&partition(&key.entity), &sort_key(key), update, Some(condition)).await
    }
}

/// Each operation reads at most `most` entries after `position`, newest first.
impl<I: Items> Table<I> {
    /// Feedback that was parked in the filter's range.
    pub async fn parked(
        &self,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> Result<RecordPage, StoreError> {
        self.meant(FEEDBACK_PARKED, filter, position, most).await
    }

    /// Feedback that was put on its way in the filter's range, for example by a resend.
    pub async fn on_its_way(
        &self,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> Result<RecordPage, StoreError> {
        self.meant(Mark::Queued.as_str(), filter, position, most).await
    }
}

impl<I: Items> Table<I> {
    async fn meant(
        &self,
        mark: &str,
        filter: &ParkedFeedback,
        position: Option<&str>,
        most: u8,
    ) -> Result<RecordPage, StoreError> {
        let unread = |_| StoreError::Mismatch("a job's position is not a place in the list".into());
        let after: Option<Position> = position.map(serde_json::from_str).transpose().map_err(unread)?;
        let (mut places, next) = self.places_marked(mark, after.as_ref(), most).await?;
        let (from, to) = (filter.from.map(time_text), time_text(filter.to));
        let is_since = |at: &str| from.as_deref().is_none_or(|from| at >= from);
        let is_of_tenant = |pk: &str| filter.tenant.as_deref().is_none_or(|own| tenant_in(pk) == Some(own));
        places.retain(|place| is_since(&place.at) && place.at < to && is_of_tenant(&place.pk));
        let next = next.filter(|next| is_since(&next.at));
        let mut page = self.page_of(places).await?;
        page.records.retain(|record| {
            let (reason, cause) = record.refusal();
            filter.fits(&record.key.entity.tenant, reason, cause)
        });
        let position = next.map(|next| serde_json::to_string(&next).expect("texts always serialise"));
        Ok(RecordPage { records: page.records, position, unread: page.unread })
    }
}

/// Adds the mark of queued feedback, in case the new message is lost. Only in place of the mark of
/// refused feedback.
fn watched((update, condition): (Update, String), at: OffsetDateTime) -> (Update, String) {
    let mut update = queued(update, at);
    let refused = says_refused(&mut update);
    (update, format!("{condition} AND {refused}"))
}

/// Only if the mark is not about refused feedback.
fn unlisted((mut update, condition): (Update, String)) -> (Update, String) {
    let refused = says_refused(&mut update);
    (update, format!("{condition} AND NOT {refused}"))
}

fn noted(action: &Action<'_>) -> Update {
    Update::default().append("actions", line(action))
}

fn effect(update: Update, action: &Action<'_>) -> (Update, String) {
    let mut update = changed(update, action);
    let condition = allowed(&mut update, action.deed);
    (update, condition)
}

fn changed(update: Update, action: &Action<'_>) -> Update {
    match action.deed {
        Deed::Replay => update,
        Deed::Outcome => update.set("outcome_at", string(time_text(action.at))),
        Deed::Hold => update
            .set("state", string(State::Parked.as_str()))
            .set("reason", string(Reason::Held.as_str()))
            .set("attention", string(State::Parked.as_str()))
            .set("attention_at", string(time_text(action.at))),
        Deed::Release => update
            .set("state", string(State::Retrying.as_str()))
            .remove("reason")
            // The mark watches it, in case the message that continues it is lost.
            .set("attention", string(Mark::Retrying.as_str()))
            .set("attention_at", string(time_text(action.at))),
        Deed::ResendFeedback | Deed::ResendParked => update.set("feedback", string(FeedbackState::Queued.as_str())),
        Deed::Acknowledge { kind, .. } => {
            update.set("attention", string(acknowledged(kind))).set(ACKNOWLEDGEMENT, line(action))
        }
        Deed::Unacknowledge { kind } => update.set("attention", string(kind)),
    }
}

fn allowed(update: &mut Update, deed: Deed) -> String {
    let [refused, queued] = [FeedbackState::Parked, FeedbackState::Queued].map(FeedbackState::as_str);
    let unfinished = [State::Retrying, State::Paused, State::Dead, State::Parked].map(State::as_str);
    match deed {
        Deed::Replay => {
            let moved = update.name(MOVED_TO);
            let known = is_one_of(update, "state", &State::ALL.map(State::as_str));
            format!("{known} AND attribute_not_exists({moved}) AND NOT ({})", says_held(update))
        }
        Deed::Hold => is_one_of(update, "state", &unfinished),
        Deed::Release => format!("{} OR {}", says_held(update), is_one_of(update, "state", &[State::Paused.as_str()])),
        Deed::ResendFeedback => is_one_of(update, "feedback", &[refused, queued]),
        Deed::ResendParked => is_one_of(update, "feedback", &[refused]),
        // With a verdict, it waits for other items under its id, and not for an outcome.
        Deed::Outcome => {
            let awaited = is_one_of(update, "feedback", &[FeedbackState::Awaited.as_str()]);
            format!("{awaited} AND attribute_not_exists({})", update.name("feedback_success"))
        }
        Deed::Acknowledge { kind, changed_at } => unchanged(update, kind, changed_at),
        Deed::Unacknowledge { kind } => is_one_of(update, "attention", &[acknowledged(kind).as_str()]),
    }
}

fn says_held(update: &mut Update) -> String {
    let held = is_one_of(update, "reason", &[Reason::Held.as_str()]);
    format!("{held} AND {}", is_one_of(update, "state", &[State::Parked.as_str()]))
}

/// The condition that nothing has changed since the operator looked. An acknowledgement must not
/// hide a later failure.
fn unchanged(update: &mut Update, kind: &str, since: OffsetDateTime) -> String {
    let seen = update.value(string(time_text(since)));
    let later = CHANGES.map(|name| format!("NOT {} > {seen}", update.name(name)));
    format!("{} AND {}", is_one_of(update, "attention", &[kind]), later.join(" AND "))
}

fn line(action: &Action<'_>) -> AttributeValue {
    let fields = [
        ("at", string(time_text(action.at))),
        ("by", string(action.by)),
        ("action", string(action.deed.as_str())),
        ("note", string(action.note)),
    ];
    AttributeValue::M(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
