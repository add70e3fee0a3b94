//! `deploy-check`: the report on an account before a deployment and after it.

mod after;
mod before;
mod wire;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use visma_webhooks::commands::check::{Check, Verdict, report};
use visma_webhooks::commands::deploy_check::{
    Account, Alarm, Concurrency, Deployed, Known, Lists, LogGroup, Resource, State, Subscription, Subscriptions,
    gather, judge,
};
use visma_webhooks::{Exit, Failure};

const NOW: OffsetDateTime = datetime!(2026-11-28 12:00 UTC);
const STACK: &str = "visma-net-webhooks-dev";
const TICKETS: &str = "arn:aws:sns:eu-north-1:000000000000:tickets";

async fn checked(account: &FakeAccount) -> Vec<Check> {
    judge(&gather(account, STACK, NOW).await, NOW)
}

fn named<'c>(checks: &'c [Check], name: &str) -> &'c Check {
    checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no {name} in {checks:#?}"))
}

/// A change to a healthy account, the check that must notice it, its result and its advice.
type Finding = (fn(&mut FakeAccount), &'static str, Verdict, &'static str, &'static str);

/// Expects that only the right check notices each change, and gives advice.
async fn are_found(well: fn() -> FakeAccount, findings: &[Finding]) {
    for (change, name, verdict, seen, advice) in findings {
        let mut account = well();
        change(&mut account);
        let checks = checked(&account).await;
        let check = named(&checks, name);
        assert_eq!(check.verdict, *verdict, "{check:?}");
        assert!(check.seen.contains(seen) && check.advice.contains(advice), "{check:?}");
        let others = checks.iter().filter(|check| check.name != *name && !check.advice.is_empty());
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&Check>::new(), "{name}");
    }
}

/// Expects that an unanswered question is unknown, has advice, and makes the whole neither ok nor
/// failed.
async fn are_unknown(well: fn() -> FakeAccount, questions: &[(&'static str, &str)]) {
    for (question, name) in questions {
        let mut account = well();
        account.refuses = *question;
        let checks = checked(&account).await;
        let check = named(&checks, name);
        assert_eq!(check.verdict, Verdict::Unknown, "{question}: {check:?}");
        assert!(check.seen.contains("AccessDenied") && !check.advice.is_empty(), "{check:?}");
        assert_eq!(report(&checks).exit, Exit::Unavailable, "{question}");
    }
}

#[tokio::test]
async fn reports_a_healthy_account_as_ok() {
    for well in [FakeAccount::empty, FakeAccount::deployed] {
        let checks = checked(&well()).await;
        let other = checks.iter().find(|check| check.verdict != Verdict::Ok || !check.advice.is_empty());
        assert_eq!(other, None);
        assert!(report(&checks).text.ends_with("All is well."));
    }
}

#[tokio::test]
async fn asks_nothing_without_credentials() {
    let mut account = FakeAccount::deployed();
    account.refuses = "who";
    let checks = checked(&account).await;
    assert_eq!(checks.len(), 1);
    assert_eq!(checks[0].verdict, Verdict::Failed);
    assert_eq!(account.asked(), ["who"]);
}

#[tokio::test]
async fn reports_a_stack_that_cannot_be_described_as_unknown() {
    let mut account = FakeAccount::deployed();
    account.refuses = "stack";
    let checks = checked(&account).await;
    assert_eq!(named(&checks, "stack").verdict, Verdict::Unknown);
    assert!(checks.iter().all(|check| !check.name.starts_with("names") && !check.name.starts_with("alarms")));
    assert_eq!(report(&checks).exit, Exit::Unavailable);
}

/// A fake AWS account.
struct FakeAccount {
    stack: Option<Deployed>,
    concurrency: Concurrency,
    /// Services that are missing in the region.
    silent: Vec<&'static str>,
    functions: Vec<String>,
    queues: Vec<String>,
    log_groups: BTreeMap<String, LogGroup>,
    alarms: Vec<Alarm>,
    subscriptions: Subscriptions,
    mapping: State,
    schedule: Option<State>,
    document: Value,
    swept: Option<OffsetDateTime>,
    /// The status of each address; no entry if nothing answers.
    health: BTreeMap<String, u16>,
    /// The question that the account refuses.
    refuses: &'static str,
    asked: Mutex<Vec<&'static str>>,
}

fn state(word: &str) -> State {
    State { is_on: true, word: word.to_owned() }
}

fn alarm(name: &str, actions: &[&str]) -> Alarm {
    let actions = actions.iter().map(|action| (*action).to_owned()).collect();
    Alarm { name: format!("{STACK}-{name}"), actions, is_on: true, state: "OK".to_owned(), rule: String::new() }
}

impl FakeAccount {
    /// An old account without a deployment.
    fn empty() -> Self {
        Self {
            stack: None,
            concurrency: Concurrency { in_all: 1000, unreserved: 1000 },
            silent: vec![],
            functions: vec![],
            queues: vec![],
            log_groups: BTreeMap::new(),
            alarms: vec![],
            subscriptions: vec![],
            mapping: state("Enabled"),
            schedule: Some(state("ENABLED")),
            document: fixtures::document(),
            swept: Some(NOW - Duration::minutes(20)),
            health: BTreeMap::new(),
            refuses: "",
            asked: Mutex::default(),
        }
    }

    /// The same with the template deployed, and a subscriber to its alarms.
    fn deployed() -> Self {
        let api = "https://api.example";
        let log_group = format!("/aws/lambda/{STACK}-intake");
        let [half, page] = ["ack-slo-5m", "page"].map(|name| format!("{STACK}-{name}"));
        let resources = [
            ("ProcessorMapping", "AWS::Lambda::EventSourceMapping", "an-id"),
            ("ReconcilerSchedule", "AWS::Scheduler::Schedule", "a-schedule"),
            ("IntakeLogs", "AWS::Logs::LogGroup", log_group.as_str()),
            ("AckBurn5m", "AWS::CloudWatch::Alarm", half.as_str()),
            ("Page", "AWS::CloudWatch::CompositeAlarm", page.as_str()),
        ];
        let resources =
            resources.map(|(name, kind, id)| Resource { name: name.into(), kind: kind.into(), id: id.into() });
        let outputs = [("ApiUrl", api), ("SettingsSecretArn", "a-secret"), ("TableName", "a-table")];
        let stack = Deployed {
            status: "UPDATE_COMPLETE".into(),
            parameters: [("ReconcileMinutes".to_owned(), "15".to_owned())].into(),
            outputs: outputs.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            resources: resources.into(),
        };
        let rule = format!("ALARM(\"{half}\")");
        Self {
            stack: Some(stack),
            log_groups: [(log_group, LogGroup { retention: Some(7) })].into(),
            alarms: vec![alarm("ack-slo-5m", &[]), Alarm { rule, ..alarm("page", &[TICKETS]) }],
            subscriptions: vec![("email".into(), Subscription::Confirmed)],
            health: [(format!("{api}/health"), 200)].into(),
            ..Self::empty()
        }
    }

    fn deployed_stack(&mut self) -> &mut Deployed {
        self.stack.as_mut().expect("it is deployed")
    }

    fn set(&mut self, parameter: &str, value: &str) {
        self.deployed_stack().parameters.insert(parameter.to_owned(), value.to_owned());
    }

    /// The questions asked so far.
    fn asked(&self) -> Vec<&'static str> {
        self.asked.lock().unwrap().clone()
    }

    fn answer<T>(&self, question: &'static str, value: T) -> Known<T> {
        self.asked.lock().unwrap().push(question);
        match self.refuses == question {
            true => Err(Failure::new(Exit::Refused, format!("cannot ask {question}: AccessDenied"), "Ask for it.")),
            false => Ok(value),
        }
    }
}

impl Account for FakeAccount {
    async fn who(&self) -> Known<String> {
        self.answer("who", "arn:aws:iam::000000000000:user/operator in eu-north-1".to_owned())
    }

    async fn stack(&self, name: &str) -> Known<Option<Deployed>> {
        assert_eq!(name, STACK);
        self.answer("stack", self.stack.clone())
    }

    async fn concurrency(&self) -> Known<Concurrency> {
        self.answer("concurrency", self.concurrency)
    }

    async fn answers(&self, service: &str) -> bool {
        !self.silent.contains(&service)
    }

    async fn has_function(&self, name: &str) -> Known<bool> {
        self.answer("has_function", self.functions.iter().any(|function| function == name))
    }

    async fn queues(&self, prefix: &str) -> Known<Vec<String>> {
        self.answer("queues", self.queues.iter().filter(|queue| queue.starts_with(prefix)).cloned().collect())
    }

    async fn log_group(&self, name: &str) -> Known<Option<LogGroup>> {
        self.answer("log_group", self.log_groups.get(name).copied())
    }

    async fn alarms(&self, names: &[String]) -> Known<Vec<Alarm>> {
        let own = self.alarms.iter().filter(|alarm| names.contains(&alarm.name));
        self.answer("alarms", own.cloned().collect())
    }

    async fn subscriptions(&self, topic: &str) -> Known<Subscriptions> {
        assert_eq!(topic, TICKETS);
        self.answer("subscriptions", self.subscriptions.clone())
    }

    async fn mapping(&self, id: &str) -> Known<State> {
        assert_eq!(id, "an-id");
        self.answer("mapping", self.mapping.clone())
    }

    async fn schedule(&self, name: &str) -> Known<State> {
        assert_eq!(name, "a-schedule");
        let gone = || Failure::new(Exit::NotFound, "ResourceNotFoundException", "");
        self.answer("schedule", self.schedule.clone())?.ok_or_else(gone)
    }

    async fn document(&self, secret: &str) -> Known<String> {
        assert_eq!(secret, "a-secret");
        self.answer("document", self.document.to_string())
    }

    async fn swept(&self, lists: Lists<'_>) -> Known<Option<OffsetDateTime>> {
        assert_eq!((lists.table, lists.tenant), ("a-table", fixtures::TENANT));
        assert_ne!(lists.collections.len(), 0);
        self.answer("swept", self.swept)
    }

    async fn health(&self, url: &str) -> Known<u16> {
        let silent = || Failure::new(Exit::Unavailable, "no connection", "Check the address and the network.");
        self.answer("health", self.health.get(url).copied())?.ok_or_else(silent)
    }
}

/// The template's first settings document.
fn first_document() -> Value {
    let visma = json!({
        "connect_url": "https://connect.visma.com", "erp_url": "https://api.finance.visma.net",
        "sales_order_url": "https://salesorder.visma.net", "client_id": "", "client_secret": "", "scope": "read",
    });
    json!({ "version": 1, "visma": visma, "subscriptions": [], "tenants": [], "routes": [] })
}
