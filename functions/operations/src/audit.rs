//! The audit log: records every action of an operator, and lists the records.

use crate::access::Access;
use crate::body::Json;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, Cursor, Parameters, Range, list_of};
use crate::route::Asked;
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::LedgerKey;
use webhooks_model::audit::{AuditRecord, AuditResult, Target};
use webhooks_store::{Position, is_in_audit};

const USUAL_SPAN: Duration = Duration::days(30);
/// Records per read, and the most reads per request, when the list is filtered by tenant.
const SEARCHED: u8 = 100;
const READS: usize = 10;

/// An action that an operator is about to take.
pub(crate) struct Deed<'a> {
    pub(crate) by: &'a str,
    pub(crate) role: Access,
    pub(crate) what: &'static str,
    pub(crate) on: Target,
}

pub(crate) fn on_notification(key: &LedgerKey) -> Target {
    let tenant = Some(key.entity.tenant.clone());
    Target { tenant, kind: "notification".into(), name: key.notification.to_string() }
}

impl<P: Ports> Operations<P> {
    /// Records the action, does it, and records the result. If the action cannot be recorded, it is
    /// not done.
    pub(crate) async fn audited<T>(
        &self,
        deed: Deed<'_>,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let record = self.new_record(deed);
        self.store.note(&record).await?;
        let done = work.await;
        let code = done.as_ref().map_or_else(|problem| problem.code, |_| "done");
        self.note_result(&record, code).await;
        done
    }

    fn new_record(&self, deed: Deed<'_>) -> AuditRecord {
        AuditRecord {
            id: self.host.new_id(),
            at: self.host.now(),
            by: deed.by.to_owned(),
            role: deed.role.to_string(),
            deed: deed.what.to_owned(),
            on: deed.on,
            result: None,
        }
    }

    async fn note_result(&self, record: &AuditRecord, code: &str) {
        let result = AuditResult { at: self.host.now(), code: code.to_owned() };
        if let Err(error) = self.store.note_result(record, &result).await {
            // The record of the action stays without a result.
            tracing::error!(audit = %record.id, "the result of an action could not be recorded: {error}");
        }
        let tenant = &record.on.tenant;
        // Only the record says who did it: the name of a session of IAM may be an e-mail address.
        tracing::info!(deed = record.deed, tenant, result = code, audit = %record.id, "audited");
    }
}

/// Lists the actions of operators, newest first.
#[utoipa::path(get, path = "/operations/v1/audit", tag = "read", params(
    ("tenant" = Option<String>, Query, pattern = "^[A-Za-z0-9_-]{1,64}$"),
    ("from" = Option<String>, Query, format = DateTime, description = "30 days before `to` by default"),
    ("to" = Option<String>, Query, format = DateTime, description = "now by default"),
    ("limit" = Option<u8>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query, max_length = 2048)),
    responses((status = 200, body = AuditItems), Problem))]
pub(crate) async fn list<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<AuditItems>, Problem> {
    let parameters = Parameters::new(asked.query, &["tenant", "from", "to", "limit", "cursor"])?;
    let tenant = parameters.get("tenant").map(query::tenant).transpose()?;
    let range = Range::read(&parameters)?;
    let list = list_of(("audit", &tenant, range));
    let cursor = Cursor::read(list, parameters.get("cursor"))?;
    let (from, to) = range.of_page(cursor.as_ref(), operations.host.now(), USUAL_SPAN, None)?;
    let after = cursor.map(|cursor| cursor.after);
    if after.as_ref().is_some_and(|place| !is_in_audit(place, from, to)) {
        return Err(Problem::unknown_cursor());
    }
    let (records, next) =
        operations.audited_of(tenant.as_deref(), (from, to), after, parameters.limit()?.into()).await?;
    let items = records.into_iter().map(AuditItem::from).collect();
    Ok(Json(AuditItems { items, next: next.map(|next| Cursor::write(list, Some(from), next)) }))
}

impl<P: Ports> Operations<P> {
    /// The next `most` records, of a tenant or of all, and the position of the following ones.
    async fn audited_of(
        &self,
        tenant: Option<&str>,
        (from, to): (OffsetDateTime, OffsetDateTime),
        mut after: Option<Position>,
        most: usize,
    ) -> Result<(Vec<AuditRecord>, Option<Position>), Problem> {
        let mut found = vec![];
        for _ in 0..READS {
            let page = self.store.audited(from, to, after.as_ref(), SEARCHED).await?;
            let fits = |record: &AuditRecord| tenant.is_none_or(|own| record.on.tenant.as_deref() == Some(own));
            let (place, many) = (page.next, page.records.len());
            for (at, record) in page.records.into_iter().enumerate() {
                let position = webhooks_store::place_in_audit(&record);
                let is_last = place.is_none() && at + 1 == many;
                if fits(&record) {
                    found.push(record);
                }
                if found.len() == most && !is_last {
                    return Ok((found, Some(position)));
                }
            }
            after = place;
            if after.is_none() {
                break;
            }
        }
        Ok((found, after))
    }
}

/// One action of an operator.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditItem {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The operator, as named by the authoriser; `reconciler` if a pause ended by itself.
    by: String,
    /// The role that the action requires.
    role: String,
    /// replay, hold, release, resend_feedback, outcome, acknowledge, unacknowledge, pause, resume,
    /// begin_job, cancel_job, resume_job, redrive, erase, end_erasure or read_raw.
    deed: String,
    /// Absent if the action concerns no tenant or all tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// notification, pause, job, dead_letters or tenant.
    kind: String,
    /// The notification's key, the pause's pattern, the job's id, the queue or the tenant.
    name: String,
    /// done, or the code of the problem that was returned. Absent while the action runs, and if its
    /// result could not be recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditItems {
    pub(crate) items: Vec<AuditItem>,
    /// The cursor of the next page. Absent at the end of the list. A page may be short or empty
    /// although the list continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl From<AuditRecord> for AuditItem {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { id, at, by, role, deed, on, result } = record;
        Self {
            id,
            at,
            by,
            role,
            deed,
            tenant: on.tenant,
            kind: on.kind,
            name: on.name,
            result: result.map(|result| result.code),
        }
    }
}
