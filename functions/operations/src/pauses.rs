//! Pauses of a tenant, an event, or everything.

use crate::access::Access;
use crate::audit::Deed;
use crate::body::{self, Json};
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, CLOCKS_DIFFER_BY};
use crate::route::Asked;
use axum::body::Bytes;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use webhooks_host::Host;
use webhooks_model::audit::Target;
use webhooks_model::filter::LONGEST_SPAN;
use webhooks_model::work::Work;
use webhooks_model::{Pause, from_objects, pattern};
use webhooks_store::StoreError;

const LONGEST_PATTERN: usize = 100;
const FURTHEST_END: Duration = Duration::days(30);
const RELEASED_A_SECOND: u32 = 50;

/// Lists the pauses in force.
#[utoipa::path(get, path = "/operations/v1/pauses", tag = "read",
    responses((status = 200, body = Pauses), Problem))]
pub(crate) async fn list<P: Ports>(operations: Shared<P>, _: Asked) -> Result<Json<Pauses>, Problem> {
    let items = operations.store.pauses(operations.host.now()).await?.into_iter().map(PauseView::from).collect();
    Ok(Json(Pauses { items }))
}

/// Pauses a tenant, an event or everything.
///
/// Notifications that the pause covers wait in the ledger. The pause takes effect within 15
/// seconds. A pause that would stop nothing is refused. With `until` it ends automatically, and the
/// reconciler's next run releases the notifications that waited.
#[utoipa::path(put, path = "/operations/v1/pauses", tag = "repair", request_body = NewPause,
    responses((status = 204), Problem))]
pub(crate) async fn pause<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    let (tenant, new) = read(&asked.body)?;
    if !pattern::covers_something(&new.events) {
        return Err(covers_nothing(&new.events));
    }
    if let Some(tenant) = tenant.as_deref().filter(|_| !new.new_tenant)
        && !operations.has_heard_of(tenant).await?
    {
        return Err(unheard_of());
    }
    let since = operations.host.now();
    if new.until.is_some_and(|until| until <= since || until > since + FURTHEST_END) {
        return Err(no_end());
    }
    let note = query::note(&new.note)?.to_owned();
    let pause = Pause { tenant, events: new.events, since, by: asked.by, note, until: new.until };
    let on = on_pause(pause.tenant.as_deref(), &pause.events);
    let deed = Deed { by: &pause.by, role: Access::Repair, what: "pause", on };
    operations.audited(deed, async { Ok(operations.store.pause(&pause).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a pause, and begins a job of the kind `release` for the notifications that waited.
#[utoipa::path(delete, path = "/operations/v1/pauses", tag = "repair", request_body = NewPause,
    responses((status = 204), Problem))]
pub(crate) async fn resume<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<StatusCode, Problem> {
    let (tenant, pause) = read(&asked.body)?;
    let on = on_pause(tenant.as_deref(), &pause.events);
    let deed = Deed { by: &asked.by, role: Access::Repair, what: "resume", on };
    let resumed = async {
        let is_meant = |own: &Pause| own.tenant == tenant && own.events == pause.events;
        let now = operations.host.now();
        let is_live = operations.store.pauses(now).await?.iter().any(is_meant);
        // Notifications may still wait for a pause that is over.
        if !is_live && !operations.store.overdue(now).await?.iter().any(is_meant) {
            return Err(Problem::unknown("unknown_pause", "There is no pause with this tenant and these events."));
        }
        // The job comes first, so that nothing waits for ever if the function dies in between. It
        // runs for longer than a processor caches the pause.
        let job = operations.new_job(Work::Release, RELEASED_A_SECOND, &asked.by, query::note(&pause.note)?);
        operations.begin(&job).await?;
        // Nothing to end means that it ended meanwhile: by somebody else, or by this write if the
        // SDK sent it twice.
        operations.store.resume(tenant.as_deref(), &pause.events, operations.host.now()).await?;
        Ok(())
    };
    operations.audited(deed, resumed).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn covers_nothing(events: &str) -> Problem {
    let alike = pattern::alike(events);
    let hint = match alike.as_slice() {
        [] => "Use a pattern such as sales_order.*, or * for everything.".to_owned(),
        alike => format!("Did you mean {}?", alike.join(" or ")),
    };
    let detail = format!("The pattern covers no event, so nothing would be paused. {hint}");
    Problem { code: "events_unknown", ..Problem::invalid("events", detail) }
}

fn no_end() -> Problem {
    let detail =
        "It must be in the future, and at most 30 days ahead. Without it, the pause lasts until a person ends it.";
    Problem { code: "until_out_of_range", ..Problem::invalid("until", detail) }
}

fn unheard_of() -> Problem {
    let detail = "This tenant has sent nothing in 90 days, so nothing would be paused. Correct its id, or set \
                  `new_tenant` to true.";
    Problem { field: Some("tenant".into()), ..Problem::unknown("unknown_tenant", detail) }
}

impl<P: Ports> Operations<P> {
    /// One read of the feed covers 31 days. The roll-ups cover the rest of the 90 days.
    async fn has_heard_of(&self, tenant: &str) -> Result<bool, StoreError> {
        let (now, from) = (self.host.now(), self.host.now() - LONGEST_SPAN);
        let newest = self.store.feed(tenant, from, now + CLOCKS_DIFFER_BY, None, 1).await?;
        let is_there = !newest.records.is_empty() || newest.unread > 0;
        Ok(is_there || !self.store.rollups(Some(tenant), from, now).await?.is_empty())
    }
}

fn on_pause(tenant: Option<&str>, events: &str) -> Target {
    Target { tenant: tenant.map(str::to_owned), kind: "pause".into(), name: events.to_owned() }
}

fn read(body: &Bytes) -> Result<(Option<String>, NewPause), Problem> {
    let pause: NewPause = body::required(body)?;
    let is_pattern = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.' | '*');
    if pause.events.is_empty() || pause.events.len() > LONGEST_PATTERN || !pause.events.chars().all(is_pattern) {
        return Err(Problem::invalid("events", "It must be a pattern such as sales_order.*, or * for everything."));
    }
    let tenant = pause.tenant.as_deref().map(query::tenant).transpose()?;
    Ok((tenant, pause))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub(crate) struct NewPause {
    /// The tenant to pause. Without it, all tenants are paused.
    #[serde(default)]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) tenant: Option<String>,
    /// A pattern over `{entity}.{kind}`, such as `sales_order.*`; `*` for everything.
    #[schema(min_length = 1, max_length = 100, pattern = "^[a-z_.*]+$")]
    pub(crate) events: String,
    /// Allow a tenant that has not sent a notification in the last 90 days.
    #[serde(default)]
    pub(crate) new_tenant: bool,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub(crate) note: String,
    /// When it ends automatically, at most 30 days ahead. Without it, a person must end it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(crate) until: Option<OffsetDateTime>,
}

from_objects!(NewPause);

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pauses {
    pub(crate) items: Vec<PauseView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PauseView {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    events: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    by: String,
    note: String,
    /// When the pause ends automatically. Absent if it lasts until a person ends it.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
}

impl From<Pause> for PauseView {
    fn from(Pause { tenant, events, since, by, note, until }: Pause) -> Self {
        Self { tenant, events, since, by, note, until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_from_one_to_a_hundred_characters() {
        let is_read = |events: &str| read(&Bytes::from(serde_json::json!({ "events": events }).to_string())).is_ok();
        for (length, fits) in [(0, false), (1, true), (100, true), (101, false)] {
            assert_eq!(is_read(&"a".repeat(length)), fits, "{length}");
        }
        assert!(is_read("sales_order.*") && !is_read("Sales Order"));
    }
}
