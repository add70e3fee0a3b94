//! Remembers the tenants without calls, so that each is recorded once per window.

use std::collections::HashMap;
use std::sync::Mutex;
use time::OffsetDateTime;
use webhooks_model::Allowance;

/// The time until which each tenant has no calls, as recorded by this process.
#[derive(Debug, Default)]
pub(crate) struct ExhaustedQuotas(Mutex<HashMap<String, OffsetDateTime>>);

impl ExhaustedQuotas {
    pub(crate) fn is_noted(&self, tenant: &str, now: OffsetDateTime) -> bool {
        self.0.lock().expect("nothing panics while it is held").get(tenant).is_some_and(|resets_at| *resets_at > now)
    }

    pub(crate) fn note(&self, allowance: &Allowance) {
        let mut noted = self.0.lock().expect("nothing panics while it is held");
        noted.insert(allowance.tenant.clone(), allowance.resets_at);
    }
}
