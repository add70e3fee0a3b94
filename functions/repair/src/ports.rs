//! What the repair function is made of.

use webhooks_host::Host;
use webhooks_model::QueueName;
use webhooks_queue::{Letters, Pacer, Sender};
use webhooks_store::{Erasure, Jobs, Pauses, Records, Repairs, Replays, Resends, Waits};

/// The effects, chosen once: the real ones in the function, others in tests and simulations.
pub trait Ports: Send + Sync + 'static {
    type Store: Jobs + Repairs + Replays + Resends + Records + Pauses + Waits + Erasure;
    type Queue: Sender + Pacer + Letters;
    type Host: Host + Clone;
}

/// A queue and its dead letters.
pub struct Lane<Q> {
    pub name: QueueName,
    pub source: Q,
    pub dead: Q,
}
