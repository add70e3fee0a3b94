//! Intake, processor and feedback in one process, between stand-ins for Visma Net and AWS.

use crate::functions::{FunctionBuilder, Log, OnOurClock, REQUEST_ID, all_done, invoke};
use crate::gateway::{self, Gateway};
use aws_fake::{Endpoint, Received, sqs_event};
use aws_lambda_events::sqs::SqsEvent;
use fixtures::TestHost;
use serde_json::{Value, json};
use standin::{Collection, Emit, Item, NewTenant, Options, Sending, Server, Subscription, TenantClient};
use std::sync::Arc;
use std::time::Duration;
use tracing::subscriber::DefaultGuard;
use webhooks_host::{Host, SystemHost};

const ROUTE: &str = "erp";
const SECRET: &str = "signing-secret";
/// A subscription's id is any text of the portal. This one is as long as a UUID, to be on the safe
/// side.
const SUBSCRIPTION: &str = "6f0c2a4e-93d1-4b0a-8a57-2d1e6c1b7f3d";
/// The time that a worker has for a batch.
const BUDGET: Duration = Duration::from_secs(60);
/// Deliveries that Visma Net sends concurrently.
const CONCURRENCY: usize = 10;
/// The length of the stand-in's change of an account with an empty comment, in bytes.
const BARE: usize = 294;

/// The settings' route for every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Whether to fetch the resource.
    pub fetch: bool,
    /// Whether to send feedback.
    pub feedback: bool,
}

/// The subject of the notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Account,
    /// A document with a status that changes.
    PurchaseOrder,
}

impl Subject {
    fn collection(self) -> Collection {
        match self {
            Self::Account => Collection::Account,
            Self::PurchaseOrder => Collection::PurchaseOrder,
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::Account => "ACCOUNT_CHANGED",
            Self::PurchaseOrder => "PURCHASE_ORDER_STATUS_CHANGED",
        }
    }

    /// The stand-in's name of the calls that fetch one.
    pub fn endpoint(self) -> &'static str {
        self.collection().path()
    }
}

/// The length of the notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// As in Visma Net's documents (docs/visma-net.md#legacy-message): about 300 bytes.
    Bare,
    /// From 512 to 1024 bytes.
    Padded,
}

/// A change of some resources.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    pub subject: Subject,
    /// The new status of a document.
    pub status: &'static str,
    pub bodies: Bodies,
}

impl Change {
    pub fn of_account(bodies: Bodies) -> Self {
        Self { subject: Subject::Account, status: "", bodies }
    }

    fn fields(self, number: usize) -> Value {
        match self.subject {
            Subject::Account => json!({"description": format!("Account {number}")}),
            Subject::PurchaseOrder => json!({"status": self.status}),
        }
    }

    /// The notification, in a body whose length varies.
    fn item(self, number: usize) -> Item {
        let mut item = Item::new(self.subject.event(), &key(number));
        item.status = (self.subject == Subject::PurchaseOrder).then(|| self.status.to_owned());
        if self.bodies == Bodies::Padded {
            let length = 512 + number * 37 % 513;
            item.extra.insert("comment".to_owned(), "x".repeat(length - BARE).into());
        }
        item
    }
}

pub struct Pipeline {
    pub endpoint: Endpoint,
    pub clock: TestHost,
    pub log: Log,
    tenant: TenantClient,
    processor: processor::Processor<OnOurClock>,
    feedback: feedback::Feedback<OnOurClock>,
    _gateway: Gateway,
    _erp: Server,
    _listening: DefaultGuard,
}

impl Pipeline {
    /// # Panics
    /// A stand-in or a function does not start.
    pub async fn start(wanted: Wanted) -> Self {
        let (log, clock) = (Log::default(), TestHost::default());
        // The stand-in has the real time, and times that are days ahead of a function are no times.
        clock.advance(SystemHost.now() - TestHost::START);
        let listening = log.listen();
        let erp = Server::start(Options::default()).await.expect("a free port");
        let tenant = erp.client().create_tenant(NewTenant::default()).await.expect("a company");
        let subscription = Subscription {
            id: SUBSCRIPTION.to_owned(),
            secret: SECRET.to_owned(),
            route: ROUTE.to_owned(),
            event: None,
        };
        tenant.set_subscriptions(&[subscription]).await.expect("a subscription");
        let settings = settings(erp.url(), &tenant, wanted);
        let endpoint = Endpoint::start(&settings.to_string()).expect("a free port");
        let builder = FunctionBuilder::new(&endpoint, clock.clone(), log.clone());
        let (processor, feedback) = (builder.processor(), builder.feedback());
        let gateway = Gateway::start(gateway::function(Arc::new(builder.intake()))).await.expect("a free port");
        erp.client().set_api_url(gateway.url()).await.expect("the stand-in answers");
        Self { endpoint, clock, log, tenant, processor, feedback, _gateway: gateway, _erp: erp, _listening: listening }
    }

    /// The company in the stand-in for Visma Net.
    pub fn visma(&self) -> &TenantClient {
        &self.tenant
    }

    /// The calls to Visma Net.
    ///
    /// # Panics
    /// The stand-in does not answer.
    pub async fn visma_calls(&self) -> standin::Calls {
        self.tenant.calls().await.expect("the stand-in answers")
    }

    /// Changes these in the ERP without a notification.
    ///
    /// # Panics
    /// The stand-in does not answer.
    pub async fn change(&self, change: Change, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            let (collection, fields) = (change.subject.collection(), change.fields(number));
            self.tenant.put(collection, &key(number), fields).await.expect("the stand-in answers");
        }
    }

    /// Visma Net delivers this change of each, and intake takes them.
    ///
    /// # Panics
    /// Intake refused one.
    pub async fn deliver(&self, change: Change, numbers: impl IntoIterator<Item = usize>) {
        let items = numbers.into_iter().map(|number| change.item(number)).collect();
        let sending = Sending { concurrency: CONCURRENCY, ..Sending::default() };
        let emitted = self.tenant.emit(&Emit { items, sending }).await.expect("the stand-in answers");
        assert!(emitted.all_delivered(), "not taken: {emitted:?}");
    }

    /// Invokes the processor once with up to `most` messages. Returns those messages.
    ///
    /// # Panics
    /// A message failed.
    pub async fn process(&self, most: usize) -> Vec<Received> {
        let (taken, event) = self.taken("notifications", most);
        all_done(&invoke(self.processor.batch(event, REQUEST_ID, BUDGET)).await);
        taken
    }

    /// The same for the feedback function.
    ///
    /// # Panics
    /// A message failed.
    pub async fn answer(&self, most: usize) -> Vec<Received> {
        let (taken, event) = self.taken("feedback", most);
        all_done(&invoke(self.feedback.batch(event, REQUEST_ID, BUDGET)).await);
        taken
    }

    fn taken(&self, queue: &str, most: usize) -> (Vec<Received>, SqsEvent) {
        let now = webhooks_host::Host::now(&self.clock).unix_timestamp_nanos() / 1_000_000;
        let mut taken = self.endpoint.take(queue, most);
        taken.iter_mut().for_each(|message| message.sent_at = now);
        let event = serde_json::from_value(sqs_event(queue, &taken)).expect("an SQS event");
        (taken, event)
    }
}

fn key(number: usize) -> String {
    format!("{:06}", 100_000 + number)
}

fn settings(erp: &str, tenant: &TenantClient, wanted: Wanted) -> Value {
    json!({
        "version": 1,
        "visma": {
            "connect_url": erp, "erp_url": format!("{erp}/erp"), "sales_order_url": format!("{erp}/salesorder"),
            "client_id": standin::CLIENT_ID, "client_secret": standin::CLIENT_SECRET, "scope": "vismanet_erp_service_api:read vismanet_erp_service_api:create",
            "application_name": "benches",
        },
        "subscriptions": [{ "id": SUBSCRIPTION, "route": ROUTE, "secrets": [{ "id": "1", "value": SECRET }] }],
        "tenants": [{ "id": tenant.id(), "company_id": tenant.company_id() }],
        "routes": [{
            "events": "*", "fetch": wanted.fetch, "publish": true, "feedback": if wanted.feedback { "automatic" } else { "none" },
        }],
        "source_ips": {"policy": "off"},
    })
}
