//! The table.

use crate::attributes::{Item, Update};
use crate::dynamo::Dynamo;
use crate::error::StoreError;
use crate::item::{Items, Write};
use aws_sdk_dynamodb::Client;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};

/// The one table. Cheap to clone where its items are.
#[derive(Debug, Clone)]
pub struct Table<I = Dynamo> {
    pub(crate) items: I,
    retention: Duration,
    audit_retention: Duration,
    /// Tenants that this process has marked: see `tenants.rs`.
    known: Arc<Mutex<HashSet<String>>>,
}

/// How long what operators did is kept, unless told.
const AUDIT_RETENTION: Duration = Duration::days(400);

impl Table {
    /// `retention` is how long after its last write an item is kept. It must outlast every
    /// repetition of a notification: the sender's retries and the dead-letter queue's 14 days.
    pub fn new(client: Client, name: String, retention: Duration) -> Self {
        Self::over(Dynamo::new(client, name), retention)
    }

    /// Opens the connection that the first read would otherwise wait for.
    ///
    /// # Errors
    /// DynamoDB did not answer.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.items.get("nothing", "nothing").await.map(drop)
    }
}

impl<I> Table<I> {
    /// The table, wherever its items are.
    pub fn over(items: I, retention: Duration) -> Self {
        Self { items, retention, audit_retention: AUDIT_RETENTION, known: Arc::default() }
    }

    /// How long what operators did is kept.
    #[must_use]
    pub fn with_audit_retention(self, audit_retention: Duration) -> Self {
        Self { audit_retention, ..self }
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, HashSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn audit_expires_at(&self, at: OffsetDateTime) -> i64 {
        (at + self.audit_retention).unix_timestamp()
    }

    /// Unix seconds, as TTL wants them.
    pub(crate) fn expires_at(&self, now: OffsetDateTime) -> i64 {
        (now + self.retention).unix_timestamp()
    }

    /// When an item expires that was written half of its retention ago.
    pub(crate) fn half_expires_at(&self, now: OffsetDateTime) -> i64 {
        (now + self.retention / 2_i32).unix_timestamp()
    }
}

impl<I: Items> Table<I> {
    pub(crate) async fn update(
        &self,
        pk: &str,
        sk: &str,
        update: Update,
        condition: Option<String>,
    ) -> Result<bool, StoreError> {
        Ok(self.items.update(write(pk, sk, update, condition)).await?.is_some())
    }

    /// The item as it was, with nothing in it if there was none; `None` when the condition did not
    /// hold.
    pub(crate) async fn replace(
        &self,
        pk: &str,
        sk: &str,
        update: Update,
        condition: Option<String>,
    ) -> Result<Option<Item>, StoreError> {
        self.items.update(Write { returns_old: true, ..write(pk, sk, update, condition) }).await
    }
}

fn write(pk: &str, sk: &str, update: Update, condition: Option<String>) -> Write {
    let expression = update.expression();
    let (names, values) = update.into_maps();
    Write { pk: pk.to_owned(), sk: sk.to_owned(), update: expression, condition, names, values, returns_old: false }
}
