use fixtures::{FakeErp, FakeQueue, FakeSource, TENANT, TestHost, TestTable, document, meta, sqs_event, to_come_again};
use processor::{Acknowledge, Handler, HandlerError, Limits, LocalState, Ports, Processor};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::delivery::Meta;
use webhooks_model::feedback::Verdict;
use webhooks_model::{Channel, Delivery, LedgerKey, Notification, Origin, Resource};
use webhooks_settings::Cache;
use webhooks_store::{Answers, Dynamo, Table};
use webhooks_visma::{Fault, Stage, VismaError};

pub(crate) const MAX_RECEIVE_COUNT: u32 = 4;

/// Business code for tests: the action's parameter says what it does.
pub(crate) struct Obedient;

impl Handler for Obedient {
    async fn handle(&self, n: &Notification, resource: Option<&Resource>) -> Result<Option<Verdict>, HandlerError> {
        match n.parameter.as_deref() {
            Some("panic") => panic!("canary-panic"),
            Some("later") => Err(HandlerError::TryLater("not now".into())),
            Some("person") => Err(HandlerError::NeedsPerson("too hard".into())),
            Some("refuse") => Ok(Some(Verdict::failure("The order has no delivery address."))),
            _ => Acknowledge.handle(n, resource).await,
        }
    }
}

pub(crate) struct Fakes;

impl Ports for Fakes {
    type Source = FakeSource;
    type Items = Dynamo;
    type Visma = FakeErp;
    type Queue = FakeQueue;
    type Pacer = FakeQueue;
    type Handler = Obedient;
    type Host = TestHost;
}

pub(crate) struct World {
    pub(crate) table: TestTable,
    pub(crate) host: TestHost,
    pub(crate) erp: FakeErp,
    pub(crate) events: FakeQueue,
    pub(crate) feedback: FakeQueue,
    pub(crate) notifications: FakeQueue,
    pub(crate) settings: FakeSource,
    pub(crate) emitted: Emitted,
    processor: Processor<Fakes>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_routes(json!([])).await
    }

    pub(crate) async fn with_routes(routes: Value) -> Self {
        let mut settings = document();
        settings["routes"] = routes;
        let (table, host) = (TestTable::new().await, TestHost::default());
        let erp = FakeErp::with_clock(&host);
        let (events, feedback, notifications) = (FakeQueue::default(), FakeQueue::default(), FakeQueue::default());
        let (settings, emitted) = (FakeSource::new(settings), Emitted::default());
        let processor = Processor {
            settings: Cache::new(settings.clone(), host.clone()),
            ledger: table.table.clone(),
            visma: erp.clone(),
            events: events.clone(),
            feedback: feedback.clone(),
            notifications: notifications.clone(),
            handler: Obedient,
            host: host.clone(),
            metrics: Metrics::new(Service::Processor, host.clone(), emitted.clone()),
            limits: Limits { max_receive_count: MAX_RECEIVE_COUNT, retry_base: Duration::from_secs(30) },
            local: LocalState::default(),
        };
        Self { table, host, erp, events, feedback, notifications, settings, emitted, processor }
    }

    /// The queue hands out a message so often.
    pub(crate) fn with_receives(mut self, max_receive_count: u32) -> Self {
        self.processor.limits.max_receive_count = max_receive_count;
        self
    }

    /// The processor reaches the table in this way.
    pub(crate) fn with_ledger(mut self, ledger: Table) -> Self {
        self.processor.ledger = ledger;
        self
    }

    /// Passes a batch to the processor. Returns the positions of the messages to retry.
    pub(crate) async fn batch(&self, messages: &[String], receive_count: u32) -> Vec<usize> {
        self.batch_within(Duration::from_secs(10), messages, receive_count).await
    }

    /// The same for an invocation with this much time.
    pub(crate) async fn batch_within(&self, budget: Duration, messages: &[String], receive_count: u32) -> Vec<usize> {
        let event = sqs_event(messages, receive_count);
        to_come_again(&self.processor.batch(event, "r-1", budget).await)
    }

    /// Passes an event from a file. Returns the ids of the messages to retry.
    pub(crate) async fn event(&self, json: &str) -> Vec<String> {
        let event = serde_json::from_str(json).expect("an SQS event");
        let response = self.processor.batch(event, "r-1", Duration::from_secs(10)).await;
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    /// Delivers a message as often as the queue does, while every fetch fails.
    pub(crate) async fn fail_to_the_end(&self, message: &[String; 1], error: VismaError) {
        self.erp.fail_fetches(vec![error; MAX_RECEIVE_COUNT as usize]);
        for receive_count in 1..=MAX_RECEIVE_COUNT {
            assert_eq!(self.batch(message, receive_count).await, [0]);
        }
    }

    pub(crate) async fn take(&self, body: &Value) -> Vec<usize> {
        self.batch(&[self.message(body)], 1).await
    }

    pub(crate) fn message(&self, body: &Value) -> String {
        self.delivery(body).to_message()
    }

    pub(crate) fn replay(&self, body: &Value) -> String {
        let mut delivery = self.delivery(body);
        delivery.meta.origin = Origin::Replay;
        delivery.to_message()
    }

    pub(crate) fn delivery(&self, body: &Value) -> Delivery {
        self.raw_delivery(body.to_string().as_bytes())
    }

    pub(crate) fn raw_delivery(&self, body: &[u8]) -> Delivery {
        let meta = Meta { id: self.host.new_id(), ..meta(self.host.now()) };
        Delivery { meta, body: body.to_vec() }
    }

    pub(crate) fn legacy(&self, body: &Value) -> Delivery {
        let mut delivery = self.delivery(body);
        delivery.meta.channel = Channel::Legacy;
        delivery.meta.subscription = "legacy".into();
        delivery
    }

    /// State and reason of every recorded notification.
    pub(crate) async fn states(&self) -> Vec<String> {
        let items = self.table.items().await;
        let text = |item: &std::collections::HashMap<String, _>, name| {
            let value: Option<&aws_sdk_dynamodb::types::AttributeValue> = item.get(name);
            value.and_then(|value| value.as_s().ok()).cloned()
        };
        let of = |item| match (text(item, "state"), text(item, "reason")) {
            (Some(state), Some(reason)) => Some(format!("{state}: {reason}")),
            (state, _) => state,
        };
        let mut states: Vec<String> = items.iter().filter_map(of).collect();
        states.sort();
        states
    }

    /// The feedback decided for the notification `id`: success and description.
    pub(crate) async fn answer(&self, id: u128) -> (bool, String) {
        let id = Uuid::from_u128(id).to_string();
        let items = self.table.items().await;
        let item = items.iter().find(|item| item["sk"].as_s().unwrap().ends_with(&id)).expect("a record");
        (*item["feedback_success"].as_bool().unwrap(), item["feedback_description"].as_s().unwrap().clone())
    }

    pub(crate) async fn head(&self, body: &Value) -> webhooks_store::Head {
        let key = key_in(&self.delivery(body));
        self.table.table.head_of(&key.entity).await.unwrap().expect("a head")
    }

    /// The ids that the feedback function finds for a delivery's notification.
    pub(crate) async fn ids_to_answer_under(&self, delivery: &Delivery) -> Vec<Uuid> {
        let key = key_in(delivery);
        let mut found = self.table.table.answered(std::slice::from_ref(&key)).await.unwrap();
        found.remove(&key).expect("a record").address.ids
    }
}

/// The ERP's answer while it is down.
pub(crate) fn down() -> VismaError {
    VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Status(503), after: None }
}

pub(crate) fn key_in(delivery: &Delivery) -> LedgerKey {
    let settings = webhooks_settings::Settings::parse(&document().to_string()).unwrap();
    Notification::read(delivery, delivery.items().unwrap()[0], &settings).ledger_key()
}

/// An item about sales order SO/1 in the dispatcher's form.
pub(crate) fn order(id: u128, event: &str, status: &str, ticks: i64) -> Value {
    json!({
        "notificationId": Uuid::from_u128(id), "contextId": "1234567", "event": event,
        "relativeResourceUri": "api/v1/salesorder/SO/1", "status": status, "timeStamp": 637_969_430_208_130_000 + ticks,
        "source": "User",
    })
}

pub(crate) fn account(id: u128, event: &str, number: &str) -> Value {
    json!({
        "notificationId": Uuid::from_u128(id), "contextId": "1234567", "event": event,
        "relativeResourceUri": format!("api/v1/account/{number}"),
    })
}

pub(crate) fn at(path: &str) -> String {
    format!("{TENANT}:{path}")
}
