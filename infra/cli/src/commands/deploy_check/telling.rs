//! Checks whether a person is notified of each alarm.

use super::account::{Alarm, Known, Subscription, Subscriptions};
use super::facts::After;
use crate::commands::check::Check;

/// The most names to show.
const SHOWN: usize = 5;

pub(super) fn checks(after: &After) -> Vec<Check> {
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
