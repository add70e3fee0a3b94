//! The receiver and its limits.

use crate::refused::Refused;
use std::time::Duration;
use webhooks_host::Host;
use webhooks_metrics::Metrics;
use webhooks_queue::Sender;
use webhooks_settings::{Cache, Source};

/// Leaves room for the metadata within the 1 MiB of SQS.
pub(crate) const DEFAULT_MAX_BODY_BYTES: u32 = 1_032_192;

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
