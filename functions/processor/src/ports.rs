//! The parts of the processor, and the results of its attempts. Read on in `batch.rs`.

use crate::handler::Handler;
use crate::local::LocalState;
use std::time::Duration;
use webhooks_host::Host;
use webhooks_metrics::Metrics;
use webhooks_model::State;
use webhooks_model::retry::Next;
use webhooks_queue::{Pacer, Sender};
use webhooks_settings::{Cache, Source};
use webhooks_store::{Items, Table};
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

pub struct Processor<P: Ports> {
    pub settings: Cache<P::Source, P::Host>,
    pub ledger: Table<P::Items>,
    pub visma: P::Visma,
    pub events: P::Queue,
    pub feedback: P::Queue,
    pub notifications: P::Pacer,
    pub handler: P::Handler,
    pub host: P::Host,
    pub metrics: Metrics<P::Host>,
    pub limits: Limits,
    pub local: LocalState,
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

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Duplicate,
    /// A parallel attempt has just ended the notification. The message comes again, to check that
    /// the feedback is queued.
    Overtaken,
    /// It had ended, and an operator's replay repeated its effects.
    Replayed,
    /// It waits in the ledger until a pause ends.
    Paused,
    /// An operator put it on hold.
    Held,
    /// The queue will not deliver the message again, but the ledger still allows attempts.
    HandedOver,
    Ended(State),
}

/// What a notification still needs from its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    /// A retry, after this many tries.
    Again(Next, u32),
    /// A new message with the same content, since this one was delivered too often.
    FreshMessage,
}
