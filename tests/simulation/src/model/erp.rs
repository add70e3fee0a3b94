//! A model of Visma Net: entities that change, a dispatcher that sends notifications, lists, rate
//! limits, outages and the notification feedback. Also of Visma Connect: tokens for one tenant
//! each, which end and can be revoked.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::Entity;
use webhooks_model::collection::Collection;

/// Id and company number.
pub(crate) const TENANTS: [(&str, &str); 2] =
    [("5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a001", "1234567"), ("5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002", "7654321")];
pub(crate) const STATUSES: [&str; 3] = ["Hold", "Open", "Completed"];
/// After this many attempts the dispatcher gives up a delivery.
pub(crate) const MOST_TRIES: u32 = 8;
pub(crate) const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(40);
/// For some feedback. It is so long that the feedback waits in the ledger.
pub(crate) const LONG_RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(600);
pub(crate) const TOKEN_LIFETIME: Duration = Duration::hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    #[default]
    Fine,
    Outage,
    RateLimited,
    /// Whether the first tenant has withdrawn its approval.
    Forbidden,
    /// Whether Visma Connect gives no token for the first tenant.
    ConnectRefuses,
}

#[derive(Debug)]
pub(crate) struct Erp {
    pub(crate) mood: Mood,
    pub(crate) connect: Connect,
    pub(crate) records: Vec<Record>,
    pub(crate) deliveries: Vec<Delivery>,
    /// The expectation for each sent notification, by its sort key in the ledger.
    pub(crate) sent: BTreeMap<String, Sent>,
    /// Ids whose feedback was refused at some time.
    pub(crate) refused: BTreeSet<Uuid>,
}

/// An entity of a tenant.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) tenant: usize,
    pub(crate) entity: Entity,
    pub(crate) key: String,
    pub(crate) internal_id: usize,
    pub(crate) status: usize,
    /// `None` until it is changed for the first time.
    pub(crate) modified: Option<OffsetDateTime>,
    pub(crate) deleted: bool,
}

/// An HTTP request of the dispatcher, which is sent until it is accepted.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) is_signed: bool,
    pub(crate) tries: u32,
    /// When it is due; `None` while it is on its way, and after it is done.
    pub(crate) next_try: Option<OffsetDateTime>,
}

/// The expected result of a notification.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) nature: Nature,
    /// The ids under which Visma Net accepts feedback.
    pub(crate) id: Option<Uuid>,
    pub(crate) record: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Plain,
    /// Whether it says that the record was deleted.
    Deletion,
    Unparseable,
    Unmapped,
    /// Whether it identifies no record, or has an unusable path.
    Unidentified,
    /// Whether the business handler panics on it.
    Panics,
    NeedsPerson,
    /// Whether the business handler decides that it failed.
    Refused,
}

impl Erp {
    pub(crate) fn new() -> Self {
        let mut records = Vec::new();
        for tenant in 0..TENANTS.len() {
            for (entity, key) in [
                (Entity::SalesOrder, "SO/1"),
                (Entity::SalesOrder, "SO/2"),
                (Entity::Account, "1920"),
                (Entity::Customer, "10001"),
            ] {
                let internal_id = 70 + records.len();
                let key = key.to_owned();
                records.push(Record { tenant, entity, key, internal_id, status: 0, modified: None, deleted: false });
            }
        }
        Self {
            mood: Mood::Fine,
            connect: Connect::default(),
            records,
            deliveries: Vec::new(),
            sent: BTreeMap::new(),
            refused: BTreeSet::new(),
        }
    }

    pub(crate) fn find(&self, tenant: &str, entity: Entity, key: &str) -> Option<&Record> {
        let is_it = |record: &&Record| {
            TENANTS[record.tenant].0 == tenant && record.entity == entity && record.key == key && !record.deleted
        };
        self.records.iter().find(is_it)
    }

    /// A page of a list. It always has one row, so that each list takes several pages and changes
    /// in between.
    pub(crate) fn list(&self, tenant: &str, collection: Collection, since: OffsetDateTime, page: usize) -> String {
        let is_listed = |record: &&Record| {
            let is_new = record.modified.is_some_and(|at| at > since) && !record.deleted;
            is_new && TENANTS[record.tenant].0 == tenant && record.entity == collection.entity()
        };
        let mut listed: Vec<&Record> = self.records.iter().filter(is_listed).collect();
        listed.sort_by_key(|record| record.modified);
        let rows: Vec<Value> = listed.iter().map(|record| record.row()).collect();
        let one: Vec<&Value> = rows.iter().skip(page).take(1).collect();
        let answer = match collection {
            Collection::SalesOrder => {
                let next = (page + 1 < rows.len()).then_some("next");
                json!({"value": one, "nextPage": next, "totalCount": rows.len()})
            }
            Collection::Account => json!(rows),
            _ => json!(one),
        };
        answer.to_string()
    }

    pub(crate) fn next_try(&self) -> Option<OffsetDateTime> {
        self.deliveries.iter().filter_map(|delivery| delivery.next_try).min()
    }
}

impl Record {
    /// Sales orders have V3 of the API, with the status as an object.
    pub(crate) fn json(&self) -> String {
        let mut resource = self.row();
        if self.entity == Entity::SalesOrder {
            resource["status"] = json!({"description": STATUSES[self.status], "cancelled": false, "hold": false});
            resource["version"] = resource["lastModified"].clone();
        }
        resource.to_string()
    }

    /// The row in a list.
    fn row(&self) -> Value {
        let modified = self.modified.map(|at| at.format(&Rfc3339).expect("a time of this era"));
        let modified = modified.unwrap_or_else(|| "2020-01-01T00:00:00Z".into());
        let status = STATUSES[self.status];
        if let Some((order_type, order)) = self.key.split_once('/') {
            return json!({"type": order_type, "orderId": order, "status": status, "lastModified": modified});
        }
        json!({
            "accountID": self.internal_id, "internalId": self.internal_id, "accountCD": self.key, "number": self.key,
            "status": status, "lastModifiedDateTime": modified, "timeStamp": modified,
        })
    }

    /// The entity in a notification.
    pub(crate) fn uri(&self) -> String {
        let resource = match self.entity {
            Entity::SalesOrder => "salesorder",
            Entity::Account => "account",
            _ => "customer",
        };
        format!("api/v1/{resource}/{}", self.key)
    }
}

impl Delivery {
    /// The dispatcher's reaction to an answer: any 2xx or 4xx ends the delivery. Otherwise it tries
    /// again, with growing pauses.
    pub(crate) fn answered(&mut self, status: Option<u16>, now: OffsetDateTime) {
        let is_over = status.is_some_and(|status| (200..300).contains(&status) || (400..500).contains(&status));
        self.next_try = (!is_over && self.tries < MOST_TRIES).then(|| now + Duration::seconds(5 << self.tries.min(8)));
    }
}

#[derive(Debug, Default)]
pub(crate) struct Connect {
    tokens: BTreeMap<String, Issued>,
}

#[derive(Debug)]
struct Issued {
    tenant: String,
    ends_at: OffsetDateTime,
}

impl Connect {
    /// A new token. No two are the same.
    pub(crate) fn issue(&mut self, tenant: &str, now: OffsetDateTime) -> String {
        let token = format!("token-{}", self.tokens.len() + 1);
        let issued = Issued { tenant: tenant.to_owned(), ends_at: now + TOKEN_LIFETIME };
        self.tokens.insert(token.clone(), issued);
        token
    }

    /// The tenant of a token, also of one that has ended.
    pub(crate) fn holder(&self, token: &str) -> Option<&str> {
        self.tokens.get(token).map(|issued| issued.tenant.as_str())
    }

    pub(crate) fn is_valid(&self, token: &str, now: OffsetDateTime) -> bool {
        self.tokens.get(token).is_some_and(|issued| now < issued.ends_at)
    }

    /// Ends all tokens.
    pub(crate) fn revoke(&mut self, now: OffsetDateTime) {
        self.tokens.values_mut().for_each(|issued| issued.ends_at = now.min(issued.ends_at));
    }
}
