//! The messages of the notifications queue: the notifications in each, found without the
//! processor's code, the names that settings explain, and why a message comes again without a
//! fault.
//!
//! Settings explain an event outside the catalogue, by an alias, and a tenant, by its company
//! number. Operators write both again during a run. What a notification then becomes depends on the
//! settings that the processor could have read.
//!
//! Without a fault, poisoned messages and twins come again. If a notification is handed out twice,
//! the later attempt lets its message come again, since the first may die.

use crate::check::{Invariant, Met};
use crate::model::erp::{Nature, TENANTS};
use crate::model::secrets::KNOWN_FOR;
use crate::model::table::text;
use crate::world::{Name, World};
use crate::writes::text_of;
use serde_json::Value;
use std::cell::RefCell;
use std::sync::LazyLock;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::{Delivery, NotificationKey};
use webhooks_store::Write;

/// Longer messages are read once, since the hash of a large body takes long.
const LONG: usize = 64 * 1024;
const MOST_KNOWN: usize = 8;
/// The name that Visma Net uses.
pub(crate) const SENT: &str = "SOMETHING_NEW";
/// The event that the alias means. No other notification of the simulation is one.
pub(crate) const MEANT: &str = "CUSTOMER_CREATED";
/// Before it parks for want of a name, the processor reads settings that are older than half a
/// minute again. The attempt may take another minute.
const READ_AGAIN_WITHIN: Duration = Duration::minutes(2);
/// The place of the event's digits in a sort key.
const EVENT: std::ops::Range<usize> = 26..34;

static DIGITS: LazyLock<[String; 2]> =
    LazyLock::new(|| [SENT, MEANT].map(|event| NotificationKey::new(&[], event, None).event().to_owned()));

thread_local! {
    /// The latest long messages with their sort keys.
    static KNOWN: RefCell<Vec<(String, Vec<String>)>> = const { RefCell::new(Vec::new()) };
}

/// Their sort keys in the ledger.
pub(crate) fn of(message: &str) -> Vec<String> {
    if message.len() < LONG {
        return read(message);
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some((_, keys)) = known.iter().find(|(text, _)| text == message) {
            return keys.clone();
        }
        let keys = read(message);
        known.truncate(MOST_KNOWN - 1);
        known.insert(0, (message.to_owned(), keys.clone()));
        keys
    })
}

fn read(message: &str) -> Vec<String> {
    let Ok(delivery) = Delivery::from_message(message) else { return Vec::new() };
    if let Some(record) = &delivery.meta.replays {
        return vec![as_sent(&format!("N#{}", record.notification))];
    }
    let named = delivery.meta.event.as_deref().or_else(|| delivery.header("x-vwd-event-id"));
    let header = Named { id: delivery.header("x-vwd-notification-id"), event: named };
    match delivery.items() {
        Some(items) => items.into_iter().map(|item| sort_key(item.as_bytes(), header)).collect(),
        None => vec![sort_key(String::from_utf8_lossy(&delivery.body).as_bytes(), header)],
    }
}

/// The same with their tenants, and when intake received the message, by its clock.
pub(crate) fn received(message: &str) -> Vec<(String, Option<String>, OffsetDateTime)> {
    let Ok(delivery) = Delivery::from_message(message) else { return Vec::new() };
    let received_at = delivery.meta.received_at;
    let told = match &delivery.meta.replays {
        Some(record) => Some(record.entity.tenant.clone()),
        None => delivery.meta.tenant.clone().or_else(|| delivery.header("x-vwd-tenant-id").map(str::to_owned)),
    };
    let texts: Vec<String> = match delivery.items() {
        Some(items) => items.into_iter().map(str::to_owned).collect(),
        None => vec![String::from_utf8_lossy(&delivery.body).into_owned()],
    };
    let tenants = texts.iter().map(|text| {
        let is_named = |company: &str| text.contains(&format!("\"contextId\":\"{company}\""));
        let named = TENANTS.iter().find(|(_, company)| is_named(company)).map(|(id, _)| (*id).to_owned());
        named.or_else(|| told.clone())
    });
    of(message).into_iter().zip(tenants).map(|(key, tenant)| (key, tenant, received_at)).collect()
}

/// The id of Visma Net in a sort key.
pub(crate) fn id_in(sort_key: &str) -> Option<Uuid> {
    Uuid::try_parse(sort_key.split_once('.')?.1).ok()
}

/// The facts that come from headers if an item does not have them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Named<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) event: Option<&'a str>,
}

impl<'a> Named<'a> {
    pub(crate) fn by(headers: &'a [(&'static str, String)]) -> Self {
        let value = |wanted| headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
        Self { id: value("x-vwd-notification-id"), event: value("x-vwd-event-id") }
    }
}

pub(crate) fn sort_key(item: &[u8], header: Named<'_>) -> String {
    let fields: Value = serde_json::from_slice(item).unwrap_or_default();
    let in_body = fields["notificationId"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    let id = in_body.or_else(|| Uuid::try_parse(header.id?).ok()).map(|id| id.to_string());
    let event = fields["event"].as_str().filter(|event| !event.is_empty()).or(header.event).unwrap_or_default();
    format!("N#{}", NotificationKey::new(item, event, id.as_deref()))
}

/// Whether the sort key has the event that the alias means.
fn is_meant(sort_key: &str) -> bool {
    sort_key.starts_with("N#") && sort_key.get(EVENT).is_some_and(|event| event == DIGITS[1].as_str())
}

/// The sort key under the name that Visma Net uses.
pub(crate) fn as_sent(sort_key: &str) -> String {
    if !is_meant(sort_key) {
        return sort_key.to_owned();
    }
    format!("{}{}{}", &sort_key[..EVENT.start], DIGITS[0], &sort_key[EVENT.end..])
}

/// Whether an item with the first sort key is about the notification with the second.
pub(crate) fn is_about(sort_key: &str, notification: &str) -> bool {
    sort_key == notification || (is_meant(sort_key) && as_sent(sort_key) == notification)
}

impl World {
    /// Called with each write of a notification by the processor.
    pub(crate) fn names_fit(&mut self, instance: usize, write: &Write) {
        let now = self.now;
        let parks = |reason| text_of(write, "state") == Some("parked") && text_of(write, "reason") == Some(reason);
        let within = if self.unread.contains(&instance) { KNOWN_FOR } else { READ_AGAIN_WITHIN };
        // A replay keeps the event of its record, perhaps now under a known tenant.
        let is_new = !self.table.items().any(|item| text(item, "sk") == Some(&write.sk));
        let (fits, what) = if is_meant(&write.sk) && is_new {
            self.checks.meets(Met::AliasUsed);
            (self.secrets.had(now, KNOWN_FOR, |names| names.has_alias), "identified by an alias")
        } else if parks("unmapped") {
            (self.secrets.had(now, within, |names| !names.has_alias), "parked for want of an alias")
        } else if parks("tenant_unknown") {
            self.checks.meets(Met::CompanyUnknown);
            (self.secrets.had(now, within, |names| !names.has_company), "parked for want of a company number")
        } else {
            return;
        };
        self.checks.require(fits, Invariant::IdentifyOrPark, || {
            format!("a notification is {what}, by settings that were replaced long ago")
        });
    }

    /// Without a fault, only poisoned messages and twins come again.
    pub(crate) fn fails_for_a_reason(&mut self, id: u64) {
        let messages = &self.queues[&Name::Notifications].messages;
        let Some(message) = messages.iter().find(|one| one.id == id) else { return };
        let keys = of(&message.body);
        let is_poison = |key: &String| self.erp.sent.get(key).is_some_and(|sent| sent.nature == Nature::Panics);
        let is_replayed = keys.iter().any(|key| self.checks.commands.was_replayed(key));
        let receipts = message.receive_count + message.receipts_before;
        let was_twice_out = receipts > 1 || message.redrives > 0 || is_replayed;
        let is_twin = was_twice_out && keys.iter().any(|key| self.checks.has_ended(key, &self.table));
        let is_erased = keys.iter().any(|key| self.checks.may_be_erased(key));
        let has_reason = is_twin || is_erased || keys.iter().any(is_poison);
        self.checks.require(has_reason, Invariant::PoisonFailsAlone, || {
            format!("message {id} must come again, although nothing is wrong with it")
        });
    }

    /// How often the message with this text was received, which the processor replaces. It may be on
    /// the queue, deleted, or in the dead-letter queue meanwhile.
    pub(crate) fn receipts_of(&self, body: &str) -> u32 {
        let queues = [Name::Notifications, Name::NotificationsDead].map(|name| &self.queues[&name]);
        let all = queues.into_iter().flat_map(|queue| queue.messages.iter().chain(&queue.deleted));
        let same = all.filter(|one| one.body == body);
        same.map(|one| one.receive_count + one.receipts_before).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::{Actor, Function};
    use crate::world::START;
    use aws_sdk_dynamodb::types::AttributeValue;
    use fixtures::meta;
    use webhooks_store::Item;

    /// Whether a message of the processor may come again that was received once. An earlier message
    /// with the same text was received `earlier` times, and the notification's state is `state`.
    fn may_come_again(earlier: u64, state: &str) -> bool {
        let mut world = World::new(0, None, None, false);
        let actor =
            Actor { function: Function::Processor, ahead: Duration::ZERO, turn: 0, asked: 0, confirmed: vec![] };
        world.actors.push(actor);
        let body = br#"{"event":"ACCOUNT_CHANGED","accountNumber":"7"}"#.to_vec();
        let body = Delivery { meta: meta(START), body }.to_message();
        if earlier > 0 {
            world.enqueue(Name::Notifications, body.clone(), None);
        }
        for receipt in 1..=earlier {
            world.queue(Name::Notifications).receive(0, receipt, START);
        }
        let key = of(&body).remove(0);
        let record = [("pk", "t#account#7"), ("sk", key.as_str()), ("state", state)];
        let record: Item = record.map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned()))).into();
        assert!(world.table.insert(record).unwrap());
        world.send(0, None, Name::Notifications, body, None);
        let queue = world.queue(Name::Notifications);
        let sent = queue.receive(queue.messages.len() - 1, earlier + 1, START);
        world.fails_for_a_reason(sent.id);
        world.checks.violation.is_none()
    }

    #[test]
    fn a_message_that_replaces_a_received_one_may_be_a_twin() {
        assert!(may_come_again(6, "processed"));
        assert!(!may_come_again(0, "processed"), "it was out only once");
        assert!(!may_come_again(6, "retrying"), "no other attempt has ended it");
    }
}
