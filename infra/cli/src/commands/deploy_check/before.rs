//! Checks of an account before the first deployment.

use super::account::{Concurrency, Known};
use super::facts::{Before, LONGEST_STACK};
use crate::commands::check::Check;
use std::collections::BTreeMap;

/// With fewer executions, a delivery waits for the one before it.
const LEAST_FOR_INTAKE: i64 = 2;
/// Deliveries that one execution of intake answers in a second, at 100 ms each.
const DELIVERIES_PER_EXECUTION: i64 = 10;

pub(super) fn checks(stack: &str, before: &Before) -> [Check; 2] {
    [services(&before.services), names(stack, &before.taken)]
}

fn services(answered: &[(&'static str, bool)]) -> Check {
    let name = "services of the region";
    let silent: Vec<&str> = answered.iter().filter(|(_, answers)| !answers).map(|(service, _)| *service).collect();
    if silent.is_empty() {
        return Check::ok(name, format!("{} of {} answer", answered.len(), answered.len()));
    }
    let advice = "Does the region have all of them? AWS lists that as \"AWS Services by Region\"; otherwise choose \
                  another one with --region. With AWS_ENDPOINT_URL or a proxy, this check cannot tell.";
    Check::unsaid(name, format!("no answer of {}", silent.join(", ")), advice)
}

fn names(stack: &str, taken: &Known<Vec<String>>) -> Check {
    let name = "names";
    if stack.len() > LONGEST_STACK {
        let advice = format!("Functions' names would be too long. Choose a stack_name of at most {LONGEST_STACK}.");
        return Check::failed(name, format!("the stack's has {} characters", stack.len()), advice);
    }
    match taken {
        Err(failure) => Check::unknown(name, failure),
        Ok(taken) if taken.is_empty() => Check::ok(name, "functions, queues and log groups are free"),
        Ok(taken) => {
            let advice = "CloudFormation stops at a name that is taken. Remove what an earlier stack left behind \
                          (aws logs delete-log-group, aws sqs delete-queue, aws lambda delete-function), or choose \
                          another stack_name in infra/samconfig.toml.";
            Check::failed(name, format!("taken: {}", taken.join(", ")), advice)
        }
    }
}

pub(super) fn stuck(stack: &str, status: &str) -> Check {
    let advice = match status {
        status if status.ends_with("_IN_PROGRESS") => "Wait until it has ended, and run this again.".to_owned(),
        "DELETE_FAILED" => format!(
            "See why in its events (aws cloudformation describe-stack-events --stack-name {stack}), then \
             delete it again."
        ),
        _ => format!(
            "Its first deployment failed, and it can only be deleted: sam delete --stack-name {stack} \
             (infra/DEPLOY.md, step 2). Its events say why."
        ),
    };
    Check::failed("stack", status, advice)
}

/// Whether intake gets its share of the account's concurrency when all workers are busy. Without a
/// stack, the template's defaults count.
pub(super) fn concurrency(known: &Known<Concurrency>, parameters: &BTreeMap<String, String>) -> Check {
    let name = "concurrency of Lambda";
    let known = match known {
        Ok(known) => known,
        Err(failure) => return Check::unknown(name, failure),
    };
    let text = |name: &str| parameters.get(name).map(String::as_str);
    let number = |name: &str, default: i64| text(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let workers = number("ProcessorConcurrency", 10) + number("FeedbackConcurrency", 2);
    let has_operations = text("OperationsAuthorizer").is_some_and(|kind| kind != "none");
    // A person uses the operations API, and the reconciler runs once at a time.
    let others = if has_operations { number("RepairConcurrency", 2) + 2 } else { 1 };
    let for_intake = match number("IntakeReservedConcurrency", 0) {
        0 if text("ReserveWorkerConcurrency") == Some("true") => i64::from(known.unreserved) - (others - 1),
        0 => i64::from(known.unreserved) - workers - others,
        reserved => reserved,
    };
    let seen = format!("{} at once in all, {} of them left for intake", known.in_all, for_intake.max(0));
    let rate = number("ThrottlingRate", 500);
    if for_intake < LEAST_FOR_INTAKE {
        let advice = "Ask for more (Service Quotas, AWS Lambda, Concurrent executions). Until then deploy with \
                      --config-env new-account: infra/DEPLOY.md, step 1.";
        return Check::failed(name, seen, advice);
    }
    if for_intake * DELIVERIES_PER_EXECUTION < rate {
        let advice = format!(
            "That answers about {} deliveries a second, and ThrottlingRate lets in {rate}. Ask for more (Service \
             Quotas, AWS Lambda, Concurrent executions), or lower ThrottlingRate.",
            for_intake * DELIVERIES_PER_EXECUTION
        );
        return Check::warning(name, seen, advice);
    }
    Check::ok(name, seen)
}
