//! The model of the table without faults, for the comparison with another DynamoDB.

use super::table::TableModel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use webhooks_store::{BatchPage, Item, Items, Query, QueryPage, StoreError, Write};

/// Items for a [`webhooks_store::Table`].
#[derive(Debug, Default)]
pub struct ModelItems(Mutex<TableModel>);

impl ModelItems {
    /// All items, by partition key and sort key.
    pub fn all(&self) -> Vec<Item> {
        self.model().items().cloned().collect()
    }

    fn model(&self) -> MutexGuard<'_, TableModel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Items for &ModelItems {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        Ok(self.model().write(&write)?.map(|written| written.old(&write)))
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        Ok(self.model().get(pk, sk).cloned())
    }

    async fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        _: bool,
    ) -> Result<BatchPage, StoreError> {
        Ok(BatchPage { items: self.model().get_many(&keys, attributes, false), unprocessed: vec![] })
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        Ok(self.model().query(query, false, None))
    }
}
