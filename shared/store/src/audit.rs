//! The audit log. Records are added and read, never changed: the functions' roles allow neither
//! updates nor deletions in this partition.

use crate::attributes::{Item, number, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Query, Upkeep};
use crate::records::Position;
use crate::table::Table;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;
use webhooks_model::audit::{AuditRecord, AuditResult, Target};

/// Operators do few things, so one partition has all records. The template's roles name it.
const PARTITION: &str = "audit";
const RESULT: &str = "#result";
/// An action and its result are one item each. One action more than requested is read, to know
/// whether the list continues.
const ITEMS_PER_RECORD: i32 = 2;

/// A part of the list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditPage {
    pub records: Vec<AuditRecord>,
    pub next: Option<Position>,
}

impl<I: Upkeep> Table<I> {
    /// Records an action before it is done. `false` if the record exists already.
    pub async fn note(&self, record: &AuditRecord) -> Result<bool, StoreError> {
        let AuditRecord { id, at, by, role, deed, on, .. } = record;
        let fields = [
            ("pk", string(PARTITION)),
            ("sk", string(sort_key(record))),
            ("id", string(id.to_string())),
            ("at", string(time_text(*at))),
            ("by", string(by)),
            ("role", string(role)),
            ("deed", string(deed)),
            ("kind", string(&on.kind)),
            ("name", string(&on.name)),
            ("expires_at", number(self.audit_expires_at(*at))),
        ];
        self.items.insert(item(fields, on.tenant.as_deref())).await
    }

    /// Records the result of an action. `false` if the result exists already.
    pub async fn note_result(&self, record: &AuditRecord, result: &AuditResult) -> Result<bool, StoreError> {
        let fields = [
            ("pk", string(PARTITION)),
            ("sk", string(format!("{}{RESULT}", sort_key(record)))),
            ("at", string(time_text(result.at))),
            ("code", string(&result.code)),
            ("expires_at", number(self.audit_expires_at(record.at))),
        ];
        self.items.insert(item(fields, None)).await
    }

    /// The actions in `from..to`.
    pub async fn audited(
        &self,
        from: OffsetDateTime,
        to: OffsetDateTime,
        after: Option<&Position>,
        most: u8,
    ) -> Result<AuditPage, StoreError> {
        let begin = |place: &Position| {
            [("pk", &place.pk), ("sk", &place.sk)].map(|(name, text)| (name.to_owned(), string(text))).into()
        };
        let limit = (i32::from(most) + 1) * ITEMS_PER_RECORD;
        // A time without a key sorts before every key with that time.
        let query = Query {
            key_condition: "pk = :pk AND sk BETWEEN :from AND :to",
            newest_first: true,
            limit: Some(limit),
            after: after.map(begin),
            ..Query::default()
        };
        let query = query.value(":pk", string(PARTITION)).value(":from", string(time_text(from)));
        let items = self.items.query(query.value(":to", string(time_text(to)))).await?;
        let mut records = paired(&items);
        let more = records.len() > usize::from(most);
        records.truncate(most.into());
        let next = records.last().filter(|_| more).map(place_in_audit);
        Ok(AuditPage { records, next })
    }
}

/// The position of a record in the list.
#[must_use]
pub fn place_in_audit(record: &AuditRecord) -> Position {
    Position { at: time_text(record.at), pk: PARTITION.to_owned(), sk: sort_key(record) }
}

/// Whether the list of `from..to` can have this position. DynamoDB refuses any other.
#[must_use]
pub fn is_in_audit(place: &Position, from: OffsetDateTime, to: OffsetDateTime) -> bool {
    place.pk == PARTITION && (time_text(from)..=time_text(to)).contains(&place.sk)
}

/// Joins actions and results. In this order, newest first, a result comes just before its action.
fn paired(items: &[Item]) -> Vec<AuditRecord> {
    let mut result: Option<(&str, AuditResult)> = None;
    let mut records = vec![];
    for item in items {
        let Some(key) = text(item, "sk") else { continue };
        if let Some(of) = key.strip_suffix(RESULT) {
            result = read_result(item).map(|read| (of, read));
        } else {
            let own = result.take().filter(|(of, _)| *of == key).map(|(_, result)| result);
            records.extend(read(item, own));
        }
    }
    records
}

fn sort_key(record: &AuditRecord) -> String {
    format!("{}#{}", time_text(record.at), record.id)
}

fn item<const N: usize>(fields: [(&str, aws_sdk_dynamodb::types::AttributeValue); N], tenant: Option<&str>) -> Item {
    let tenant = tenant.map(|tenant| ("tenant", string(tenant)));
    fields.into_iter().chain(tenant).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn time_of(item: &Item) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text(item, "at")?, &Rfc3339).ok()
}

fn read_result(item: &Item) -> Option<AuditResult> {
    Some(AuditResult { at: time_of(item)?, code: text(item, "code")?.to_owned() })
}

fn read(item: &Item, result: Option<AuditResult>) -> Option<AuditRecord> {
    let owned = |name| text(item, name).map(str::to_owned);
    Some(AuditRecord {
        id: Uuid::try_parse(text(item, "id")?).ok()?,
        at: time_of(item)?,
        by: owned("by")?,
        role: owned("role")?,
        deed: owned("deed")?,
        on: Target { tenant: owned("tenant"), kind: owned("kind")?, name: owned("name")? },
        result,
    })
}
