//! The table.

use crate::attributes::{Item, Update};
use crate::dynamo::Dynamo;
use crate::error::StoreError;
use crate::history::shortened;
use crate::item::{Items, Write};
use aws_sdk_dynamodb::Client;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};

/// The table. It is cheap to clone if its items are.
#[derive(Debug, Clone)]
pub struct Table<I = Dynamo> {
    pub(crate) items: I,
    pub(crate) retention: Duration,
    audit_retention: Duration,
    /// Tenants that this process has marked as known: see `tenants.rs`.
    known: Arc<Mutex<HashSet<String>>>,
}

/// The default retention of audit records.
const AUDIT_RETENTION: Duration = Duration::days(400);

/// How often an item may change between a read and the write that depends on it.
const MOST_CHANGES: u8 = 5;

impl Table {
    /// `retention` is how long an item is kept after its last write. It must be longer than any
    /// repetition of a notification: the sender's retries and the dead-letter queue's 14 days.
    pub fn new(client: Client, name: String, retention: Duration) -> Self {
        Self::over(Dynamo::new(client, name), retention)
    }

    /// Opens the connection, so that the first read does not wait for it.
    ///
    /// # Errors
    /// DynamoDB failed.
    pub async fn connect(&self) -> Result<(), StoreError> {
        self.items.get("nothing", "nothing").await.map(drop)
    }
}

impl<I> Table<I> {
    /// A table with these items: DynamoDB's, or those of a fake.
    pub fn over(items: I, retention: Duration) -> Self {
        Self { items, retention, audit_retention: AUDIT_RETENTION, known: Arc::default() }
    }

    /// Sets the retention of audit records.
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

    /// Unix seconds, as TTL requires.
    pub(crate) fn expires_at(&self, now: OffsetDateTime) -> i64 {
        (now + self.retention).unix_timestamp()
    }

    /// The expiry of an item that was written half of its retention ago.
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
        Ok(self.apply(pk, sk, update, condition, false).await?.is_some())
    }

    /// The item before the update, which is empty if there was none. `None` if the condition did
    /// not hold.
    pub(crate) async fn replace(
        &self,
        pk: &str,
        sk: &str,
        update: Update,
        condition: Option<String>,
    ) -> Result<Option<Item>, StoreError> {
        self.apply(pk, sk, update, condition, true).await
    }

    /// Writes the change. A record with an expiry gets a new full retention. A record that is held,
    /// paused or waits has no expiry, and gets none.
    pub(crate) async fn update_and_keep(
        &self,
        (pk, sk): (&str, &str),
        now: OffsetDateTime,
        change: impl Fn() -> (Update, String) + Send + Sync,
    ) -> Result<bool, StoreError> {
        // The expiry may come or go in between.
        for is_kept in [false, true, false] {
            let (update, condition) = change();
            let (update, own) = self.keeping(update, now, is_kept);
            if self.update(pk, sk, update, Some(format!("{condition} AND {own}"))).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A change of a record that is kept without an expiry, or of one that gets a new one, with the
    /// condition that it is such a record.
    pub(crate) fn keeping(&self, update: Update, now: OffsetDateTime, is_kept: bool) -> (Update, String) {
        let (mut update, expiry) = match is_kept {
            true => (update, "attribute_not_exists"),
            false => (update.set("expires_at", self.ttl(now)), "attribute_exists"),
        };
        let condition = format!("{expiry}({})", update.name("expires_at"));
        (update, condition)
    }

    /// Writes the case that is likely. If its condition does not hold, reads the item and writes the
    /// case that it is. `false` if it is none of them.
    ///
    /// # Errors
    /// DynamoDB failed, or others change the item again and again.
    pub(crate) async fn write_case<C>(
        &self,
        (pk, sk): (&str, &str),
        likely: C,
        write: impl Fn(C) -> (Update, String),
        case_of: impl Fn(&Item) -> Option<C>,
    ) -> Result<bool, StoreError> {
        let mut case = likely;
        for _ in 0..MOST_CHANGES {
            let (update, condition) = write(case);
            if self.update(pk, sk, update, Some(condition)).await? {
                return Ok(true);
            }
            let item = self.items.get(pk, sk).await?.unwrap_or_default();
            let Some(found) = case_of(&item) else { return Ok(false) };
            case = found;
        }
        Err(StoreError::Unavailable("others change the item all the time".into()))
    }

    /// Applies the update, and shortens the lists that it made too long.
    async fn apply(
        &self,
        pk: &str,
        sk: &str,
        mut update: Update,
        condition: Option<String>,
        is_old_wanted: bool,
    ) -> Result<Option<Item>, StoreError> {
        let added = update.take_added();
        let returns_old = is_old_wanted || !added.is_empty();
        let before = self.items.update(Write { returns_old, ..write(pk, sk, update, condition) }).await?;
        let shorter = before.as_ref().map(|before| shortened(before, added)).unwrap_or_default();
        for (update, condition) in shorter {
            self.items.update(write(pk, sk, update, Some(condition))).await?;
        }
        Ok(before)
    }
}

fn write(pk: &str, sk: &str, update: Update, condition: Option<String>) -> Write {
    let expression = update.expression();
    let (names, values) = update.into_maps();
    Write { pk: pk.to_owned(), sk: sk.to_owned(), update: expression, condition, names, values, returns_old: false }
}
