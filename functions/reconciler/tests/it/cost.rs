//! The cost of a run, by number of changes and of existing rows, and the table that counts its
//! requests.

use crate::world::World;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use fixtures::{TENANT, TestHost, TestTable};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use std::ops::{Range, Sub};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use time::Duration;
use webhooks_model::collection::Collection;
use webhooks_model::{Origin, Revision};
use webhooks_store::{BatchPage, Dynamo, Item, Items, Query, QueryPage, StoreError, Upkeep, Write};

const CUSTOMER: Collection = Collection::Customer;

/// Counts requests to the table.
#[derive(Clone)]
pub(crate) struct Counted {
    items: Dynamo,
    requests: Arc<AtomicU64>,
    rows: Arc<AtomicU64>,
    /// How long it takes to begin the count of a tenant, and to note its silence, on this clock.
    pace: Arc<OnceLock<(TestHost, Duration)>>,
    /// How long a read of several items takes on this clock.
    reads: Arc<OnceLock<(TestHost, Duration)>>,
    /// The pages of the feed of [`TENANT`] that are still to be filled.
    full_pages: Arc<Mutex<Range<u32>>>,
    /// Whether no sum of an hour can be written.
    refuses_sums: Arc<AtomicBool>,
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
        Self {
            items,
            requests: Arc::default(),
            rows: Arc::default(),
            pace: Arc::default(),
            reads: Arc::default(),
            full_pages: Arc::default(),
            refuses_sums: Arc::default(),
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost { requests: self.requests.load(Ordering::Relaxed), rows: self.rows.load(Ordering::Relaxed) }
    }

    /// From now on, the count of each tenant begins this much later, and its silence is noted this
    /// much later.
    pub(crate) fn slow_down(&self, host: &TestHost, by: Duration) {
        self.pace.set((host.clone(), by)).expect("a test sets it once");
    }

    /// From now on, each read of several items takes this long.
    pub(crate) fn slow_reads(&self, host: &TestHost, by: Duration) {
        self.reads.set((host.clone(), by)).expect("a test sets it once");
    }

    /// The next pages of the feed of [`TENANT`] are full: its next notification has come again and
    /// again, a thousand times a second from the beginning of its hour on.
    pub(crate) fn fill_pages(&self, many: u32) {
        *self.full_pages.lock().unwrap() = 0..many;
    }

    pub(crate) fn refuse_sums(&self, refuses: bool) {
        self.refuses_sums.store(refuses, Ordering::Relaxed);
    }

    fn fill_up(&self, query: &Query, page: &mut QueryPage) {
        let is_own = |day: &AttributeValue| day.as_s().is_ok_and(|day| day.starts_with(TENANT));
        let is_of_feed = query.index == Some("feed") && query.limit == Some(100);
        let Some(first) = page.items.first().cloned() else { return };
        if !is_of_feed || !query.values.get(":day").is_some_and(is_own) {
            return;
        }
        let Some(number) = self.full_pages.lock().unwrap().next() else { return };
        let hour = &first["feed_at"].as_s().unwrap()[.."2026-11-23T12:".len()];
        let copy = |milliseconds: u32| {
            let at = format!("{hour}00:{:02}.{:03}Z", milliseconds / 1000, milliseconds % 1000);
            let mut item = first.clone();
            item.insert("feed_at".into(), AttributeValue::S(at));
            item
        };
        let items = (number * 100..(number + 1) * 100).map(copy).collect();
        *page = QueryPage { items, scanned: 100, last_evaluated: None };
    }

    fn count(&self, rows: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }
}

impl Items for Counted {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.count(0);
        if self.refuses_sums.load(Ordering::Relaxed) && write.pk == "#rollups#" && write.sk.starts_with("HOUR#") {
            return Err(StoreError::Unavailable("timeout".into()));
        }
        if let Some((host, by)) = self.pace.get().filter(|_| write.sk == "SILENCE") {
            host.advance(*by);
        }
        self.items.update(write).await
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let item = self.items.get(pk, sk).await?;
        self.count(item.iter().len());
        if let Some((host, by)) =
            self.pace.get().filter(|_| pk.ends_with("#rollups#") && pk != "#rollups#" && sk == "PLACE")
        {
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
        if let Some((host, by)) = self.reads.get() {
            host.advance(*by);
        }
        Ok(batch)
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        let mut page = self.items.query_page(query).await?;
        self.fill_up(query, &mut page);
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

/// A company with `existing` customers, each with its head and an old notification. Nothing is
/// missing.
async fn world(existing: usize) -> World {
    let world = World::new(json!({"collections": ["customer"], "max_calls": 1000, "max_gaps": 100_000})).await;
    let keys = keys("old", existing);
    world.change_all(CUSTOMER, &keys, 0);
    fill(&world, &keys).await;
    world.host.advance(Duration::days(30));
    world.run().await;
    world.host.advance(Duration::minutes(10));
    world
}

fn keys(prefix: &str, many: usize) -> Vec<String> {
    (0..many).map(|n| format!("{prefix}{n}")).collect()
}

/// Fills in heads and notifications in the store's form, copied from one that it wrote.
pub(crate) async fn fill(world: &World, keys: &[String]) {
    fill_as(world, keys, Revision::default()).await;
}

/// The same, each with this revision.
pub(crate) async fn fill_as(world: &World, keys: &[String], revision: Revision) {
    let Some(first) = keys.first() else { return };
    world.process_as(&world.accepted(TENANT, first, Origin::Webhook), revision).await;
    let partition = format!("{TENANT}#customer#{first}");
    let of_first = world.table.client.query().table_name("webhooks").key_condition_expression("pk = :pk");
    let of_first = of_first.expression_attribute_values(":pk", AttributeValue::S(partition.clone()));
    let items = of_first.send().await.unwrap().items.unwrap();
    assert_eq!(items.len(), 2, "a head and a notification");
    let copy = |item: &Item, key: &str| {
        let mut item = item.clone();
        item.insert("pk".into(), AttributeValue::S(format!("{TENANT}#customer#{key}")));
        WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().unwrap()).build()
    };
    let copies: Vec<WriteRequest> =
        keys[1..].iter().flat_map(|key| items.iter().map(move |item| copy(item, key))).collect();
    let written = copies.chunks(25).map(|some| {
        let request = world.table.client.batch_write_item().request_items("webhooks", some.to_vec());
        async move { request.send().await.map(drop) }
    });
    stream::iter(written).buffer_unordered(8).try_collect::<()>().await.unwrap();
}

/// The cost at the table and the calls to the ERP of a run after `changed` customers changed and
/// their webhooks arrived.
async fn cost(existing: usize, changed: usize) -> (Cost, u32) {
    let world = world(existing).await;
    let keys = keys("new", changed);
    world.change_all(CUSTOMER, &keys, 6);
    fill(&world, &keys).await;
    let (report, cost) = world.run_counted().await;
    assert!(report.gaps_found.is_empty() && report.unfinished == 0, "{report:?}");
    (cost, report.calls)
}

#[tokio::test]
async fn ten_times_as_many_existing_rows_cost_no_more() {
    assert_eq!(cost(50, 20).await, cost(500, 20).await);
}

#[tokio::test]
async fn reads_each_change_once() {
    let (few, calls) = cost(50, 50).await;
    let (many, more_calls) = cost(50, 450).await;
    assert_eq!(
        (many.rows - few.rows, more_calls - calls),
        (400, 5),
        "each by its head; almost 100 to a page of the ERP"
    );
    assert_eq!(many.requests - few.requests, 10, "a read and a watermark for each page");
}

/// Prints the cost of a sweep by number of existing rows and of changes:
/// `cargo xtask test -- --run-ignored only --no-capture the_curve`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn the_curve() {
    let print = |existing: usize, changed: usize, (cost, calls): (Cost, u32)| {
        println!("| {existing} | {changed} | {calls} | {} | {} |", cost.requests, cost.rows);
    };
    println!("| exist | changed | calls to the ERP | requests to the table | items read |\n|---|---|---|---|---|");
    for existing in [100, 1_000, 10_000, 100_000] {
        print(existing, 100, cost(existing, 100).await);
    }
    for changed in [0, 10, 100, 1_000, 10_000] {
        print(1_000, changed, cost(1_000, changed).await);
    }
}
