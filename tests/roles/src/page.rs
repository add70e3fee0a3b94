//! The page for people: the permissions of each role, and their users.

use crate::judge::{Calls, Grant, Judge, List};
use crate::policy::Effect;
use std::collections::BTreeMap;

const INTRODUCTION: &str = "\
<!-- WRITE_ROLES=1 cargo test -p roles writes this -->
# What each role may do

Every permission of the roles in [template.yaml](template.yaml), and who uses it; an empty cell is
refused. [tests/roles](../tests/roles/README.md) evaluates the policies as AWS does and keeps this
page true.

- **calls**: the function, in every run of the end-to-end tests.
- **seldom**: the function, in cases that are listed below.
- **AWS**: AWS itself, in the role's name. Lambda polls queues and writes logs and traces; the
  scheduler invokes; the pipe moves events; SQS, DynamoDB and Secrets Manager ask for the key, if
  there is one.
- **spare**: unused. The reason is below.

A permission with ¹ has a condition.
";

pub fn page(judge: &Judge, list: &List) -> String {
    let mut page = INTRODUCTION.to_owned();
    page += &table(judge, list);
    page += &denied(judge);
    page += &reasons("Seldom", list, |calls| &calls.seldom);
    page += &reasons("Spare", list, |calls| &calls.spare);
    page
}

fn table(judge: &Judge, list: &List) -> String {
    let roles: Vec<&String> = judge.roles().collect();
    let mut rows: BTreeMap<(String, String), BTreeMap<&str, &str>> = BTreeMap::new();
    for role in &roles {
        for grant in judge.grants(role, Effect::Allow) {
            let cell = cell(judge, &list[*role], &grant);
            rows.entry((grant.resource.clone(), marked(&grant))).or_default().insert(role.as_str(), cell);
        }
    }
    let mut table = format!(
        "\n| resource | action |{}\n",
        roles.iter().map(|role| format!(" {} |", short(role))).collect::<String>()
    );
    table += &format!("|---|---|{}\n", "---|".repeat(roles.len()));
    for ((resource, action), cells) in rows {
        let cells = roles.iter().map(|role| format!(" {} |", cells.get(role.as_str()).unwrap_or(&"")));
        table += &format!("| {resource} | `{action}` |{}\n", cells.collect::<String>());
    }
    table
}

fn cell(judge: &Judge, calls: &Calls, grant: &Grant) -> &'static str {
    let uses = |call: &String| grant.statement.applies(&judge.request(call));
    if calls.calls.iter().any(uses) {
        "calls"
    } else if calls.seldom.keys().any(uses) {
        "seldom"
    } else if calls.aws.iter().any(uses) {
        "AWS"
    } else {
        "spare"
    }
}

fn denied(judge: &Judge) -> String {
    let mut denied: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for role in judge.roles() {
        for grant in judge.grants(role, Effect::Deny) {
            let what = format!("`{}` on {}", marked(&grant), grant.resource);
            denied.entry(what).or_default().push(short(role));
        }
    }
    let lines = denied.iter().map(|(what, roles)| format!("- {what}: {}\n", roles.join(", ")));
    format!("\n## Denied, whatever allows it\n\n{}", lines.collect::<String>())
}

/// Reasons by role.
fn reasons(title: &str, list: &List, of: fn(&Calls) -> &BTreeMap<String, String>) -> String {
    let mut reasons: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for (role, calls) in list {
        for (what, why) in of(calls) {
            *reasons.entry((short(role), why.as_str())).or_default() += &format!("  - `{what}`\n");
        }
    }
    let lines: String = reasons.iter().map(|((role, why), what)| format!("- {role}, {why}:\n{what}")).collect();
    let lines = if lines.is_empty() { "Nothing.\n".to_owned() } else { lines };
    format!("\n## {title}\n\n{lines}")
}

fn marked(grant: &Grant) -> String {
    let mark = if grant.statement.conditions.is_empty() { "" } else { "¹" };
    format!("{}{mark}", grant.action)
}

fn short(role: &str) -> &str {
    role.strip_suffix("Role").unwrap_or(role)
}
