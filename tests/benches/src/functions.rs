//! The shipped functions with another clock and log: the bench sets the clock and measures the log.

use crate::logs::Log;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_fake::{Endpoint, SECRET_ID, TABLE};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use fixtures::TestHost;
use intake::Intake;
use processor::{Acknowledge, LocalState, Processor};
use std::time::Duration;
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::{BatchingSender, Queue};
use webhooks_settings::{Cache, SecretsManager};
use webhooks_store::{Dynamo, Observer, Table};
use webhooks_visma::VismaClient;

type ShippedProcessor = processor::wiring::AwsPorts<Acknowledge>;
type ShippedFeedback = feedback::wiring::AwsPorts;

/// The shipped functions' own types, with another clock.
pub struct OnOurClock;

impl processor::Ports for OnOurClock {
    type Source = <ShippedProcessor as processor::Ports>::Source;
    type Items = <ShippedProcessor as processor::Ports>::Items;
    type Visma = VismaClient<TestHost>;
    type Queue = <ShippedProcessor as processor::Ports>::Queue;
    type Pacer = <ShippedProcessor as processor::Ports>::Pacer;
    type Handler = Acknowledge;
    type Host = TestHost;
}

impl feedback::Ports for OnOurClock {
    type Source = <ShippedFeedback as feedback::Ports>::Source;
    type Answers = <ShippedFeedback as feedback::Ports>::Answers;
    type Visma = VismaClient<TestHost>;
    type Queue = <ShippedFeedback as feedback::Ports>::Queue;
    type Pacer = <ShippedFeedback as feedback::Ports>::Pacer;
    type Host = TestHost;
}

/// A processor with the template's limits. The queues are for events, feedback and notifications.
pub fn processor<P, Q>(
    settings: Cache<P::Source, TestHost>,
    ledger: Table<P::Items>,
    visma: P::Visma,
    [events, feedback, notifications]: [Q; 3],
    metrics: Metrics<TestHost>,
    host: &TestHost,
) -> Processor<P>
where
    P: processor::Ports<Queue = BatchingSender<Q>, Pacer = Q, Handler = Acknowledge, Host = TestHost>,
{
    let local = LocalState::default();
    Processor {
        settings,
        ledger,
        visma,
        events: BatchingSender::new(events, &local.in_flight),
        feedback: BatchingSender::new(feedback, &local.in_flight),
        notifications,
        handler: Acknowledge,
        host: host.clone(),
        metrics,
        limits: processor::Limits { max_receive_count: 12, retry_base: Duration::from_secs(30) },
        local,
    }
}

/// Makes functions that use an endpoint.
pub struct FunctionBuilder<'a> {
    endpoint: &'a Endpoint,
    host: TestHost,
    log: Log,
    aws: SdkConfig,
}

impl<'a> FunctionBuilder<'a> {
    pub fn new(endpoint: &'a Endpoint, host: TestHost, log: Log) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-north-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(endpoint.url())
            .build();
        Self { endpoint, host, log, aws }
    }

    /// Makes each function sign with the name of its role.
    fn with_role(&self, role: &str) -> Self {
        let credentials = SharedCredentialsProvider::new(Credentials::new(role, "test", None, None, "test"));
        let aws = self.aws.to_builder().credentials_provider(credentials).build();
        Self { endpoint: self.endpoint, host: self.host.clone(), log: self.log.clone(), aws }
    }

    fn settings(&self) -> Cache<SecretsManager, TestHost> {
        let client = aws_sdk_secretsmanager::Client::new(&self.aws);
        Cache::new(SecretsManager::new(client, SECRET_ID.to_owned()), self.host.clone())
    }

    pub fn table(&self) -> Table {
        Table::new(aws_sdk_dynamodb::Client::new(&self.aws), TABLE.to_owned(), time::Duration::days(90))
    }

    fn queue(&self, name: &str) -> Queue {
        Queue::new(aws_sdk_sqs::Client::new(&self.aws), self.endpoint.queue_url(name))
    }

    fn metrics(&self, service: Service) -> Metrics<TestHost> {
        Metrics::new(service, self.host.clone(), self.log.clone())
    }

    fn visma(&self) -> VismaClient<TestHost> {
        VismaClient::new(self.host.clone()).expect("a client without TLS to set up")
    }

    pub fn intake(&self) -> Intake<SecretsManager, Queue, TestHost> {
        let own = self.with_role("IntakeRole");
        let queue = own.queue("notifications");
        let limits = intake::Limits::default();
        Intake::new(own.settings(), queue, self.host.clone(), self.metrics(Service::Intake), limits)
    }

    pub fn processor(&self) -> Processor<OnOurClock> {
        self.processor_of(self.with_role("ProcessorRole").settings(), self.visma())
    }

    /// The same with other settings and another Visma Net.
    pub fn processor_of<P>(&self, settings: Cache<P::Source, TestHost>, visma: P::Visma) -> Processor<P>
    where
        P: processor::Ports<
                Items = Dynamo,
                Queue = BatchingSender<Queue>,
                Pacer = Queue,
                Handler = Acknowledge,
                Host = TestHost,
            >,
    {
        let own = self.with_role("ProcessorRole");
        let queues = ["events", "feedback", "notifications"].map(|name| own.queue(name));
        processor(settings, own.table(), visma, queues, self.metrics(Service::Processor), &self.host)
    }

    pub fn feedback(&self) -> feedback::Feedback<OnOurClock> {
        let own = self.with_role("FeedbackRole");
        feedback::Feedback {
            settings: own.settings(),
            answers: own.table(),
            visma: self.visma(),
            queue: own.queue("feedback"),
            rejected: own.queue("feedback-dead"),
            host: self.host.clone(),
            metrics: self.metrics(Service::Feedback),
            limits: feedback::Limits { retry_base: Duration::from_secs(30), give_up_after: time::Duration::hours(24) },
            observer: Observer::default(),
        }
    }
}
