//! The parts of the operations function.

use crate::access::Roles;
use std::sync::Arc;
use webhooks_host::Host;
use webhooks_model::QueueName;
use webhooks_queue::{DeadLetterQueue, Sender};
use webhooks_store::{Table, Upkeep};

/// The types of the effects: AWS in the function, fakes in tests.
pub trait Ports: Send + Sync + 'static {
    type Items: Upkeep + 'static;
    type Queue: Sender + DeadLetterQueue + 'static;
    type Host: Host + 'static;
}

pub struct Operations<P: Ports> {
    pub store: Table<P::Items>,
    pub notifications: P::Queue,
    pub feedback: P::Queue,
    pub repairs: P::Queue,
    pub dead_letters: Vec<(QueueName, P::Queue)>,
    pub host: P::Host,
    pub roles: Roles,
}

/// The state that handlers share.
pub(crate) type Shared<P> = Arc<Operations<P>>;
