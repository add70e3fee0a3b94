//! Retention: items that must expire, and items that must not.

use super::in_motion::is_terminal;
use super::probes::OLD_NEWS;
use super::{Checks, Invariant, Met, short};
use crate::actors::RETENTION;
use crate::model::table::{TableModel, text};
use crate::names::is_about;
use crate::writes::value_of;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_store::{Item, Write};

/// A partition key and a sort key.
type Times = BTreeMap<(String, String), OffsetDateTime>;

#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The time of the last write of each item's expiry.
    said_at: Times,
    /// When DynamoDB deleted each expired item.
    gone_at: Times,
}

impl Checks {
    /// Called with each write that is carried out.
    pub(crate) fn lives_on(&mut self, write: &Write, now: OffsetDateTime) {
        if value_of(write, "expires_at").is_some() {
            self.kept.said_at.insert((write.pk.clone(), write.sk.clone()), now);
        }
    }

    /// Called before DynamoDB deletes an expired item. The item has reached its full retention, and
    /// nothing waits for it.
    pub(crate) fn expires(&mut self, item: &Item, now: OffsetDateTime) {
        let (Some(pk), Some(sk)) = (text(item, "pk"), text(item, "sk")) else { return };
        let key = (pk.to_owned(), sk.to_owned());
        let is_held_to_it = ["N#", "HEAD", "SWEEP#"].iter().any(|start| sk.starts_with(start));
        let age = self.kept.said_at.get(&key).map(|at| now - *at).filter(|_| is_held_to_it);
        self.require(age.is_none_or(|age| age >= RETENTION - OLD_NEWS), Invariant::ForwardOnly, || {
            format!("{sk} expires {} days after it was written", age.map_or(0, |age| age.whole_days()))
        });
        let state = text(item, "state").filter(|_| sk.starts_with("N#"));
        self.require(state.is_none_or(is_terminal), Invariant::OneTerminalState, || {
            format!("{} expires in state {state:?}", short(sk))
        });
        let feedback = text(item, "feedback").filter(|feedback| ["queued", "awaited"].contains(feedback));
        self.require(feedback.is_none(), Invariant::OneFeedback, || {
            format!("{} expires, but its feedback is {feedback:?}", short(sk))
        });
        self.commands.expires(item);
        self.meets(Met::Expired);
        self.kept.gone_at.insert(key, now);
    }

    /// Notes if something is paused for longer than the retention.
    pub(crate) fn meets_what_is_kept(&mut self, table: &TableModel, now: OffsetDateTime) {
        let is_old = |item: &Item| received_at(item).is_some_and(|received| now - received >= RETENTION);
        if table.items().any(|item| text(item, "state") == Some("paused") && is_old(item)) {
            self.meets(Met::PausedBeyondRetention);
        }
    }

    /// Whether a notification's record has expired.
    pub(super) fn is_gone(&self, sort_key: &str) -> bool {
        self.kept.gone_at.keys().any(|(_, gone)| is_about(gone, sort_key))
    }

    /// When the head of the partition expired.
    pub(super) fn head_gone_at(&self, partition: String) -> Option<OffsetDateTime> {
        self.kept.gone_at.get(&(partition, "HEAD".to_owned())).copied()
    }
}

fn received_at(item: &Item) -> Option<OffsetDateTime> {
    let (received, _) = text(item, "feed_at")?.split_once('#')?;
    OffsetDateTime::parse(received, &Rfc3339).ok()
}
