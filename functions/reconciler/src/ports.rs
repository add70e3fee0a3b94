//! The parts of the reconciler.

use webhooks_host::Host;
use webhooks_metrics::Metrics;
use webhooks_queue::Sender;
use webhooks_settings::{Cache, Source};
use webhooks_store::{Table, Upkeep};
use webhooks_visma::{Listing, Quotas};

/// The types of its effects: the real ones in the function, others in tests and simulations.
pub trait Ports: Send + Sync + 'static {
    type Source: Source;
    type Items: Upkeep;
    type Listing: Listing + Quotas;
    type Queue: Sender;
    type Host: Host + Clone;
}

pub struct Reconciler<P: Ports> {
    pub settings: Cache<P::Source, P::Host>,
    pub sweeps: Table<P::Items>,
    pub listing: P::Listing,
    pub queue: P::Queue,
    pub feedback: P::Queue,
    /// `None` without the operations function, since there are no pauses then.
    pub repairs: Option<P::Queue>,
    pub host: P::Host,
    pub metrics: Metrics<P::Host>,
}
