//! The settings document in Secrets Manager, whose signing secrets are rotated while everything runs.

use super::erp::TENANTS;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

pub(crate) const PATH_TOKEN: &str = "legacy-0123456789abcdef0123456789ab";
/// How long an operator waits before the sender signs with a new secret. Intake reads again after half a minute.
const SETTLED_AFTER: Duration = Duration::seconds(31);
/// Longer than a document stays in force that cannot be read again (an hour, and the five minutes for which the last try stands).
const OVERLAP: Duration = Duration::minutes(66);

#[derive(Debug)]
pub(crate) struct Secrets {
    signing: Vec<Signing>,
}

#[derive(Debug)]
struct Signing {
    value: String,
    since: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
}

impl Secrets {
    pub(crate) fn new(now: OffsetDateTime) -> Self {
        let first = Signing { value: "signing-secret-1".into(), since: now - Duration::days(1), expires_at: None };
        Self { signing: vec![first] }
    }

    /// A new secret beside the old ones, which from now on have an end.
    pub(crate) fn rotate(&mut self, now: OffsetDateTime) {
        for old in &mut self.signing {
            old.expires_at.get_or_insert(now + OVERLAP);
        }
        let value = format!("signing-secret-{}", self.signing.len() + 1);
        self.signing.push(Signing { value, since: now, expires_at: None });
    }

    /// What the sender signs with: the newest that has settled.
    pub(crate) fn in_use(&self, now: OffsetDateTime) -> &str {
        let settled = self.signing.iter().rev().find(|one| now - one.since >= SETTLED_AFTER);
        &settled.expect("the first settled long ago").value
    }

    /// One that verifies nothing any more.
    pub(crate) fn expired(&self, now: OffsetDateTime) -> Option<&str> {
        let expired = self.signing.iter().find(|one| one.expires_at.is_some_and(|end| end <= now));
        expired.map(|one| one.value.as_str())
    }

    /// As it is stored. `endless` leaves the expiry out.
    pub(crate) fn document(&self, endless: bool) -> String {
        let secret = |(at, one): (usize, &Signing)| {
            let mut secret = json!({"id": at.to_string(), "value": one.value});
            if let Some(end) = one.expires_at.filter(|_| !endless) {
                secret["expires_at"] = end.format(&Rfc3339).expect("a time of this era").into();
            }
            secret
        };
        let secrets: Vec<Value> = self.signing.iter().enumerate().map(secret).collect();
        let tenants: Vec<Value> =
            TENANTS.iter().map(|(id, company)| json!({"id": id, "company_id": company})).collect();
        json!({
            "version": 1,
            "visma": {
                "connect_url": "https://connect.example", "erp_url": "https://erp.example",
                "sales_order_url": "https://orders.example", "client_id": "client", "client_secret": "secret",
                "scope": "read create", "application_name": "our app",
            },
            "subscriptions": [
                {"id": "all", "route": "erp", "secrets": secrets},
                {"id": "legacy", "route": "legacy", "channel": "legacy", "path_token": PATH_TOKEN},
            ],
            "tenants": tenants,
            "routes": [{"events": "sales_order.action", "feedback": "deferred", "deadline_hours": 336}],
            "source_ips": {"policy": "off"},
            "reconciliation": {
                "collections": ["account", "customer", "sales_order"], "first_lookback_hours": 1000, "max_calls": 20,
                "stuck_hours": 1,
            },
        })
        .to_string()
    }
}
