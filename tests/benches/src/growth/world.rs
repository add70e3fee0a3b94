//! The functions with their real AWS clients, and a Visma Net that answers at once.

use crate::bodies::{self, SUBSCRIPTION_HEADER};
use crate::functions::FunctionBuilder;
use crate::gateway::{self, Function};
use crate::growth::timed;
use crate::invocation::all_done;
use crate::logs::Log;
use crate::still::{StillErp, StillSource};
use aws_fake::{Endpoint, sqs_event};
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
