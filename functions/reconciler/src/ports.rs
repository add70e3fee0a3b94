//! What the reconciler is made of.

use webhooks_host::Host;
use webhooks_queue::Sender;
use webhooks_settings::Source;
use webhooks_store::{Replays, Sweeps, Unended};
use webhooks_visma::Listing;

/// The effects, chosen once: the real ones in the function, others in tests and simulations.
pub trait Ports: Send + Sync + 'static {
    type Source: Source;
    type Sweeps: Sweeps + Unended + Replays;
    type Listing: Listing;
    type Queue: Sender;
    type Host: Host + Clone;
}
