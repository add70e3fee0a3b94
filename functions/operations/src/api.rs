//! Paths and methods of the API, and its OpenAPI document.

use crate::access::Access::{Erase, Raw, Read, Repair};
use crate::body::conditional;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::{MEDIA_TYPE, Problem};
use crate::route::{Asked, Handlers};
use crate::{
    audit, dead_letters, erasures, jobs, lists, observed, outcomes, overview, pauses, quotas, repairs, resends, search,
    tenants,
};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi as Document, RefOr};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Visma Net webhooks: operations",
        description = "Shows what happened to every notification, and repairs it."
    ),
    modifiers(&Examples),
    components(schemas(Problem)),
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
    let handlers = Handlers::new(operations);
    let v1 = Router::new()
        .route("/openapi.json", get(handlers.with(Read, openapi)))
        .route("/notifications", get(handlers.with(Read, lists::notifications)))
        .route("/notifications/{ref}", get(handlers.with(Read, lists::notification)))
        .route("/entities", get(handlers.with(Read, lists::entity)))
        .route("/attention", get(handlers.with(Read, lists::attention)))
        .route("/counts", get(handlers.with(Read, lists::counts)))
        .route("/observed", get(handlers.with(Read, observed::list)))
        .route("/overview", get(handlers.with(Read, overview::show)))
        .route("/search", get(handlers.with(Read, search::find)))
        .route("/notifications/{ref}/replay", post(handlers.with(Repair, repairs::replay)))
        .route("/notifications/{ref}/hold", post(handlers.with(Repair, repairs::hold)))
        .route("/notifications/{ref}/release", post(handlers.with(Repair, repairs::release)))
        .route("/notifications/{ref}/feedback", post(handlers.with(Repair, repairs::resend)))
        .route("/notifications/{ref}/outcome", post(handlers.with(Repair, repairs::outcome)))
        .route(
            "/notifications/{ref}/acknowledgement",
            post(handlers.with(Repair, repairs::acknowledge)).delete(handlers.with(Repair, repairs::unacknowledge)),
        )
        .route(
            "/pauses",
            get(handlers.with(Read, pauses::list))
                .put(handlers.with(Repair, pauses::pause))
                .delete(handlers.with(Repair, pauses::resume)),
        )
        .route("/quotas", get(handlers.with(Read, quotas::list)))
        .route("/plans", post(handlers.with(Repair, jobs::plan)))
        .route("/jobs", get(handlers.with(Read, jobs::list)).post(handlers.with(Repair, jobs::begin)))
        .route("/jobs/{id}", get(handlers.with(Read, jobs::one)))
        .route("/jobs/{id}/failed", get(handlers.with(Read, outcomes::failed)))
        .route("/jobs/{id}/cancel", post(handlers.with(Repair, jobs::cancel)))
        .route("/jobs/{id}/resume", post(handlers.with(Repair, jobs::resume)))
        .route("/feedback/plans", post(handlers.with(Repair, resends::plan)))
        .route("/feedback/resends", post(handlers.with(Repair, resends::begin)))
        .route("/dead-letters", get(handlers.with(Read, dead_letters::list)))
        .route("/dead-letters/{queue}/plans", post(handlers.with(Repair, dead_letters::plan)))
        .route("/dead-letters/{queue}/redrives", post(handlers.with(Repair, dead_letters::redrive)))
        .route("/audit", get(handlers.with(Read, audit::list)))
        .route("/tenants", get(handlers.with(Read, tenants::list)))
        .route_layer(middleware::from_fn(conditional));
    Router::new()
        .nest("/operations/v1", v1)
        .route("/operations/raw/notifications/{ref}", get(handlers.with(Raw, lists::raw)))
        .route("/operations/erasures", post(handlers.with(Erase, erasures::begin)))
        .route("/operations/erasures/plans", post(handlers.with(Erase, erasures::plan)))
        .fallback(async || Problem::no_such_path())
        .method_not_allowed_fallback(async || Problem::no_such_method())
        .layer(middleware::map_response(guarded))
}

/// [`document`] as a file, which a test writes. Building it at run time would take 200 KB of code.
const DOCUMENT: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The OpenAPI 3.1 document, generated from the types.
#[must_use]
pub fn document() -> Document {
    Described::openapi()
}

/// Returns this document.
#[utoipa::path(get, path = "/operations/v1/openapi.json", tag = "read", responses((status = 200, body = Object)))]
async fn openapi<P: Ports>(_: Shared<P>, _: Asked) -> Result<Response, Problem> {
    Ok(([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response())
}

/// Adds headers to every answer: no cache may store it, and no browser may guess its type.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

/// A parameter that no operation has.
const WRONG: &str = "colour";

/// Adds an example of an error to each operation. A test compares it with the real answer.
struct Examples;

impl Modify for Examples {
    fn modify(&self, document: &mut Document) {
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            operations.into_iter().flatten().for_each(add_example);
        }
    }
}

fn add_example(operation: &mut Operation) {
    let example = serde_json::to_value(refusal_of(operation)).expect("texts and numbers always serialise");
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        if let Some(content) = response.content.get_mut(MEDIA_TYPE) {
            content.example = Some(example.clone());
        }
    }
}

fn refusal_of(operation: &Operation) -> Problem {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let is_queried = |place: &ParameterIn| matches!(place, ParameterIn::Query);
    let (queried, others): (Vec<_>, Vec<_>) = parameters.iter().partition(|one| is_queried(&one.parameter_in));
    let known: Vec<&str> = queried.iter().map(|one| one.name.as_str()).collect();
    match others.first().map(|one| one.name.as_str()) {
        _ if operation.request_body.is_some() => Problem::unknown_field(WRONG),
        _ if !known.is_empty() => Problem::unknown_parameter(WRONG, &known),
        Some("ref") => Problem::no_reference(),
        Some("id") => Problem::no_job_id(),
        _ => Problem::forbidden("visma-webhooks/read"),
    }
}
