//! Paths and methods of the API, and its OpenAPI document.

use crate::access::{Access, Caller};
use crate::conditional::conditional;
use crate::examples::Examples;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::{
    audit, dead_letters, erasures, jobs, lists, observed, outcomes, overview, pauses, quotas, repairs, resends, search,
    tenants,
};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Visma Net webhooks: operations",
        description = "Shows what happened to every notification, and repairs it."
    ),
    modifiers(&Examples),
    paths(
        openapi,
        lists::notifications,
        lists::notification,
        lists::raw,
        lists::entity,
        lists::attention,
        lists::counts,
        observed::list,
        overview::show,
        search::find,
        repairs::replay,
        repairs::hold,
        repairs::release,
        repairs::resend,
        repairs::outcome,
        repairs::acknowledge,
        repairs::unacknowledge,
        pauses::list,
        pauses::pause,
        pauses::resume,
        quotas::list,
        jobs::plan,
        jobs::list,
        jobs::begin,
        jobs::one,
        outcomes::failed,
        jobs::cancel,
        jobs::resume,
        resends::plan,
        resends::begin,
        dead_letters::list,
        dead_letters::plan,
        dead_letters::redrive,
        erasures::plan,
        erasures::begin,
        audit::list,
        tenants::list
    )
)]
struct Described;

/// All routes of the API. A test compares them with the document.
pub fn router<P: Ports>(operations: Operations<P>) -> Router {
    let v1 = Router::new()
        .route("/openapi.json", get(openapi::<P>))
        .route("/notifications", get(lists::notifications::<P>))
        .route("/notifications/{ref}", get(lists::notification::<P>))
        .route("/entities", get(lists::entity::<P>))
        .route("/attention", get(lists::attention::<P>))
        .route("/counts", get(lists::counts::<P>))
        .route("/observed", get(observed::list::<P>))
        .route("/overview", get(overview::show::<P>))
        .route("/search", get(search::find::<P>))
        .route("/notifications/{ref}/replay", post(repairs::replay::<P>))
        .route("/notifications/{ref}/hold", post(repairs::hold::<P>))
        .route("/notifications/{ref}/release", post(repairs::release::<P>))
        .route("/notifications/{ref}/feedback", post(repairs::resend::<P>))
        .route("/notifications/{ref}/outcome", post(repairs::outcome::<P>))
        .route(
            "/notifications/{ref}/acknowledgement",
            post(repairs::acknowledge::<P>).delete(repairs::unacknowledge::<P>),
        )
        .route("/pauses", get(pauses::list::<P>).put(pauses::pause::<P>).delete(pauses::resume::<P>))
        .route("/quotas", get(quotas::list::<P>))
        .route("/plans", post(jobs::plan::<P>))
        .route("/jobs", get(jobs::list::<P>).post(jobs::begin::<P>))
        .route("/jobs/{id}", get(jobs::one::<P>))
        .route("/jobs/{id}/failed", get(outcomes::failed::<P>))
        .route("/jobs/{id}/cancel", post(jobs::cancel::<P>))
        .route("/jobs/{id}/resume", post(jobs::resume::<P>))
        .route("/feedback/plans", post(resends::plan::<P>))
        .route("/feedback/resends", post(resends::begin::<P>))
        .route("/dead-letters", get(dead_letters::list::<P>))
        .route("/dead-letters/{queue}/plans", post(dead_letters::plan::<P>))
        .route("/dead-letters/{queue}/redrives", post(dead_letters::redrive::<P>))
        .route("/audit", get(audit::list::<P>))
        .route("/tenants", get(tenants::list::<P>))
        .route_layer(middleware::from_fn(conditional));
    Router::new()
        .nest("/operations/v1", v1)
        .route("/operations/raw/notifications/{ref}", get(lists::raw::<P>))
        .route("/operations/erasures", post(erasures::begin::<P>))
        .route("/operations/erasures/plans", post(erasures::plan::<P>))
        .fallback(async || Problem::no_such_path())
        .method_not_allowed_fallback(async || Problem::no_such_method())
        .layer(middleware::map_response(guarded))
        .with_state(Arc::new(operations))
}

/// [`document`] as a file, which a test writes. Building it at run time would take 200 KB of code.
const DOCUMENT: &str = include_str!("../openapi.json");

/// The OpenAPI 3.1 document, generated from the types.
#[must_use]
pub fn document() -> Document {
    Described::openapi()
}

/// Returns this document.
#[utoipa::path(get, path = "/operations/v1/openapi.json", tag = "read", responses((status = 200, body = Object)))]
async fn openapi<P: Ports>(State(operations): State<Shared<P>>, caller: Caller) -> Result<Response, Problem> {
    operations.roles.admit(&caller, Access::Read)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response())
}

/// Turns axum's own refusals into problem documents.
fn told(response: Response) -> Response {
    let is_plain =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| *kind == "text/plain; charset=utf-8");
    let is_refusal = is_plain && response.status().is_client_error();
    if is_refusal { Problem::refused(response.status()).into_response() } else { response }
}

/// Adds headers to every answer: no cache may store it, and no browser may guess its type.
async fn guarded(response: Response) -> Response {
    let mut response = told(response);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}
