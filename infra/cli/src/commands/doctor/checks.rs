//! The checks, in the order of their dependencies.

use super::{Options, visma, zone};
use crate::commands::check::{Check, contents, of_intake};
use crate::commands::dlq::Name;
use crate::commands::operations::Uses;
use crate::commands::send::{address, http_to};
use crate::error::Failure;
use crate::queue::{Depth, Queue};
use crate::settings::{Documents, SecretsManager, edit};
use crate::stack::Stack;
use crate::text::when;
use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::StatusCode;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use webhooks_host::{Host, SystemHost};
use webhooks_model::Channel;
use webhooks_settings::{Settings, SigningSecret, Subscription};

/// The outputs of the stack that this program needs.
const OUTPUTS: [&str; 9] = [
    "ApiUrl",
    "SettingsSecretArn",
    "TableName",
    "NotificationsQueueUrl",
    "NotificationsDeadLetterQueueUrl",
    "FeedbackQueueUrl",
    "FeedbackDeadLetterQueueUrl",
    "EventsQueueUrl",
    "EventsDeadLetterQueueUrl",
];

/// More waiting messages than this are not just a burst.
const BACKLOG: u64 = 1000;
/// The most events that a reader takes at once. If more wait and none is in flight, there is no
/// reader.
const UNREAD: u64 = 10;

/// All checks, and the tenants of which Visma Net is asked.
pub(super) async fn all(
    stack: &Stack,
    options: &Options,
    uses: impl AsyncFnOnce() -> Uses,
) -> (Vec<Check>, Vec<String>) {
    let mut tenants = vec![];
    let mut checks = vec![credentials(stack).await, outputs(stack).await];
    let settings = match settings(stack).await {
        Ok(settings) => Some(settings),
        Err(failure) => {
            checks.push(Check::of_failure("settings document", failure));
            None
        }
    };
    if let Some(settings) = &settings {
        let seen = contents(settings);
        checks.push(match settings.subscriptions.is_empty() {
            true => Check::failed(
                "settings document",
                seen,
                "No subscription can deliver: visma-webhooks subscriptions add.",
            ),
            false => Check::ok("settings document", seen),
        });
        let now = SystemHost.now();
        checks.extend(settings.subscriptions.iter().map(|own| subscription(own, now, options.expiring)));
        if settings.subscriptions.iter().any(|own| own.older_secrets(now).next().is_some()) {
            let uses = uses().await;
            let old = |own: &Subscription| old_secrets(own, &uses, now, options.expiring);
            checks.extend(settings.subscriptions.iter().flat_map(old));
        }
    }
    checks.push(health(stack).await);
    checks.push(unsigned(stack, settings.as_ref()).await);
    match &settings {
        Some(settings) if !options.offline => {
            let mut only: Vec<String> = options.tenants.iter().map(|text| id_of(settings, text)).collect();
            let of_demo = named(settings);
            if options.is_local && only.is_empty() && !of_demo.is_empty() {
                only = of_demo;
                let others = settings.tenants.len() - only.len();
                checks.push(Check::ok("tenants of tests", format!("{others} without a name, not asked for")));
            }
            tenants.clone_from(&only);
            if tenants.is_empty() {
                tenants = settings.tenants.iter().map(|tenant| tenant.id.clone()).collect();
            }
            checks.extend(visma::check(settings, &only).await);
            checks.extend(zone::check(stack, settings, &only).await);
        }
        Some(_) => {}
        None => checks.push(Check::skipped("Visma Net", "the settings document")),
    }
    checks.push(operations(stack).await);
    for name in Name::ALL {
        checks.push(waiting(stack, name).await);
        checks.push(dead_letters(stack, name).await);
    }
    checks.push(table(stack).await);
    (checks, tenants)
}

/// The tenants with a name. On the local stack they are the demo's. The others belong to tests, and
/// the stand-in knows one only once its test has run.
pub fn named(settings: &Settings) -> Vec<String> {
    settings.tenants.iter().filter(|tenant| tenant.name.is_some()).map(|tenant| tenant.id.clone()).collect()
}

/// The id of a tenant, found by its name or company number. Any other text is taken for an id.
pub fn id_of(settings: &Settings, text: &str) -> String {
    let is = |own: Option<&String>| own.is_some_and(|own| own.to_lowercase() == text.to_lowercase());
    let mut named = settings.tenants.iter().filter(|tenant| is(tenant.name.as_ref()) || is(tenant.company_id.as_ref()));
    match (named.next(), named.next()) {
        (Some(tenant), None) => tenant.id.clone(),
        _ => text.to_owned(),
    }
}

async fn credentials(stack: &Stack) -> Check {
    let name = "AWS credentials";
    match aws_sdk_sts::Client::new(&stack.aws).get_caller_identity().send().await {
        Ok(caller) => Check::ok(name, caller.arn.unwrap_or_default()),
        Err(error) => Check::of_failure(name, Failure::aws("ask who you are", error)),
    }
}

async fn outputs(stack: &Stack) -> Check {
    let name = "stack outputs";
    for output in OUTPUTS {
        if let Err(failure) = stack.output(output).await {
            return Check::of_failure(name, failure);
        }
    }
    Check::ok(name, "all there")
}

async fn settings(stack: &Stack) -> Result<Settings, Failure> {
    let client = aws_sdk_secretsmanager::Client::new(&stack.aws);
    edit::valid(&SecretsManager::new(client, stack.output("SettingsSecretArn").await?).read().await?.text)
}

/// Whether it can deliver now, and when its last secret ends, if that is within `soon`.
pub fn subscription(own: &Subscription, now: OffsetDateTime, soon: Duration) -> Check {
    let name = format!("subscription {}", own.id);
    if own.channel == Channel::Legacy {
        return Check::ok(name, "let in by its path token");
    }
    let live = || own.secrets.iter().filter(|secret| secret.expires_at.is_none_or(|end| now < end));
    if live().next().is_none() {
        let advice = format!("If that is not meant: visma-webhooks subscriptions enable {}.", own.id);
        return Check::warning(name, "no live secret, so it accepts no delivery", advice);
    }
    if own.shares_secret {
        let advice =
            format!("Give each subscription a secret of its own: visma-webhooks subscriptions rotate {}.", own.id);
        let seen = "another event or tenant has the same secret, so a signature proves neither";
        return Check::warning(name, seen, advice);
    }
    let forever = live().any(|secret| secret.expires_at.is_none());
    match live().filter_map(|secret| secret.expires_at).max() {
        Some(end) if !forever && end - now < soon => {
            let advice = format!("Before that: visma-webhooks subscriptions rotate {}.", own.id);
            Check::warning(name, format!("its last secret ends at {}", when(end)), advice)
        }
        _ => Check::ok(name, format!("live secrets: {}", live().count())),
    }
}

/// A check for each live secret that a newer one replaces. It warns if the secret ends within
/// `soon` and was used lately.
pub fn old_secrets(own: &Subscription, uses: &Uses, now: OffsetDateTime, soon: Duration) -> Vec<Check> {
    let check = |secret: &SigningSecret| {
        let name = format!("subscription {}, old secret {}", own.id, secret.id);
        let Some(told) = uses.told(&own.id, &secret.id) else {
            return Check::skipped(name, "what the operations API observed");
        };
        match secret.expires_at.filter(|end| *end - now < soon) {
            Some(end) if uses.lately(&own.id, &secret.id, now).is_some() => {
                let advice = "Before that: give Visma Net the new secret in the Developer Portal.";
                Check::warning(name, format!("{told}, and ends at {}", when(end)), advice)
            }
            _ => Check::ok(name, told),
        }
    };
    own.older_secrets(now).map(check).collect()
}

async fn health(stack: &Stack) -> Check {
    let asked = async {
        let url = address(&stack.output("ApiUrl").await?, "/health")?;
        http_to(&url)?.get(url).send().await.map_err(|error| Failure::http("reach the API", &error))
    };
    match asked.await {
        Ok(answer) => health_answered(answer.status(), &answer.json().await.unwrap_or_default()),
        Err(failure) => Check::of_failure("health", failure),
    }
}

/// Judges the answer to `GET /health`.
pub fn health_answered(status: StatusCode, answer: &Value) -> Check {
    let name = "health";
    match of_intake(status, answer) {
        Ok(status) if status.is_success() => Check::ok(name, status.to_string()),
        Ok(status) => Check::failed(name, status.to_string(), "Look at intake's log and at the access log."),
        Err(failure) => Check::of_failure(name, failure),
    }
}

/// Checks that the API refuses unsigned deliveries.
async fn unsigned(stack: &Stack, settings: Option<&Settings>) -> Check {
    let name = "unsigned delivery";
    let signed = settings.into_iter().flat_map(|settings| &settings.subscriptions);
    let Some(own) = signed.into_iter().find(|own| own.channel == Channel::Dispatcher) else {
        return Check::skipped(name, "a subscription of the dispatcher");
    };
    let asked = async {
        let url = address(&stack.output("ApiUrl").await?, &format!("/hooks/visma/{}", own.route))?;
        let request = http_to(&url)?.post(url).header("content-type", "application/json").body("{}");
        request.send().await.map_err(|error| Failure::http("reach the API", &error))
    };
    let answer = match asked.await {
        Ok(answer) => answer,
        Err(failure) => return Check::of_failure(name, failure),
    };
    let status = answer.status();
    let problem: Value = answer.json().await.unwrap_or_default();
    let seen = format!("{} {}", status.as_u16(), problem["code"].as_str().unwrap_or_default());
    match status.as_u16() {
        401 => Check::ok(name, format!("refused: {seen}")),
        200..300 => Check::failed(name, format!("ACCEPTED: {seen}"), "Anyone can deliver: is this the right address?"),
        403 => {
            Check::warning(name, seen, "source_ips is enforced, and this machine is not listed; nothing else is known.")
        }
        404 => Check::failed(name, seen, "The API does not know the route yet, or the address is another stack's."),
        _ => Check::failed(name, seen, "Look at intake's log; functions/intake/README.md explains the codes."),
    }
}

/// Checks that the operations API, if deployed, refuses callers without credentials.
async fn operations(stack: &Stack) -> Check {
    let name = "operations API";
    let asked = async {
        let url = address(&stack.output("ApiUrl").await?, "/operations/v1/counts")?;
        http_to(&url)?.get(url).send().await.map_err(|error| Failure::http("reach the API", &error))
    };
    match asked.await {
        Ok(answer) => operations_answered(answer.status().as_u16()),
        Err(failure) => Check::of_failure(name, failure),
    }
}

/// Judges the operations API by its answer to a call without a token or signature.
pub fn operations_answered(status: u16) -> Check {
    let name = "operations API";
    match status {
        401 | 403 => Check::ok(name, format!("refuses strangers: {status}")),
        404 => Check::ok(name, "not deployed; infra/DEPLOY.md, step 6, says how"),
        200..300 => Check::failed(name, format!("OPEN: {status}"), "Deploy it with an OperationsAuthorizer at once."),
        _ => Check::failed(name, status.to_string(), "Look at the log of the operations function."),
    }
}

async fn waiting(stack: &Stack, queue: Name) -> Check {
    let name = format!("queue of {}", queue.as_str());
    let counted = async { queue.source(stack).await?.depth().await };
    match counted.await {
        Ok(depth) => backlog(queue, depth),
        Err(failure) => Check::of_failure(name, failure),
    }
}

/// A full queue is late, and has lost nothing. The advice depends on the queue.
pub fn backlog(queue: Name, depth: Depth) -> Check {
    let (name, seen) =
        (format!("queue of {}", queue.as_str()), format!("{} waiting, {} in flight", depth.waiting, depth.in_flight));
    let is_unread = queue == Name::Events && depth.in_flight == 0 && depth.waiting >= UNREAD;
    let advice = match queue {
        Name::Events if is_unread => {
            "They have no reader now. They are kept for 7 days and then lost (infra/runbooks/queue-age.md)."
        }
        _ if depth.waiting < BACKLOG => return Check::ok(name, seen),
        Name::Events => "Do they have a reader? They are kept for 7 days (infra/runbooks/queue-age.md).",
        Name::Feedback => "Is a tenant's quota used up? infra/runbooks/feedback-quota.md.",
        Name::Notifications => "The processor is late: infra/runbooks/queue-age.md.",
    };
    Check::warning(name, seen, advice)
}

async fn dead_letters(stack: &Stack, queue: Name) -> Check {
    let name = format!("dead letters of {}", queue.as_str());
    let counted = async { queue.dead_letters(stack).await?.depth().await };
    match counted.await {
        Ok(depth) if depth.waiting + depth.in_flight == 0 => Check::ok(name, "none"),
        Ok(depth) => {
            let advice =
                format!("See why: visma-webhooks dlq list {}; infra/runbooks/dead-letters.md.", queue.as_str());
            Check::warning(name, format!("about {}", depth.waiting + depth.in_flight), advice)
        }
        Err(failure) => Check::of_failure(name, failure),
    }
}

/// Reads an item that does not exist, which needs the same permission as one that does.
async fn table(stack: &Stack) -> Check {
    let name = "table";
    let read = async {
        let table = stack.output("TableName").await?;
        let nobody = AttributeValue::S("doctor".to_owned());
        let call = aws_sdk_dynamodb::Client::new(&stack.aws).get_item().table_name(&table);
        let answer = call.key("pk", nobody.clone()).key("sk", nobody).send().await;
        answer.map(drop).map_err(|error| Failure::aws("read the table", error))
    };
    match read.await {
        Ok(()) => Check::ok(name, "readable"),
        Err(failure) => Check::of_failure(name, failure),
    }
}
