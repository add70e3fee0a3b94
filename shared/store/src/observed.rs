//! Observed facts about Visma Net. There are few facts, so one partition has them all and one query
//! reads them. They belong to no tenant.
//!
//! The processor records a fact for each subscription that has ever delivered anything. One item
//! for all subscriptions records which ones are still expected to deliver.

use crate::attributes::{Item, Update, flag, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::sweeps::sweep_partition;
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::observed::delivers;
use webhooks_model::{Fact, OpenQuestion};

const PARTITION: &str = "observed";
/// The sort key of the item for all subscriptions.
const SUBSCRIPTIONS: &str = "SUBSCRIPTIONS";

/// A fact with its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub fact: Fact,
    /// Whether it agreed with the product's assumption when it was last seen.
    pub agrees: bool,
    /// Number of notifications behind it. Counts that a process had not written before it ended are
    /// missing.
    pub notifications: u64,
    pub first_seen: OffsetDateTime,
    pub last_seen: OffsetDateTime,
}

/// The deliveries of one subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deliveries {
    /// It has delivered. How long ago does not matter.
    Seen,
    /// It has delivered, but nothing is known to have come since this time: its last delivery, or
    /// the first look if that was no longer known. Written only if its quiet days are limited.
    Quiet {
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
    /// It has not delivered yet.
    Awaited {
        #[serde(with = "time::serde::rfc3339")]
        since: OffsetDateTime,
    },
}

/// Writes and reads facts. It is a trait, since tests replace it by one that counts or fails.
pub trait Observations: Send + Sync {
    /// Adds the notifications seen since the last write to a fact, and extends its expiry.
    fn observe(&self, seen: &Observation) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All facts, by question.
    fn observed(&self) -> impl Future<Output = Result<Vec<Observation>, StoreError>> + Send;
}

impl<I: Items> Observations for Table<I> {
    async fn observe(&self, seen: &Observation) -> Result<(), StoreError> {
        let Fact { question, subject, value } = &seen.fact;
        let update = Update::default()
            .set("question", string(question.as_str()))
            .set("subject", string(subject))
            .set("value", string(value))
            .set("agrees", AttributeValue::Bool(seen.agrees))
            .set_if_absent("first_seen", string(time_text(seen.first_seen)))
            .set("last_seen", string(time_text(seen.last_seen)))
            .set("expires_at", self.ttl(seen.last_seen))
            .add("notifications", number(seen.notifications));
        self.update(PARTITION, &sort_key(&seen.fact), update, None).await?;
        Ok(())
    }

    async fn observed(&self) -> Result<Vec<Observation>, StoreError> {
        let query = Query { key_condition: "pk = :pk", ..Query::default() };
        let items = self.items.query(query.value(":pk", string(PARTITION))).await?;
        Ok(items.iter().filter_map(read).collect())
    }
}

/// The operations of the reconciler on subscriptions.
impl<I: Items> Table<I> {
    /// The recorded state of each subscription, by id. Empty before the first run. An item that this
    /// version cannot read is an error, so that nobody writes an empty one over it.
    pub async fn subscriptions(&self) -> Result<BTreeMap<String, Deliveries>, StoreError> {
        let Some(item) = self.items.get(&sweep_partition(""), SUBSCRIPTIONS).await? else {
            return Ok(BTreeMap::new());
        };
        let all = text(&item, "subscriptions").and_then(|all| serde_json::from_str(all).ok());
        all.ok_or(StoreError::Newer("the subscriptions"))
    }

    /// Records the state of all subscriptions, without an expiry. So a subscription still counts as
    /// delivering after its fact has expired.
    pub async fn set_subscriptions(&self, all: &BTreeMap<String, Deliveries>) -> Result<(), StoreError> {
        let all = serde_json::to_string(all).expect("ids and times always serialise");
        let update = Update::default().set("subscriptions", string(all));
        self.update(&sweep_partition(""), SUBSCRIPTIONS, update, None).await?;
        Ok(())
    }

    /// Those of these subscriptions that have delivered, and when they last did, according to the
    /// processor. It writes that time at most once an hour.
    pub async fn delivering(&self, ids: &[&str]) -> Result<BTreeMap<String, OffsetDateTime>, StoreError> {
        let key = |id: &str| sort_key(&delivers(id).fact);
        let names = ids.iter().map(|id| (PARTITION.to_owned(), key(id))).collect();
        let items = self.items.get_many(names, &["pk", "sk", "last_seen"], false).await?;
        let mut noted: BTreeMap<String, OffsetDateTime> = BTreeMap::new();
        noted.extend(items.iter().filter_map(|item| Some((text(item, "sk")?.to_owned(), at(item, "last_seen")?))));
        let mut delivering = BTreeMap::new();
        delivering.extend(ids.iter().filter_map(|id| Some(((*id).to_owned(), *noted.get(&key(id))?))));
        Ok(delivering)
    }
}

/// A digest for the sort key, since a value may be longer than a key.
fn sort_key(fact: &Fact) -> String {
    format!("{}#{}", fact.question, fact.digest())
}

fn at(item: &Item, name: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok()
}

fn read(item: &Item) -> Option<Observation> {
    let fact = Fact {
        question: OpenQuestion::parse(text(item, "question")?)?,
        subject: text(item, "subject")?.to_owned(),
        value: text(item, "value")?.to_owned(),
    };
    Some(Observation {
        fact,
        agrees: flag(item, "agrees"),
        notifications: integer(item, "notifications")?.try_into().ok()?,
        first_seen: at(item, "first_seen")?,
        last_seen: at(item, "last_seen")?,
    })
}
