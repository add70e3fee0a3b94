//! The typed client of the control API.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    collection::{Collection, Fields},
    control::{ApiUrl, CustomerSetting, LegacyToken, OutageSetting, TimeZoneSetting},
    dialect::Dialect,
    message::{Change, Changed, Emit, Emitted, Feedback, Item, Notification, Sending},
    protocol::{Calls, Endpoint, Fault, NewTenant, Outage, RateBudget, Subscription, Tenant},
    world::local_http,
};

/// Why a control call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the stand-in cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("the stand-in refused {call} with {status}: {message}")]
    Refused { call: String, status: u16, message: String },
}

/// The result of a control call.
pub type Result<T> = std::result::Result<T, Error>;

/// A client of a stand-in.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// A client of a stand-in for one tenant.
#[derive(Clone, Debug)]
pub struct TenantClient {
    client: Client,
    tenant: Tenant,
}

impl Client {
    /// For the stand-in at this URL.
    pub fn new(url: &str) -> Self {
        Self { http: local_http(), url: url.trim_end_matches('/').to_owned() }
    }

    /// The stand-in's URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets where all deliveries go. It adds `/hooks/visma/...`.
    pub async fn set_api_url(&self, api_url: &str) -> Result<()> {
        let api_url = api_url.to_owned();
        self.tell(Method::PUT, "/api-url", &ApiUrl { api_url }).await
    }

    /// Creates a company. Fails if it exists.
    pub async fn create_tenant(&self, tenant: NewTenant) -> Result<TenantClient> {
        let tenant = self.call(Method::POST, "/tenants", &tenant).await?;
        Ok(self.about(tenant))
    }

    /// An existing company.
    pub async fn tenant(&self, id: Uuid) -> Result<TenantClient> {
        let tenant = self.get(&format!("/tenants/{id}")).await?;
        Ok(self.about(tenant))
    }

    /// All companies, by tenant id.
    pub async fn tenants(&self) -> Result<Vec<Tenant>> {
        self.get("/tenants").await
    }

    fn about(&self, tenant: Tenant) -> TenantClient {
        TenantClient { client: self.clone(), tenant }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.call(Method::GET, path, &()).await
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: &impl Serialize) -> Result<T> {
        Ok(self.send(method, path, body).await?.json().await?)
    }

    async fn tell(&self, method: Method, path: &str, body: &impl Serialize) -> Result<()> {
        self.send(method, path, body).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, body: &impl Serialize) -> Result<reqwest::Response> {
        let call = format!("{method} {path}");
        let mut request = self.http.request(method.clone(), format!("{}/control{path}", self.url));
        if method != Method::GET {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(Error::Refused { call, status: status.as_u16(), message: response.text().await? })
    }
}

impl TenantClient {
    /// The tenant id, for `x-vwd-tenant-id` and for tokens.
    pub fn id(&self) -> Uuid {
        self.tenant.tenant_id
    }

    /// The `contextId` of its messages.
    pub fn company_id(&self) -> &str {
        &self.tenant.company_id
    }

    fn path(&self, rest: &str) -> String {
        format!("/tenants/{}{rest}", self.tenant.tenant_id)
    }

    /// Forgets resources, notifications, feedback, faults, counters and tokens; subscriptions stay.
    pub async fn reset(&self) -> Result<()> {
        self.client.tell(Method::POST, &self.path("/reset"), &()).await
    }

    /// Replaces all subscriptions. All are enabled.
    pub async fn set_subscriptions(&self, subscriptions: &[Subscription]) -> Result<()> {
        let path = self.path("/subscriptions");
        self.client.tell(Method::PUT, &path, &subscriptions).await
    }

    /// The path token of `/hooks/visma/legacy/{token}`.
    pub async fn set_legacy_token(&self, token: Option<&str>) -> Result<()> {
        let token = token.map(str::to_owned);
        let path = self.path("/legacy");
        self.client.tell(Method::PUT, &path, &LegacyToken { token }).await
    }

    /// Changes how deliveries are written and sent, until a reset.
    pub async fn set_dialect(&self, dialect: &Dialect) -> Result<()> {
        self.client.tell(Method::PUT, &self.path("/dialect"), dialect).await
    }

    /// Sets whether its id is a customer's, whose calls are all refused.
    pub async fn set_customer(&self, is_customer: bool) -> Result<()> {
        let path = self.path("/customer");
        self.client.tell(Method::PUT, &path, &CustomerSetting { is_customer }).await
    }

    /// Creates or replaces a resource from a JSON object with the relevant fields. Sends no
    /// notification.
    pub async fn put(&self, collection: Collection, key: &str, fields: Value) -> Result<Fields> {
        let path = self.resource(collection, key);
        self.client.call(Method::PUT, &path, &fields).await
    }

    /// Changes fields of a resource. Sends no notification.
    pub async fn patch(&self, collection: Collection, key: &str, fields: Value) -> Result<Fields> {
        let path = self.resource(collection, key);
        self.client.call(Method::PATCH, &path, &fields).await
    }

    /// Deletes a resource. Sends no notification.
    pub async fn delete(&self, collection: Collection, key: &str) -> Result<Fields> {
        let path = self.resource(collection, key);
        self.client.call(Method::DELETE, &path, &json!({})).await
    }

    /// A resource in its current state. Fails with 404 if there is none.
    pub async fn get(&self, collection: Collection, key: &str) -> Result<Fields> {
        self.client.get(&self.resource(collection, key)).await
    }

    /// All resources of a collection, in key order.
    pub async fn list(&self, collection: Collection) -> Result<Vec<Fields>> {
        let path = self.path(&format!("/resources/{}", collection.path()));
        self.client.get(&path).await
    }

    fn resource(&self, collection: Collection, key: &str) -> String {
        let key: Vec<_> = key.split('/').map(|part| utf8_percent_encode(part, NON_ALPHANUMERIC).to_string()).collect();
        self.path(&format!("/resources/{}/{}", collection.path(), key.join("/")))
    }

    /// Sends notifications.
    pub async fn emit(&self, emit: &Emit) -> Result<Emitted> {
        self.client.call(Method::POST, &self.path("/emit"), emit).await
    }

    /// Sends one notification with the default options.
    pub async fn emit_one(&self, item: Item) -> Result<Emitted> {
        let items = vec![item];
        self.emit(&Emit { items, sending: Sending::default() }).await
    }

    /// Applies the change of the event, and sends the event. Without a subscription for it, the
    /// change is applied and the call fails.
    pub async fn change_and_emit(&self, change: &Change) -> Result<Changed> {
        self.client.call(Method::POST, &self.path("/changes"), change).await
    }

    /// The window's "Resend notification": the same content, for a notification with status Sent.
    /// The result names the notification, even if the dialect sends it under another id.
    pub async fn resend(&self, notification: Uuid, sending: &Sending) -> Result<Emitted> {
        let path = self.path(&format!("/notifications/{notification}/resend"));
        self.client.call(Method::POST, &path, sending).await
    }

    /// All notifications, oldest first.
    pub async fn notifications(&self) -> Result<Vec<Notification>> {
        self.client.get(&self.path("/notifications")).await
    }

    /// All accepted feedback, oldest first.
    pub async fn feedback(&self) -> Result<Vec<Feedback>> {
        self.client.get(&self.path("/feedback")).await
    }

    /// The calls and their answers.
    pub async fn calls(&self) -> Result<Calls> {
        self.client.get(&self.path("/calls")).await
    }

    /// Replaces an endpoint's script: one fault per call, then ordinary answers again.
    pub async fn set_faults(&self, endpoint: Endpoint, faults: &[Fault]) -> Result<()> {
        let path = self.of_endpoint("faults", endpoint);
        self.client.tell(Method::PUT, &path, &faults).await
    }

    /// Takes an endpoint down, or up again with `None`.
    pub async fn set_outage(&self, endpoint: Endpoint, outage: Option<Outage>) -> Result<()> {
        let path = self.of_endpoint("outages", endpoint);
        self.client.tell(Method::PUT, &path, &OutageSetting { outage }).await
    }

    /// Takes the whole ERP down, resources and feedback, or up again with `None`.
    pub async fn set_erp_outage(&self, outage: Option<Outage>) -> Result<()> {
        self.set_outage(Endpoint::Resource, outage).await?;
        self.set_outage(Endpoint::Feedback, outage).await
    }

    fn of_endpoint(&self, what: &str, endpoint: Endpoint) -> String {
        let endpoint = match endpoint {
            Endpoint::Token => "token",
            Endpoint::Resource => "resource",
            Endpoint::Feedback => "feedback",
        };
        self.path(&format!("/{what}/{endpoint}"))
    }

    /// Starts new windows with this budget.
    pub async fn set_rate(&self, budget: RateBudget) -> Result<()> {
        self.client.tell(Method::PUT, &self.path("/rate"), &budget).await
    }

    /// Sets the clock for times of version 1's resources; `None` is UTC.
    pub async fn set_time_zone(&self, time_zone: Option<&str>) -> Result<()> {
        let time_zone = time_zone.map(str::to_owned);
        self.client.tell(Method::PUT, &self.path("/time-zone"), &TimeZoneSetting { time_zone }).await
    }

    /// Answers 401 to every token issued so far.
    pub async fn revoke_tokens(&self) -> Result<()> {
        self.client.tell(Method::POST, &self.path("/tokens/revoke"), &()).await
    }
}
