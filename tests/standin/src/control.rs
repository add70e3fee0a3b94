//! The control API, for tests and demos.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    catalogue::{self, Event},
    change, clock,
    collection::{Collection, Fields},
    dialect::Dialect,
    dispatch,
    gate::Window,
    message::{Change, Changed, Emit, Emitted, Feedback, Notification, Sending},
    protocol::{Calls, Endpoint, Fault, NewTenant, Outage, RateBudget, Subscription, Tenant},
    refusal::Refusal,
    world::{Company, Shared},
};

type Answer<T> = Result<Json<T>, Refusal>;
type ResourcePath = Path<(Uuid, Collection, String)>;
const DONE: Result<StatusCode, Refusal> = Ok(StatusCode::NO_CONTENT);

/// The target of deliveries.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiUrl {
    pub(crate) api_url: String,
}

/// The path token of the legacy channel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LegacyToken {
    pub(crate) token: Option<String>,
}

/// The clock for timestamps.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimeZoneSetting {
    pub(crate) time_zone: Option<String>,
}

/// Whether the id is a customer's.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomerSetting {
    pub(crate) is_customer: bool,
}

/// An outage, or its end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OutageSetting {
    pub(crate) outage: Option<Outage>,
}

pub(crate) fn routes() -> Router<Shared> {
    let tenant = Router::new()
        .route("/", get(tenant))
        .route("/reset", post(reset))
        .route("/subscriptions", put(set_subscriptions))
        .route("/legacy", put(set_legacy_token))
        .route("/dialect", put(set_dialect))
        .route("/rate", put(set_rate))
        .route("/time-zone", put(set_time_zone))
        .route("/faults/{endpoint}", put(set_faults))
        .route("/outages/{endpoint}", put(set_outage))
        .route("/tokens/revoke", post(revoke_tokens))
        .route("/customer", put(set_customer))
        .route("/resources/{collection}", get(list_resources))
        .route(
            "/resources/{collection}/{*key}",
            get(get_resource).put(put_resource).patch(patch_resource).delete(delete_resource),
        )
        .route("/emit", post(emit))
        .route("/changes", post(change_and_emit))
        .route("/notifications", get(notifications))
        .route("/notifications/{id}/resend", post(resend))
        .route("/feedback", get(feedback))
        .route("/calls", get(calls));
    let control = Router::new()
        .route("/api-url", put(set_api_url))
        .route("/events", get(events))
        .route("/tenants", get(tenants).post(create_tenant))
        .nest("/tenants/{tenant}", tenant);
    // A test may send more than the receiver accepts.
    Router::new().nest("/control", control).layer(DefaultBodyLimit::disable())
}

async fn set_api_url(State(world): State<Shared>, Json(body): Json<ApiUrl>) -> StatusCode {
    world.state().api_url = Some(body.api_url).filter(|url| !url.is_empty());
    StatusCode::NO_CONTENT
}

async fn events() -> Json<Vec<&'static Event>> {
    Json(catalogue::events().collect())
}

async fn tenants(State(world): State<Shared>) -> Json<Vec<Tenant>> {
    Json(world.state().tenants.values().map(Company::tenant).collect())
}

async fn create_tenant(
    State(world): State<Shared>,
    Json(tenant): Json<NewTenant>,
) -> Result<(StatusCode, Json<Tenant>), Refusal> {
    Ok((StatusCode::CREATED, Json(world.create(tenant)?)))
}

async fn tenant(State(world): State<Shared>, Path(tenant): Path<Uuid>) -> Answer<Tenant> {
    world.company(tenant, |company| Json(company.tenant()))
}

async fn reset(State(world): State<Shared>, Path(tenant): Path<Uuid>) -> Result<StatusCode, Refusal> {
    world.company(tenant, Company::reset)?;
    world.state().tokens.retain(|_, token| token.tenant != tenant);
    DONE
}

async fn set_subscriptions(
    State(world): State<Shared>,
    Path(tenant): Path<Uuid>,
    Json(subscriptions): Json<Vec<Subscription>>,
) -> Result<StatusCode, Refusal> {
    world.company(tenant, |company| company.set_subscriptions(subscriptions))?;
    DONE
}

async fn set_legacy_token(
    State(world): State<Shared>,
    Path(tenant): Path<Uuid>,
    Json(body): Json<LegacyToken>,
) -> Result<StatusCode, Refusal> {
    world.company(tenant, |company| company.legacy_token = body.token)?;
    DONE
}

async fn set_dialect(
    State(world): State<Shared>,
    Path(tenant): Path<Uuid>,
    Json(dialect): Json<Dialect>,
) -> Result<StatusCode, Refusal> {
    dialect.ticks_zone.as_deref().map(clock::zone_of).transpose()?;
    world.company(tenant, |company| company.dialect = dialect)?;
    DONE
}

async fn set_rate(
    State(world): State<Shared>,
    Path(tenant): Path<Uuid>,
    Json(budget): Json<RateBudget>,
) -> Result<StatusCode, Refusal> {
    world.company(tenant, |company| {
        (company.window, company.old_orders) = (Window::new(budget), Window::new(budget));
    })?;
    DONE
}

async fn set_time_zone(
    State(world): State<Shared>,
    Path(tenant): Path<Uuid>,
    Json(body): Json<TimeZoneSetting>,
) -> Result<StatusCode, Refusal> {
    body.time_zone.as_deref().map(clock::zone_of).transpose()?;
    world.company(tenant, |company| company.settings.time_zone = body.time_zone)?;
    DONE
}

async fn set_faults(
    State(world): State<Shared>,
    Path((tenant, endpoint)): Path<(Uuid, Endpoint)>,
    Json(faults): Json<Vec<Fault>>,
) -> Result<StatusCode, Refusal> {
    world.company(tenant, |company| company.faults.script(endpoint, faults))?;
    DONE
}

async fn set_outage(
    State(world): State<Shared>,
    Path((tenant, endpoint)): Path<(Uuid, Endpoint)>,
    Json(body): Json<OutageSetting>,
) -> Result<StatusCode, Refusal> {
    world.company(tenant, |company| company.faults.set_outage(endpoint, body.outage))?;
    DONE
}

async fn revoke_tokens(State(world): State<Shared>, Path(tenant): Path<Uuid>) -> Result<StatusCode, Refusal> {
    world.company(tenant, |_| ())?;
    let mut state = world.state();
    let tokens = state.tokens.values_mut().filter(|token| token.tenant == tenant);
    tokens.for_each(|token| token.revoked = true);
    DONE
}

async fn set_customer(
    State(world): State<Shared>,
    Path(tenant): Path<Uuid>,
    Json(setting): Json<CustomerSetting>,
) -> Result<StatusCode, Refusal> {
    world.company(tenant, |company| company.settings.is_customer = setting.is_customer)?;
    DONE
}

async fn list_resources(
    State(world): State<Shared>,
    Path((tenant, collection)): Path<(Uuid, Collection)>,
) -> Answer<Vec<Fields>> {
    world.company(tenant, |company| Json(company.list(collection).map(|(body, _)| body.clone()).collect()))
}

async fn get_resource(State(world): State<Shared>, Path((tenant, collection, key)): ResourcePath) -> Answer<Fields> {
    let body = world.company(tenant, |company| company.get(collection, &key).cloned())?;
    let missing = || Refusal::not_found(format!("{} {key} was not found.", collection.path()));
    body.map(Json).ok_or_else(missing)
}

async fn put_resource(
    State(world): State<Shared>,
    Path((tenant, collection, key)): ResourcePath,
    Json(fields): Json<Fields>,
) -> Answer<Fields> {
    world.company(tenant, |company| Json(company.put(collection, &key, fields)))
}

async fn patch_resource(
    State(world): State<Shared>,
    Path((tenant, collection, key)): ResourcePath,
    Json(fields): Json<Fields>,
) -> Answer<Fields> {
    world.company(tenant, |company| company.patch(collection, &key, fields))?.map(Json)
}

async fn delete_resource(State(world): State<Shared>, Path((tenant, collection, key)): ResourcePath) -> Answer<Fields> {
    world.company(tenant, |company| company.delete(collection, &key))?.map(Json)
}

async fn emit(State(world): State<Shared>, Path(tenant): Path<Uuid>, Json(emit): Json<Emit>) -> Answer<Emitted> {
    dispatch::emit(&world, tenant, &emit).await.map(Json)
}

async fn change_and_emit(
    State(world): State<Shared>,
    Path(tenant): Path<Uuid>,
    Json(change): Json<Change>,
) -> Answer<Changed> {
    change::change_and_emit(&world, tenant, &change).await.map(Json)
}

async fn resend(
    State(world): State<Shared>,
    Path((tenant, id)): Path<(Uuid, Uuid)>,
    Json(sending): Json<Sending>,
) -> Answer<Emitted> {
    dispatch::resend(&world, tenant, id, &sending).await.map(Json)
}

async fn notifications(State(world): State<Shared>, Path(tenant): Path<Uuid>) -> Answer<Vec<Notification>> {
    world.company(tenant, |company| Json(company.notifications().to_vec()))
}

async fn feedback(State(world): State<Shared>, Path(tenant): Path<Uuid>) -> Answer<Vec<Feedback>> {
    world.company(tenant, |company| Json(company.feedback.clone()))
}

async fn calls(State(world): State<Shared>, Path(tenant): Path<Uuid>) -> Answer<Calls> {
    world.company(tenant, |company| Json(company.calls.clone()))
}
