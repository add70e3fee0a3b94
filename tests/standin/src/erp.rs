//! The ERP's and the Sales Order service's resources (reference 4.3), as their APIs serve them.

use axum::{
    Extension, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header::ETAG},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::{
    collection::{Collection, Fields, text},
    feedback,
    gate::{Caller, gate},
    listing::{Page, Parameters},
    refusal::Refusal,
    world::Shared,
};

/// `/erp` is api.finance.visma.net, `/salesorder` is salesorder.visma.net.
pub(crate) fn routes(world: &Shared) -> Router<Shared> {
    let financial = Router::new()
        .route("/v1/webhooknotificationfeedback", post(feedback::receive))
        .route("/v1/{collection}", get(list))
        .route("/v1/{collection}/{*key}", get(one))
        .fallback(nothing)
        .layer(from_fn_with_state(world.clone(), gate));
    let sales_order = Router::new()
        .route("/api/v3/SalesOrders", get(sales_orders))
        .route("/api/v3/SalesOrders/{type}", get(sales_orders_of_type))
        .route("/api/v3/SalesOrders/{type}/{order}", get(sales_order))
        .fallback(nothing)
        .layer(from_fn_with_state(world.clone(), gate));
    Router::new().nest("/erp", financial).nest("/salesorder", sales_order)
}

async fn nothing() -> Refusal {
    Refusal::not_found("No such resource.")
}

async fn one(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((collection, key)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let collection = financial(&collection)?;
    if collection == Collection::Background
        && let Some(id) = key.strip_suffix("/content")
    {
        return background_content(&world, caller, id);
    }
    let body = world.company(caller.0, |company| match key.strip_prefix("internal/") {
        Some(id) => company.get_internal(collection, id).cloned(),
        None => company.get(collection, &key).cloned(),
    })?;
    found(body, collection, &key)
}

async fn list(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(collection): Path<String>,
    Query(query): Query<Parameters>,
) -> Result<Json<Vec<Fields>>, Refusal> {
    let collection = financial(&collection)?;
    let filter = query.filter()?;
    world.company(caller.0, |company| {
        let largest = company.settings.max_page_size;
        let page = match collection.is_paged() {
            true => query.page(largest)?,
            false => Page::all(),
        };
        let matching = company.list(collection).filter(|(_, at)| filter.admits(*at));
        let matching: Vec<_> = matching.map(|(body, _)| body).collect();
        let metadata = json!({"totalCount": matching.len(), "maxPageSize": largest});
        let with_metadata = |body: &Fields| {
            let mut body = body.clone();
            body.insert("metadata".to_owned(), metadata.clone());
            body
        };
        Ok(Json(page.of(&matching).map(|body| with_metadata(body)).collect()))
    })?
}

async fn sales_order(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((kind, order)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let key = format!("{kind}/{order}");
    let collection = Collection::SalesOrderV3;
    let body = world.company(caller.0, |company| company.get(collection, &key).cloned())?;
    found(body, collection, &key)
}

async fn sales_orders(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<Parameters>,
) -> Result<Json<Vec<Fields>>, Refusal> {
    list_v3(&world, caller, None, &query)
}

async fn sales_orders_of_type(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(kind): Path<String>,
    Query(query): Query<Parameters>,
) -> Result<Json<Vec<Fields>>, Refusal> {
    list_v3(&world, caller, Some(&kind), &query)
}

/// V3 lists: zero-based `pageIndex`, and `modifiedSince` (reference 4.4). The answer's outer shape is unknown; here an array.
fn list_v3(
    world: &Shared,
    caller: Caller,
    kind: Option<&str>,
    query: &Parameters,
) -> Result<Json<Vec<Fields>>, Refusal> {
    let filter = query.modified_since()?;
    world.company(caller.0, |company| {
        let page = query.page_v3(company.settings.max_page_size)?;
        let orders = company.list(Collection::SalesOrderV3);
        let matching: Vec<_> = orders
            .filter(|(body, at)| kind.is_none_or(|kind| text(body, "type") == kind) && filter.admits(*at))
            .map(|(body, _)| body)
            .collect();
        Ok(Json(page.of(&matching).map(|body| (*body).clone()).collect()))
    })?
}

/// The operation's own answer; here `{}` or whatever the resource's `content` field holds.
fn background_content(world: &Shared, caller: Caller, id: &str) -> Result<Response, Refusal> {
    let collection = Collection::Background;
    let body = world.company(caller.0, |company| company.get(collection, id).cloned())?;
    let body = body.ok_or_else(|| Refusal::not_found("The operation was not found."))?;
    let content = body.get("content").cloned().unwrap_or_else(|| json!({}));
    Ok(Json(content).into_response())
}

/// V1 serves everything but V3's sales orders.
fn financial(path: &str) -> Result<Collection, Refusal> {
    Collection::of_path(path)
        .filter(|collection| *collection != Collection::SalesOrderV3)
        .ok_or_else(|| Refusal::not_found("No such resource."))
}

/// One resource with its ETag, which is its `timeStamp` (reference 4.5).
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
