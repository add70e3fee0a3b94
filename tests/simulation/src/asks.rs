//! What stands between a function and the models: the checks look at each request.

use crate::actors::Function;
use crate::check::Writer;
use crate::world::{Name, World};
use webhooks_model::Delivery;
use webhooks_store::{Item, Write};

impl World {
    pub(crate) fn asks_to_write(&mut self, instance: usize, write: &Write) {
        let writer = Writer { function: self.actors[instance].function, instance, now: self.now };
        let World { checks, table, .. } = self;
        checks.asked_to_write(writer, write, table);
    }

    pub(crate) fn goes_to_work(&mut self, instance: usize, notification: &str) {
        let World { checks, table, .. } = self;
        checks.goes_to_work(instance, notification, table);
    }

    pub(crate) fn asks_to_send(&mut self, instance: usize, queue: Name, body: &str) {
        let delivery = if queue == Name::Notifications { Delivery::from_message(body).ok() } else { None };
        let is_replay = delivery.is_some_and(|delivery| delivery.meta.replays.is_some());
        if self.actors[instance].function == Function::Reconciler && is_replay {
            self.checks.replayed(crate::cargo::of(body));
        }
        // Whom a fault has touched may queue what could not be written down.
        let is_touched = self.touched.get(&instance).copied().unwrap_or_default();
        if queue == Name::Feedback && !is_touched {
            let World { checks, table, .. } = self;
            checks.queues_feedback(body, table);
        }
    }

    /// What several keys were read for.
    pub(crate) fn reads(&mut self, instance: usize, items: &[Item]) {
        if self.actors[instance].function == Function::Feedback {
            self.checks.read_answers(instance, items);
        }
    }
}
