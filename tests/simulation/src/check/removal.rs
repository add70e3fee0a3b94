//! What is removed from the table. Items must expire, unless something still needs them. After an
//! erasure nothing of what was received before it is readable: invariant 10. The erasure may take
//! with it what comes while it goes on.

use super::in_motion::is_terminal;
use super::probes::OLD_NEWS;
use super::{Checks, Invariant, Met, Writer, short};
use crate::actors::{Function, RETENTION};
use crate::cargo::{self, as_sent, is_about};
use crate::model::table::{TableModel, text};
use crate::writes::value_of;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_store::{Item, Write};

/// Partitions that may name a tenant for as long as operators need them.
const OF_OPERATORS: [&str; 3] = ["audit", "jobs", "pauses"];
/// More than two clocks differ.
const CLOCKS_DIFFER: Duration = Duration::seconds(6);

/// A partition key and a sort key.
type Times = BTreeMap<(String, String), OffsetDateTime>;

#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The time of the last write of each item's expiry.
    said_at: Times,
    /// When DynamoDB deleted each expired item.
    gone_at: Times,
    /// The status that each expired head had, by its partition key.
    last_status: BTreeMap<String, String>,
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
        if sk == "HEAD" {
            self.kept.last_status.insert(pk.to_owned(), text(item, "status").unwrap_or_default().to_owned());
        }
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

    /// The status of the head of the partition when it expired.
    pub(super) fn last_status(&self, partition: &str) -> Option<&str> {
        self.kept.last_status.get(partition).map(String::as_str)
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

#[derive(Debug, Default)]
pub(crate) struct Erased {
    /// The tenant of each notification, and when intake last received it, by intake's clock.
    received: BTreeMap<String, (Option<String>, OffsetDateTime)>,
    erasure: Option<Erasure>,
}

#[derive(Debug)]
struct Erasure {
    tenant: String,
    asked_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
}

impl Checks {
    pub(crate) fn erasure_is_asked(&mut self, tenant: &str, now: OffsetDateTime) {
        self.erased.erasure = Some(Erasure { tenant: tenant.to_owned(), asked_at: now, ended_at: None });
        // An attempt at work may read the ledger after that.
        let at_work: Vec<String> = self.attempted.values().flatten().cloned().collect();
        at_work.iter().for_each(|key| self.may_be_answered_anew(key));
    }

    pub(crate) fn erasure_has_ended(&mut self, now: OffsetDateTime) {
        self.erased.erasure.iter_mut().for_each(|erasure| erasure.ended_at = Some(now));
    }

    /// Called with each message that SQS accepts.
    pub(super) fn receives(&mut self, message: &str) {
        for (key, tenant, received_at) in cargo::received(message) {
            self.may_be_answered_anew(&key);
            let known = self.erased.received.get(&key).map(|(_, known)| *known);
            let latest = known.map_or(received_at, |known| known.max(received_at));
            self.erased.received.insert(key, (tenant, latest));
        }
    }

    /// The ledger may have forgotten it, and then it is answered again.
    fn may_be_answered_anew(&mut self, key: &str) {
        if self.may_be_erased(key) {
            self.faults += 1;
            self.answered_anew.extend(cargo::id_in(key));
        }
    }

    fn erasure_of(&self, key: &str) -> Option<(&Erasure, OffsetDateTime)> {
        let (tenant, received_at) = self.erased.received.get(&as_sent(key))?;
        let erasure = self.erased.erasure.as_ref()?;
        (tenant.as_deref() == Some(erasure.tenant.as_str())).then_some((erasure, *received_at))
    }

    /// Whether an erasure may have taken the notification. What comes after it is new.
    pub(crate) fn may_be_erased(&self, key: &str) -> bool {
        self.erasure_of(key).is_some_and(|(erasure, received_at)| {
            erasure.ended_at.is_none_or(|ended_at| received_at <= ended_at + CLOCKS_DIFFER)
        })
    }

    /// Whether it was received before the erasure, and never since.
    fn was_before(&self, key: &str) -> bool {
        self.erasure_of(key).is_some_and(|(erasure, received_at)| received_at < erasure.asked_at - CLOCKS_DIFFER)
    }

    /// Whether the head of that tenant may have been erased, at a change of that time.
    pub(super) fn head_may_be_erased(&self, tenant: &str, modified: OffsetDateTime) -> bool {
        let erasure = self.erased.erasure.as_ref().filter(|erasure| erasure.tenant == tenant);
        erasure.is_some_and(|erasure| erasure.ended_at.is_none_or(|ended_at| modified <= ended_at))
    }

    /// Called with the messages of a batch.
    pub(super) fn meets_the_forgotten(&mut self, keys: &[String]) {
        keys.iter().for_each(|key| self.may_be_answered_anew(key));
        let is_over = self.erased.erasure.as_ref().is_some_and(|erasure| erasure.ended_at.is_some());
        if is_over && keys.iter().any(|key| self.was_before(key)) {
            self.meets(Met::ForgottenMessage);
        }
    }

    /// Called with each write. The reconciler may write about the tenant until it knows of the
    /// erasure.
    pub(super) fn meets_a_sweep(&mut self, writer: Writer, write: &Write) {
        let is_about = |erasure: &Erasure| {
            let is_own = write.pk.starts_with(&format!("{}#", erasure.tenant)) || write.sk == erasure.tenant;
            erasure.ended_at.is_none() && writer.now > erasure.asked_at + CLOCKS_DIFFER && is_own
        };
        if writer.function == Function::Reconciler && self.erased.erasure.as_ref().is_some_and(is_about) {
            self.meets(Met::SweptDuringErasure);
        }
    }

    /// Called when an erasure has ended, and later. `at_once`: the pause has not ended since, so nobody
    /// has written about the tenant except with what it has sent since.
    pub(crate) fn nothing_is_left_of_before(&mut self, table: &TableModel, at_once: bool) {
        let Some(erasure) = &self.erased.erasure else { return };
        let tenant = erasure.tenant.as_str();
        let is_of_operators = |item: &Item| text(item, "pk").is_some_and(|pk| OF_OPERATORS.contains(&pk));
        let is_left = |item: &&Item| match notification(item) {
            Some(key) => self.was_before(&key) || (at_once && self.erasure_of(&key).is_none()),
            None => at_once,
        };
        let is_about = |item: &&Item| !is_of_operators(item) && format!("{item:?}").contains(tenant);
        let left = table.items().filter(is_about).find(is_left).map(|item| {
            let key = notification(item).map(|key| short(&key));
            format!("{:?} {:?} ({key:?})", text(item, "pk"), text(item, "sk"))
        });
        if let Some(left) = left {
            self.violated(Invariant::ErasedIsErased, format!("the tenant was erased, and {left} is readable"));
        }
    }
}

/// The sort key of the notification that an item is about.
fn notification(item: &Item) -> Option<String> {
    match text(item, "sk")? {
        "HEAD" => text(item, "notification").map(|key| format!("N#{key}")),
        sk if sk.starts_with("N#") => Some(sk.to_owned()),
        sk => {
            let part = sk.strip_prefix("RAW#").and_then(|part| part.rsplit_once('#'));
            let own = part.map(|(own, _)| own).or_else(|| sk.strip_prefix("WAIT#"))?;
            Some(format!("N#{own}"))
        }
    }
}
