//! The account of the AWS credentials.

use super::account::{
    Account, Alarm, Concurrency, Deployed, Known, Lists, LogGroup, Resource, State, Subscription, Subscriptions,
};
use super::wire::{Wire, inside};
use crate::commands::check::of_intake;
use crate::commands::send::{address, http_to};
use crate::error::{Exit, Failure};
use crate::settings::{Documents, SecretsManager};
use crate::stack::Stack;
use aws_sdk_cloudformation::Client as CloudFormation;
use aws_sdk_cloudformation::types::{ResourceStatus, StackResourceSummary};
use futures::future::try_join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use webhooks_store::Table;

/// The most names that DescribeAlarms accepts.
const NAMES_PER_CALL: usize = 100;
const NESTED: &str = "AWS::CloudFormation::Stack";

pub(super) struct Aws<'a> {
    stack: &'a Stack,
    wire: Wire,
}

impl<'a> Aws<'a> {
    /// # Errors
    /// No region is set, or TLS cannot be set up.
    pub(super) fn new(stack: &'a Stack) -> Result<Self, Failure> {
        Ok(Self { stack, wire: Wire::new(&stack.aws)? })
    }

    /// The resources of a stack and of its nested stacks.
    async fn resources(&self, client: &CloudFormation, name: &str) -> Known<Vec<Resource>> {
        let mut waiting = vec![name.to_owned()];
        let mut resources = vec![];
        while let Some(stack) = waiting.pop() {
            let listed = client.list_stack_resources().stack_name(&stack).into_paginator().items().send();
            let listed = listed.try_collect().await;
            let listed = listed.map_err(|error| Failure::aws(&format!("list the resources of {stack}"), error))?;
            let own: Vec<Resource> = listed.into_iter().filter_map(resource).collect();
            waiting.extend(own.iter().filter(|resource| resource.kind == NESTED).map(|resource| resource.id.clone()));
            resources.extend(own);
        }
        Ok(resources)
    }
}

fn resource(listed: StackResourceSummary) -> Option<Resource> {
    let is_gone = listed.resource_status == Some(ResourceStatus::DeleteComplete);
    let id = listed.physical_resource_id.filter(|id| !id.is_empty() && !is_gone)?;
    Some(Resource { name: listed.logical_resource_id?, kind: listed.resource_type?, id })
}

impl Account for Aws<'_> {
    async fn who(&self) -> Known<String> {
        let answer = aws_sdk_sts::Client::new(&self.stack.aws).get_caller_identity().send().await;
        let caller = answer.map_err(|error| Failure::aws("ask who you are", error))?;
        Ok(format!("{} in {}", caller.arn.unwrap_or_default(), self.wire.region()))
    }

    async fn stack(&self, name: &str) -> Known<Option<Deployed>> {
        let client = CloudFormation::new(&self.stack.aws);
        let answer = client.describe_stacks().stack_name(name).send().await;
        let answer = match answer.map_err(|error| Failure::aws(&format!("describe the stack {name}"), error)) {
            // CloudFormation has no error of its own for this.
            Err(failure) if failure.exit == Exit::NotFound && failure.what.contains("does not exist") => {
                return Ok(None);
            }
            answer => answer?,
        };
        let Some(stack) = answer.stacks.unwrap_or_default().into_iter().next() else { return Ok(None) };
        let parameters = stack.parameters.unwrap_or_default().into_iter();
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        let mut outputs: BTreeMap<String, String> =
            outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect();
        outputs.extend(self.stack.given().clone());
        Ok(Some(Deployed {
            status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            parameters: parameters.filter_map(|one| Some((one.parameter_key?, one.parameter_value?))).collect(),
            outputs,
            resources: self.resources(&client, name).await?,
        }))
    }

    async fn concurrency(&self) -> Known<Concurrency> {
        let doing = "read the account's limits of Lambda";
        let answer = self.wire.get(doing, "lambda", &["2016-08-19", "account-settings"]).await?;
        let number = |name: &str| answer["AccountLimit"][name].as_u64().and_then(|number| number.try_into().ok());
        match (number("ConcurrentExecutions"), number("UnreservedConcurrentExecutions")) {
            (Some(in_all), Some(unreserved)) => Ok(Concurrency { in_all, unreserved }),
            _ => Err(lacking(doing)),
        }
    }

    async fn answers(&self, service: &str) -> bool {
        self.wire.answers(service).await
    }

    async fn has_function(&self, name: &str) -> Known<bool> {
        let path = ["2015-03-31", "functions", name, "configuration"];
        match self.wire.get("look for the function", "lambda", &path).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.exit == Exit::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn queues(&self, prefix: &str) -> Known<Vec<String>> {
        let answer = aws_sdk_sqs::Client::new(&self.stack.aws).list_queues().queue_name_prefix(prefix).send().await;
        let urls = answer.map_err(|error| Failure::aws("list the queues", error))?.queue_urls.unwrap_or_default();
        Ok(urls.iter().filter_map(|url| url.rsplit('/').next()).map(str::to_owned).collect())
    }

    async fn log_group(&self, name: &str) -> Known<Option<LogGroup>> {
        let operation = ("1.1", "Logs_20140328.DescribeLogGroups");
        // AWS sorts them by name, so an exact match is the first one.
        let body = json!({ "logGroupNamePrefix": name });
        let answer = self.wire.call("look for the log group", "logs", operation, &body).await?;
        let group = array(&answer["logGroups"]).find(|group| group["logGroupName"] == name);
        Ok(group.map(|group| LogGroup { retention: group["retentionInDays"].as_u64() }))
    }

    async fn alarms(&self, names: &[String]) -> Known<Vec<Alarm>> {
        let operation = ("1.0", "GraniteServiceVersion20100801.DescribeAlarms");
        let mut alarms = vec![];
        for names in names.chunks(NAMES_PER_CALL) {
            let types = ["MetricAlarm", "CompositeAlarm"];
            let body = json!({ "AlarmNames": names, "AlarmTypes": types, "MaxRecords": NAMES_PER_CALL });
            let answer = self.wire.call("describe the alarms", "monitoring", operation, &body).await?;
            alarms.extend(array(&answer["MetricAlarms"]).chain(array(&answer["CompositeAlarms"])).map(alarm));
        }
        Ok(alarms)
    }

    async fn subscriptions(&self, topic: &str) -> Known<Subscriptions> {
        let form = [("Action", "ListSubscriptionsByTopic"), ("Version", "2010-03-31"), ("TopicArn", topic)];
        let answer = self.wire.query("list who is subscribed", "sns", &form).await?;
        Ok(answer.split("<member>").skip(1).filter_map(subscription).collect())
    }

    async fn mapping(&self, id: &str) -> Known<State> {
        let doing = "look at the mapping";
        let answer = self.wire.get(doing, "lambda", &["2015-03-31", "event-source-mappings", id]).await?;
        state(doing, &answer, &["Enabled", "Updating", "Enabling", "Creating"])
    }

    async fn schedule(&self, name: &str) -> Known<State> {
        let doing = "look at the schedule";
        state(doing, &self.wire.get(doing, "scheduler", &["schedules", name]).await?, &["ENABLED"])
    }

    async fn document(&self, secret: &str) -> Known<String> {
        let client = aws_sdk_secretsmanager::Client::new(&self.stack.aws);
        Ok(SecretsManager::new(client, secret.to_owned()).read().await?.text)
    }

    async fn swept(&self, lists: Lists<'_>) -> Known<Option<OffsetDateTime>> {
        // The table is only read, so the retention has no effect.
        let client = aws_sdk_dynamodb::Client::new(&self.stack.aws);
        let table = Table::new(client, lists.table.to_owned(), Duration::DAY);
        let asked = lists.collections.iter().map(|collection| table.watermark(lists.tenant, *collection));
        let known = try_join_all(asked).await.map_err(|error| {
            let advice = "It needs dynamodb:GetItem (infra/cli/README.md).";
            Failure::new(Exit::Unavailable, format!("cannot read how far the sweeps came: {error}"), advice)
        })?;
        Ok(known.into_iter().flatten().map(|mark| mark.swept_to).max())
    }

    async fn health(&self, url: &str) -> Known<u16> {
        let url = address(url, "")?;
        let answer = http_to(&url)?.get(url).send().await.map_err(|error| Failure::http("reach the API", &error))?;
        let status = answer.status();
        Ok(of_intake(status, &answer.json().await.unwrap_or_default())?.as_u16())
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn alarm(answer: &Value) -> Alarm {
    Alarm {
        name: text(&answer["AlarmName"]),
        actions: array(&answer["AlarmActions"]).map(text).collect(),
        is_on: answer["ActionsEnabled"] == true,
        state: text(&answer["StateValue"]),
        rule: text(&answer["AlarmRule"]),
    }
}

fn subscription(member: &str) -> Option<(String, Subscription)> {
    let state = match inside(member, "SubscriptionArn")? {
        "PendingConfirmation" => Subscription::Pending,
        "Deleted" => Subscription::Deleted,
        _ => Subscription::Confirmed,
    };
    Some((inside(member, "Protocol")?.to_owned(), state))
}

fn state(doing: &str, answer: &Value, on: &[&str]) -> Known<State> {
    let word = answer["State"].as_str().ok_or_else(|| lacking(doing))?;
    Ok(State { is_on: on.contains(&word), word: word.to_owned() })
}

fn lacking(doing: &str) -> Failure {
    let advice = "Does AWS answer, or a stand-in that lacks this?";
    Failure::new(Exit::Unavailable, format!("cannot {doing}: the answer does not say"), advice)
}
