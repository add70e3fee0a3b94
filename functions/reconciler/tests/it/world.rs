use crate::cost::{Cost, Counted};
use fixtures::{
    FakeErp, FakeQueue, FakeSource, TENANT, TRACE_ID, TestHost, TestTable, document, head_change, meta, notification_of,
};
use processor::{Acknowledge, Limits, LocalState, Processor};
use reconciler::{Ports, Reconciler, Report};
use serde_json::{Value, json};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::collection::{self, Collection, Listed, Page, Paging};
use webhooks_model::delivery::Meta;
use webhooks_model::walk::Window;
use webhooks_model::{Delivery, HeadChange, Notification, Origin, Revision, Stamp, State, Ticks, Versions};
use webhooks_queue::Trace;
use webhooks_settings::{Cache, Settings, Visma};
use webhooks_store::{Answering, Change, Dynamo, Entry, Table};
use webhooks_visma::{Listing, Quota, Quotas, Stage, VismaError};

type Lists = HashMap<(String, Collection), Vec<Row>>;

/// A row of the ERP.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) key: String,
    /// `None` if the row has no time.
    pub(crate) modified: Option<OffsetDateTime>,
    /// The text of its content hash and row version.
    pub(crate) content: String,
    pub(crate) etag: Option<String>,
}

/// The ERP's lists, paged and filtered like docs/visma-net.md#lists, with faults for calls that
/// should fail.
#[derive(Clone, Default)]
pub(crate) struct FakeLists(pub(crate) Arc<Mutex<Answers>>);

#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) lists: Lists,
    calls: Vec<String>,
    faults: VecDeque<Option<VismaError>>,
    /// The calls left for each tenant.
    pub(crate) quotas: HashMap<String, u64>,
    /// Sorts rows by key instead of by time.
    pub(crate) by_key: bool,
    /// The largest page. Larger requests are cut, or refused if `refuses` is set.
    pub(crate) largest: Option<usize>,
    pub(crate) refuses: bool,
    /// Whether no list answers.
    pub(crate) is_silent: bool,
}

impl Answers {
    fn page(&self, tenant: &str, collection: Collection, since: OffsetDateTime, window: Window) -> Page {
        let mut changed = self.lists.get(&(tenant.to_owned(), collection)).cloned().unwrap_or_default();
        changed.retain(|row| row.modified.is_none_or(|modified| modified > since));
        changed.sort_by_key(|row| if self.by_key { (None, row.key.clone()) } else { (row.modified, row.key.clone()) });
        let (total, size) = (changed.len(), window.size.min(self.largest.unwrap_or(usize::MAX)));
        let rows = changed.into_iter().map(|row| listed(collection, row));
        match collection.paging() {
            Paging::None => {
                let most = self.largest.unwrap_or(usize::MAX);
                Page { rows: rows.take(most).collect(), total: Some(total), more: None }
            }
            paging => {
                let start = window.page as usize * size;
                let more = (paging == Paging::FromZero).then_some(start + size < total);
                Page { rows: rows.skip(start).take(size).collect(), total: Some(total), more }
            }
        }
    }
}

fn listed(collection: Collection, row: Row) -> collection::Row {
    let Row { key, modified, content, etag } = row;
    let Some(modified) = modified.map(Ticks::from_datetime) else { return collection::Row::NoTime { key } };
    let etag = etag.filter(|_| collection != Collection::SalesOrder);
    let revision = Revision { etag, content: Some(content) };
    collection::Row::Read(Listed { key, modified: modified.into(), revision })
}

impl Listing for FakeLists {
    async fn list(
        &self,
        _: &Visma,
        tenant: &str,
        collection: Collection,
        since: OffsetDateTime,
        window: Window,
    ) -> Result<Page, VismaError> {
        if self.0.lock().unwrap().is_silent {
            std::future::pending::<()>().await;
        }
        let mut inner = self.0.lock().unwrap();
        inner.calls.push(format!("{tenant}:{collection}:{}", window.page));
        if let Some(left) = inner.quotas.get_mut(tenant) {
            *left = left.saturating_sub(1);
        }
        if let Some(Some(fault)) = inner.faults.pop_front() {
            return Err(fault);
        }
        let most = inner.largest.filter(|most| inner.refuses && window.size > *most);
        if most.is_some() && collection.paging() != Paging::None {
            return Err(VismaError::ParameterRefused { stage: Stage::List, parameter: "pageSize", most });
        }
        Ok(inner.page(tenant, collection, since, window))
    }
}

impl Quotas for FakeLists {
    fn quota_left(&self, tenant: &str) -> Option<Quota> {
        let remaining = *self.0.lock().unwrap().quotas.get(tenant)?;
        Some(Quota { limit: None, remaining, resets_in: Duration::from_secs(600) })
    }
}

fn row(key: &str, modified: OffsetDateTime, at: usize) -> Row {
    let modified = modified - time::Duration::microseconds(at as i64);
    let etag = Some(format!("etag {key} {modified}"));
    Row { key: key.to_owned(), modified: Some(modified), content: format!("content {key} {modified}"), etag }
}

struct Fakes;

impl Ports for Fakes {
    type Source = FakeSource;
    type Items = Counted;
    type Listing = FakeLists;
    type Queue = FakeQueue;
    type Host = TestHost;
}

/// The ports of the processor that reads what the reconciler queues.
pub(crate) struct Downstream;

impl processor::Ports for Downstream {
    type Source = FakeSource;
    type Items = Dynamo;
    type Visma = FakeErp;
    type Queue = FakeQueue;
    type Pacer = FakeQueue;
    type Handler = Acknowledge;
    type Host = TestHost;
}

pub(crate) struct World {
    pub(crate) table: TestTable,
    pub(crate) host: TestHost,
    pub(crate) lists: FakeLists,
    pub(crate) queue: FakeQueue,
    pub(crate) feedback: FakeQueue,
    pub(crate) repairs: FakeQueue,
    pub(crate) emitted: Emitted,
    pub(crate) cost: Counted,
    reconciler: Reconciler<Fakes>,
}

impl World {
    pub(crate) async fn new(rules: Value) -> Self {
        Self::with_tenants(rules, &[TENANT]).await
    }

    pub(crate) async fn with_tenants(rules: Value, tenants: &[&str]) -> Self {
        Self::with_settings(rules, tenants.iter().map(|id| json!({"id": id})).collect()).await
    }

    pub(crate) async fn with_settings(rules: Value, tenants: Value) -> Self {
        let mut settings = document();
        settings["reconciliation"] = rules;
        settings["tenants"] = tenants;
        Self::with_document(settings).await
    }

    pub(crate) async fn with_document(settings: Value) -> Self {
        let (table, host, lists) = (TestTable::new().await, TestHost::default(), FakeLists::default());
        let (queue, feedback, repairs) = (FakeQueue::default(), FakeQueue::default(), FakeQueue::default());
        let emitted = Emitted::default();
        let cost = Counted::new(&table);
        let reconciler = Reconciler {
            settings: Cache::new(FakeSource::new(settings), host.clone()),
            sweeps: Table::over(cost.clone(), time::Duration::days(90)),
            listing: lists.clone(),
            queue: queue.clone(),
            feedback: feedback.clone(),
            repairs: Some(repairs.clone()),
            host: host.clone(),
            metrics: Metrics::new(Service::Reconciler, host.clone(), emitted.clone()),
        };
        Self { table, host, lists, queue, feedback, repairs, emitted, cost, reconciler }
    }

    /// A processor with the same table, clock and feedback queue.
    pub(crate) fn processor(&self, settings: Value, erp: &FakeErp, notifications: &FakeQueue) -> Processor<Downstream> {
        Processor {
            settings: Cache::new(FakeSource::new(settings), self.host.clone()),
            ledger: self.table.table.clone(),
            visma: erp.clone(),
            events: FakeQueue::default(),
            feedback: self.feedback.clone(),
            notifications: notifications.clone(),
            handler: Acknowledge,
            host: self.host.clone(),
            metrics: Metrics::new(Service::Processor, self.host.clone(), Emitted::default()),
            limits: Limits { max_receive_count: 12, retry_base: Duration::from_secs(30) },
            local: LocalState::default(),
        }
    }

    pub(crate) async fn run_for(&self, only: Option<&str>) -> Report {
        let trace = Trace::parse(&format!("Root={TRACE_ID};Parent=53995c3f42cd8ad8;Sampled=1"));
        self.reconciler.run("r-1", Duration::from_secs(60), only, trace.as_ref()).await.unwrap()
    }

    pub(crate) async fn run_within(&self, time: Duration) -> Report {
        self.reconciler.run("r-1", time, None, None).await.unwrap()
    }

    /// Runs once and returns what it asked of the table.
    pub(crate) async fn run_counted(&self) -> (Report, Cost) {
        let before = self.cost.cost();
        let report = self.run().await;
        (report, self.cost.cost() - before)
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.host.now()
    }

    pub(crate) async fn run(&self) -> Report {
        self.run_for(None).await
    }

    /// Changes `key` in the ERP, this many minutes ago. No two changes have the same time.
    pub(crate) fn change(&self, tenant: &str, collection: Collection, key: &str, minutes_ago: i64) {
        let modified = self.host.now() - time::Duration::minutes(minutes_ago);
        let mut inner = self.lists.0.lock().unwrap();
        let list = inner.lists.entry((tenant.to_owned(), collection)).or_default();
        list.retain(|row| row.key != key);
        list.push(row(key, modified, list.len()));
    }

    /// The same for many new rows.
    pub(crate) fn change_all(&self, collection: Collection, keys: &[String], minutes_ago: i64) {
        let modified = self.host.now() - time::Duration::minutes(minutes_ago);
        let mut inner = self.lists.0.lock().unwrap();
        let list = inner.lists.entry((TENANT.to_owned(), collection)).or_default();
        list.extend(keys.iter().enumerate().map(|(at, key)| row(key, modified, at)));
    }

    /// Edits the rows of a list of [`TENANT`].
    pub(crate) fn rows<T>(&self, collection: Collection, work: impl FnOnce(&mut Vec<Row>) -> T) -> T {
        let mut inner = self.lists.0.lock().unwrap();
        work(inner.lists.entry((TENANT.to_owned(), collection)).or_default())
    }

    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = VismaError>) {
        self.lists.0.lock().unwrap().faults.extend(faults.into_iter().map(Some));
    }

    /// Lets this many calls succeed, then one fails.
    pub(crate) fn fail_after(&self, calls: usize, fault: VismaError) {
        let faults = std::iter::repeat_n(None, calls).chain([Some(fault)]);
        self.lists.0.lock().unwrap().faults.extend(faults);
    }

    /// The calls so far, `{tenant}:{collection}:{page}`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.lists.0.lock().unwrap().calls.clone()
    }

    /// The queued notifications, as the processor reads them.
    pub(crate) fn queued(&self) -> Vec<Notification> {
        let settings = Settings::parse(&document().to_string()).unwrap();
        let read = |sent: fixtures::Sent| {
            let delivery = Delivery::from_message(&sent.body).unwrap();
            Notification::read(&delivery, delivery.items().unwrap()[0], &settings)
        };
        self.queue.sent().into_iter().map(read).collect()
    }

    /// Accepts and processes a webhook of the tenant now.
    pub(crate) async fn hear(&self, tenant: &str, origin: Origin) {
        self.process(&self.accepted(tenant, "10001", origin)).await;
    }

    /// A change of a customer, accepted now.
    pub(crate) fn accepted(&self, tenant: &str, key: &str, origin: Origin) -> Notification {
        let modified = Ticks::from_datetime(self.host.now());
        let body = json!({"event": "CUSTOMER_CHANGED", "entityId": key, "timeStamp": modified.get()}).to_string();
        notification_of(self.meta(tenant, origin), &body)
    }

    /// A delivery accepted now.
    pub(crate) fn meta(&self, tenant: &str, origin: Origin) -> Meta {
        Meta { id: self.host.new_id(), origin, tenant: Some(tenant.to_owned()), ..meta(self.host.now()) }
    }

    /// Processes a notification like the processor.
    pub(crate) async fn process(&self, n: &Notification) {
        self.process_as(n, Revision::default()).await;
    }

    /// The same, with `revision` as the fetched one.
    pub(crate) async fn process_as(&self, n: &Notification, revision: Revision) {
        let versions = Versions { resource: n.occurred_at.map(Stamp::from), ..Versions::default() };
        let change = HeadChange { revision, ..head_change(n.ledger_key(), versions) };
        self.table.table.advance(&change, self.host.now()).await.unwrap();
        self.end(n, Answering::none()).await;
    }

    /// Records the end of a notification.
    pub(crate) async fn end(&self, n: &Notification, answer: Answering) {
        self.record(n, Change::Ended { state: State::Processed, answer }).await;
    }

    pub(crate) async fn record(&self, n: &Notification, change: Change) {
        self.table.table.record(&Entry { notification: n, change, now: self.host.now() }).await.unwrap();
    }
}
