//! Messages that come again without a fault: poisoned ones, and twins. If a notification is handed
//! out twice, the later attempt lets its message come again, since the first may die.

use crate::cargo;
use crate::check::Invariant;
use crate::model::erp::Nature;
use crate::world::{Name, World};

impl World {
    /// Without a fault, only poisoned messages and twins come again.
    pub(crate) fn fails_for_a_reason(&mut self, id: u64) {
        let messages = &self.queues[&Name::Notifications].messages;
        let Some(message) = messages.iter().find(|one| one.id == id) else { return };
        let keys = cargo::of(&message.body);
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
    use time::Duration;
    use webhooks_model::Delivery;
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
        let key = cargo::of(&body).remove(0);
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
