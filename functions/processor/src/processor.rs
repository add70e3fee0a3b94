//! The processor's parts, and the results of its attempts. Read on in `batch.rs`.

use crate::exhausted_quotas::ExhaustedQuotas;
use crate::pauses::Pauses;
use crate::ports::{Limits, Ports};
use webhooks_metrics::Metrics;
use webhooks_model::State;
use webhooks_model::retry::Next;
use webhooks_queue::InFlight;
use webhooks_settings::Cache;
use webhooks_store::{Observer, Table};

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

/// What this process knows by itself. At the start it is empty.
#[derive(Debug, Default)]
pub struct LocalState {
    /// The running attempts, whose messages share requests.
    pub in_flight: InFlight,
    pub(crate) pauses: Pauses,
    pub(crate) exhausted_quotas: ExhaustedQuotas,
    pub(crate) observer: Observer,
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
