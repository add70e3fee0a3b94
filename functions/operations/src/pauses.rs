//! Pausing a tenant, an event, or everything.

use crate::access::{Access, Caller};
use crate::audit::Deed;
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::query;
use crate::types::{NewPause, PauseView, Pauses};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use webhooks_host::Host;
use webhooks_model::Pause;
use webhooks_model::audit::Target;
use webhooks_model::work::Work;
use webhooks_store::Pauses as _;

const LONGEST_PATTERN: usize = 100;
const RELEASED_A_SECOND: u32 = 50;

/// What is paused.
#[utoipa::path(get, path = "/operations/v1/pauses", tag = "read",
    responses((status = 200, body = Pauses), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn list<P: Ports>(
    State(operations): State<Shared<P>>,
    caller: Caller,
) -> Result<Json<Pauses>, Problem> {
    operations.roles.admit(&caller, Access::Read)?;
    let items = operations.store.paused(operations.host.now()).await?.into_iter().map(PauseView::from).collect();
    Ok(Json(Pauses { items }))
}

/// Pauses: notifications that it covers wait in the ledger. Noticed within 15 seconds.
#[utoipa::path(put, path = "/operations/v1/pauses", tag = "repair", request_body = NewPause,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn pause<P: Ports>(
    State(operations): State<Shared<P>>,
    caller: Caller,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let by = operations.roles.admit(&caller, Access::Repair)?;
    let (tenant, new) = read(&body)?;
    let since = operations.host.now();
    let pause = Pause { tenant, events: new.events, since, by, note: query::note(&new.note)?.to_owned() };
    let on = on_pause(pause.tenant.as_deref(), &pause.events);
    let deed = Deed { by: &pause.by, role: Access::Repair, what: "pause", on };
    operations.audited(deed, async { Ok(operations.store.pause(&pause).await?) }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a pause. What waited goes on by a job of the kind `release`, which begins by itself.
#[utoipa::path(delete, path = "/operations/v1/pauses", tag = "repair", request_body = NewPause,
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(crate) async fn resume<P: Ports>(
    State(operations): State<Shared<P>>,
    caller: Caller,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let by = operations.roles.admit(&caller, Access::Repair)?;
    let (tenant, pause) = read(&body)?;
    let on = on_pause(tenant.as_deref(), &pause.events);
    let deed = Deed { by: &by, role: Access::Repair, what: "resume", on };
    let resumed = async {
        let unknown = || Problem::unknown("unknown_pause", "Nothing is paused by this tenant and these events.");
        let is_meant = |own: &Pause| own.tenant == tenant && own.events == pause.events;
        if !operations.store.paused(operations.host.now()).await?.iter().any(is_meant) {
            return Err(unknown());
        }
        // First, so that nothing waits for ever if we die in between; it goes on for longer than a processor believes in the pause.
        let job = operations.new_job(Work::Release, RELEASED_A_SECOND, &by, query::note(&pause.note)?);
        operations.begin(&job).await?;
        let ended = operations.store.resume(tenant.as_deref(), &pause.events, operations.host.now()).await?;
        ended.then_some(()).ok_or_else(unknown)
    };
    operations.audited(deed, resumed).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn on_pause(tenant: Option<&str>, events: &str) -> Target {
    Target { tenant: tenant.map(str::to_owned), kind: "pause".into(), name: events.to_owned() }
}

fn read(body: &Bytes) -> Result<(Option<String>, NewPause), Problem> {
    let pause: NewPause = query::required_body(body)?;
    let is_pattern = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.' | '*');
    if pause.events.is_empty() || pause.events.len() > LONGEST_PATTERN || !pause.events.chars().all(is_pattern) {
        return Err(Problem::invalid("events", "A pattern such as sales_order.*, or * for everything."));
    }
    let tenant = pause.tenant.as_deref().map(query::tenant).transpose()?;
    Ok((tenant, pause))
}
