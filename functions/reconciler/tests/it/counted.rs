//! Counts requests to the table.

use fixtures::{TestHost, TestTable};
use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use time::Duration;
use webhooks_store::{BatchPage, Dynamo, Item, Items, Query, QueryPage, StoreError, Upkeep, Write};

#[derive(Clone)]
pub(crate) struct Counted {
    items: Dynamo,
    requests: Arc<AtomicU64>,
    rows: Arc<AtomicU64>,
    /// How long it takes to begin the count of a tenant, on this clock.
    pace: Arc<OnceLock<(TestHost, Duration)>>,
}

/// Requests of any kind, and the items they read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) requests: u64,
    pub(crate) rows: u64,
}

impl Sub for Cost {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { requests: self.requests - other.requests, rows: self.rows - other.rows }
    }
}

impl Counted {
    pub(crate) fn new(table: &TestTable) -> Self {
        let items = Dynamo::new(table.client.clone(), "webhooks".into());
        Self { items, requests: Arc::default(), rows: Arc::default(), pace: Arc::default() }
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost { requests: self.requests.load(Ordering::Relaxed), rows: self.rows.load(Ordering::Relaxed) }
    }

    /// From now on, the count of each tenant begins this much later.
    pub(crate) fn slow_down(&self, host: &TestHost, by: Duration) {
        self.pace.set((host.clone(), by)).expect("a test sets it once");
    }

    fn count(&self, rows: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }
}

impl Items for Counted {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.count(0);
        self.items.update(write).await
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let item = self.items.get(pk, sk).await?;
        self.count(item.iter().len());
        if let Some((host, by)) = self.pace.get().filter(|_| pk.ends_with("#rollups#") && sk == "PLACE") {
            host.advance(*by);
        }
        Ok(item)
    }

    async fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> Result<BatchPage, StoreError> {
        let batch = self.items.get_batch(keys, attributes, consistent).await?;
        self.count(batch.items.len());
        Ok(batch)
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        let page = self.items.query_page(query).await?;
        self.count(page.items.len());
        Ok(page)
    }
}

impl Upkeep for Counted {
    async fn insert(&self, item: Item) -> Result<bool, StoreError> {
        self.count(0);
        self.items.insert(item).await
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        self.count(0);
        self.items.delete(pk, sk).await
    }

    async fn scan(
        &self,
        after: Option<Item>,
        most: i32,
        attributes: &[&str],
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let (items, next) = self.items.scan(after, most, attributes).await?;
        self.count(items.len());
        Ok((items, next))
    }
}
