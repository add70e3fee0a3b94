//! The facts about an account, as far as AWS tells them, and the names and services of the template
//! that they are about.

use super::account::{Account, Alarm, Concurrency, Deployed, Known, Lists, LogGroup, State, Subscriptions};
use crate::error::{Exit, Failure};
use crate::settings::edit::valid;
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use time::{Duration, OffsetDateTime};
use webhooks_settings::Settings;

/// The services, by the names in their addresses.
pub const SERVICES: [&str; 12] = [
    "apigateway",
    "cloudformation",
    "dynamodb",
    "lambda",
    "logs",
    "monitoring",
    "pipes",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "xray",
];
/// The most characters of a stack's name: a function's has 64 in all. All other names have more room.
pub const LONGEST_STACK: usize = 53;
const FUNCTIONS: [&str; 6] = ["intake", "processor", "feedback", "reconciler", "operations", "repair"];
const QUEUES: [&str; 4] = ["notifications", "events", "feedback", "repairs"];

#[derive(Debug, Clone)]
pub struct Facts {
    pub stack: String,
    pub who: Known<String>,
    pub concurrency: Known<Concurrency>,
    pub found: Known<Found>,
}

#[derive(Debug, Clone)]
pub enum Found {
    /// There is no such stack yet.
    Nothing(Before),
    /// A stack whose creation failed, with its status.
    Stuck(String),
    Stack(Box<After>),
}

/// Facts that decide whether a first deployment succeeds.
#[derive(Debug, Clone)]
pub struct Before {
    /// Each service of the template, and whether it answers in this region.
    pub services: Vec<(&'static str, bool)>,
    /// Names of the template that are already in use.
    pub taken: Known<Vec<String>>,
}

/// Facts about a deployed stack. Names are those of the template.
#[derive(Debug, Clone)]
pub struct After {
    pub status: String,
    pub parameters: BTreeMap<String, String>,
    pub alarms: Known<Vec<Alarm>>,
    /// Keyed by the topic of the alarms.
    pub topics: Vec<(String, Known<Subscriptions>)>,
    pub mappings: Vec<(String, Known<State>)>,
    pub schedules: Vec<(String, Known<State>)>,
    /// Keyed by their own names.
    pub logs: Vec<(String, Known<Option<LogGroup>>)>,
    pub settings: Known<Settings>,
    /// `None` if the settings have no list to sweep, or are unknown.
    pub swept: Option<Known<Swept>>,
    /// The status of `/health` at each address of the API.
    pub health: Vec<(String, Known<u16>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// The newest sweep of all tenants; `None` if none has ended yet.
    pub to: Option<OffsetDateTime>,
    pub every: Duration,
}

impl Swept {
    /// Later than two intervals, as in the alarm of the heartbeat.
    pub fn is_late(&self, now: OffsetDateTime) -> bool {
        self.to.is_none_or(|to| now - to > self.every * 2)
    }
}

/// Asks one question at a time, since AWS allows few calls a second.
pub async fn gather(account: &impl Account, stack: &str, now: OffsetDateTime) -> Facts {
    let who = account.who().await;
    if let Err(failure) = &who {
        let (concurrency, found) = (Err(failure.clone()), Err(failure.clone()));
        return Facts { stack: stack.to_owned(), who, concurrency, found };
    }
    let found = match account.stack(stack).await {
        Err(failure) => Err(failure),
        Ok(Some(deployed)) => Ok(of_status(account, deployed, now).await),
        Ok(None) => Ok(Found::Nothing(before(account, stack).await)),
    };
    let found = match found {
        // It has only a change set, so nothing is deployed yet.
        Ok(Found::Stuck(status)) if status == "REVIEW_IN_PROGRESS" => Ok(Found::Nothing(before(account, stack).await)),
        found => found,
    };
    Facts { stack: stack.to_owned(), who, concurrency: account.concurrency().await, found }
}

async fn of_status(account: &impl Account, deployed: Deployed, now: OffsetDateTime) -> Found {
    let never_was = ["CREATE_", "ROLLBACK_", "DELETE_", "REVIEW_"].iter().any(|kind| deployed.status.starts_with(kind));
    match never_was && deployed.status != "CREATE_COMPLETE" {
        true => Found::Stuck(deployed.status),
        false => Found::Stack(Box::new(after(account, deployed, now).await)),
    }
}

async fn before(account: &impl Account, stack: &str) -> Before {
    let answers = join_all(SERVICES.map(|service| account.answers(service))).await;
    Before { services: SERVICES.into_iter().zip(answers).collect(), taken: taken(account, stack).await }
}

async fn taken(account: &impl Account, stack: &str) -> Known<Vec<String>> {
    let mut taken = vec![];
    for name in functions(stack) {
        if account.has_function(&name).await? {
            taken.push(format!("function {name}"));
        }
    }
    let wanted = queues(stack);
    let there = account.queues(&format!("{stack}-")).await?;
    taken.extend(there.iter().filter(|name| wanted.contains(name)).map(|name| format!("queue {name}")));
    for name in log_groups(stack) {
        if account.log_group(&name).await?.is_some() {
            taken.push(format!("log group {name}"));
        }
    }
    Ok(taken)
}

pub fn functions(stack: &str) -> Vec<String> {
    FUNCTIONS.map(|name| format!("{stack}-{name}")).into()
}

pub fn queues(stack: &str) -> Vec<String> {
    let each = |name: &str| [format!("{stack}-{name}"), format!("{stack}-{name}-dead-letter")];
    QUEUES.into_iter().flat_map(each).collect()
}

pub fn log_groups(stack: &str) -> Vec<String> {
    let own = FUNCTIONS.into_iter().map(|name| format!("/aws/lambda/{stack}-{name}"));
    own.chain([format!("/aws/vendedlogs/apis/{stack}")]).collect()
}

async fn after(account: &impl Account, deployed: Deployed, now: OffsetDateTime) -> After {
    let kinds = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];
    let names = kinds.iter().flat_map(|kind| deployed.of_kind(kind)).map(|(_, id)| id.to_owned());
    let names: Vec<String> = names.map(|id| alarm_name(&id).to_owned()).collect();
    let alarms = account.alarms(&names).await;
    let actions = alarms.iter().flatten().flat_map(|alarm| &alarm.actions);
    let arns: BTreeSet<&String> = actions.filter(|action| action.contains(":sns:")).collect();
    let mut topics = vec![];
    for arn in arns {
        topics.push((arn.clone(), account.subscriptions(arn).await));
    }
    let (mut mappings, mut schedules, mut logs, mut health) = (vec![], vec![], vec![], vec![]);
    for (name, id) in deployed.of_kind("AWS::Lambda::EventSourceMapping") {
        mappings.push((name.to_owned(), account.mapping(id).await));
    }
    for (name, id) in deployed.of_kind("AWS::Scheduler::Schedule") {
        schedules.push((name.to_owned(), account.schedule(id).await));
    }
    for (_, id) in deployed.of_kind("AWS::Logs::LogGroup") {
        logs.push((id.to_owned(), account.log_group(id).await));
    }
    for url in addresses(&deployed) {
        let status = account.health(&url).await;
        health.push((url, status));
    }
    let settings = settings(account, &deployed).await;
    let swept = swept(account, &deployed, &settings, now).await;
    let Deployed { status, parameters, .. } = deployed;
    After { status, parameters, alarms, topics, mappings, schedules, logs, settings, swept, health }
}

/// The name of an alarm. The id of a composite alarm is its ARN.
fn alarm_name(id: &str) -> &str {
    id.rsplit_once(":alarm:").map_or(id, |(_, name)| name)
}

/// The API's own address, and that of the domain.
fn addresses(deployed: &Deployed) -> impl Iterator<Item = String> {
    let own = deployed.outputs.get("ApiUrl").map(|url| format!("{}/health", url.trim_end_matches('/')));
    let domain = deployed.parameters.get("DomainName").filter(|domain| !domain.is_empty());
    own.into_iter().chain(domain.map(|domain| format!("https://{domain}/health")))
}

fn output<'d>(deployed: &'d Deployed, name: &str) -> Known<&'d String> {
    let lacking = || Failure::new(Exit::NotFound, format!("the stack has no output {name}"), "Deploy this version.");
    deployed.outputs.get(name).ok_or_else(lacking)
}

async fn settings(account: &impl Account, deployed: &Deployed) -> Known<Settings> {
    valid(&account.document(output(deployed, "SettingsSecretArn")?).await?)
}

/// Without settings, the lists to sweep are unknown.
async fn swept(
    account: &impl Account,
    deployed: &Deployed,
    settings: &Known<Settings>,
    now: OffsetDateTime,
) -> Option<Known<Swept>> {
    let settings = settings.as_ref().ok()?;
    let has_none = settings.reconciliation.collections.is_empty() || settings.tenants.is_empty();
    if has_none { None } else { Some(newest(account, deployed, settings, now).await) }
}

/// Asks tenant by tenant, until one sweep is recent enough.
async fn newest(account: &impl Account, deployed: &Deployed, settings: &Settings, now: OffsetDateTime) -> Known<Swept> {
    let minutes = deployed.parameters.get("ReconcileMinutes").and_then(|minutes| minutes.parse().ok());
    let mut swept = Swept { to: None, every: Duration::minutes(minutes.unwrap_or(15)) };
    let (table, collections) = (output(deployed, "TableName")?, &settings.reconciliation.collections);
    for tenant in &settings.tenants {
        let to = account.swept(Lists { table, tenant: &tenant.id, collections }).await?;
        swept.to = swept.to.max(to);
        if !swept.is_late(now) {
            break;
        }
    }
    Ok(swept)
}
