//! The parts of the processor.

use crate::handler::Handler;
use std::time::Duration;
use webhooks_host::Host;
use webhooks_queue::{Pacer, Sender};
use webhooks_settings::Source;
use webhooks_store::Items;
use webhooks_visma::{Quotas, Visma};

/// The types of its effects: the real ones in the function, others in tests and simulations.
pub trait Ports: Send + Sync + 'static {
    type Source: Source;
    type Items: Items;
    type Visma: Visma + Quotas;
    type Queue: Sender;
    /// The notifications queue, for receiving and for sending again.
    type Pacer: Pacer + Sender;
    type Handler: Handler;
    type Host: Host + Clone;
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The notifications queue's `maxReceiveCount`.
    pub max_receive_count: u32,
    /// The longest first back-off.
    pub retry_base: Duration,
}

impl Limits {
    pub(crate) fn is_last(&self, receive_count: u32) -> bool {
        receive_count >= self.max_receive_count
    }
}
