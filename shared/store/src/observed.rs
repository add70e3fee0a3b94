//! Observed facts about Visma Net. There are few facts, so one partition has them all and one query
//! reads them. They belong to no tenant.

use crate::attributes::{Item, Update, flag, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::{Fact, OpenQuestion};

pub(crate) const PARTITION: &str = "observed";

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

/// A digest for the sort key, since a value may be longer than a key.
pub(crate) fn sort_key(fact: &Fact) -> String {
    format!("{}#{}", fact.question, fact.digest())
}

fn read(item: &Item) -> Option<Observation> {
    let at = |name| OffsetDateTime::parse(text(item, name)?, &Rfc3339).ok();
    let fact = Fact {
        question: OpenQuestion::parse(text(item, "question")?)?,
        subject: text(item, "subject")?.to_owned(),
        value: text(item, "value")?.to_owned(),
    };
    Some(Observation {
        fact,
        agrees: flag(item, "agrees"),
        notifications: integer(item, "notifications")?.try_into().ok()?,
        first_seen: at("first_seen")?,
        last_seen: at("last_seen")?,
    })
}
