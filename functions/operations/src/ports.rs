//! The parts of the operations function.

use crate::access::Roles;
use std::sync::Arc;
use webhooks_host::Host;
use webhooks_model::QueueName;
use webhooks_queue::{DeadLetterQueue, Sender};
use webhooks_store::{
    Allowances, Audit, Erasure, Jobs, Observations, Outcomes, Pauses, Records, Repairs, Replays, Resends, Rollups,
    Search, TenantDirectory,
};

/// The types of the effects: AWS in the function, fakes in tests.
pub trait Ports: Send + Sync + 'static {
    type Store: Records
        + Jobs
        + Repairs
        + Replays
        + Resends
        + Pauses
        + Audit
        + Erasure
        + Allowances
        + Observations
        + Outcomes
        + Rollups
        + TenantDirectory
        + Search
        + 'static;
    type Queue: Sender + DeadLetterQueue + 'static;
    type Host: Host + 'static;
}

pub struct Operations<P: Ports> {
    pub store: P::Store,
    pub notifications: P::Queue,
    pub feedback: P::Queue,
    pub repairs: P::Queue,
    pub dead_letters: Vec<(QueueName, P::Queue)>,
    pub host: P::Host,
    pub roles: Roles,
}

/// The state that handlers share.
pub(crate) type Shared<P> = Arc<Operations<P>>;
