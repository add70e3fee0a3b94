//! The shipped functions with another clock and log: the bench sets the clock and measures the log.
//! An invocation has the fields that Lambda's runtime puts on each line of the log, in their real
//! length.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_fake::{Endpoint, SECRET_ID, TABLE};
use aws_lambda_events::sqs::SqsBatchResponse;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use fixtures::TestHost;
use intake::Intake;
use lambda_http::Context;
use lambda_http::lambda_runtime::layers::trace::request_span;
use processor::{Acknowledge, LocalState, Processor};
use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tracing::Instrument;
use tracing::subscriber::DefaultGuard;
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::{BatchingSender, Queue};
use webhooks_settings::{Cache, SecretsManager};
use webhooks_store::{Dynamo, Observer, Table};
use webhooks_visma::VismaClient;

pub(crate) const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0";
/// The levels that a function logs by default.
const SHOWN: [&str; 3] = ["INFO", "WARN", "ERROR"];

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

pub(crate) fn context() -> Context {
    let mut context = Context::default();
    context.request_id = REQUEST_ID.to_owned();
    context.xray_trace_id = Some(TRACE.to_owned());
    context
}

/// Runs the work in the runtime's span, like a handler.
pub(crate) async fn invoke<T>(work: impl Future<Output = T>) -> T {
    work.instrument(request_span(&context())).await
}

pub(crate) fn all_done(response: &SqsBatchResponse) {
    assert!(response.batch_item_failures.is_empty(), "messages have to come again: {response:?}");
}

/// Counts the bytes written at the default levels. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Weighed>>);

#[derive(Debug, Default)]
struct Weighed {
    bytes: u64,
    /// Lines of warnings and errors.
    complaints: Vec<String>,
}

impl Log {
    /// The bytes so far.
    pub fn bytes(&self) -> u64 {
        self.weighed().bytes
    }

    /// The errors and warnings so far, as logged.
    pub fn complaints(&self) -> Vec<String> {
        self.weighed().complaints.clone()
    }

    /// Captures the log of this thread until the guard is dropped.
    #[must_use]
    pub fn listen(&self) -> DefaultGuard {
        let log = self.clone();
        tracing::subscriber::set_default(webhooks_telemetry::subscriber_for_tests(move || log.clone()))
    }

    fn weighed(&self) -> MutexGuard<'_, Weighed> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut weighed = self.weighed();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let fields: Value = serde_json::from_slice(line).unwrap_or_default();
            let text = |name: &str| fields[name].as_str().unwrap_or_default();
            if text("target").starts_with("standin") || !SHOWN.contains(&text("level")) {
                continue;
            }
            weighed.bytes += line.len() as u64 + 1;
            if text("level") != "INFO" {
                weighed.complaints.push(String::from_utf8_lossy(line).into_owned());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
