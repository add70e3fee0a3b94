//! The functions' surroundings in this process: AWS, Visma Net and its deliveries.

use crate::deployment::Deployment;
use crate::function::Program;
use crate::visma::{Deliveries, Passage};
use crate::{Error, Result};
use aws_fake::{Endpoint, QUEUES, sqs_event};
use serde_json::{Value, json};
use standin::{Collection, Emit, Item, NewTenant, RateBudget, Sending, Server, Subscription, TenantClient};
use std::path::Path;
use std::time::Instant;

const ROUTE: &str = "erp";
const SECRET: &str = "signing-secret";
/// Consecutive deliveries about one company.
const IN_A_ROW: usize = 100;
/// Deliveries that Visma Net sends concurrently.
const CONCURRENCY: usize = 10;
/// A tenant's calls per hour. A bench needs no limit.
const RATE: RateBudget = RateBudget { limit: 100_000_000, window_seconds: 3600 };

/// The settings' route for every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Record it and advance the entity, like the processors of the peers.
    Least,
    /// Also fetch the resource, publish an event and send feedback: the product's default.
    Usual,
}

pub(crate) struct World {
    pub(crate) endpoint: Endpoint,
    /// The start of the endpoint's clock.
    pub(crate) since: Instant,
    pub(crate) tenants: Vec<TenantClient>,
    deployment: Deployment,
    passages: Vec<Passage>,
    deliveries: Deliveries,
    /// The number of accounts so far, each with one change.
    accounts: usize,
    _visma: Server,
}

impl World {
    /// Starts with this many companies in Visma Net. Each of its three services has its own
    /// address.
    ///
    /// # Errors
    /// A server does not start.
    pub(crate) async fn start(job: Job, tenants: usize) -> Result<Self> {
        let visma =
            Server::start(standin::Options::default()).await.map_err(Error::io("start Visma Net's stand-in"))?;
        let address = visma.url().trim_start_matches("http://").parse().expect("its URL is its address");
        let deliveries = Deliveries::start().await?;
        visma.client().set_api_url(deliveries.url()).await?;
        let mut passages = Vec::new();
        for _ in ["connect", "erp", "salesorder"] {
            passages.push(Passage::to(address).await?);
        }
        let mut companies = Vec::new();
        for _ in 0..tenants {
            let tenant = visma.client().create_tenant(NewTenant::default()).await?;
            let (secret, route) = (SECRET.to_owned(), ROUTE.to_owned());
            tenant.set_subscriptions(&[Subscription { id: "all".to_owned(), secret, route, event: None }]).await?;
            tenant.set_rate(RATE).await?;
            companies.push(tenant);
        }
        let settings = settings(&passages, &companies, job).to_string();
        let endpoint = Endpoint::start(&settings).map_err(Error::io("start AWS's stand-in"))?;
        let deployment = Deployment::on(&endpoint);
        let since = Instant::now() - endpoint.age();
        Ok(Self { endpoint, since, tenants: companies, deployment, passages, deliveries, accounts: 0, _visma: visma })
    }

    /// A function of this workspace, in its environment.
    pub(crate) fn function(&self, binaries: &Path, name: &str) -> Program {
        let environment = self.deployment.environment(name, &self.endpoint);
        Program { name: name.to_owned(), command: binaries.join(name), arguments: Vec::new(), environment }
    }

    /// The same job in Python or Node.js, in the same environment.
    pub(crate) fn peer(&self, peers: &Path, language: &str, name: &str) -> Program {
        let environment = self.deployment.environment(name, &self.endpoint);
        let (name, arguments) = (format!("{language}-{name}"), vec![name.to_owned()]);
        Program { name, command: peers.join(language).join("bootstrap"), arguments, environment }
    }

    /// The number of connections to Visma Net so far.
    pub(crate) fn visma_connections(&self) -> usize {
        self.passages.iter().map(Passage::opened).sum()
    }

    /// Creates accounts. Returns the events of intake for Visma Net's deliveries about them.
    ///
    /// # Errors
    /// The stand-in refuses.
    pub(crate) async fn deliveries(&mut self, number: usize) -> Result<Vec<String>> {
        let end = self.accounts + number;
        while self.accounts < end {
            let tenant = &self.tenants[self.accounts / IN_A_ROW % self.tenants.len()];
            let in_a_row = IN_A_ROW - self.accounts % IN_A_ROW;
            let mut items = Vec::new();
            for account in (self.accounts..end).take(in_a_row) {
                let number = format!("{:06}", 100_000 + account);
                let fields = json!({"description": format!("Account {account}")});
                tenant.put(Collection::Account, &number, fields).await?;
                items.push(Item::new("ACCOUNT_CHANGED", &number));
            }
            self.accounts += items.len();
            let sending = Sending { concurrency: CONCURRENCY, ..Sending::default() };
            let emitted = tenant.emit(&Emit { items, sending }).await?;
            assert!(emitted.all_delivered(), "all deliveries are accepted");
        }
        Ok(self.deliveries.take())
    }

    /// A batch of messages from a queue, as Lambda's event.
    ///
    /// # Errors
    /// The queue is empty.
    pub(crate) fn batch(&self, queue: &str, most: usize) -> Result<String> {
        let batch = self.endpoint.take(queue, most);
        if batch.is_empty() {
            Err(Error::NothingWaits(queue.to_owned()))
        } else {
            Ok(sqs_event(queue, &batch).to_string())
        }
    }

    /// Removes all messages from all queues.
    pub(crate) fn drain(&self) {
        for queue in QUEUES {
            self.endpoint.take(queue, usize::MAX);
        }
    }

    /// The amount of feedback that Visma Net has taken so far.
    ///
    /// # Errors
    /// The stand-in refuses.
    pub(crate) async fn feedback_taken(&self) -> Result<usize> {
        let mut taken = 0;
        for tenant in &self.tenants {
            taken += tenant.feedback().await?.len();
        }
        Ok(taken)
    }
}

/// Whether every message of a batch succeeded.
pub(crate) fn is_done(answer: &Value) -> bool {
    answer["batchItemFailures"].as_array().is_some_and(Vec::is_empty)
}

/// Whether a delivery was accepted.
pub(crate) fn is_accepted(answer: &Value) -> bool {
    answer["statusCode"] == 202
}

fn settings(passages: &[Passage], tenants: &[TenantClient], job: Job) -> Value {
    let [connect, erp, salesorder] = passages else { panic!("Visma Net has three services") };
    let tenants: Vec<_> =
        tenants.iter().map(|tenant| json!({"id": tenant.id(), "company_id": tenant.company_id()})).collect();
    let route = match job {
        Job::Least => json!({"events": "*", "fetch": false, "publish": false, "feedback": "none"}),
        Job::Usual => json!({"events": "*", "fetch": true, "publish": true, "feedback": "automatic"}),
    };
    json!({
        "version": 1,
        "visma": {
            "connect_url": connect.url(),
            "erp_url": format!("{}/erp", erp.url()),
            "sales_order_url": format!("{}/salesorder", salesorder.url()),
            "client_id": standin::CLIENT_ID, "client_secret": standin::CLIENT_SECRET,
            "scope": "vismanet_erp_service_api:read vismanet_erp_service_api:create",
        },
        "subscriptions": [{
            "id": "all", "route": ROUTE, "channel": "dispatcher", "tenants": ["*"],
            "secrets": [{"id": "1", "value": SECRET}],
        }],
        "tenants": tenants,
        "routes": [route],
        "source_ips": {"policy": "off"},
    })
}
