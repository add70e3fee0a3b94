//! `deploy-check`: finds what an AWS account lacks, before and after a deployment.

mod account;
mod after;
mod aws;
mod before;
mod facts;
mod wire;

pub use account::{
    Account, Alarm, Concurrency, Deployed, Known, Lists, LogGroup, Resource, State, Subscription, Subscriptions,
};
pub use facts::{After, Before, Facts, Found, LONGEST_STACK, SERVICES, Swept, functions, gather, log_groups, queues};

use crate::commands::check::{Check, report};
use crate::output::Outcome;
use crate::stack::Stack;
use time::OffsetDateTime;
use webhooks_host::{Host, SystemHost};

/// # Errors
///
/// No stack is named. All other failures are failed checks, and the exit code reports them.
pub async fn run(stack: &Stack) -> Outcome {
    let name = stack.name()?;
    let account = aws::Aws::new(stack)?;
    let now = SystemHost.now();
    Ok(report(&judge(&gather(&account, name, now).await, now)))
}

/// Turns the facts into checks with advice.
pub fn judge(facts: &Facts, now: OffsetDateTime) -> Vec<Check> {
    let who = match &facts.who {
        Ok(who) => Check::ok("AWS credentials", who),
        Err(failure) => return vec![Check::of_failure("AWS credentials", failure.clone())],
    };
    let mut checks = vec![who];
    match &facts.found {
        Err(failure) => {
            checks.push(Check::unknown("stack", failure));
            checks.push(before::concurrency(&facts.concurrency, &Default::default()));
        }
        Ok(Found::Nothing(before)) => {
            checks.push(Check::ok("stack", format!("{} is not there yet", facts.stack)));
            checks.push(before::concurrency(&facts.concurrency, &Default::default()));
            checks.extend(before::checks(&facts.stack, before));
        }
        Ok(Found::Stuck(status)) => checks.push(before::stuck(&facts.stack, status)),
        Ok(Found::Stack(after)) => {
            checks.push(after::status(&after.status));
            checks.push(before::concurrency(&facts.concurrency, &after.parameters));
            checks.extend(after::checks(after, now));
        }
    }
    checks
}
