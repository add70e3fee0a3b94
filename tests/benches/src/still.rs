//! Fakes that succeed at once and keep nothing, so that only the functions' own work is measured.

use fixtures::TestHost;
use processor::Acknowledge;
use std::time::Duration;
use webhooks_model::{Clock, Resource, ResourcePath};
use webhooks_queue::{BatchSender, BatchingSender, Message, Pacer, QueueError, QueuedMessage, Sender};
use webhooks_settings::{LoadError, Source, Visma as VismaSettings};
use webhooks_store::{BatchPage, Item, Items, Query, QueryPage, StoreError, Write};
use webhooks_visma::{Feedback, Fetched, Quota, Quotas, Visma, VismaError};

/// A queue that takes everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct StillQueue;

impl Sender for StillQueue {
    async fn send(&self, message: Message<'_>) -> Result<(), QueueError> {
        drop(std::hint::black_box(message));
        Ok(())
    }
}

impl BatchSender for StillQueue {
    async fn send_all(&self, messages: Vec<QueuedMessage>) -> Vec<Result<(), QueueError>> {
        std::hint::black_box(messages).into_iter().map(|_| Ok(())).collect()
    }
}

impl Pacer for StillQueue {
    async fn hide(&self, _: &str, _: Duration) -> Result<(), QueueError> {
        Ok(())
    }
}

/// A table in which every read finds nothing and every condition holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct StillItems;

impl Items for StillItems {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        drop(std::hint::black_box(write));
        Ok(Some(Item::new()))
    }

    async fn get(&self, _: &str, _: &str) -> Result<Option<Item>, StoreError> {
        Ok(None)
    }

    async fn get_batch(&self, _: Vec<(String, String)>, _: &[&str], _: bool) -> Result<BatchPage, StoreError> {
        Ok(BatchPage::default())
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        let _ = std::hint::black_box(query);
        Ok(QueryPage::default())
    }
}

/// An ERP that answers every resource with this JSON.
#[derive(Debug, Clone)]
pub struct StillErp(pub String);

impl Visma for StillErp {
    async fn fetch(&self, visma: &VismaSettings, _: &str, path: &ResourcePath) -> Result<Fetched, VismaError> {
        let clock = Clock::new(visma.zone(path.api()), TestHost::START);
        Ok(Resource::parse(&self.0, &clock).map_or(Fetched::Gone, Fetched::Found))
    }

    async fn send_feedback(&self, _: &VismaSettings, _: &str, _: &Feedback<'_>) -> Result<(), VismaError> {
        Ok(())
    }
}

impl Quotas for StillErp {
    fn quota_left(&self, _: &str) -> Option<Quota> {
        None
    }
}

/// A settings document that never changes.
#[derive(Debug, Clone)]
pub struct StillSource(pub String);

impl Source for StillSource {
    async fn load(&self) -> Result<String, LoadError> {
        Ok(self.0.clone())
    }
}

/// The processor's ports with these fakes.
pub struct Still;

impl processor::Ports for Still {
    type Source = StillSource;
    type Items = StillItems;
    type Visma = StillErp;
    type Queue = BatchingSender<StillQueue>;
    type Pacer = StillQueue;
    type Handler = Acknowledge;
    type Host = TestHost;
}
