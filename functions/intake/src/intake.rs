//! The receiver, its limits, and the refusals that it remembers.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_metrics::Metrics;
use webhooks_queue::Sender;
use webhooks_settings::{Cache, Source};

/// Leaves room for the metadata within the 1 MiB of SQS.
pub(crate) const DEFAULT_MAX_BODY_BYTES: u32 = 1_032_192;
/// The number of remembered refusals, the latest ones.
const MOST_REFUSALS: usize = 64;

/// The receiver, generic over settings, queue and clock.
pub struct Intake<S, Q, H> {
    pub(crate) settings: Cache<S, H>,
    pub(crate) queue: Q,
    pub(crate) host: H,
    pub(crate) metrics: Metrics<H>,
    pub(crate) limits: Limits,
    pub(crate) refused: Refused,
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub max_body_bytes: usize,
    /// Time limit for SQS. The sender should have its answer within a few seconds
    /// (docs/visma-net.md#open-questions, question 6).
    pub send_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_body_bytes: DEFAULT_MAX_BODY_BYTES as usize, send_within: Duration::from_millis(2500) }
    }
}

impl<S: Source, Q: Sender, H: Host> Intake<S, Q, H> {
    pub fn new(settings: Cache<S, H>, queue: Q, host: H, metrics: Metrics<H>, limits: Limits) -> Self {
        Self { settings, queue, host, metrics, limits, refused: Refused::default() }
    }
}

/// Remembers deliveries that this process could not store, to measure the time until Visma Net
/// retries them. Their senders are verified. Before the first refusal, nothing is hashed or locked.
#[derive(Default)]
pub(crate) struct Refused(OnceLock<Mutex<VecDeque<Refusal>>>);

struct Refusal {
    key: u64,
    at: OffsetDateTime,
}

impl Refused {
    /// When this body was last refused. This removes it.
    pub(crate) fn take(&self, subscription: &str, body: &[u8]) -> Option<OffsetDateTime> {
        let mut all = lock(self.0.get()?);
        if all.is_empty() {
            return None;
        }
        let key = key(subscription, body);
        let place = all.iter().position(|refusal| refusal.key == key)?;
        all.remove(place).map(|refusal| refusal.at)
    }

    pub(crate) fn remember(&self, subscription: &str, body: &[u8], at: OffsetDateTime) {
        let mut all = lock(self.0.get_or_init(Mutex::default));
        let key = key(subscription, body);
        all.retain(|refusal| refusal.key != key);
        if all.len() == MOST_REFUSALS {
            all.pop_front();
        }
        all.push_back(Refusal { key, at });
    }
}

fn lock(all: &Mutex<VecDeque<Refusal>>) -> MutexGuard<'_, VecDeque<Refusal>> {
    all.lock().expect("nothing panics while it is held")
}

/// Two subscriptions may send the same body.
fn key(subscription: &str, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (subscription, body).hash(&mut hasher);
    hasher.finish()
}
