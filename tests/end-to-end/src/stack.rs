//! A running stack, and what tests read in its table, queues and logs.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::{env, fs};
use uuid::Uuid;

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

    /// Receives without deleting until a message matches. The local AWS hands out the oldest ten
    /// that are visible, so these stay hidden until the queue has no more. Then all go back, since
    /// other tests may wait for them.
    pub async fn message(&self, queue: Queue, fits: impl Fn(&Message) -> bool) -> Message {
        crate::until("a message on the queue", async || {
            let url = self.queue_url(queue);
            let (mut found, mut handles) = (None, vec![]);
            while found.is_none() {
                let received = self.sqs.receive_message().queue_url(url).visibility_timeout(30);
                let received = received.max_number_of_messages(10).message_attribute_names("All");
                let messages = received.send().await.expect("the queue answers").messages.unwrap_or_default();
                if messages.is_empty() {
                    break;
                }
                handles.extend(messages.iter().filter_map(|message| message.receipt_handle.clone()));
                found = messages.into_iter().find(&fits);
            }
            self.put_back(url, &handles).await;
            found
        })
        .await
    }

    /// Makes messages visible again. One that was deleted meanwhile is no error.
    async fn put_back(&self, url: &str, handles: &[String]) {
        for ten in handles.chunks(10) {
            let entry = |(place, handle): (usize, &String)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(place.to_string());
                entry.receipt_handle(handle).visibility_timeout(0).build().expect("an id and a handle")
            };
            let entries = ten.iter().enumerate().map(entry).collect();
            let back = self.sqs.change_message_visibility_batch().queue_url(url).set_entries(Some(entries));
            back.send().await.expect("the queue answers");
        }
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

/// A notification in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub entity: String,
    pub key: String,
    /// The id after the content's hash.
    pub id: String,
    pub event: String,
    /// The state, with its reason if it has one: `parked: unmapped`.
    pub state: String,
    pub feedback: String,
    pub attempts: usize,
    pub raw: String,
    /// The ledger's key, which an outcome repeats.
    pub notification: String,
}

type Item = HashMap<String, AttributeValue>;

impl Stack {
    /// Every notification of a tenant, oldest first.
    pub async fn records(&self, tenant: &str) -> Vec<Record> {
        let mut items = self.items(tenant, "N#").await;
        items.sort_by_key(|item| text(item, "feed_at"));
        items.iter().map(record).collect()
    }

    /// The records of one notification id.
    pub async fn records_of(&self, tenant: &str, id: Uuid) -> Vec<Record> {
        let records = self.records(tenant).await;
        records.into_iter().filter(|record| record.id == id.to_string()).collect()
    }

    /// The history of an entity: its statuses in order of time, and whether it is marked deleted.
    pub async fn timeline(&self, tenant: &str, entity: &str, key: &str) -> (Vec<String>, bool) {
        let partition = format!("{tenant}#{entity}#{key}");
        let heads = self.items(tenant, "HEAD").await;
        let Some(head) = heads.into_iter().find(|item| text(item, "pk") == partition) else {
            return (Vec::new(), false);
        };
        let mut statuses: Vec<_> = head.keys().filter(|name| name.starts_with("status_at#")).collect();
        statuses.sort();
        let deleted = head.get("deleted").and_then(|deleted| deleted.as_bool().ok()).copied().unwrap_or(false);
        (statuses.into_iter().map(|name| text(&head, name)).collect(), deleted)
    }

    /// Partition and sort key of each item that names a tenant anywhere. After an erasure the
    /// audit, the jobs and the pauses still do, and so does the directory while the settings list
    /// the tenant.
    pub async fn kept_of(&self, tenant: &str) -> Vec<(String, String)> {
        let pages = self.dynamodb.scan().table_name(self.output("TableName")).consistent_read(true);
        let items: Result<Vec<Item>, _> = pages.into_paginator().items().send().collect().await;
        let items = items.expect("the table answers").into_iter();
        let own = items.filter(|item| format!("{item:?}").contains(tenant));
        let keys = own.map(|item| (text(&item, "pk"), text(&item, "sk")));
        keys.filter(|(pk, _)| !["audit", "jobs", "pauses", "tenants"].contains(&pk.as_str())).collect()
    }

    /// Scans, since a local table is small.
    async fn items(&self, tenant: &str, sort_key: &str) -> Vec<Item> {
        let pages = self
            .dynamodb
            .scan()
            .table_name(self.output("TableName"))
            .filter_expression("begins_with(pk, :tenant) AND begins_with(sk, :kind)")
            .expression_attribute_values(":tenant", AttributeValue::S(format!("{tenant}#")))
            .expression_attribute_values(":kind", AttributeValue::S(sort_key.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        pages.collect::<Result<Vec<_>, _>>().await.expect("the table answers")
    }
}

fn record(item: &Item) -> Record {
    let pk = text(item, "pk");
    let mut parts = pk.splitn(3, '#').skip(1).map(str::to_owned);
    let sort_key = text(item, "sk");
    let notification = sort_key.trim_start_matches("N#").to_owned();
    let state = match (text(item, "state"), text(item, "reason")) {
        (state, reason) if reason.is_empty() => state,
        (state, reason) => format!("{state}: {reason}"),
    };
    Record {
        entity: parts.next().unwrap_or_default(),
        key: parts.next().unwrap_or_default(),
        id: notification.split_once('.').map(|(_, id)| id.to_owned()).unwrap_or_default(),
        event: text(item, "event"),
        state,
        feedback: text(item, "feedback"),
        attempts: item.get("attempts").and_then(|attempts| attempts.as_l().ok()).map_or(0, Vec::len),
        raw: text(item, "raw"),
        notification,
    }
}

fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}
