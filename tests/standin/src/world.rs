//! The state of the stand-in, behind one lock that is never held across an await. Each company has
//! its resources, its notifications, and the feedback it received.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    clock,
    collection::{Collection, Fields, text},
    dialect::Dialect,
    fault::Faults,
    gate::Window,
    message::{Attempt, Feedback, Notification, Status},
    protocol::{Calls, NewTenant, Subscription, Tenant},
    refusal::Refusal,
    server::Options,
};

pub(crate) type Shared = Arc<World>;

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) http: reqwest::Client,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) api_url: Option<String>,
    pub(crate) tenants: BTreeMap<Uuid, Company>,
    pub(crate) tokens: HashMap<String, Token>,
}

/// An issued access token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) tenant: Uuid,
    pub(crate) scope: String,
    pub(crate) expires: Instant,
    pub(crate) revoked: bool,
}

impl World {
    pub(crate) fn new(options: Options) -> Shared {
        let state = State { api_url: options.api_url.clone().filter(|url| !url.is_empty()), ..State::default() };
        Arc::new(Self { options, http: local_http(), state: Mutex::new(state) })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` on one company.
    pub(crate) fn company<T>(&self, tenant: Uuid, work: impl FnOnce(&mut Company) -> T) -> Result<T, Refusal> {
        let mut state = self.state();
        let company = state.tenants.get_mut(&tenant);
        company.map(work).ok_or_else(|| Refusal::not_found(format!("There is no tenant {tenant}.")))
    }

    pub(crate) fn create(&self, tenant: NewTenant) -> Result<Tenant, Refusal> {
        tenant.time_zone.as_deref().map(clock::zone_of).transpose()?;
        let mut state = self.state();
        let id = tenant.tenant_id;
        if state.tenants.contains_key(&id) {
            return Err(Refusal::conflict(format!("Tenant {id} exists already.")));
        }
        let company = state.tenants.entry(id).or_insert_with(|| Company::new(tenant));
        Ok(company.tenant())
    }
}

/// Ignores proxies of the environment, since receiver and stand-in are on this machine.
pub(crate) fn local_http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client without certificates of its own can be built")
}

#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) settings: NewTenant,
    pub(crate) company_id: String,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) legacy_token: Option<String>,
    pub(crate) dialect: Dialect,
    pub(crate) faults: Faults,
    pub(crate) window: Window,
    /// The window of sales orders of version 1.
    pub(crate) old_orders: Window,
    pub(crate) calls: Calls,
    pub(crate) feedback: Vec<Feedback>,
    /// The deliveries in a row that were given up, by subscription.
    given_up: HashMap<String, u32>,
    resources: BTreeMap<Collection, BTreeMap<String, Fields>>,
    notifications: Vec<Notification>,
    positions: HashMap<Uuid, usize>,
    next_number: i64,
    row_version: u64,
    last_ticks: i64,
}

impl Company {
    pub(crate) fn new(settings: NewTenant) -> Self {
        let made_up = || (1_000_000 + settings.tenant_id.as_u128() % 9_000_000).to_string();
        Self {
            company_id: settings.company_id.clone().unwrap_or_else(made_up),
            settings,
            subscriptions: Vec::new(),
            legacy_token: None,
            dialect: Dialect::default(),
            faults: Faults::default(),
            window: Window::default(),
            old_orders: Window::default(),
            calls: Calls::default(),
            feedback: Vec::new(),
            given_up: HashMap::new(),
            resources: BTreeMap::new(),
            notifications: Vec::new(),
            positions: HashMap::new(),
            next_number: 1001,
            row_version: 0,
            last_ticks: 0,
        }
    }

    /// Clears everything except its settings, subscriptions and legacy token.
    pub(crate) fn reset(&mut self) {
        let fresh = Self::new(self.settings.clone());
        let old = std::mem::replace(self, fresh);
        self.subscriptions = old.subscriptions;
        self.legacy_token = old.legacy_token;
    }

    pub(crate) fn tenant(&self) -> Tenant {
        Tenant { tenant_id: self.settings.tenant_id, company_id: self.company_id.clone() }
    }

    /// The next tick of the company's clock. No two events share one.
    pub(crate) fn next_ticks(&mut self) -> i64 {
        self.last_ticks = clock::ticks(clock::now()).max(self.last_ticks + 1);
        self.last_ticks
    }

    pub(crate) fn next_number(&mut self) -> i64 {
        self.next_number += 1;
        self.next_number
    }

    pub(crate) fn get(&self, collection: Collection, key: &str) -> Option<&Fields> {
        self.resources.get(&collection)?.get(key)
    }

    /// The resource with this internal number, if the collection can be read by it.
    pub(crate) fn get_internal(&self, collection: Collection, id: &str) -> Option<&Fields> {
        let field = collection.internal_field()?;
        let resources = self.resources.get(&collection)?;
        resources.values().find(|body| text(body, field) == id)
    }

    /// All resources in key order, each with its last change.
    pub(crate) fn list(&self, collection: Collection) -> impl Iterator<Item = (&Fields, Option<OffsetDateTime>)> {
        let resources = self.resources.get(&collection).into_iter().flatten();
        resources.map(move |(_, body)| (body, clock::read_zoned(&text(body, collection.stamps().modified))))
    }

    /// Creates or replaces; a replaced resource keeps its internal number.
    pub(crate) fn put(&mut self, collection: Collection, key: &str, fields: Fields) -> Fields {
        let kept = collection.id_field().and_then(|field| self.get(collection, key)?.get(field)?.as_i64());
        let number = kept.unwrap_or_else(|| self.next_number());
        let body = collection.template(key, number);
        self.save(collection, key, body, fields)
    }

    /// Changes fields of a resource that exists.
    pub(crate) fn patch(&mut self, collection: Collection, key: &str, fields: Fields) -> Result<Fields, Refusal> {
        let body = self.get(collection, key).cloned();
        let body = body.ok_or_else(|| missing(collection, key))?;
        Ok(self.save(collection, key, body, fields))
    }

    pub(crate) fn delete(&mut self, collection: Collection, key: &str) -> Result<Fields, Refusal> {
        let removed = self.resources.get_mut(&collection).and_then(|resources| resources.remove(key));
        removed.ok_or_else(|| missing(collection, key))
    }

    /// Moves a resource to another key; its internal number stays.
    pub(crate) fn rename(&mut self, collection: Collection, key: &str, new_key: &str) -> Result<Fields, Refusal> {
        if self.get(collection, new_key).is_some() {
            let message = format!("{} {new_key} exists already.", collection.path());
            return Err(Refusal::conflict(message));
        }
        let mut body = self.delete(collection, key)?;
        collection.set_key(&mut body, new_key);
        Ok(self.save(collection, new_key, body, Fields::new()))
    }

    /// Stamps and stores. A stamp among the given fields wins, so that a test can choose the times.
    fn save(&mut self, collection: Collection, key: &str, mut body: Fields, fields: Fields) -> Fields {
        self.row_version += 1;
        let (stamps, version) = (collection.stamps(), STANDARD.encode(self.row_version.to_be_bytes()));
        // Version 3 documents UTC (docs/visma-net.md#sales-orders-version-3).
        let zone = self.settings.time_zone.as_deref().filter(|_| collection != Collection::SalesOrderV3);
        let shown = clock::written(clock::shown(zone, clock::now()));
        body.insert(stamps.modified.to_owned(), format!("{shown}{}", stamps.zone).into());
        body.insert(stamps.version.to_owned(), version.into());
        body.extend(fields);
        let resources = self.resources.entry(collection).or_default();
        resources.insert(key.to_owned(), body.clone());
        body
    }

    pub(crate) fn notifications(&self) -> &[Notification] {
        &self.notifications
    }

    pub(crate) fn notification(&self, id: Uuid) -> Option<&Notification> {
        self.positions.get(&id).map(|at| &self.notifications[*at])
    }

    /// Stores a notification. One with a known id replaces the older one.
    pub(crate) fn remember(&mut self, notification: Notification) {
        let id = notification.notification_id;
        match self.positions.get(&id) {
            Some(at) => self.notifications[*at] = notification,
            None => {
                self.positions.insert(id, self.notifications.len());
                self.notifications.push(notification);
            }
        }
    }

    pub(crate) fn record_attempt(&mut self, ids: &[Uuid], attempt: &Attempt) {
        self.update(ids, |one| one.deliveries.push(attempt.clone()));
    }

    pub(crate) fn set_subscriptions(&mut self, subscriptions: Vec<Subscription>) {
        self.subscriptions = subscriptions;
        self.given_up.clear();
    }

    pub(crate) fn is_disabled(&self, subscription: &str) -> bool {
        let given_up = self.given_up.get(subscription).copied().unwrap_or(0);
        self.dialect.disables_after.is_some_and(|most| given_up >= most)
    }

    /// Another id for a notification, under which feedback is accepted too.
    pub(crate) fn know_as(&mut self, alias: Uuid, id: Uuid) {
        if let Some(at) = self.positions.get(&id).copied() {
            self.positions.insert(alias, at);
        }
    }

    /// Records the outcome. A sent notification stays sent, even if a later copy fails.
    pub(crate) fn settle(&mut self, ids: &[Uuid], subscription: Option<&str>, delivered: bool) {
        if let Some(subscription) = subscription {
            let given_up = self.given_up.entry(subscription.to_owned()).or_default();
            *given_up = if delivered { 0 } else { *given_up + 1 };
        }
        self.update(ids, |one| {
            if delivered {
                one.status = Status::Sent;
            } else if one.status == Status::Pending {
                one.status = Status::Failed;
            }
            one.success = one.status == Status::Sent;
        });
    }

    /// Keeps the feedback if the notification is known. Returns whether it is.
    pub(crate) fn accept_feedback(&mut self, feedback: Feedback) -> bool {
        let id = feedback.notification_id;
        if self.notification(id).is_none() {
            return false;
        }
        self.update(&[id], |one| one.feedback.push(feedback.clone()));
        self.feedback.push(feedback);
        true
    }

    fn update(&mut self, ids: &[Uuid], mut change: impl FnMut(&mut Notification)) {
        for at in ids.iter().filter_map(|id| self.positions.get(id)) {
            change(&mut self.notifications[*at]);
        }
    }
}

fn missing(collection: Collection, key: &str) -> Refusal {
    Refusal::not_found(format!("{} {key} was not found.", collection.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_companys_clock_never_stands_still_or_goes_back() {
        let mut company = Company::new(NewTenant::default());
        let first = company.next_ticks();
        let ahead = first + 36_000_000_000;
        company.last_ticks = ahead;
        assert_eq!([company.next_ticks(), company.next_ticks()], [ahead + 1, ahead + 2]);
    }
}
