//! What Visma Net told each environment: to wait, or that a token is not valid. The environment may
//! then fail without a call.

use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

/// The longest wait of the client after the ERP has refused a new token as well.
const LONGEST_WAIT: Duration = Duration::minutes(5);

#[derive(Debug, Default)]
pub(crate) struct Pacing {
    /// The time before which an environment must not call for a tenant.
    limited: BTreeMap<(usize, String), OffsetDateTime>,
    /// Refused tokens of an environment since the last accepted one.
    in_a_row: BTreeMap<usize, u32>,
    /// The time until which an environment may wait by itself.
    cautious: BTreeMap<usize, OffsetDateTime>,
}

impl Pacing {
    pub(crate) fn limited(&mut self, instance: usize, tenant: &str, until: OffsetDateTime) {
        self.limited.insert((instance, tenant.to_owned()), until);
    }

    pub(crate) fn refused(&mut self, instance: usize, now: OffsetDateTime) {
        let in_a_row = self.in_a_row.entry(instance).or_default();
        *in_a_row += 1;
        if *in_a_row > 1 {
            self.cautious.insert(instance, now + LONGEST_WAIT);
        }
    }

    pub(crate) fn accepted(&mut self, instance: usize) {
        self.in_a_row.remove(&instance);
    }

    /// Whether the environment may fail without a call, because of what it was told before.
    pub(crate) fn holds_back(&self, instance: usize, now: OffsetDateTime) -> bool {
        let is_limited = self.limited.iter().any(|((one, _), until)| *one == instance && now < *until);
        is_limited || self.cautious.get(&instance).is_some_and(|until| now < *until)
    }
}
