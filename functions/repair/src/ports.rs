//! The parts of the repair function.

use webhooks_host::Host;
use webhooks_model::QueueName;
use webhooks_queue::{DeadLetterQueue, Pacer, Sender};
use webhooks_store::Upkeep;

/// The types of the effects: AWS in the function, fakes in tests and simulations.
pub trait Ports: Send + Sync + 'static {
    type Items: Upkeep;
    type Queue: Sender + Pacer + DeadLetterQueue;
    type Host: Host + Clone;
}

/// A queue and its dead-letter queue.
pub struct QueuePair<Q> {
    pub name: QueueName,
    pub source: Q,
    pub dead: Q,
}
