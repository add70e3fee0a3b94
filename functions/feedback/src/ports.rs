//! The parts of the feedback function.

use std::time::Duration;
use webhooks_host::Host;
use webhooks_queue::{Pacer, Sender};
use webhooks_settings::Source;
use webhooks_store::{Answers, Observations};
use webhooks_visma::{Quotas, Visma};

/// The types of its effects: the real ones in the function, others in tests and simulations.
pub trait Ports: Send + Sync + 'static {
    type Source: Source;
    type Answers: Answers + Observations;
    type Visma: Visma + Quotas;
    type Queue: Sender;
    type Pacer: Pacer;
    type Host: Host + Clone;
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest first back-off.
    pub retry_base: Duration,
    /// How long a feedback is tried before it is parked.
    pub give_up_after: time::Duration,
}
