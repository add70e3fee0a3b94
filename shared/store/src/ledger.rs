//! The ledger for the processor.

use crate::answers::Answering;
use crate::attributes::{Item, Update, in_state, number, string, text, time_text};
use crate::error::StoreError;
use crate::history::{MOMENTS, line, moment};
use crate::implied::{header_id, placed};
use crate::item::{Items, MOST_READ, Query};
use crate::keys::{notification_of, partition, raw_part, sort_key};
use crate::marks::{AtEnd, Mark};
use crate::moved::{MOVED_FROM, place};
use crate::seen::{Seen, is_of_newer_version, known};
use crate::table::Table;
use time::{Duration, OffsetDateTime};
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::ledger::Attempt;
use webhooks_model::{LedgerKey, Notification, Reason, State};

/// A longer raw item, of more than 256 KB, is stored in parts, since DynamoDB's limit is 400 KB per
/// item.
const LONGEST_INLINE: usize = 262_144;
/// A notification that ends later than this after its receipt has a mark until its feedback is
/// sent, since the reconciler may have passed its place in the feed.
const LATE: Duration = Duration::HOUR;

/// One entry of the ledger.
#[derive(Debug)]
pub struct Entry<'a> {
    pub notification: &'a Notification,
    pub change: Change,
    pub now: OffsetDateTime,
}

#[derive(Debug)]
pub enum Change {
    /// An attempt failed; another follows. A dead or parked notification stays dead or parked.
    Failed(Attempt),
    /// The last attempt failed, or is about to begin and may die. `answer` is the answer to Visma
    /// Net, if there is one.
    Dead {
        attempt: Attempt,
        answer: Option<Answering>,
    },
    Parked(Reason),
    /// Parked, with an answer to Visma Net about the reason.
    ParkedAfter(Attempt),
    /// It waits for the end of a pause.
    Paused,
    /// The tenant's calls are used up, which does not count as an attempt. It waits on the queue,
    /// or in the table until it is released.
    RateLimited {
        /// Whether it is the first time in a row.
        attempt: Option<Attempt>,
        waits_here: bool,
    },
    /// `Processed`, `Superseded` or `Unparseable`: every effect has happened except the feedback,
    /// which the feedback function sends.
    Ended {
        state: State,
        answer: Answering,
    },
}

impl Change {
    fn state(&self) -> State {
        match self {
            Self::Failed(_) | Self::RateLimited { .. } => State::Retrying,
            Self::Dead { .. } => State::Dead,
            Self::Parked(_) | Self::ParkedAfter(_) => State::Parked,
            Self::Paused => State::Paused,
            Self::Ended { state, .. } => *state,
        }
    }

    fn answer(&self) -> Option<&Answering> {
        match self {
            Self::Ended { answer, .. } => Some(answer),
            Self::Dead { answer, .. } => answer.as_ref(),
            _ => None,
        }
    }

    /// The answer of a notification that ends, unless the end needs a person.
    fn ends_well(&self) -> Option<&Answering> {
        match self {
            Self::Ended { state, answer } if !state.needs_attention() => Some(answer),
            _ => None,
        }
    }

    /// Whether the record has no expiry, because an operator makes it wait.
    fn keeps(&self) -> bool {
        matches!(self, Self::Paused | Self::Parked(Reason::Held))
    }

    fn reason(&self) -> Option<Reason> {
        match self {
            Self::Failed(attempt) | Self::Dead { attempt, .. } | Self::ParkedAfter(attempt) => Some(attempt.reason),
            Self::Parked(reason) => Some(*reason),
            Self::RateLimited { .. } => Some(Reason::RateLimited),
            Self::Paused | Self::Ended { .. } => None,
        }
    }
}

impl<I: Items> Table<I> {
    /// Everything that the table knows about a notification, in one query. A record in a state that
    /// only a newer version knows is an error, so the message waits for that version.
    pub async fn look(&self, key: &LedgerKey) -> Result<Seen, StoreError> {
        let own = &key.notification;
        let (mut seen, mut is_newer) = (Seen::default(), false);
        let take = |items: Vec<Item>| {
            for (item, notification) in items.iter().filter_map(|item| Some((item, notification_of(item)?))) {
                let known = known(item);
                if notification == *own {
                    is_newer |= is_of_newer_version(item);
                    seen.same = Some(known);
                } else if notification.event() == own.event() {
                    seen.repeated |= matches!(known.state, Some(State::Processed | State::Superseded));
                } else {
                    seen.under_other_event = true;
                }
            }
        };
        self.items.for_each_page(same_content(key), MOST_READ, take).await?;
        if is_newer { Err(StoreError::Newer("the record")) } else { Ok(seen) }
    }

    /// Records the result of an attempt. `false` if the notification had already reached a final
    /// state, which then stays. A notification that has ended cannot become paused; it gets a wait
    /// instead: see [`Table::let_go`].
    pub async fn record(&self, entry: &Entry<'_>) -> Result<bool, StoreError> {
        let key = entry.notification.ledger_key();
        let pk = partition(&key.entity);
        let raw = &entry.notification.raw;
        let is_long = raw.len() > LONGEST_INLINE;
        let (parts, are_kept) = if is_long { self.write_parts(&pk, &key, raw, entry.now).await? } else { (0, false) };
        let recorded = self.write_entry(entry, &pk, &sort_key(&key), parts).await?;
        match &entry.change {
            Change::Failed(attempt) if !recorded => self.note_attempt(&pk, &sort_key(&key), attempt).await,
            Change::Dead { attempt, .. } if !recorded => {
                self.note_attempt(&pk, &sort_key(&key), attempt).await.map(|_| false)
            }
            Change::Paused if !recorded => self.wait(entry.notification, parts, entry.now).await,
            change if recorded && change.keeps() => self.keep_parts(&key, parts).await.map(|()| true),
            _ if recorded && are_kept => self.let_parts_go(&key, parts, entry.now).await.map(|()| true),
            _ => Ok(recorded),
        }
    }

    /// Records that the effects of an ended notification were repeated.
    pub async fn replayed(&self, key: &LedgerKey, now: OffsetDateTime) -> Result<(), StoreError> {
        let update = Update::default().append(MOMENTS, moment("replayed", now, None)).set("expires_at", self.ttl(now));
        self.update(&partition(&key.entity), &sort_key(key), update, None).await?;
        Ok(())
    }

    /// A dead or parked notification keeps its state and its reason if another attempt fails, such
    /// as one of a zombie or a redrive.
    async fn note_attempt(&self, pk: &str, sk: &str, attempt: &Attempt) -> Result<bool, StoreError> {
        let mut update = Update::default().append("attempts", line(attempt));
        let condition = in_state(&mut update, |known| !known.is_final());
        self.update(pk, sk, update, Some(condition)).await
    }

    async fn write_entry(&self, entry: &Entry<'_>, pk: &str, sk: &str, parts: usize) -> Result<bool, StoreError> {
        let (change, tenant) = (&entry.change, entry.notification.ledger_key().entity.tenant);
        let Some(was_refused) = change.ends_well().map(|answer| answer.feedback == FeedbackState::Parked) else {
            let mut update = self.entry_update(entry, parts, AtEnd::Free);
            let condition = forward_only(&mut update, change, entry.now);
            return self.update(pk, sk, update, Some(condition)).await;
        };
        let write = |case: AtEnd| {
            let mut update = self.entry_update(entry, parts, case);
            let own = case.condition(&mut update, &tenant);
            let condition = forward_only(&mut update, change, entry.now);
            (update, format!("{own} AND ({condition})"))
        };
        let may_end = |state: &str| State::parse(state).is_some_and(|known| known.may_become(change.state()));
        let case_of =
            |item: &Item| text(item, "state").is_none_or(may_end).then(|| AtEnd::of(item, &tenant, was_refused));
        let likely = if was_refused { AtEnd::Stays } else { AtEnd::Free };
        self.write_case((pk, sk), likely, write, case_of).await
    }

    fn entry_update(&self, entry: &Entry<'_>, parts: usize, case: AtEnd) -> Update {
        let n = entry.notification;
        let received = time_text(n.received_at);
        let update = placed(Update::default(), n)
            .set("event", string(n.event_name()))
            .set("channel", string(n.channel.as_str()))
            // A replay does not change the origin.
            .set_if_absent("origin", string(n.origin.as_str()))
            .set("subscription", string(&n.subscription))
            .set("proof", string(n.proof.as_str()))
            .set_some("header_id", header_id(n).map(string))
            .set_some("answer_role", Some(n.answer).filter(|role| *role != AnswerRole::Own).map(|r| string(r.as_str())))
            .set_some(MOVED_FROM, n.moved_from().map(place))
            .set("delivery", string(n.delivery.to_string()))
            .set_some("status", n.status.as_deref().map(string))
            .set_some("source", n.source.as_deref().map(string));
        let update = match entry.change.keeps() {
            true => update.remove("expires_at"),
            false => update.set("expires_at", self.ttl(entry.now)),
        };
        let update =
            if parts == 0 { update.set("raw", string(&n.raw)) } else { update.set("raw_parts", number(parts)) };
        let update = match entry.change.reason() {
            Some(reason) => update.set("reason", string(reason.as_str())),
            None => update,
        };
        // The first item under the same id has the answer, however this one ends.
        let update = match n.answer == AnswerRole::ByFirst && entry.change.answer().is_none() {
            true => update.set_if_absent("feedback", string(FeedbackState::None.as_str())),
            false => update,
        };
        let now = string(time_text(entry.now));
        let update = match entry.change.state().is_final() {
            true => update.set("ended_at", now).remove("updated_at"),
            false => update.set("updated_at", now),
        };
        with_change(update, entry, &received, case)
    }

    /// Writes the parts of the raw item. Returns their number, and whether they had no expiry
    /// before; then they still have none.
    async fn write_parts(
        &self,
        pk: &str,
        key: &LedgerKey,
        raw: &str,
        now: OffsetDateTime,
    ) -> Result<(usize, bool), StoreError> {
        let mut rest = raw;
        let (mut written, mut are_kept) = (0, false);
        while !rest.is_empty() {
            let (part, next) = rest.split_at(rest.floor_char_boundary(LONGEST_INLINE));
            let mut update = Update::default().set("raw", string(part)).set("expires_at", self.ttl(now));
            let (raw, end) = (update.name("raw"), update.name("expires_at"));
            let condition = format!("attribute_not_exists({raw}) OR attribute_exists({end})");
            are_kept |= !self.update(pk, &raw_part(key, written), update, Some(condition)).await?;
            (rest, written) = (next, written + 1);
        }
        Ok((written, are_kept))
    }
}

fn same_content(key: &LedgerKey) -> Query {
    let query = Query {
        key_condition: "pk = :pk AND begins_with(sk, :content)",
        projection: Some(
            "sk, #state, reason, feedback, feedback_success, delivery, attempts, feed_at, expires_at, moved_to, \
             moved_from, answered_with",
        ),
        ..Query::default()
    };
    let content = string(format!("N#{}", key.notification.content()));
    query.name("#state", "state").value(":pk", string(partition(&key.entity))).value(":content", content)
}

fn with_change(update: Update, entry: &Entry<'_>, received: &str, case: AtEnd) -> Update {
    let change = &entry.change;
    let state = change.state();
    let update = match state {
        State::Parked | State::Paused => update.append(MOMENTS, moment(state.as_str(), entry.now, change.reason())),
        _ => update,
    };
    let update = match change {
        Change::Failed(attempt) => {
            update.set_if_absent("state", string(state.as_str())).append("attempts", line(attempt))
        }
        Change::Dead { attempt, answer } => {
            let update = update.set("state", string(state.as_str())).append("attempts", line(attempt));
            answer.iter().fold(update, |update, answer| answer.write(update, entry.notification))
        }
        Change::ParkedAfter(attempt) => update.set("state", string(state.as_str())).append("attempts", line(attempt)),
        Change::RateLimited { attempt, waits_here } => {
            let update = attempt.iter().fold(update, |update, attempt| update.append("attempts", line(attempt)));
            if *waits_here {
                // A notification that is paused by now returns to this state when it is released.
                let mark = string(Mark::Limited.value(&entry.notification.ledger_key().entity.tenant));
                let update = update.set("state", string(state.as_str())).set("attention", mark);
                return update.set("attention_at", string(received));
            }
            update.set_if_absent("state", string(state.as_str()))
        }
        Change::Parked(_) | Change::Paused => update.set("state", string(state.as_str())),
        Change::Ended { answer, .. } => answer.write(update.set("state", string(state.as_str())), entry.notification),
    };
    if state.needs_attention() || state == State::Paused {
        return update.set("attention", string(state.as_str())).set("attention_at", string(received));
    }
    if state == State::Retrying {
        let (mark, since) = (string(Mark::Retrying.as_str()), string(time_text(entry.now)));
        return update.set_if_absent("attention", mark).set_if_absent("attention_at", since);
    }
    match pending_answer(entry).filter(|_| case == AtEnd::Free) {
        Some((mark, at)) => update.set("attention", string(mark.as_str())).set("attention_at", string(time_text(at))),
        None => case.change(update, entry.now),
    }
    .remove("reason")
}

/// The mark and its time for feedback that is still missing, so that the reconciler watches it.
fn pending_answer(entry: &Entry<'_>) -> Option<(Mark, OffsetDateTime)> {
    let Change::Ended { answer, .. } = &entry.change else { return None };
    let is_late = entry.now - entry.notification.received_at > LATE;
    match answer.feedback {
        FeedbackState::Awaited => Some((Mark::Awaited, answer.deadline?)),
        FeedbackState::Queued if is_late => Some((Mark::Queued, entry.now)),
        _ => None,
    }
}

/// The condition that a state moves only forward, whichever attempt writes last. The mark that an
/// attempt sets before it begins may arrive after an attempt has parked the notification; then the
/// parked state is more exact. A failed attempt does not end a pause, not even the last one at its
/// message: the release sends another. Nor does it end a hold, unless that has expired.
fn forward_only(update: &mut Update, change: &Change, now: OffsetDateTime) -> String {
    let (next, is_mark) = (change.state(), change.reason() == Some(Reason::Lost));
    let state = update.name("state");
    let is_beside = |known| match known {
        State::Parked => is_mark,
        State::Paused => matches!(next, State::Retrying | State::Dead),
        _ => false,
    };
    let condition = in_state(update, |known| known.may_become(next) && !is_beside(known));
    if next.is_final() {
        return format!("attribute_not_exists({state}) OR {condition}");
    }
    let [reason, expiry] = ["reason", "expires_at"].map(|name| update.name(name));
    let [parked, held] = [State::Parked.as_str(), Reason::Held.as_str()].map(|word| update.value(string(word)));
    let now = update.value(number(now.unix_timestamp()));
    let is_held =
        format!("{state} = {parked} AND {reason} = {held} AND (attribute_not_exists({expiry}) OR {expiry} > {now})");
    format!("attribute_not_exists({state}) OR NOT ({is_held}) AND {condition}")
}
