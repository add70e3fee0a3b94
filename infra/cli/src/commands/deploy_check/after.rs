//! Checks of a deployed stack.

use super::account::{Known, LogGroup, State};
use super::facts::{After, Swept};
use super::telling;
use crate::commands::check::{Check, contents};
use crate::error::Exit;
use crate::text::when;
use time::OffsetDateTime;
use webhooks_settings::Settings;

pub(super) fn checks(after: &After, now: OffsetDateTime) -> Vec<Check> {
    let mut checks = vec![settings(&after.settings)];
    checks.extend(after.health.iter().map(|(url, status)| health(url, status)));
    let mappings = after.mappings.iter().map(|(name, known)| (name, known, "mapping"));
    let schedules = after.schedules.iter().map(|(name, known)| (name, known, "schedule"));
    checks.extend(mappings.chain(schedules).map(|(name, known, kind)| works(kind, name, known)));
    checks.push(logs(&after.logs));
    checks.push(sweep(after.swept.as_ref(), now));
    checks.extend(telling::checks(after));
    checks
}

pub(super) fn status(status: &str) -> Check {
    let name = "stack";
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Check::ok(name, status),
        "UPDATE_ROLLBACK_COMPLETE" => {
            let advice =
                "The last deployment failed and was rolled back: its events say why. The previous version runs.";
            Check::warning(name, status, advice)
        }
        _ if status.ends_with("_IN_PROGRESS") => {
            Check::warning(name, status, "Wait until it has ended, and run this again.")
        }
        _ => {
            let advice = "See its events; aws cloudformation continue-update-rollback rolls back what it can.";
            Check::failed(name, status, advice)
        }
    }
}

fn settings(known: &Known<Settings>) -> Check {
    let name = "settings document";
    let advice = "Write yours: infra/DEPLOY.md, step 3.";
    match known {
        // It was read, but is not valid.
        Err(failure) if failure.exit == Exit::Refused && failure.what.contains("not valid") => {
            Check::of_failure(name, failure.clone())
        }
        Err(failure) => Check::unknown(name, failure),
        Ok(own) if own.subscriptions.is_empty() && own.visma.client_id.is_empty() => {
            Check::failed(name, "the template's first one, which accepts no delivery", advice)
        }
        Ok(own) if own.subscriptions.is_empty() => {
            Check::failed(name, "no subscription, so no delivery is accepted", "visma-webhooks subscriptions add.")
        }
        Ok(own) if own.visma.client_id.is_empty() => {
            Check::failed(name, "no client of Visma Connect, so nothing is fetched or answered", advice)
        }
        Ok(own) => Check::ok(name, contents(own)),
    }
}

fn health(url: &str, known: &Known<u16>) -> Check {
    let name = format!("reachable at {url}");
    match known {
        Ok(200..300) => Check::ok(name, "from this machine"),
        Ok(status) => Check::failed(
            name,
            status.to_string(),
            "Look at intake's log and at the access log: infra/runbooks/ack-slo.md.",
        ),
        // Something else answered.
        Err(failure) if failure.exit == Exit::Failed => Check::of_failure(name, failure.clone()),
        Err(failure) => {
            let advice = "Does this machine reach the internet? A domain of your own needs its DNS record (output \
                          DomainTarget); until then use the output ApiUrl.";
            Check::failed(name, failure.what.clone(), advice)
        }
    }
}

/// The state of a mapping or a schedule.
fn works(kind: &str, name: &str, known: &Known<State>) -> Check {
    let name = format!("{kind} {name}");
    match known {
        Ok(state) if state.is_on => Check::ok(name, &state.word),
        Ok(state) if kind == "mapping" => {
            let advice = "Nothing is taken from its queue. If that is not meant: aws lambda \
                          update-event-source-mapping --enabled --uuid ID.";
            Check::failed(name, &state.word, advice)
        }
        Ok(state) => {
            let advice = "Nothing looks for missed webhooks. Switch it on in EventBridge Scheduler, or deploy again.";
            Check::failed(name, &state.word, advice)
        }
        Err(failure) if failure.exit == Exit::NotFound => {
            let advice = "It was deleted outside CloudFormation: delete the stack's resource, or deploy it anew.";
            Check::failed(name, "it is gone", advice)
        }
        Err(failure) => Check::unknown(name, failure),
    }
}

fn logs(groups: &[(String, Known<Option<LogGroup>>)]) -> Check {
    let name = "log groups";
    if let Some(failure) = groups.iter().find_map(|(_, known)| known.as_ref().err()) {
        return Check::unknown(name, failure);
    }
    let gone = |known: &Known<Option<LogGroup>>| matches!(known, Ok(None));
    let gone: Vec<&str> = groups.iter().filter(|(_, known)| gone(known)).map(|(name, _)| name.as_str()).collect();
    if !gone.is_empty() {
        let advice = "Lambda writes no log without it. Create it again with the same name: aws logs create-log-group.";
        return Check::failed(name, format!("gone: {}", gone.join(", ")), advice);
    }
    let forever = |known: &Known<Option<LogGroup>>| matches!(known, Ok(Some(LogGroup { retention: None })));
    let kept: Vec<&str> = groups.iter().filter(|(_, known)| forever(known)).map(|(name, _)| name.as_str()).collect();
    if !kept.is_empty() {
        let advice =
            "Set it again: aws logs put-retention-policy --retention-in-days, with the value of LogRetentionDays.";
        return Check::warning(name, format!("kept for ever: {}", kept.join(", ")), advice);
    }
    Check::ok(name, format!("{}, and each forgets", groups.len()))
}

fn sweep(known: Option<&Known<Swept>>, now: OffsetDateTime) -> Check {
    let name = "last sweep";
    let swept = match known {
        None => return Check::skipped(name, "a tenant and a list to sweep in the settings"),
        Some(Err(failure)) => return Check::unknown(name, failure),
        Some(Ok(swept)) => swept,
    };
    let minutes = swept.every.whole_minutes();
    match swept.to {
        None => {
            let advice = format!(
                "There should be one every {minutes} minutes. If it stays so, look at the reconciler's log: \
                 infra/runbooks/reconciler-heartbeat.md."
            );
            Check::warning(name, "none has ended yet", advice)
        }
        Some(to) if swept.is_late(now) => {
            let advice = format!(
                "There should be one every {minutes} minutes. Look at the reconciler's log, and whether Visma Net \
                 answers (visma-webhooks doctor): infra/runbooks/reconciler-heartbeat.md."
            );
            Check::failed(name, format!("at {}", when(to)), advice)
        }
        Some(to) => Check::ok(name, format!("at {}", when(to))),
    }
}
