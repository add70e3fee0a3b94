//! The state of the stand-in, behind one lock that is never held across an await.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use uuid::Uuid;

use crate::{company::Company, protocol::NewTenant, refusal::Refusal, server::Options};

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

    pub(crate) fn create(&self, tenant: NewTenant) -> Result<crate::protocol::Tenant, Refusal> {
        tenant.time_zone.as_deref().map(crate::zone::of).transpose()?;
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
