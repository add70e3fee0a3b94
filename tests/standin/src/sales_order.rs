//! Version 3 of the Sales Order service (docs/visma-net.md#resources,
//! docs/visma-net.md#sales-orders-version-3): lists in an envelope, a status that is an object, row
//! versions and problems.

use axum::{
    Extension, Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::ETAG, header::IF_MATCH},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::{
    clock,
    collection::{Collection, Fields, STATUSES, text},
    gate::Caller,
    listing::{Filter, Page, Parameters},
    protocol::Lists,
    refusal::Problem,
    world::Shared,
};

const ORDER: Collection = Collection::SalesOrderV3;
const DEFAULT_SIZE: usize = 100;
const PATH: &str = "/api/v3/SalesOrders";

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v3/SalesOrders", get(all))
        .route("/api/v3/SalesOrders/{type}", get(of_type))
        .route("/api/v3/SalesOrders/{type}/{order}", get(one).patch(change))
}

async fn all(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<Parameters>,
) -> Result<Json<Value>, Problem> {
    list(&world, caller, None, &query)
}

async fn of_type(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(kind): Path<String>,
    Query(query): Query<Parameters>,
) -> Result<Json<Value>, Problem> {
    list(&world, caller, Some(&kind), &query)
}

fn list(world: &Shared, caller: Caller, kind: Option<&str>, query: &Parameters) -> Result<Json<Value>, Problem> {
    let filter = modified_since(query)?;
    let order = order_by(query)?;
    world.company(caller.0, |company| {
        let rules = company.settings.lists;
        let page = page(query, rules)?;
        let mut orders: Vec<_> = company
            .list(ORDER)
            .filter(|(body, at)| kind.is_none_or(|kind| text(body, "type") == kind) && filter.admits(*at))
            .collect();
        if order.by_time {
            orders.sort_by_key(|(_, at)| *at);
        }
        if order.descending {
            orders.reverse();
        }
        let value: Vec<Value> = page.of(&orders).map(|(body, _)| row(body)).collect();
        if rules.bare {
            return Ok(Json(value.into()));
        }
        let has_next = page.ends_at() < orders.len();
        let next = has_next.then(|| format!("{PATH}?pageIndex={}", number(query, "pageIndex").unwrap_or(0) + 1));
        Ok(Json(json!({"value": value, "nextPage": next, "totalCount": orders.len()})))
    })?
}

/// `modifiedSince` is UTC unless it has an offset of its own.
fn modified_since(query: &Parameters) -> Result<Filter, Problem> {
    let name = "modifiedSince";
    let read = |text: &str| {
        clock::read_zoned(text).ok_or_else(|| Problem::parameter(name, format!("The value '{text}' is not valid.")))
    };
    Ok(Filter::since(query.get(name).map(read).transpose()?))
}

#[derive(Default)]
struct Order {
    by_time: bool,
    descending: bool,
}

fn order_by(query: &Parameters) -> Result<Order, Problem> {
    let name = "orderBy";
    let Some(text) = query.get(name) else { return Ok(Order::default()) };
    let wrong = || Problem::parameter(name, format!("orderBy '{text}' is not supported."));
    let (field, direction) = text.split_once(' ').unwrap_or((text, "asc"));
    let by_time = match field {
        "lastModified" | "created" => true,
        "orderId" => false,
        _ => return Err(wrong()),
    };
    match direction {
        "asc" => Ok(Order { by_time, descending: false }),
        "desc" => Ok(Order { by_time, descending: true }),
        _ => Err(wrong()),
    }
}

fn page(query: &Parameters, rules: Lists) -> Result<Page, Problem> {
    let index = number(query, "pageIndex")?;
    let size = match query.get("pageSize") {
        None => DEFAULT_SIZE.min(rules.largest),
        Some(_) => number(query, "pageSize")?,
    };
    match size {
        size if (1..=rules.largest).contains(&size) => Ok(Page::new(index, size)),
        size if size > 0 && rules.cuts => Ok(Page::new(index, rules.largest)),
        _ => {
            let detail = format!("pageSize must be between 1 and {}.", rules.largest);
            Err(Problem::parameter("pageSize", detail))
        }
    }
}

fn number(query: &Parameters, name: &'static str) -> Result<usize, Problem> {
    let number = query.number(name).map_err(|refusal| Problem::parameter(name, refusal.message))?;
    Ok(number.unwrap_or(0))
}

/// `SalesOrderListDto`. Its status is a text, and it has no version.
fn row(body: &Fields) -> Value {
    let (kind, order) = (text(body, "type"), text(body, "orderId"));
    json!({
        "_links": {"self": {"href": format!("{PATH}/{kind}/{order}")}},
        "type": kind, "orderId": order, "status": text(body, "status"), "date": body.get("date"),
        "customerId": body.get("customerId"), "orderQty": 1.0, "orderTotal": body.get("amount"),
        "lastModified": body.get("lastModified"),
    })
}

async fn one(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((kind, order)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let key = format!("{kind}/{order}");
    let body = world.company(caller.0, |company| company.get(ORDER, &key).cloned())?;
    let body = body.ok_or_else(|| missing(&key))?;
    let tag = text(&body, "version");
    Ok(tagged(Json(single(body)).into_response(), &tag))
}

/// A single order's status is an object. A test sets `hold` and `cancelled` in the resource.
fn single(mut body: Fields) -> Fields {
    let flag = |body: &mut Fields, name| body.remove(name).and_then(|value| value.as_bool()).unwrap_or(false);
    let (hold, cancelled) = (flag(&mut body, "hold"), flag(&mut body, "cancelled"));
    let status = json!({"description": text(&body, "status"), "cancelled": cancelled, "hold": hold});
    body.insert("status".to_owned(), status);
    body
}

/// Requires If-Match: 428 without it, 412 if it does not match, 409 if the order is completed.
async fn change(
    State(world): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path((kind, order)): Path<(String, String)>,
    headers: HeaderMap,
    Json(fields): Json<Fields>,
) -> Result<Response, Problem> {
    let key = format!("{kind}/{order}");
    let known = headers.get(IF_MATCH).and_then(|value| value.to_str().ok());
    let known = known.ok_or_else(|| Problem::new(StatusCode::PRECONDITION_REQUIRED, "If-Match is missing."))?;
    world.company(caller.0, |company| {
        let body = company.get(ORDER, &key).ok_or_else(|| missing(&key))?;
        if format!("\"{}\"", text(body, "version")) != known {
            return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "The order has changed."));
        }
        if text(body, "status") == STATUSES[STATUSES.len() - 1] {
            return Err(Problem::new(StatusCode::CONFLICT, "The order is completed."));
        }
        let body = company.patch(ORDER, &key, fields)?;
        Ok(tagged(StatusCode::NO_CONTENT.into_response(), &text(&body, "version")))
    })?
}

fn missing(key: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("Sales order {key} was not found."))
}

fn tagged(mut response: Response, version: &str) -> Response {
    if let Ok(etag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}
