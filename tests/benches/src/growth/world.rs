//! The functions with their real AWS clients, and a Visma Net that answers at once. The ledger is
//! filled by writing items into the table directly.

use crate::bodies::{self, SUBSCRIPTION_HEADER};
use crate::functions::{FunctionBuilder, Log, all_done};
use crate::gateway::{self, Function};
use crate::growth::timed;
use crate::still::{StillErp, StillSource};
use aws_fake::{Endpoint, TABLE, sqs_event};
use dynoxide::{AttributeValue, ImportOptions, Item};
use fixtures::TestHost;
use processor::{Acknowledge, Processor};
use serde_json::json;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tracing::subscriber::DefaultGuard;
use uuid::Uuid;
use webhooks_queue::{BatchingSender, Queue};
use webhooks_settings::Cache;
use webhooks_store::{Dynamo, Table};

const BUDGET: Duration = Duration::from_secs(60);
/// The length of each body, in bytes.
const LENGTH: usize = 768;
/// The ledger has no account from this number on.
pub(crate) const UNKNOWN: usize = 100_000_000;
/// The account whose items are the model for all others.
const MODEL: usize = UNKNOWN - 1;
/// Items per write, which bounds the memory of loading.
const AT_ONCE: usize = 20_000;

/// The ports of the real AWS clients.
struct OverTheWire;

impl processor::Ports for OverTheWire {
    type Source = StillSource;
    type Items = Dynamo;
    type Visma = StillErp;
    type Queue = BatchingSender<Queue>;
    type Pacer = Queue;
    type Handler = Acknowledge;
    type Host = TestHost;
}

impl feedback::Ports for OverTheWire {
    type Source = StillSource;
    type Answers = Table;
    type Visma = StillErp;
    type Queue = Queue;
    type Pacer = Queue;
    type Host = TestHost;
}

pub(crate) struct World {
    pub(crate) endpoint: Endpoint,
    tenants: usize,
    intake: Function,
    processor: Processor<OverTheWire>,
    feedback: feedback::Feedback<OverTheWire>,
    _listening: DefaultGuard,
}

impl World {
    pub(crate) fn new(tenants: usize, subscriptions: usize) -> Self {
        let (log, host) = (Log::default(), TestHost::default());
        let settings = settings(tenants, subscriptions);
        let endpoint = Endpoint::start(&settings).expect("a free port");
        let builder = FunctionBuilder::new(&endpoint, host.clone(), log.clone());
        let cache = || Cache::new(StillSource(settings.clone()), host.clone());
        let erp = StillErp("{}".to_owned());
        let processor = builder.processor_of::<OverTheWire>(cache(), erp.clone());
        let shipped = builder.feedback();
        let feedback = feedback::Feedback {
            settings: cache(),
            visma: erp,
            answers: shipped.answers,
            queue: shipped.queue,
            rejected: shipped.rejected,
            observer: shipped.observer,
            host: shipped.host,
            metrics: shipped.metrics,
            limits: shipped.limits,
        };
        let intake = gateway::function(Arc::new(builder.intake()));
        let listening = log.listen();
        Self { endpoint, tenants, intake, processor, feedback, _listening: listening }
    }

    /// The tenant of this account.
    pub(crate) fn tenant(&self, account: usize) -> String {
        tenant(account % self.tenants)
    }

    /// Delivers a notification about each of these accounts and removes the messages from the
    /// queue. Returns the CPU time.
    pub(crate) async fn take_in(&self, accounts: Range<usize>, named: bool) -> Duration {
        let events = self.deliveries(accounts.clone(), named);
        let time = timed(self.deliver(events)).await;
        self.endpoint.take("notifications", accounts.len());
        time
    }

    /// Runs one batch through all functions. Returns the CPU time of each.
    pub(crate) async fn run(&self, accounts: Range<usize>) -> [Duration; 3] {
        let (batch, events) = (accounts.len(), self.deliveries(accounts, true));
        let intake = timed(self.deliver(events)).await;
        let event = |queue| {
            let event = sqs_event(queue, &self.endpoint.take(queue, batch));
            serde_json::from_value(event).expect("an SQS event")
        };
        let taken = event("notifications");
        let processor = timed(async { all_done(&self.processor.batch(taken, "request", BUDGET).await) }).await;
        let taken = event("feedback");
        let feedback = timed(async { all_done(&self.feedback.batch(taken, "request", BUDGET).await) }).await;
        // No consumer reads the events here.
        self.endpoint.take("events", batch);
        [intake, processor, feedback]
    }

    /// Sends one notification through the pipeline and keeps the items that it wrote.
    pub(crate) async fn model(&self) -> Model {
        self.run(MODEL..MODEL + 1).await;
        let scan = serde_json::from_value(json!({ "TableName": TABLE })).expect("a scan");
        let items = self.endpoint.database().scan(scan).expect("the table answers").items.unwrap_or_default();
        let key = |item: &Item| match &item["sk"] {
            AttributeValue::S(text) => text.strip_prefix("N#").map(str::to_owned),
            _ => None,
        };
        let key = items.iter().find_map(key).expect("the notification is in the ledger");
        let (content, id) = key.split_once('.').expect("a key is content and id");
        let (content, id) = (content.to_owned(), id.to_owned());
        Model { items, tenant: self.tenant(MODEL), content, id }
    }

    fn deliveries(&self, accounts: Range<usize>, named: bool) -> Vec<String> {
        let delivery = |account: usize| {
            let body = bodies::of_account(account, LENGTH);
            let mut headers = bodies::headers(&body, &self.tenant(account));
            headers.retain(|(name, _)| named || name != SUBSCRIPTION_HEADER);
            let text = String::from_utf8(body).expect("the body is text");
            gateway::event("/hooks/visma/erp", &headers, &text).to_string()
        };
        accounts.map(delivery).collect()
    }

    async fn deliver(&self, events: Vec<String>) {
        for event in events {
            let answer = (self.intake)(event).await;
            assert_eq!(answer["statusCode"], 202, "not taken: {answer}");
        }
    }
}

/// The items that one notification writes.
pub(crate) struct Model {
    items: Vec<Item>,
    tenant: String,
    content: String,
    id: String,
}

/// Writes the items of notifications about these accounts, as if they had been processed.
pub(crate) fn load(world: &World, model: &Model, accounts: Range<usize>) {
    let database = world.endpoint.database();
    database.enable_bulk_loading().expect("a database in memory");
    let mut accounts = accounts.peekable();
    while accounts.peek().is_some() {
        let some = accounts.by_ref().take(AT_ONCE / model.items.len());
        let items = some.flat_map(|account| model.about(account, &world.tenant(account))).collect();
        let imported = database.import_items(TABLE, items, ImportOptions::default());
        imported.expect("items like those that are there");
    }
    database.disable_bulk_loading().expect("a database in memory");
}

impl Model {
    fn about(&self, account: usize, tenant: &str) -> Vec<Item> {
        // Spreads the numbers like a hash.
        let spread = (account as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let replaced = [
            (self.tenant.as_str(), tenant.to_owned()),
            (self.content.as_str(), format!("{spread:032x}")),
            (self.id.as_str(), Uuid::from_u128(spread).to_string()),
            (&MODEL.to_string(), account.to_string()),
        ];
        let of =
            |item: &Item| item.iter().map(|(name, value)| (name.clone(), with(value, &replaced))).collect::<Item>();
        self.items.iter().map(of).collect()
    }
}

fn with(value: &AttributeValue, replaced: &[(&str, String)]) -> AttributeValue {
    match value {
        AttributeValue::S(text) => {
            let replace = |text: String, (old, new): &(&str, String)| text.replace(old, new);
            AttributeValue::S(replaced.iter().fold(text.clone(), replace))
        }
        AttributeValue::L(values) => AttributeValue::L(values.iter().map(|value| with(value, replaced)).collect()),
        other => other.clone(),
    }
}

fn tenant(number: usize) -> String {
    Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number as u128).to_string()
}

fn settings(tenants: usize, subscriptions: usize) -> String {
    let mut document = bodies::settings();
    let tenants =
        (0..tenants).map(|number| json!({ "id": tenant(number), "company_id": (1_000_000 + number).to_string() }));
    document["tenants"] = tenants.collect();
    document["routes"] = json!([{ "events": "*", "fetch": false }]);
    let others = (1..subscriptions).map(|number| {
        let secret = json!({ "id": "1", "value": format!("{}-{number}", bodies::SECRET) });
        json!({ "id": format!("other-{number}"), "route": "erp", "secrets": [secret] })
    });
    let all = document["subscriptions"].as_array_mut().expect("a list of subscriptions");
    all.extend(others);
    // The right secret is tried last.
    all.rotate_left(1);
    document.to_string()
}
