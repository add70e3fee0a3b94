//! Lists of notifications, single notifications, entities and counts.

use crate::access::Access;
use crate::audit::{Deed, on_notification};
use crate::body::Json;
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, Cursor, Parameters, Range, list_of};
use crate::reference::unknown;
use crate::route::Asked;
use crate::types::{Detail, Notification, Notifications, left_out};
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use webhooks_host::Host;
use webhooks_model::filter::LONGEST_SPAN;
use webhooks_model::{Entity, EntityId, State as NotificationState, Ticks};
use webhooks_store::{Head, Page, Position, Record, acknowledged};

const USUAL_SPAN: Duration = Duration::days(7);
/// The most renumberings that are followed.
const LONGEST_CHAIN: usize = 10;
/// The most notifications that an entity is shown with.
const NEWEST: u8 = 50;
const PAUSED: &str = "paused";
const MARKS: [&str; 5] = ["dead", "parked", "unparseable", "feedback_parked", PAUSED];

/// Lists a tenant's notifications, newest first.
#[utoipa::path(get, path = "/operations/v1/notifications", tag = "read", params(
    ("tenant" = String, Query, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$"), ("entity" = Option<String>, Query),
    ("event" = Option<String>, Query),
    ("state" = Option<String>, Query),
    ("from" = Option<String>, Query, format = DateTime,
        description = "7 days before `to` by default; at most 90 days before"),
    ("to" = Option<String>, Query, format = DateTime, description = "now by default"),
    ("limit" = Option<u8>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query, max_length = 2048)),
    responses((status = 200, body = Notifications), Problem))]
pub(crate) async fn notifications<P: Ports>(
    operations: Shared<P>,
    asked: Asked,
) -> Result<Json<Notifications>, Problem> {
    let known = ["tenant", "entity", "event", "state", "from", "to", "limit", "cursor"];
    let parameters = Parameters::new(asked.query, &known)?;
    let tenant = parameters.tenant()?;
    let (entity, state, event) = (parameters.entity()?, parameters.state()?, parameters.get("event"));
    let range = Range::read(&parameters)?;
    let list =
        list_of(("feed", &tenant, entity.map(Entity::as_str), event, state.map(NotificationState::as_str), range));
    let cursor = Cursor::read(list, parameters.get("cursor"))?;
    let now = operations.host.now();
    let (from, to) = range.of_page(cursor.as_ref(), now, USUAL_SPAN, Some(LONGEST_SPAN))?;
    let fits = |record: &Record| {
        entity.is_none_or(|entity| record.key.entity.entity == entity)
            && state.is_none_or(|state| record.state == state)
            && event.is_none_or(|event| record.event == event)
    };
    let after = cursor.map(|cursor| cursor.after);
    let page = operations.store.feed(&tenant, from, to, after.as_ref(), parameters.limit()?).await?;
    operations.introduce(&page.records).await;
    let shown = shown(page, now, fits, |next| Cursor::write(list, Some(from), next));
    Ok(Json(Notifications { from: Some(from), to: Some(to), ..shown }))
}

/// Leaves out expired records, which DynamoDB may delete days later.
fn shown(
    page: Page,
    now: OffsetDateTime,
    fits: impl Fn(&Record) -> bool,
    cursor: impl FnOnce(Position) -> String,
) -> Notifications {
    let is_there = |record: &Record| record.expires_at.is_none_or(|at| at > now) && fits(record);
    let items = page.records.into_iter().filter(is_there).map(Notification::from).collect();
    Notifications { items, next: page.next.map(cursor), left_out: left_out(page.unread), from: None, to: None }
}

/// Shows one notification with its timeline.
#[utoipa::path(get, path = "/operations/v1/notifications/{ref}", tag = "read",
    params(("ref" = String, Path, max_length = 2048)),
    responses((status = 200, body = Detail), Problem))]
pub(crate) async fn notification<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Detail>, Problem> {
    let record = operations.store.record_of(&operations.named(&asked.name).await?).await?.ok_or_else(unknown)?;
    operations.introduce(std::slice::from_ref(&record)).await;
    Ok(Json(record.into()))
}

/// Shows the exact text of a notification. It requires the role `raw`.
#[utoipa::path(get, path = "/operations/raw/notifications/{ref}", tag = "raw",
    params(("ref" = String, Path, max_length = 2048)),
    responses((status = 200, body = Raw), Problem))]
pub(crate) async fn raw<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Raw>, Problem> {
    let key = operations.named(&asked.name).await?;
    let deed = Deed { by: &asked.by, role: Access::Raw, what: "read_raw", on: on_notification(&key) };
    let read = async { operations.store.raw_of(&key).await?.ok_or_else(unknown) };
    let text = operations.audited(deed, read).await?;
    Ok(Json(Raw { text }))
}

/// Shows an entity's current state, its other numbers and its newest notifications.
#[utoipa::path(get, path = "/operations/v1/entities", tag = "read", params(
    ("tenant" = String, Query, pattern = "^[A-Za-z0-9_-]{1,64}$"), ("entity" = String, Query),
    ("key" = String, Query, min_length = 1, max_length = 256)),
    responses((status = 200, body = EntityView), Problem))]
pub(crate) async fn entity<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<EntityView>, Problem> {
    let parameters = Parameters::new(asked.query, &["tenant", "entity", "key"])?;
    let entity = query::entity(parameters.required("entity")?)?;
    let id = EntityId { tenant: parameters.tenant()?, entity, key: parameters.required("key")?.to_owned() };
    let id = id.check().map_err(|wrong| Problem::invalid(wrong.field, "No entity can have this value."))?;
    let (head, page) = tokio::try_join!(operations.store.head_of(&id), operations.store.newest_of(&id, NEWEST))?;
    if head.is_none() && page.records.is_empty() {
        return Err(Problem::unknown(
            "unknown_entity",
            "There is no record of this entity; its records may have expired.",
        ));
    }
    operations.introduce(&page.records).await;
    let mut also = vec![];
    for (relation, next) in [("later", later as Follow), ("earlier", earlier as Follow)] {
        let mut known = head.clone();
        while let Some(key) = known.as_ref().and_then(next).filter(|key| *key != id.key) {
            if also.len() >= LONGEST_CHAIN || also.iter().any(|one: &OtherNumber| one.key == key) {
                break;
            }
            also.push(OtherNumber { key: key.clone(), relation });
            known = operations.store.head_of(&EntityId { key, ..id.clone() }).await?;
        }
    }
    Ok(Json(EntityView {
        entity: entity.as_str(),
        current: head.as_ref().map(Current::from),
        also,
        notifications: page.records.into_iter().map(Notification::from).collect(),
        left_out: left_out(page.unread),
        tenant: id.tenant,
        key: id.key,
    }))
}

type Follow = fn(&Head) -> Option<String>;

fn later(head: &Head) -> Option<String> {
    head.renumbered_to.clone()
}

fn earlier(head: &Head) -> Option<String> {
    head.previous_key.clone()
}

/// Lists the notifications that need attention, or that are paused.
#[utoipa::path(get, path = "/operations/v1/attention", tag = "read", params(
    ("kind" = String, Query, description = "dead, parked, unparseable, feedback_parked or paused"),
    ("tenant" = Option<String>, Query, pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ("acknowledged" = Option<bool>, Query, description = "true for acknowledged notifications; false by default"),
    ("limit" = Option<u8>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query, max_length = 2048)),
    responses((status = 200, body = Notifications), Problem))]
pub(crate) async fn attention<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Notifications>, Problem> {
    let parameters = Parameters::new(asked.query, &["kind", "tenant", "acknowledged", "limit", "cursor"])?;
    let kind = parameters.required("kind")?;
    if !MARKS.contains(&kind) {
        return Err(Problem::invalid("kind", format!("It must be one of {}.", MARKS.join(", "))));
    }
    let tenant = parameters.get("tenant").map(query::tenant).transpose()?;
    let is_acknowledged = parameters.flag("acknowledged")?;
    let mark = if is_acknowledged { acknowledged(kind) } else { kind.to_owned() };
    let list = list_of(("attention", &mark, &tenant));
    let after = Cursor::read(list, parameters.get("cursor"))?.map(|cursor| cursor.after);
    let page = operations.store.marked(&mark, after.as_ref(), parameters.limit()?).await?;
    operations.introduce(&page.records).await;
    // The index may lag behind the record. A paused notification may have its mark in an item of
    // its own.
    let is_marked = |record: &Record| {
        let own = record.attention.as_ref();
        kind == PAUSED || own.is_some_and(|own| own.kind == kind && own.is_acknowledged == is_acknowledged)
    };
    let fits =
        |record: &Record| is_marked(record) && tenant.as_ref().is_none_or(|tenant| *tenant == record.key.entity.tenant);
    Ok(Json(shown(page, operations.host.now(), fits, |next| Cursor::write(list, None, next))))
}

/// Counts the notifications that need attention or wait, for dashboards.
#[utoipa::path(get, path = "/operations/v1/counts", tag = "read",
    responses((status = 200, body = Counts), Problem))]
pub(crate) async fn counts<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Counts>, Problem> {
    Parameters::new(asked.query, &[])?;
    let store = &operations.store;
    let count = |mark| store.count_marked(mark);
    let (dead, parked, unparseable, feedback_parked, paused, limited, pauses) = tokio::join!(
        count("dead"),
        count("parked"),
        count("unparseable"),
        count("feedback_parked"),
        count("paused"),
        operations.limited(),
        store.pauses(operations.host.now())
    );
    Ok(Json(Counts {
        dead: dead?,
        parked: parked?,
        unparseable: unparseable?,
        feedback_parked: feedback_parked?,
        paused: paused?,
        rate_limited: limited?.iter().map(|one| one.waiting).sum(),
        pauses: pauses?.len(),
    }))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Raw {
    /// The exact text of the notification.
    pub(crate) text: String,
}

/// The current state of an entity, such as an account, a customer or an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntityView {
    pub(crate) tenant: String,
    pub(crate) entity: &'static str,
    pub(crate) key: String,
    /// Absent if no notification about it was processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<Current>,
    /// The earlier and later numbers of a renumbered account.
    pub(crate) also: Vec<OtherNumber>,
    /// The notifications under this number, newest first.
    pub(crate) notifications: Vec<Notification>,
    /// Number of notifications left out, since only a newer version can read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left_out: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Current {
    status: Option<String>,
    /// Every status that the document was seen in.
    timeline: Vec<StatusAt>,
    deleted: bool,
    /// The ERP does not have the resource, although no notification said that it was deleted.
    gone: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    internal_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusAt {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    status: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OtherNumber {
    pub(crate) key: String,
    /// `later` or `earlier`.
    pub(crate) relation: &'static str,
}

impl From<&Head> for Current {
    fn from(head: &Head) -> Self {
        let at = |(at, status): &(Ticks, String)| StatusAt { at: at.to_datetime(), status: status.clone() };
        Self {
            status: head.status.clone(),
            timeline: head.timeline.iter().map(at).collect(),
            deleted: head.deleted,
            gone: head.gone,
            detail: head.detail.clone(),
            internal_id: head.internal_id.clone(),
        }
    }
}

/// The number of notifications that need attention or wait. At most 100,000 of each kind are counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counts {
    pub(crate) dead: u64,
    pub(crate) parked: u64,
    pub(crate) unparseable: u64,
    pub(crate) feedback_parked: u64,
    /// Notifications that wait for a pause to end.
    pub(crate) paused: u64,
    /// Notifications that wait for their tenant's quota of calls.
    pub(crate) rate_limited: u64,
    /// Pauses in force.
    pub(crate) pauses: usize,
}
