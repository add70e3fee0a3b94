//! A model of Visma Connect: tokens for one tenant each, which end and can be revoked.

use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

pub(crate) const LIFETIME: Duration = Duration::hours(1);

#[derive(Debug, Default)]
pub(crate) struct Connect {
    tokens: BTreeMap<String, Issued>,
}

#[derive(Debug)]
struct Issued {
    tenant: String,
    ends_at: OffsetDateTime,
}

impl Connect {
    /// A new token. No two are the same.
    pub(crate) fn issue(&mut self, tenant: &str, now: OffsetDateTime) -> String {
        let token = format!("token-{}", self.tokens.len() + 1);
        let issued = Issued { tenant: tenant.to_owned(), ends_at: now + LIFETIME };
        self.tokens.insert(token.clone(), issued);
        token
    }

    /// The tenant of a token, also of one that has ended.
    pub(crate) fn holder(&self, token: &str) -> Option<&str> {
        self.tokens.get(token).map(|issued| issued.tenant.as_str())
    }

    pub(crate) fn is_valid(&self, token: &str, now: OffsetDateTime) -> bool {
        self.tokens.get(token).is_some_and(|issued| now < issued.ends_at)
    }

    /// Ends all tokens.
    pub(crate) fn revoke(&mut self, now: OffsetDateTime) {
        self.tokens.values_mut().for_each(|issued| issued.ends_at = now.min(issued.ends_at));
    }
}
