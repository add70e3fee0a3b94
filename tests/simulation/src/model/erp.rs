//! Visma Net: entities that change, a dispatcher that tells of it, lists, rate limits, outages and the notification feedback.

use serde_json::json;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::collection::{Collection, Listed, Page};
use webhooks_model::{Entity, Ticks};

/// Id and company number.
pub(crate) const TENANTS: [(&str, &str); 2] =
    [("5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a001", "1234567"), ("5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002", "7654321")];
pub(crate) const STATUSES: [&str; 3] = ["Hold", "Open", "Completed"];
/// After so many tries the dispatcher gives a delivery up.
pub(crate) const MOST_TRIES: u32 = 8;
pub(crate) const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(40);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mood {
    #[default]
    Fine,
    Outage,
    RateLimited,
    /// The first tenant has taken back its approval.
    Forbidden,
}

#[derive(Debug)]
pub(crate) struct Erp {
    pub(crate) mood: Mood,
    pub(crate) records: Vec<Record>,
    pub(crate) deliveries: Vec<Delivery>,
    /// What each sent notification is, by its sort key in the ledger.
    pub(crate) sent: BTreeMap<String, Sent>,
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

/// An HTTP request of the dispatcher, sent until it is taken.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) is_signed: bool,
    pub(crate) tries: u32,
    /// `None` while it is on its way, and when it is over.
    pub(crate) next_try: Option<OffsetDateTime>,
}

/// What is expected of a notification.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) nature: Nature,
    /// The ids under which Visma Net takes feedback.
    pub(crate) id: Option<Uuid>,
    pub(crate) record: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Plain,
    /// Says that the record is no more.
    Deletion,
    Unparseable,
    Unmapped,
    /// Nothing in it says which record it is about, or its path cannot be used.
    Unidentified,
    /// The business handler panics over it.
    Panics,
    NeedsPerson,
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
        Self { mood: Mood::Fine, records, deliveries: Vec::new(), sent: BTreeMap::new() }
    }

    pub(crate) fn find(&self, tenant: &str, entity: Entity, key: &str) -> Option<&Record> {
        let is_it = |record: &&Record| {
            TENANTS[record.tenant].0 == tenant && record.entity == entity && record.key == key && !record.deleted
        };
        self.records.iter().find(is_it)
    }

    pub(crate) fn list(&self, tenant: &str, collection: Collection, since: OffsetDateTime) -> Page {
        let listed = |record: &Record| {
            let modified = record.modified.filter(|at| *at > since && !record.deleted)?;
            let is_listed = TENANTS[record.tenant].0 == tenant && record.entity == collection.entity();
            is_listed.then(|| Listed { key: record.key.clone(), modified: Ticks::from_datetime(modified).into() })
        };
        let resources: Vec<Listed> = self.records.iter().filter_map(listed).collect();
        Page { length: resources.len(), total: Some(resources.len()), resources }
    }

    pub(crate) fn next_try(&self) -> Option<OffsetDateTime> {
        self.deliveries.iter().filter_map(|delivery| delivery.next_try).min()
    }
}

impl Record {
    pub(crate) fn json(&self) -> String {
        let modified = self.modified.map(|at| at.format(&Rfc3339).expect("a time of this era"));
        json!({
            "accountID": self.internal_id, "internalId": self.internal_id, "status": STATUSES[self.status],
            "lastModifiedDateTime": modified.unwrap_or_else(|| "2020-01-01T00:00:00Z".into()),
        })
        .to_string()
    }

    /// As notifications name it.
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
    /// What an answer means to the dispatcher: any 2xx is the end, and so is a 4xx; else it tries again, ever later.
    pub(crate) fn answered(&mut self, status: Option<u16>, now: OffsetDateTime) {
        let is_over = status.is_some_and(|status| (200..300).contains(&status) || (400..500).contains(&status));
        self.next_try = (!is_over && self.tries < MOST_TRIES).then(|| now + Duration::seconds(5 << self.tries.min(8)));
    }
}
