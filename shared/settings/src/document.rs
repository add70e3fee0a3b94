//! The settings document and its checks.

use crate::invalid::{Code, Invalid, below};
use crate::reconciliation::Reconciliation;
use crate::route::Route;
use crate::subscription::{SigningSecret, Subscription};
use crate::values::{self, Secret, TimeZone};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use time::Duration;
use url::Url;
use webhooks_model::catalogue;
use webhooks_model::mapping::{self, FieldRule};
use webhooks_model::notification::{DEFAULT_MAX_ITEMS, Directory, UNKNOWN_TENANT, is_name};
use webhooks_model::resource_path::Api;
use webhooks_model::{Channel, Entity, EventType, Kind, Language, Zone, from_objects};

const NAME: &str = "must be of letters, digits, - and _, 64 at most";
const LONGEST_TENANT_NAME: usize = 100;
const SHORTEST_PATH_TOKEN: usize = 32;
/// Records must outlive the outcomes that they wait for. `RetentionDays` of the template is at
/// least 15.
const LONGEST_DEADLINE_HOURS: u32 = 14 * 24;
/// With more secrets, an unsigned request would cost too much.
const MOST_SECRETS_PER_ROUTE: usize = 256;
/// A body of 1 MiB has ten bytes for each of these, too few for a notification.
const MOST_ITEMS: usize = 100_000;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Settings {
    pub version: u32,
    pub visma: Visma,
    #[serde(default)]
    pub subscriptions: Vec<Subscription>,
    #[serde(default)]
    pub tenants: Vec<Tenant>,
    #[serde(default)]
    routes: Vec<Route>,
    #[serde(default)]
    event_aliases: BTreeMap<String, String>,
    /// The events of the aliases, by normalised name.
    #[serde(skip)]
    events: HashMap<String, &'static EventType>,
    #[serde(default)]
    fields: Vec<FieldRule>,
    #[serde(default = "default_max_items")]
    max_items: usize,
    #[serde(default)]
    pub source_ips: SourceIps,
    #[serde(default)]
    pub reconciliation: Reconciliation,
}

from_objects!(Settings, Visma, Tenant, SourceIps);

/// The addresses of Visma Net and our credentials (docs/visma-net.md#tokens,
/// docs/visma-net.md#base-urls).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Visma {
    #[serde(deserialize_with = "values::read_url")]
    pub connect_url: Url,
    #[serde(deserialize_with = "values::read_url")]
    pub erp_url: Url,
    #[serde(deserialize_with = "values::read_url")]
    pub sales_order_url: Url,
    pub client_id: String,
    pub client_secret: Secret,
    pub scope: String,
    /// The `source` of a feedback if the notification has none.
    #[serde(default = "application_name")]
    pub application_name: String,
    #[serde(default)]
    pub feedback_id: FeedbackId,
    /// The language of the sentences that an accountant reads.
    #[serde(default)]
    pub language: Language,
    /// The zone of times from `erp_url`, which have no zone of their own
    /// (docs/visma-net.md#times-and-zones).
    #[serde(default)]
    pub erp_time_zone: TimeZone,
    /// The zone of times from `sales_order_url` that have none of their own. The default is UTC,
    /// which that API documents for its filter (docs/visma-net.md#sales-orders-version-3). Zones
    /// differ by endpoint (docs/visma-net.md#times-and-zones).
    #[serde(default)]
    pub sales_order_time_zone: TimeZone,
}

impl Visma {
    /// The zone of an API's times that have none of their own.
    pub fn zone(&self, api: Api) -> Zone {
        match api {
            Api::Finance => self.erp_time_zone.zone(),
            Api::SalesOrder => self.sales_order_time_zone.zone(),
        }
    }

    /// The name of that setting.
    pub fn zone_setting(api: Api) -> &'static str {
        match api {
            Api::Finance => "visma.erp_time_zone",
            Api::SalesOrder => "visma.sales_order_time_zone",
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        let Self { connect_url, erp_url, sales_order_url, .. } = self;
        for (name, url) in [("connect_url", connect_url), ("erp_url", erp_url), ("sales_order_url", sales_order_url)] {
            rule(values::is_safe_url(url), || Invalid::url(below("visma", name)))?;
        }
        let zones = [("erp_time_zone", self.erp_time_zone), ("sales_order_time_zone", self.sales_order_time_zone)];
        for (name, zone) in zones {
            rule(zone.is_known(), || {
                let what = "must be a name of the IANA time zone database, such as Europe/Oslo or UTC";
                Invalid::new(Code::TimeZoneUnknown, below("visma", name), what)
            })?;
        }
        rule(!self.client_secret.is_padded(), || Invalid::padded("visma.client_secret"))
    }
}

/// The id of a notification that a feedback tries first (docs/visma-net.md#open-questions, question
/// 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackId {
    #[default]
    BodyFirst,
    HeaderFirst,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Tenant {
    pub id: String,
    /// The name that people use.
    #[serde(default)]
    pub name: Option<String>,
    /// `contextId` of legacy messages.
    #[serde(default)]
    pub company_id: Option<String>,
    /// Overrides `reconciliation.silence_hours`, for a tenant that is quieter than others. 0 means
    /// no limit.
    #[serde(default)]
    pub silence_hours: Option<u16>,
    /// Overrides `visma.language`.
    #[serde(default)]
    pub language: Option<Language>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct SourceIps {
    #[serde(default)]
    pub policy: SourceIpPolicy,
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceIpPolicy {
    Off,
    #[default]
    Warn,
    Enforce,
}

impl Settings {
    /// # Errors
    /// The first rule that the document breaks.
    pub fn parse(json: &str) -> Result<Self, Invalid> {
        let mut json = serde_json::Deserializer::from_str(json);
        let mut settings: Self = serde_path_to_error::deserialize(&mut json)?;
        json.end()?;
        settings.check()?;
        let event = |(name, id): (&String, &String)| Some((catalogue::normalise(name), catalogue::find(id)?));
        settings.events = settings.event_aliases.iter().filter_map(event).collect();
        settings.find_shared_secrets();
        Ok(settings)
    }

    pub fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions.iter().find(|subscription| subscription.id == id)
    }

    /// The language of the tenant's accountants.
    pub fn language(&self, tenant: Option<&str>) -> Language {
        let is_meant = |own: &&Tenant| tenant.is_some_and(|tenant| own.id.eq_ignore_ascii_case(tenant));
        self.tenants.iter().find(is_meant).and_then(|own| own.language).unwrap_or(self.visma.language)
    }

    /// Longest silence of the tenant before it is reported; `None` for no limit.
    pub fn silence(&self, tenant: &Tenant) -> Option<Duration> {
        self.allowed_silence(tenant.silence_hours)
    }

    /// Longest wait for the first delivery of the subscription before it is reported; `None` for no
    /// limit.
    pub fn first_silence(&self, subscription: &Subscription) -> Option<Duration> {
        self.allowed_silence(subscription.silence_hours)
    }

    /// Longest time without a delivery of the subscription, once it has delivered, before it is
    /// reported; `None` for no limit.
    pub fn later_silence(&self, subscription: &Subscription) -> Option<Duration> {
        let days = subscription.quiet_days.unwrap_or(self.reconciliation.quiet_days);
        (days > 0).then(|| Duration::days(days.into()))
    }

    fn allowed_silence(&self, own: Option<u16>) -> Option<Duration> {
        let hours = own.unwrap_or(self.reconciliation.silence_hours);
        (hours > 0).then(|| Duration::hours(hours.into()))
    }

    pub fn route(&self, entity: Entity, kind: Kind) -> Route {
        self.routes.iter().find(|route| route.matches(entity, kind)).cloned().unwrap_or_default()
    }

    fn find_shared_secrets(&mut self) {
        let all = &self.subscriptions;
        let proven: Vec<_> = all.iter().map(|subscription| self.proven_by(subscription)).collect();
        let shares = |at: usize| {
            let is_own = |secret: &SigningSecret| all[at].secrets.iter().any(|own| own.value == secret.value);
            (0..all.len()).any(|other| proven[other] != proven[at] && all[other].secrets.iter().any(is_own))
        };
        let shared: Vec<bool> = (0..all.len()).map(shares).collect();
        for (subscription, shares_secret) in self.subscriptions.iter_mut().zip(shared) {
            subscription.shares_secret = shares_secret;
        }
    }

    /// The event and the tenant that a subscription's secret proves.
    fn proven_by(&self, subscription: &Subscription) -> (Option<&'static str>, Option<String>) {
        let event = subscription.event.as_deref();
        let event = event.and_then(|name| self.event_alias(name).or_else(|| catalogue::find(name)));
        (event.map(|event| event.id), subscription.sole_tenant().map(str::to_lowercase))
    }

    fn check(&self) -> Result<(), Invalid> {
        rule(self.version == 1, || Invalid::new(Code::VersionUnknown, "version", "must be 1"))?;
        self.visma.check()?;
        let mut companies = HashSet::new();
        for (at, tenant) in self.tenants.iter().enumerate() {
            rule(is_tenant(&tenant.id), || Invalid::new(Code::TenantInvalid, format!("tenants[{at}].id"), NAME))?;
            rule(tenant.name.as_deref().is_none_or(is_tenant_name), || {
                let what = format!("must be of 1 to {LONGEST_TENANT_NAME} characters, without white space around it");
                Invalid::new(Code::NameInvalid, format!("tenants[{at}].name"), what)
            })?;
            rule(tenant.company_id.as_deref().is_none_or(|company| companies.insert(company)), || {
                Invalid::new(Code::IdTwice, format!("tenants[{at}].company_id"), "is given twice; give each its own")
            })?;
        }
        let (mut ids, mut path_tokens) = (HashSet::new(), HashSet::new());
        let mut secrets = BTreeMap::<&str, usize>::new();
        for (at, subscription) in self.subscriptions.iter().enumerate() {
            // A header may have the id in another case.
            rule(ids.insert(subscription.id.to_ascii_lowercase()), || {
                Invalid::new(Code::IdTwice, format!("subscriptions[{at}].id"), "is given twice; give each its own")
            })?;
            check_subscription(at, subscription)?;
            // A delivery would belong to the first, and the other would never get one.
            rule(subscription.path_token.as_ref().is_none_or(|token| path_tokens.insert(token)), || {
                let at = format!("subscriptions[{at}].path_token");
                Invalid::new(Code::PathTokenTwice, at, "is given twice; give each its own")
            })?;
            let count = secrets.entry(&subscription.route).or_default();
            *count += subscription.secrets.len();
            rule(*count <= MOST_SECRETS_PER_ROUTE, || {
                let what = format!("must leave the route at most {MOST_SECRETS_PER_ROUTE} secrets in all");
                Invalid::new(Code::SecretsTooMany, format!("subscriptions[{at}].secrets"), what)
            })?;
        }
        let mut spellings = HashSet::new();
        for (name, id) in &self.event_aliases {
            rule(spellings.insert(catalogue::normalise(name)), || {
                let what = "is given twice, since case and punctuation do not matter; keep one";
                Invalid::new(Code::FieldTwice, below("event_aliases", name), what)
            })?;
            rule(catalogue::find(id).is_some(), || {
                Invalid::new(Code::EventUnknown, below("event_aliases", name), "must be an event of the catalogue")
            })?;
        }
        mapping::check(&self.fields)?;
        rule((1..=MOST_ITEMS).contains(&self.max_items), || {
            Invalid::new(Code::NumberOutOfRange, "max_items", format!("must be from 1 to {MOST_ITEMS}"))
        })?;
        for (at, route) in self.routes.iter().enumerate() {
            rule((1..=LONGEST_DEADLINE_HOURS).contains(&route.deadline_hours), || {
                let what = format!("must be from 1 to {LONGEST_DEADLINE_HOURS}");
                Invalid::new(Code::NumberOutOfRange, format!("routes[{at}].deadline_hours"), what)
            })?;
        }
        Ok(())
    }
}

impl Directory for Settings {
    fn event_alias(&self, name: &str) -> Option<&'static EventType> {
        self.events.get(&catalogue::normalise(name)).copied()
    }

    fn tenant_of_company(&self, company: &str) -> Option<String> {
        let tenant = self.tenants.iter().find(|tenant| tenant.company_id.as_deref() == Some(company))?;
        Some(tenant.id.to_lowercase())
    }

    fn fields(&self) -> &[FieldRule] {
        &self.fields
    }

    fn zone(&self, api: Api) -> Zone {
        self.visma.zone(api)
    }

    fn max_items(&self) -> usize {
        self.max_items
    }
}

fn check_subscription(at: usize, subscription: &Subscription) -> Result<(), Invalid> {
    let at = |field: &str| format!("subscriptions[{at}].{field}");
    let may_stand_in_path = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let route = &subscription.route;
    rule(!route.is_empty() && route.chars().all(may_stand_in_path), || {
        Invalid::new(Code::RouteInvalid, at("route"), "must be of letters, digits, - and _")
    })?;
    for (nth, tenant) in subscription.tenants.iter().enumerate() {
        rule(tenant == "*" || is_tenant(tenant), || {
            Invalid::new(Code::TenantInvalid, at(&format!("tenants[{nth}]")), format!("{NAME}, or *"))
        })?;
    }
    for (nth, secret) in subscription.secrets.iter().enumerate() {
        let at = || at(&format!("secrets[{nth}].value"));
        rule(!secret.value.reveal().is_empty(), || {
            Invalid::new(Code::SecretEmpty, at(), "is empty, which would let anyone in; paste the secret")
        })?;
        rule(!secret.value.is_padded(), || Invalid::padded(at()))?;
    }
    let token = |code, what: &str| Err(Invalid::new(code, at("path_token"), what));
    match (subscription.channel, &subscription.path_token) {
        (Channel::Dispatcher, None) if subscription.secrets.is_empty() => {
            Err(Invalid::new(Code::SecretMissing, at("secrets"), "needs at least one secret"))
        }
        (Channel::Dispatcher, Some(_)) => token(Code::PathTokenUnwanted, "is for the legacy channel only"),
        (Channel::Legacy, None) => token(Code::PathTokenMissing, "is needed for the legacy channel"),
        (Channel::Legacy, Some(path_token)) if path_token.is_padded() => Err(Invalid::padded(at("path_token"))),
        (Channel::Legacy, Some(path_token)) if path_token.reveal().len() < SHORTEST_PATH_TOKEN => {
            token(Code::PathTokenShort, "must have at least 32 characters")
        }
        (Channel::Legacy, Some(path_token)) if !path_token.reveal().chars().all(is_plain_in_path) => {
            token(Code::PathTokenInvalid, "must be of letters, digits, -, ., _ and ~, or no URL would ever match it")
        }
        _ => Ok(()),
    }
}

/// The unreserved characters of RFC 3986. Senders and gateways may percent-encode any other
/// character of a path, and intake compares the text as received.
fn is_plain_in_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

/// `unknown` is reserved for notifications without a tenant.
fn is_tenant(id: &str) -> bool {
    is_name(id) && !id.eq_ignore_ascii_case(UNKNOWN_TENANT)
}

/// Names appear in a terminal, so they have no control characters.
fn is_tenant_name(name: &str) -> bool {
    let fits = (1..=LONGEST_TENANT_NAME).contains(&name.chars().count());
    fits && name == name.trim() && !name.contains(char::is_control)
}

fn rule(holds: bool, otherwise: impl FnOnce() -> Invalid) -> Result<(), Invalid> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn default_max_items() -> usize {
    DEFAULT_MAX_ITEMS
}

fn application_name() -> String {
    "webhooks".to_owned()
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "defaults_tests.rs"]
mod defaults;
