//! What was seen of Visma Net's side. There are few facts, so one partition holds them all and one
//! query reads them. They are about no tenant.

use crate::attributes::{Item, Update, flag, integer, number, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::table::Table;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::{Fact, OpenQuestion};

pub(crate) const PARTITION: &str = "observed";

/// A fact as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub fact: Fact,
    /// Whether it is what the product assumed when it was last seen.
    pub agrees: bool,
    /// How many notifications it rests on. Some that a function had not yet written down when it
    /// ended are missing.
    pub notifications: u64,
    pub first_seen: OffsetDateTime,
    pub last_seen: OffsetDateTime,
}

/// Writing facts down, and reading them.
pub trait Observations: Send + Sync {
    /// Adds to what is known of a fact: the notifications that were seen since the last time. Its
    /// time of expiry moves on.
    fn observe(&self, seen: &Observation) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Every fact, by question.
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

/// A value may be longer than a key.
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
