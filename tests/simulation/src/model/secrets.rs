//! The settings document in Secrets Manager. It is rewritten during a run: signing secrets are
//! rotated, actions are answered by another route, and accountants read another language.

use super::erp::TENANTS;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

pub(crate) const PATH_TOKEN: &str = "legacy-0123456789abcdef0123456789ab";
/// How long an operator waits before the sender uses a new secret. Intake reads the settings every
/// half minute.
const SETTLED_AFTER: Duration = Duration::seconds(31);
/// Longer than a cached document is used if it cannot be read again: an hour, and five minutes
/// after the last failed read.
const OVERLAP: Duration = Duration::minutes(66);

/// The longest use of a document: an hour, five minutes after the last failed read, and one minute
/// for an attempt.
const KNOWN_FOR: Duration = Duration::minutes(66);
const MODES: [&str; 2] = ["deferred", "automatic"];
const LANGUAGES: [&str; 2] = ["en", "nb"];

#[derive(Debug)]
pub(crate) struct Secrets {
    signing: Vec<Signing>,
    /// How actions are answered, and since when, oldest first.
    routes: Vec<(OffsetDateTime, &'static str)>,
    language: &'static str,
}

/// A planted bug in the document.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    /// Leaves out the ends of signing secrets.
    pub(crate) endless: bool,
    /// Leaves out all secrets except the newest.
    pub(crate) newest_only: bool,
    /// Keeps the first route.
    pub(crate) first_route: bool,
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
        Self { signing: vec![first], routes: vec![(now, MODES[0])], language: LANGUAGES[0] }
    }

    pub(crate) fn mode(&self) -> &'static str {
        self.routes.last().expect("there is one from the beginning").1
    }

    pub(crate) fn language(&self) -> &'static str {
        self.language
    }

    /// Changes how actions are answered from now on.
    pub(crate) fn rewrite_route(&mut self, now: OffsetDateTime) {
        let other = MODES.into_iter().find(|mode| *mode != self.mode()).expect("there are two");
        self.routes.push((now, other));
    }

    pub(crate) fn rewrite_language(&mut self) {
        self.language = LANGUAGES.into_iter().find(|language| *language != self.language).expect("there are two");
    }

    /// Whether a function may still use a document in which actions are answered like this.
    pub(crate) fn may_say(&self, mode: &str, now: OffsetDateTime) -> bool {
        let ends = self.routes.iter().skip(1).map(|(since, _)| Some(*since)).chain([None]);
        let mut routes = self.routes.iter().zip(ends);
        routes.any(|((_, known), end)| *known == mode && end.is_none_or(|end| now - end <= KNOWN_FOR))
    }

    /// Whether the sender still signs with a secret that was replaced by a newer one.
    pub(crate) fn is_old_in_use(&self, now: OffsetDateTime) -> bool {
        self.signing.last().is_some_and(|newest| now - newest.since < SETTLED_AFTER)
    }

    /// Adds a new secret. The old ones get an end.
    pub(crate) fn rotate(&mut self, now: OffsetDateTime) {
        for old in &mut self.signing {
            old.expires_at.get_or_insert(now + OVERLAP);
        }
        let value = format!("signing-secret-{}", self.signing.len() + 1);
        self.signing.push(Signing { value, since: now, expires_at: None });
    }

    /// The sender's secret: the newest one that all functions have read.
    pub(crate) fn in_use(&self, now: OffsetDateTime) -> &str {
        let settled = self.signing.iter().rev().find(|one| now - one.since >= SETTLED_AFTER);
        &settled.expect("the first settled long ago").value
    }

    /// A secret that is no longer valid.
    pub(crate) fn expired(&self, now: OffsetDateTime) -> Option<&str> {
        let expired = self.signing.iter().find(|one| one.expires_at.is_some_and(|end| end <= now));
        expired.map(|one| one.value.as_str())
    }

    /// The text of the document.
    pub(crate) fn document(&self, reading: Reading) -> String {
        let secret = |(at, one): (usize, &Signing)| {
            let mut secret = json!({"id": at.to_string(), "value": one.value});
            if let Some(end) = one.expires_at.filter(|_| !reading.endless) {
                secret["expires_at"] = end.format(&Rfc3339).expect("a time of this era").into();
            }
            secret
        };
        let old = if reading.newest_only { self.signing.len() - 1 } else { 0 };
        let secrets: Vec<Value> = self.signing.iter().enumerate().skip(old).map(secret).collect();
        let mode = if reading.first_route { self.routes[0].1 } else { self.mode() };
        let tenant = |(id, company): &(&str, &str)| json!({"id": id, "company_id": company, "language": self.language});
        let tenants: Vec<Value> = TENANTS.iter().map(tenant).collect();
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
            "routes": [{"events": "sales_order.action", "feedback": mode, "deadline_hours": 336}],
            "source_ips": {"policy": "off"},
            "reconciliation": {
                "collections": ["account", "customer", "sales_order"], "first_lookback_hours": 1000, "max_calls": 20,
                "stuck_hours": 1,
            },
        })
        .to_string()
    }
}
