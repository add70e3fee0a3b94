//! The APIs of the ERP and of the Sales Order service (docs/visma-net.md#resources), and the
//! notification feedback (docs/visma-net.md#notification-feedback).

use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, Uri, header::ETAG},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    clock,
    collection::{Collection, Fields, text},
    gate::{Caller, gate},
    listing::{Page, Parameters},
    message::Feedback,
    refusal::Refusal,
    sales_order,
    world::Shared,
};

/// The characters that version 1 refuses in a path, also percent-encoded.
const RESERVED: [char; 11] = [':', '/', '?', '#', '[', ']', '@', '&', '*', '+', ';'];

/// `/erp` is api.finance.visma.net, `/salesorder` is salesorder.visma.net.
pub(crate) fn routes(world: &Shared) -> Router<Shared> {
    let financial = Router::new()
        .route("/v1/webhooknotificationfeedback", post(receive_feedback))
        .route("/v1/{collection}", get(list))
        .route("/v1/{collection}/{*key}", get(one))
        .fallback(nothing)
        .layer(from_fn_with_state(world.clone(), gate));
    let sales_order = sales_order::routes().fallback(nothing).layer(from_fn_with_state(world.clone(), gate));
    Router::new().nest("/erp", financial).nest("/salesorder", sales_order)
}

async fn nothing() -> Refusal {
    Refusal::not_found("No such resource.")
}

async fn one(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((collection, _)): Path<(String, String)>,
    uri: Uri,
) -> Result<Response, Refusal> {
    // The segments after `/v1/{collection}/`: two segments are not a number with a slash.
    let sent: Vec<String> = uri.path().split('/').skip(3).map(number).collect::<Result<_, _>>()?;
    let (collection, key) = (financial(&collection, sent.len())?, sent.join("/"));
    if collection == Collection::Background
        && let Some(id) = key.strip_suffix("/content")
    {
        return background_content(&world, caller, id);
    }
    let is_whole = sent.len() == collection.segments(&key).count();
    let body = world.company(caller.0, |company| match key.strip_prefix("internal/") {
        Some(id) => company.get_internal(collection, id).cloned(),
        None => company.get(collection, &key).filter(|_| is_whole).cloned(),
    })?;
    found(body, collection, &key)
}

async fn list(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(collection): Path<String>,
    Query(query): Query<Parameters>,
) -> Result<Json<Vec<Fields>>, Refusal> {
    let collection = financial(&collection, 0)?;
    let filter = query.filter()?;
    world.company(caller.0, |company| {
        let largest = company.settings.max_page_size;
        let page = match collection.is_paged() {
            true => query.page(largest)?,
            false => Page::all(),
        };
        let mut matching: Vec<_> = company.list(collection).filter(|(_, at)| filter.admits(*at)).collect();
        if company.settings.lists.by_time {
            matching.sort_by_key(|(_, at)| *at);
        }
        let total = company.settings.lists.counts.then_some(matching.len());
        let metadata = total.map(|total| json!({"totalCount": total, "maxPageSize": largest}));
        let with_metadata = |body: &Fields| {
            let mut body = body.clone();
            body.extend(metadata.clone().map(|metadata| ("metadata".to_owned(), metadata)));
            body
        };
        Ok(Json(page.of(&matching).map(|(body, _)| with_metadata(body)).collect()))
    })?
}

/// A segment of a path as a number. One with a reserved character is taken as `b64(...)` only
/// (docs/visma-net.md#resources).
fn number(sent: &str) -> Result<String, Refusal> {
    let refused = || Refusal::bad_request(format!("'{sent}' is not valid in a path."));
    let text = percent_decode_str(sent).decode_utf8().map_err(|_| refused())?;
    if let Some(encoded) = text.strip_prefix("b64(").and_then(|rest| rest.strip_suffix(')')) {
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| refused())?;
        return String::from_utf8(bytes).map_err(|_| refused());
    }
    if text.contains(RESERVED) { Err(refused()) } else { Ok(text.into_owned()) }
}

/// The result of the operation: `{}`, or the resource's `content` field.
fn background_content(world: &Shared, caller: Caller, id: &str) -> Result<Response, Refusal> {
    let collection = Collection::Background;
    let body = world.company(caller.0, |company| company.get(collection, id).cloned())?;
    let body = body.ok_or_else(|| Refusal::not_found("The operation was not found."))?;
    let content = body.get("content").cloned().unwrap_or_else(|| json!({}));
    Ok(Json(content).into_response())
}

/// Version 1 serves everything except version 3's sales orders.
fn financial(path: &str, segments: usize) -> Result<Collection, Refusal> {
    Collection::served_at(path, segments)
        .filter(|collection| *collection != Collection::SalesOrderV3)
        .ok_or_else(|| Refusal::not_found("No such resource."))
}

/// One resource with its ETag, the `timeStamp` (docs/visma-net.md#row-versions).
fn found(body: Option<Fields>, collection: Collection, key: &str) -> Result<Response, Refusal> {
    let Some(body) = body else {
        return Err(Refusal::not_found(format!("{} {key} was not found.", collection.path())));
    };
    let etag = HeaderValue::from_str(&format!("\"{}\"", text(&body, "timeStamp"))).ok();
    let mut response = (StatusCode::OK, Json(Value::Object(body))).into_response();
    if let Some(etag) = etag {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FeedbackBody {
    notification_id: Option<String>,
    source: Option<String>,
    description: Option<String>,
    is_success: Option<bool>,
}

/// Answers 201 for a notification of the caller's tenant. The refusals are assumptions, since none
/// are documented.
async fn receive_feedback(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let body: FeedbackBody = serde_json::from_slice(&body)
        .map_err(|error| Refusal::bad_request(format!("The body cannot be read: {error}")))?;
    let id = body.notification_id.unwrap_or_default();
    let notification_id: Uuid =
        id.parse().map_err(|_| Refusal::bad_request(format!("notificationId '{id}' is not a UUID.")))?;
    let feedback = Feedback {
        at: clock::now(),
        notification_id,
        source: body.source,
        description: body.description,
        is_success: body.is_success,
    };
    if world.company(caller.0, |company| company.accept_feedback(feedback))? {
        Ok((StatusCode::CREATED, Json(json!({}))))
    } else {
        Err(Refusal::not_found(format!("Notification {notification_id} was not found.")))
    }
}
