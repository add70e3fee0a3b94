//! Invariants at rest: after the faults have stopped, time has passed and every queue is empty.

use super::in_motion::{furthest, is_terminal, record, records};
use super::probes::OLD_NEWS;
use super::{Checks, Invariant, short};
use crate::actors::RETENTION;
use crate::cargo::as_sent;
use crate::model::erp::{Erp, Nature, Record, STATUSES, Sent, TENANTS};
use crate::model::table::{TableModel, number, text};
use uuid::Uuid;
use webhooks_model::Ticks;
use webhooks_store::Item;

impl Checks {
    /// Whether an outcome is awaited that nobody will send. Only under other names: then the first of
    /// several items under one id has another key, which the others do not find. Or if they come
    /// again during an erasure, which then deletes another one's record. Or if an attempt ends the
    /// first and dies, after another one has deleted their message.
    pub(crate) fn awaits_outcomes(&mut self, table: &TableModel) -> bool {
        let awaited = table.items().find(|item| text(item, "feedback") == Some("awaited"));
        let Some(key) = awaited.and_then(|item| text(item, "sk")) else { return false };
        let is_left = self.may_be_erased(key) || self.out_of_reach.contains(&as_sent(key));
        self.require(self.names_were_rewritten || is_left, Invariant::OneFeedback, || {
            format!("the outcome of {} is awaited, and nobody sends it", short(key))
        });
        true
    }

    pub(crate) fn at_rest(&mut self, table: &TableModel, erp: &Erp) {
        for key in self.accepted.clone() {
            let sent = erp.sent.get(&key);
            // Under other settings it may have died. One of its records shows how it ended.
            let fitting = furthest(table, &key).find(|item| self.fits(&key, item, sent));
            let fits = fitting.is_some();
            let item = fitting.or_else(|| record(table, &key));
            // A closed record may be kept longer than the one that it names.
            let goes_on = item.is_some_and(|item| !item.contains_key("moved_to"));
            if !goes_on && (self.is_gone(&key) || self.may_be_erased(&key)) {
                continue;
            }
            self.require(goes_on || item.is_none(), Invariant::OneTerminalState, || {
                format!("{} was closed, but no other record goes on", short(&key))
            });
            let Some((item, state)) = item.and_then(|item| Some((item, text(item, "state")?))) else {
                self.violated(Invariant::OneTerminalState, format!("{} was accepted but never recorded", short(&key)));
                continue;
            };
            self.ended_as_it_should(&key, (item, state), sent, fits);
            self.is_answered(table, &key, item, sent);
            self.each_record_has_ended(table, &key);
        }
        for record in &erp.records {
            self.head_is_newest(table, record);
        }
        for (key, sent) in &erp.sent {
            self.deletion_shows(table, erp, key, sent);
        }
        self.marks_at_rest(table);
        self.raw_items_are_whole(table);
    }

    /// Whether a record of the notification ended as its nature lets it.
    fn fits(&self, key: &str, item: &Item, sent: Option<&Sent>) -> bool {
        let (state, reason) = (text(item, "state").unwrap_or_default(), text(item, "reason"));
        let is_unnamed = self.names_were_rewritten && reason == Some("tenant_unknown");
        let is_refused = matches!(reason, Some("tenant_not_approved" | "token_refused" | "unconfirmable"));
        let is_left_to_person = state == "parked" && (is_unnamed || is_refused);
        let is_given_up = state == "dead" && self.out_of_reach.contains(key);
        // It may have died under its alias or its company's number, and lost that again after its
        // first record was closed. Or the record that was parked without that name has expired. It is
        // dead and visible.
        let has_another = item.contains_key("moved_from") || self.is_gone(key);
        let is_left_behind = self.names_were_rewritten && state == "dead" && has_another;
        match nature(sent) {
            Nature::Plain | Nature::Deletion | Nature::Refused => {
                matches!(state, "processed" | "superseded") || is_left_to_person || is_given_up || is_left_behind
            }
            Nature::Unparseable => state == "unparseable",
            Nature::Unmapped if self.names_were_rewritten => {
                matches!(state, "processed" | "superseded" | "parked") || is_given_up || is_left_behind
            }
            Nature::Unmapped | Nature::Unidentified => state == "parked" || is_given_up || is_left_behind,
            Nature::Panics => matches!(state, "dead" | "superseded") || is_left_to_person,
            Nature::NeedsPerson => matches!(state, "parked" | "superseded") || is_given_up || is_left_behind,
        }
    }

    fn ended_as_it_should(&mut self, key: &str, (item, state): (&Item, &str), sent: Option<&Sent>, fits: bool) {
        let (nature, reason) = (nature(sent), text(item, "reason"));
        let invariant = match state {
            "retrying" => Invariant::OneTerminalState,
            "paused" => Invariant::CommandIsKept,
            _ if nature == Nature::Unidentified => Invariant::IdentifyOrPark,
            _ => Invariant::PoisonFailsAlone,
        };
        self.require(fits, invariant, || format!("{} is {nature:?} and ended {state} ({reason:?})", short(key)));
        let is_published = state != "processed" || self.is_published(key);
        self.require(is_published, Invariant::ForwardOnly, || format!("{} ended without its event", short(key)));
        let is_silent = nature != Nature::Unidentified || !self.is_published(key);
        self.require(is_silent, Invariant::IdentifyOrPark, || {
            format!("{} was published, but nothing identified it", short(key))
        });
    }

    /// A notification may have several records, under the names of different settings.
    fn each_record_has_ended(&mut self, table: &TableModel, key: &str) {
        let open = records(table, key).find(|item| text(item, "state").is_some_and(|state| !is_terminal(state)));
        let open =
            open.map(|item| format!("{} at rest: {:?} in {:?}", short(key), text(item, "state"), text(item, "pk")));
        open.into_iter().for_each(|open| self.violated(Invariant::OneTerminalState, open));
        let is_unsent = |item: &&Item| matches!(text(item, "feedback"), Some("queued" | "awaited"));
        let unsent = records(table, key).find(is_unsent).map(|item| {
            let [feedback, mark, since] = ["feedback", "attention", "attention_at"].map(|name| text(item, name));
            format!("the feedback of {} stays {feedback:?}, marked {mark:?} at {since:?}", short(key))
        });
        unsent.into_iter().for_each(|unsent| self.violated(Invariant::OneFeedback, unsent));
    }

    fn is_answered(&mut self, table: &TableModel, key: &str, item: &Item, sent: Option<&Sent>) {
        let feedback = text(item, "feedback").unwrap_or("none");
        let has_ended_well = matches!(text(item, "state"), Some("processed" | "superseded"));
        let is_due = has_ended_well && sent.is_some_and(|sent| sent.id.is_some());
        // Its record under another name may have answered.
        let is_told = |item: &Item| text(item, "feedback").is_some_and(|feedback| feedback != "none");
        self.require(!is_due || records(table, key).any(is_told), Invariant::OneFeedback, || {
            format!("{} is not answered", short(key))
        });
        let is_identified = sent.is_none_or(|sent| sent.nature != Nature::Unidentified);
        let is_success = item.get("feedback_success").and_then(|told| told.as_bool().ok()) == Some(&true);
        self.require(is_identified || !is_success, Invariant::IdentifyOrPark, || {
            format!("{} is answered as a success, but nothing identified it", short(key))
        });
        if feedback != "sent" {
            return;
        }
        let id = text(item, "feedback_id").or(key.rsplit('.').next());
        let id = id.and_then(|id| Uuid::try_parse(id).ok()).unwrap_or_default();
        let said = text(item, "feedback_description").unwrap_or_default();
        let is_true = self.taken(id).iter().any(|told| told.description == said);
        self.require(is_true, Invariant::OneFeedback, || format!("{} counts as answered, but was not", short(key)));
        let is_own = sent.is_none_or(|sent| sent.id == Some(id));
        self.require(is_own, Invariant::OneFeedback, || {
            format!("{} was answered as {id}, which is another notification", short(key))
        });
    }

    fn head_is_newest(&mut self, table: &TableModel, record: &Record) {
        let Some(modified) = record.modified.filter(|_| !record.deleted) else { return };
        let head = head(table, record);
        let version = head.and_then(|head| number(head, "version_resource").max(number(head, "version_body")));
        let is_newest = version.is_some_and(|version| version >= Ticks::from_datetime(modified).get());
        // A notification that needs a person is visible, and updates the head when it is replayed.
        let of_record = |item: &&Item| text(item, "pk") == Some(&partition(record));
        let waits = table.items().filter(of_record).any(|item| text(item, "state") == Some("parked"));
        // It had the ERP's state when it was last written.
        let gone_at = self.head_gone_at(partition(record)).filter(|_| head.is_none());
        let has_expired = gone_at.is_some_and(|gone_at| gone_at - modified >= RETENTION - OLD_NEWS);
        let is_erased = head.is_none() && self.head_may_be_erased(TENANTS[record.tenant].0, modified);
        // A sweep takes a row with the known content and a newer time for a touch, and writes no head.
        let own = partition(record);
        let status = head.map_or(self.last_status(&own), |head| text(head, "status"));
        let has_its_content = status == Some(STATUSES[record.status]);
        let is_right = is_newest || has_its_content || waits || has_expired || is_erased;
        self.require(is_right, Invariant::ForwardOnly, || {
            let newest = Ticks::from_datetime(modified).get();
            format!("the head of {} is behind the ERP: {version:?}, and the ERP has {newest}", record.key)
        });
    }

    fn deletion_shows(&mut self, table: &TableModel, erp: &Erp, key: &str, sent: &Sent) {
        let (Nature::Deletion, Some(at)) = (sent.nature, sent.record) else { return };
        let is_processed = record(table, key).and_then(|item| text(item, "state")) == Some("processed");
        let is_marked = || {
            let head = head(table, &erp.records[at])?;
            head.get("deleted")?.as_bool().ok().copied()
        };
        let own = &erp.records[at];
        let has_expired = head(table, own).is_none() && self.head_gone_at(partition(own)).is_some();
        // A replay of an older notification may have written the erased head anew.
        let is_erased = self.may_be_erased(key);
        let shows = !is_processed || has_expired || is_erased || is_marked() == Some(true);
        self.require(shows, Invariant::ForwardOnly, || {
            format!("{} was deleted, but its head does not show it", short(key))
        });
    }
}

fn head<'a>(table: &'a TableModel, record: &Record) -> Option<&'a Item> {
    table.get(&partition(record), "HEAD")
}

fn partition(record: &Record) -> String {
    format!("{}#{}#{}", TENANTS[record.tenant].0, record.entity, record.key)
}

fn nature(sent: Option<&Sent>) -> Nature {
    sent.map_or(Nature::Plain, |sent| sent.nature)
}
