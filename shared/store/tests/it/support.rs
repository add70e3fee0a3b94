use fixtures::{TestHost, head_change, headers, meta, notification_of};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::delivery::Meta;
use webhooks_model::{EntityId, HeadChange, Notification, Ticks, Versions};
use webhooks_store::{BatchPage, Dynamo, Item, Items, Query, QueryPage, StoreError, Table, Write};

pub(crate) use fixtures::{TENANT, TestTable as Fixture};
pub(crate) const NOW: OffsetDateTime = TestHost::START;

/// A notification of `body`, received under `header_id`.
pub(crate) fn notification(body: &str, header_id: u128) -> Notification {
    let id = Uuid::from_u128(header_id).to_string();
    let headers = headers([("x-vwd-tenant-id", TENANT.to_owned()), ("x-vwd-notification-id", id)]);
    notification_of(Meta { headers, ..meta(NOW) }, body)
}

pub(crate) fn order(header_id: u128) -> Notification {
    notification(r#"{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"1"}"#, header_id)
}

pub(crate) fn at(seconds: i64) -> Option<Ticks> {
    Ticks::from_epoch(1_700_000_000 + seconds)
}

/// A change of sales order SO/1 with a body time of `seconds`.
pub(crate) fn change(id: u128, seconds: i64) -> HeadChange {
    head_change(order(id).ledger_key(), Versions { body: at(seconds), ..Versions::default() })
}

pub(crate) fn with_status(id: u128, seconds: i64, status: &str) -> HeadChange {
    let milestone = at(seconds).map(|at| (at, status.to_owned()));
    HeadChange { status: Some(status.to_owned()), milestone, ..change(id, seconds) }
}

pub(crate) fn account(number: &str) -> EntityId {
    EntityId { tenant: TENANT.into(), entity: webhooks_model::Entity::Account, key: number.into() }
}

type Event<'a> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send + Sync + 'a>;

/// A table whose process dies after a number of requests, whose SDK sends each write again, or whose
/// items others change before a write.
pub(crate) struct Faulty<'a> {
    items: Dynamo,
    left: AtomicUsize,
    repeats: bool,
    writes: AtomicUsize,
    /// What happens before the write of this number, counted from 0.
    event: Option<(usize, Event<'a>)>,
}

/// Each request after the first `requests` fails, as if the process had died.
pub(crate) fn dying(requests: usize, fixture: &Fixture) -> Table<Faulty<'static>> {
    faulty(requests, false, None, fixture)
}

/// The SDK sends each write again, since the answer was lost. DynamoDB carries out the first one.
pub(crate) fn repeating(fixture: &Fixture) -> Table<Faulty<'static>> {
    faulty(usize::MAX, true, None, fixture)
}

/// `event` happens before the write of this number, counted from 0.
pub(crate) fn overtaken<'a>(before: usize, event: Event<'a>, fixture: &Fixture) -> Table<Faulty<'a>> {
    faulty(usize::MAX, false, Some((before, event)), fixture)
}

fn faulty<'a>(
    requests: usize,
    repeats: bool,
    event: Option<(usize, Event<'a>)>,
    fixture: &Fixture,
) -> Table<Faulty<'a>> {
    let items = Dynamo::new(fixture.client.clone(), fixture.name.clone());
    let (left, writes) = (AtomicUsize::new(requests), AtomicUsize::new(0));
    Table::over(Faulty { items, left, repeats, writes, event }, Duration::days(90))
}

impl Faulty<'_> {
    fn live(&self) -> Result<(), StoreError> {
        let less = |left: usize| left.checked_sub(1);
        let is_alive = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if is_alive { Ok(()) } else { Err(StoreError::Unavailable("dead".into())) }
    }
}

impl Items for Faulty<'_> {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.live()?;
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        if let Some((_, event)) = self.event.as_ref().filter(|(before, _)| *before == number) {
            event().await;
        }
        if self.repeats {
            self.items.update(write.clone()).await?;
        }
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

/// What a table was asked to read.
#[derive(Default)]
pub(crate) struct Reads {
    /// Each page of a query, with its request.
    pub(crate) pages: Vec<(Query, QueryPage)>,
    /// The sort keys of consistent batch reads.
    pub(crate) exact: Vec<String>,
    /// The answer to every query, if it is set. So an index may lag behind, or have no end.
    pub(crate) answer: Option<QueryPage>,
}

impl Reads {
    /// The limit of each query since the last look.
    pub(crate) fn limits(&mut self) -> Vec<Option<i32>> {
        self.pages.drain(..).map(|(query, _)| query.limit).collect()
    }

    /// The last page becomes the answer to every query.
    pub(crate) fn repeat_last_page(&mut self) {
        self.answer = self.pages.pop().map(|(_, page)| page);
    }
}

/// A table that notes its reads.
pub(crate) struct Noting {
    items: Dynamo,
    reads: Arc<Mutex<Reads>>,
}

pub(crate) fn noting(fixture: &Fixture) -> (Table<Noting>, Arc<Mutex<Reads>>) {
    let items = Dynamo::new(fixture.client.clone(), fixture.name.clone());
    let reads = Arc::<Mutex<Reads>>::default();
    (Table::over(Noting { items, reads: reads.clone() }, Duration::days(90)), reads)
}

impl Items for Noting {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.items.update(write).await
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        self.items.get(pk, sk).await
    }

    async fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> Result<BatchPage, StoreError> {
        if consistent {
            self.reads.lock().unwrap().exact.extend(keys.iter().map(|(_, sk)| sk.clone()));
        }
        self.items.get_batch(keys, attributes, consistent).await
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        let answer = self.reads.lock().unwrap().answer.clone();
        let page = match answer {
            Some(page) => page,
            None => self.items.query_page(query).await?,
        };
        self.reads.lock().unwrap().pages.push((query.clone(), page.clone()));
        Ok(page)
    }
}
