//! A table that fails after a number of requests, as if the process had died.

use crate::support::Fixture;
use std::sync::atomic::{AtomicUsize, Ordering};
use webhooks_store::{BatchPage, Dynamo, Item, Items, Query, QueryPage, StoreError, Write};

pub(crate) struct Mortal {
    items: Dynamo,
    left: AtomicUsize,
}

impl Mortal {
    pub(crate) fn after(requests: usize, fixture: &Fixture) -> Self {
        Self { items: Dynamo::new(fixture.client.clone(), fixture.name.clone()), left: AtomicUsize::new(requests) }
    }

    fn live(&self) -> Result<(), StoreError> {
        let less = |left: usize| left.checked_sub(1);
        let is_alive = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if is_alive { Ok(()) } else { Err(StoreError::Unavailable("dead".into())) }
    }
}

impl Items for Mortal {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.live()?;
        self.items.update(write).await
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        self.live()?;
        self.items.get(pk, sk).await
    }

    async fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> Result<BatchPage, StoreError> {
        self.live()?;
        self.items.get_batch(keys, attributes, consistent).await
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        self.live()?;
        self.items.query_page(query).await
    }
}
