//! Checks of a deployed stack, and whether a person is notified of each of its alarms.

use super::account::{Alarm, Known, LogGroup, State, Subscription, Subscriptions};
use super::facts::{After, Swept};
use crate::commands::check::{Check, contents};
use crate::error::Exit;
use crate::text::when;
use time::OffsetDateTime;
use webhooks_settings::Settings;

/// The most alarms to name.
const SHOWN: usize = 5;

pub(super) fn checks(after: &After, now: OffsetDateTime) -> Vec<Check> {
    let mut checks = vec![settings(&after.settings)];
    checks.extend(after.health.iter().map(|(url, status)| health(url, status)));
    let mappings = after.mappings.iter().map(|(name, known)| (name, known, "mapping"));
    let schedules = after.schedules.iter().map(|(name, known)| (name, known, "schedule"));
    checks.extend(mappings.chain(schedules).map(|(name, known, kind)| works(kind, name, known)));
    checks.push(logs(&after.logs));
    checks.push(sweep(after.swept.as_ref(), now));
    checks.extend(telling(after));
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

/// Whether a person is notified of each alarm.
fn telling(after: &After) -> Vec<Check> {
    let mut checks = vec![alarms(&after.alarms)];
    if let Ok(alarms) = &after.alarms {
        checks.push(ringing(alarms));
    }
    checks.extend(after.topics.iter().map(|(arn, subscriptions)| topic(arn, subscriptions)));
    checks
}

fn alarms(known: &Known<Vec<Alarm>>) -> Check {
    let name = "alarms";
    let alarms = match known {
        Err(failure) => return Check::unknown(name, failure),
        Ok(alarms) if alarms.is_empty() => {
            return Check::failed(name, "there is none", "Deploy the whole template, with the stacks that are in it.");
        }
        Ok(alarms) => alarms,
    };
    let silent: Vec<&Alarm> =
        alarms.iter().filter(|alarm| alarm.actions.is_empty() && !is_spoken_for(alarm, alarms)).collect();
    if !silent.is_empty() {
        let advice = "Set TicketEmail and PageEmail, or other recipients, and deploy again: infra/DEPLOY.md, step 7.";
        return Check::warning(
            name,
            format!("{} of {} notify no one: {}", silent.len(), alarms.len(), some(&silent)),
            advice,
        );
    }
    let off: Vec<&Alarm> = alarms.iter().filter(|alarm| !alarm.is_on).collect();
    if !off.is_empty() {
        let advice = "Switch them on: aws cloudwatch enable-alarm-actions --alarm-names NAME...";
        let seen = format!("{} of {} have their actions switched off: {}", off.len(), alarms.len(), some(&off));
        return Check::failed(name, seen, advice);
    }
    Check::ok(name, format!("{} notify someone, directly or through the page", alarms.len()))
}

/// Whether a composite alarm with actions includes it.
fn is_spoken_for(alarm: &Alarm, alarms: &[Alarm]) -> bool {
    let named = format!("\"{}\"", alarm.name);
    alarms.iter().any(|other| other.rule.contains(&named) && !other.actions.is_empty())
}

fn ringing(alarms: &[Alarm]) -> Check {
    let name = "alarms that ring";
    let ringing: Vec<&Alarm> = alarms.iter().filter(|alarm| alarm.state == "ALARM").collect();
    match ringing.is_empty() {
        true => Check::ok(name, "none"),
        false => Check::warning(name, some(&ringing), "infra/runbooks/README.md has a page for each."),
    }
}

fn some(alarms: &[&Alarm]) -> String {
    let shown: Vec<&str> = alarms.iter().take(SHOWN).map(|alarm| alarm.name.as_str()).collect();
    match alarms.len() {
        count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
        _ => shown.join(", "),
    }
}

fn topic(arn: &str, known: &Known<Subscriptions>) -> Check {
    let name = format!("topic {}", arn.rsplit(':').next().unwrap_or(arn));
    let subscriptions = match known {
        Err(failure) => return Check::unknown(name, failure),
        Ok(subscriptions) => subscriptions,
    };
    let of = |state: Subscription| {
        subscriptions.iter().filter(move |(_, own)| *own == state).map(|(protocol, _)| protocol.as_str())
    };
    let how = |state: Subscription| of(state).collect::<Vec<_>>().join(", ");
    if of(Subscription::Pending).next().is_some() {
        let advice = "Its owner follows the link in the mail \"AWS Notification - Subscription Confirmation\"; an \
                      incident service confirms by itself. The link is good for two days; for another one: aws sns \
                      subscribe --topic-arn, --protocol and --notification-endpoint as before.";
        return Check::failed(name, format!("not confirmed yet: {}", how(Subscription::Pending)), advice);
    }
    if of(Subscription::Confirmed).next().is_none() {
        let seen = match of(Subscription::Deleted).next() {
            Some(_) => "every subscriber has unsubscribed",
            None => "there is no subscriber",
        };
        return Check::failed(name, seen, "Subscribe an address or a chat to it: infra/DEPLOY.md, step 7.");
    }
    Check::ok(name, format!("confirmed: {}", how(Subscription::Confirmed)))
}
