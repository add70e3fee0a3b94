//! What Visma Net told each environment: to wait, or that a token is not valid.

use super::{Checks, Invariant};
use std::collections::{BTreeMap, BTreeSet};
use time::{Duration, OffsetDateTime};

/// The longest wait of the client after the ERP has refused a new token as well.
const LONGEST_WAIT: Duration = Duration::minutes(5);

#[derive(Debug, Default)]
pub(crate) struct Pacing {
    /// The time before which an environment must not call for a tenant.
    limited: BTreeMap<(usize, String), OffsetDateTime>,
    /// Refused tokens, each with its environment and tenant.
    refused: BTreeMap<String, (usize, String)>,
    /// Refused tokens for which the environment has got another one. A caller that gives up before
    /// that leaves the refused token to the next caller.
    replaced: BTreeSet<String>,
    /// Refused tokens of an environment since the last accepted one.
    in_a_row: BTreeMap<usize, u32>,
    /// The time until which an environment may wait by itself.
    cautious: BTreeMap<usize, OffsetDateTime>,
}

impl Pacing {
    pub(crate) fn limited(&mut self, instance: usize, tenant: &str, until: OffsetDateTime) {
        self.limited.insert((instance, tenant.to_owned()), until);
    }

    pub(crate) fn refused(&mut self, instance: usize, tenant: &str, token: &str, now: OffsetDateTime) {
        self.refused.insert(token.to_owned(), (instance, tenant.to_owned()));
        let in_a_row = self.in_a_row.entry(instance).or_default();
        *in_a_row += 1;
        if *in_a_row > 1 {
            self.cautious.insert(instance, now + LONGEST_WAIT);
        }
    }

    pub(crate) fn accepted(&mut self, instance: usize) {
        self.in_a_row.remove(&instance);
    }

    /// Called when an environment gets a token. Returns the refused one that it replaces.
    pub(crate) fn replaced(&mut self, instance: usize, tenant: &str) -> Option<String> {
        let (old, _) = self.refused.iter().find(|(_, (one, of))| *one == instance && of == tenant)?;
        let old = old.clone();
        self.refused.remove(&old);
        self.replaced.insert(old.clone());
        Some(old)
    }

    /// Whether the environment may fail without a call, because of what it was told before.
    pub(crate) fn holds_back(&self, instance: usize, now: OffsetDateTime) -> bool {
        let is_limited = self.limited.iter().any(|((one, _), until)| *one == instance && now < *until);
        is_limited || self.cautious.get(&instance).is_some_and(|until| now < *until)
    }
}

impl Checks {
    /// Called when an environment sends a request to Visma Net. A request for a token has none.
    pub(crate) fn calls_visma_net(&mut self, instance: usize, tenant: &str, token: Option<&str>, now: OffsetDateTime) {
        let end = self.pacing.limited.get(&(instance, tenant.to_owned()));
        let is_early = end.is_some_and(|end| now < *end);
        self.require(!is_early, Invariant::WaitsAsTold, || {
            format!("instance {instance} calls for {tenant} although it was told to wait")
        });
        let is_refused = token.is_some_and(|token| self.pacing.replaced.contains(token));
        self.require(!is_refused, Invariant::WaitsAsTold, || {
            format!("instance {instance} uses a refused token again although it has another")
        });
    }
}
