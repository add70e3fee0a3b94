use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::{env, fs};

/// A running stack, from `stack.json`.
#[derive(Debug, Clone)]
pub struct Stack {
    pub api_url: String,
    pub endpoint_url: String,
    pub standin: standin::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub sqs: aws_sdk_sqs::Client,
    logs: aws_sdk_cloudwatchlogs::Client,
    lambda: aws_sdk_lambda::Client,
    pub http: reqwest::Client,
    outputs: HashMap<String, Value>,
    calls: Option<PathBuf>,
}

/// A call by a role.
#[derive(Debug, Deserialize)]
pub struct Call {
    /// The name that CloudFormation gave it.
    pub role: String,
    pub operation: String,
    pub request: Value,
}

#[derive(Deserialize)]
struct Description {
    endpoint_url: String,
    region: String,
    api_url: String,
    standin_url: String,
    outputs: HashMap<String, Value>,
    calls: Option<PathBuf>,
}

/// A queue of the template.
#[derive(Debug, Clone, Copy)]
pub enum Queue {
    Notifications,
    NotificationsDeadLetters,
    Events,
    Feedback,
    FeedbackDeadLetters,
}

impl Stack {
    /// The stack that `WEBHOOKS_STACK` names.
    pub async fn load() -> Self {
        let path = env::var("WEBHOOKS_STACK")
            .expect("WEBHOOKS_STACK names no stack.json; start with `cargo xtask test` or `up`");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let Description { endpoint_url, region, api_url, standin_url, outputs, calls } =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let config: SdkConfig = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url(&endpoint_url)
            .load()
            .await;
        Self {
            api_url,
            endpoint_url,
            standin: standin::Client::new(&standin_url),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            http: reqwest::Client::builder().no_proxy().build().expect("a plain client"),
            outputs,
            calls,
        }
    }

    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("the template has no output {name}"))
    }

    pub fn queue_url(&self, queue: Queue) -> &str {
        self.output(match queue {
            Queue::Notifications => "NotificationsQueueUrl",
            Queue::NotificationsDeadLetters => "NotificationsDeadLetterQueueUrl",
            Queue::Events => "EventsQueueUrl",
            Queue::Feedback => "FeedbackQueueUrl",
            Queue::FeedbackDeadLetters => "FeedbackDeadLetterQueueUrl",
        })
    }

    pub async fn send(&self, queue: Queue, body: &str) {
        let sent = self.sqs.send_message().queue_url(self.queue_url(queue)).message_body(body).send().await;
        sent.expect("the queue takes the message");
    }

    /// Receives without deleting until a message matches. Returns others at once, since other tests
    /// may wait for them.
    pub async fn message(
        &self,
        queue: Queue,
        fits: impl Fn(&aws_sdk_sqs::types::Message) -> bool,
    ) -> aws_sdk_sqs::types::Message {
        crate::until("a message on the queue", async || {
            let url = self.queue_url(queue);
            let received =
                self.sqs.receive_message().queue_url(url).max_number_of_messages(10).message_attribute_names("All");
            let messages = received.send().await.expect("the queue answers").messages.unwrap_or_default();
            let mut found = None;
            for message in messages {
                let handle = message.receipt_handle.clone().unwrap_or_default();
                let back =
                    self.sqs.change_message_visibility().queue_url(url).receipt_handle(handle).visibility_timeout(0);
                back.send().await.expect("the message goes back");
                if fits(&message) {
                    found = Some(message);
                }
            }
            found
        })
        .await
    }

    /// Runs the reconciler for every tenant, like its schedule, or for one. Returns its report.
    pub async fn reconcile(&self, tenant: Option<&str>) -> Value {
        let event = Blob::new(json!({"tenant": tenant}).to_string());
        let call = self.lambda.invoke().function_name(self.output("ReconcilerFunctionName")).payload(event);
        let answer = call.send().await.expect("the reconciler runs");
        let report = answer.payload.expect("a report").into_inner();
        serde_json::from_slice(&report).expect("a report in JSON")
    }

    /// The calls of roles to the local AWS so far, each once.
    pub fn calls(&self) -> Vec<Call> {
        let path = self.calls.as_ref().expect("the local AWS of this stack writes calls down");
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.lines().map(|line| serde_json::from_str(line).expect("a call")).collect()
    }

    /// The outputs with names of log groups.
    pub fn log_groups(&self) -> Vec<String> {
        let mut groups: Vec<String> = self.outputs.keys().filter(|name| name.ends_with("LogGroup")).cloned().collect();
        groups.sort();
        groups
    }

    /// All lines so far of the log group in an output.
    pub async fn lines(&self, group: &str) -> Vec<String> {
        let (mut lines, mut token) = (vec![], None);
        loop {
            let page = self.logs.filter_log_events().log_group_name(self.output(group)).set_next_token(token);
            let page = page.send().await.expect("the logs are readable");
            lines.extend(page.events.unwrap_or_default().into_iter().filter_map(|event| event.message));
            token = page.next_token;
            if token.is_none() {
                return lines;
            }
        }
    }

    /// A line with this text in any function's log so far. The text must have no quotes or
    /// backslashes.
    pub async fn logged(&self, text: &str) -> Option<String> {
        for group in ["IntakeLogGroup", "ProcessorLogGroup", "FeedbackLogGroup", "ReconcilerLogGroup"] {
            if let Some(line) = self.logged_by(group, text).await {
                return Some(line);
            }
        }
        None
    }

    /// The same for one function, by the output with its log group.
    pub async fn logged_by(&self, group: &str, text: &str) -> Option<String> {
        let lines = self.logs.filter_log_events().log_group_name(self.output(group));
        let found = lines.filter_pattern(format!("\"{text}\"")).send().await.expect("the logs are readable");
        found.events.unwrap_or_default().into_iter().next()?.message
    }
}
