use feedback::{Feedback, Limits, Ports};
use fixtures::{
    FakeErp, FakeQueue, FakeSource, TENANT, TestHost, TestTable, document, headers, meta, sqs_event, to_come_again,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::delivery::Meta;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::{Delivery, LedgerKey, Notification, State};
use webhooks_settings::{Cache, Settings};
use webhooks_store::{
    Answer, Answered, Answering, Answers, Change, Entry, Observation, Observations, Observer, StoreError, Table,
    WaitForCalls,
};

pub(crate) const BODY_ID: Uuid = Uuid::from_u128(1);
pub(crate) const HEADER_ID: Uuid = Uuid::from_u128(2);

struct Fakes;

impl Ports for Fakes {
    type Source = FakeSource;
    type Answers = Picky;
    type Visma = FakeErp;
    type Queue = FakeQueue;
    type Pacer = FakeQueue;
    type Host = TestHost;
}

/// Refuses every request for the key `refused`, as DynamoDB refuses an invalid request. It does not
/// answer reads for the tenant `unreadable` and writes for the tenant `unwritable`. Of the tenant
/// `overtaken` another outcome is sent before one is recorded as sent or parked.
pub(crate) struct Picky(Table);

impl Answers for Picky {
    async fn answered(&self, keys: &[LedgerKey]) -> Result<HashMap<LedgerKey, Answered>, StoreError> {
        if keys.iter().any(|key| key.entity.key == "refused") {
            return Err(StoreError::Mismatch("ValidationException".into()));
        }
        if keys.iter().any(|key| key.entity.tenant == "unreadable") {
            return Err(StoreError::Unavailable("timeout".into()));
        }
        self.0.answered(keys).await
    }

    async fn answer(&self, key: &LedgerKey, answer: &Answer, now: OffsetDateTime) -> Result<bool, StoreError> {
        if key.entity.tenant == "unwritable" {
            return Err(StoreError::Unavailable("timeout".into()));
        }
        if key.entity.tenant == "overtaken" && !matches!(answer, Answer::Failed(_)) {
            let verdict = Verdict::success("Delivered.");
            self.0.answer(key, &Answer::Sent { id: Uuid::nil(), verdict, was_marked: false }, now).await?;
        }
        self.0.answer(key, answer, now).await
    }

    async fn wait_for_calls(
        &self,
        key: &LedgerKey,
        wait: &WaitForCalls,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        if key.entity.tenant == "unwritable" {
            return Err(StoreError::Unavailable("timeout".into()));
        }
        self.0.wait_for_calls(key, wait, now).await
    }
}

impl Observations for Picky {
    async fn observe(&self, seen: &Observation) -> Result<(), StoreError> {
        self.0.observe(seen).await
    }

    async fn observed(&self) -> Result<Vec<Observation>, StoreError> {
        self.0.observed().await
    }
}

pub(crate) struct World {
    pub(crate) table: TestTable,
    pub(crate) host: TestHost,
    pub(crate) erp: FakeErp,
    pub(crate) queue: FakeQueue,
    pub(crate) rejected: FakeQueue,
    pub(crate) emitted: Emitted,
    pub(crate) settings: FakeSource,
    feedback: Feedback<Fakes>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let (table, host, erp) = (TestTable::new().await, TestHost::default(), FakeErp::default());
        let (queue, rejected, emitted) = (FakeQueue::default(), FakeQueue::default(), Emitted::default());
        let settings = FakeSource::new(document());
        let feedback = Feedback {
            settings: Cache::new(settings.clone(), host.clone()),
            answers: Picky(table.table.clone()),
            visma: erp.clone(),
            queue: queue.clone(),
            rejected: rejected.clone(),
            host: host.clone(),
            metrics: Metrics::new(Service::Feedback, host.clone(), emitted.clone()),
            limits: Limits { retry_base: Duration::from_secs(30), give_up_after: time::Duration::hours(24) },
            observer: Observer::default(),
        };
        Self { table, host, erp, queue, rejected, emitted, settings, feedback }
    }

    /// A notification that the processor has ended, with its feedback in `state`.
    pub(crate) async fn processed(&self, state: FeedbackState) -> LedgerKey {
        self.processed_for(TENANT, state).await
    }

    pub(crate) async fn processed_for(&self, tenant: &str, state: FeedbackState) -> LedgerKey {
        self.ended(&Notification { tenant: Some(tenant.to_owned()), ..notification() }, state).await
    }

    pub(crate) async fn ended(&self, n: &Notification, state: FeedbackState) -> LedgerKey {
        let verdict = (state != FeedbackState::Awaited).then(|| Verdict::success("Done."));
        let deadline = (state == FeedbackState::Awaited).then(|| self.host.now() + time::Duration::hours(2));
        let answer = Answering { feedback: state, address: Address::of(n, false), verdict, deadline };
        let change = Change::Ended { state: State::Processed, answer };
        self.table.table.record(&Entry { notification: n, change, now: self.host.now() }).await.unwrap();
        n.ledger_key()
    }

    /// Passes a batch to the function. Returns the positions of the messages to retry.
    pub(crate) async fn batch(&self, messages: &[String], receive_count: u32) -> Vec<usize> {
        self.batch_within(Duration::from_secs(10), messages, receive_count).await
    }

    /// The same for an invocation with this much time.
    pub(crate) async fn batch_within(&self, budget: Duration, messages: &[String], receive_count: u32) -> Vec<usize> {
        let event = sqs_event(messages, receive_count);
        to_come_again(&self.feedback.batch(event, "r-1", budget).await)
    }

    /// Passes an event from a file. Returns the ids of the messages to retry.
    pub(crate) async fn event(&self, json: &str) -> Vec<String> {
        let event = serde_json::from_str(json).expect("an SQS event");
        let response = self.feedback.batch(event, "r-1", Duration::from_secs(10)).await;
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// The feedback's state in the ledger.
    pub(crate) async fn state(&self) -> String {
        self.table.item("N#").await["feedback"].as_s().unwrap().clone()
    }
}

pub(crate) fn notification() -> Notification {
    let body = json!({
        "notificationId": BODY_ID, "contextId": "1234567", "event": "SALESORDER_CREATED", "orderId": "1", "source": "User",
    });
    read(&body, headers([("x-vwd-notification-id", HEADER_ID.to_string())]))
}

/// A notification that came without an id.
pub(crate) fn without_id() -> Notification {
    read(&json!({"contextId": "1234567", "event": "SALESORDER_CREATED", "orderId": "1"}), headers([]))
}

fn read(body: &Value, headers: BTreeMap<String, String>) -> Notification {
    let body = body.to_string();
    let meta = Meta { tenant: Some(TENANT.into()), headers, ..meta(TestHost::START) };
    let delivery = Delivery { meta, body: body.clone().into_bytes() };
    Notification::read(&delivery, &body, &Settings::parse(&document().to_string()).unwrap())
}

/// A message of the processor.
pub(crate) fn ours(key: &LedgerKey) -> String {
    json!({"type": "feedback", "notification": key}).to_string()
}

/// A message of an integrator.
pub(crate) fn outcome(key: &LedgerKey) -> String {
    json!({"type": "outcome", "notification": key, "is_success": false, "description": "No delivery address."})
        .to_string()
}
