//! The settings document in Secrets Manager. It is rewritten during a run: signing secrets are
//! rotated, actions are answered by another route, accountants read another language, an event gets
//! an alias or loses it, and a company number is mistyped and corrected.

use super::erp::TENANTS;
use crate::cargo::{MEANT, SENT};
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
pub(crate) const KNOWN_FOR: Duration = Duration::minutes(66);
const MODES: [&str; 2] = ["deferred", "automatic"];
const LANGUAGES: [&str; 2] = ["en", "nb"];
const MISTYPED: &str = "1234560";

/// What the document knows of names that Visma Net uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Names {
    /// Whether an alias explains the event outside the catalogue.
    pub(crate) has_alias: bool,
    /// Whether the company number of the first tenant is right.
    pub(crate) has_company: bool,
}

const AT_FIRST: Names = Names { has_alias: false, has_company: true };

#[derive(Debug)]
pub(crate) struct Secrets {
    signing: Vec<Signing>,
    /// How actions are answered, and since when, oldest first.
    routes: Vec<(OffsetDateTime, &'static str)>,
    language: &'static str,
    /// The known names, and since when, oldest first.
    names: Vec<(OffsetDateTime, Names)>,
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
    /// Keeps the first alias and company numbers.
    pub(crate) first_names: bool,
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
        Self {
            signing: vec![first],
            routes: vec![(now, MODES[0])],
            language: LANGUAGES[0],
            names: vec![(now, AT_FIRST)],
        }
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
        was_known(&self.routes, now, KNOWN_FOR, |known| known == mode)
    }

    pub(crate) fn names(&self) -> Names {
        self.names.last().expect("there are some from the beginning").1
    }

    pub(crate) fn rewrite_names(&mut self, now: OffsetDateTime, names: Names) {
        self.names.push((now, names));
    }

    /// Whether a document with such names was the newest at some time since `within` ago.
    pub(crate) fn had(&self, now: OffsetDateTime, within: Duration, fits: impl Fn(Names) -> bool) -> bool {
        was_known(&self.names, now, within, fits)
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
        let names = if reading.first_names { AT_FIRST } else { self.names() };
        let aliases = if names.has_alias { json!({SENT: MEANT}) } else { json!({}) };
        let tenant = |(id, company): &(&str, &str)| {
            let is_wrong = *id == TENANTS[0].0 && !names.has_company;
            let company = if is_wrong { MISTYPED } else { *company };
            json!({"id": id, "company_id": company, "language": self.language})
        };
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
            "event_aliases": aliases,
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

/// Whether something that fits was the newest at some time since `within` ago.
fn was_known<T: Copy>(
    history: &[(OffsetDateTime, T)],
    now: OffsetDateTime,
    within: Duration,
    fits: impl Fn(T) -> bool,
) -> bool {
    let ends = history.iter().skip(1).map(|(since, _)| Some(*since)).chain([None]);
    history.iter().zip(ends).any(|((_, known), end)| fits(*known) && end.is_none_or(|end| now - end <= within))
}
