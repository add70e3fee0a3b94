//! The guides' commands and statements about the templates are right.

use crate::named_tests::quoted_in;
use crate::{MAIN, with_options};
use repo_checks::{Template, entries, infra, number, read, text};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The overrides of an environment, read as the SAM CLI reads a file like samconfig.toml. Each
/// element is `NAME=VALUE`. A value with a blank needs quotes, since the CLI silently drops
/// everything after the blank (`CfnParameterOverridesType` of the SAM CLI).
pub(crate) fn overrides(file: &str, environment: &str) -> Vec<(String, String)> {
    let (_, section) =
        file.split_once(&format!("[{environment}.deploy.parameters]")).expect("the environment is there");
    let section = section.split("\n[").next().unwrap_or_default();
    let list = section.split_once("parameter_overrides = [").map(|(_, list)| list).unwrap_or_default();
    let mut left = list;
    let mut found = vec![];
    while let Some(start) = left.find(['"', '\'', ']']).filter(|at| !left[*at..].starts_with(']')) {
        let quote = &left[start..=start];
        let (element, rest) = left[start + 1..].split_once(quote).expect("a text ends");
        left = rest;
        found.push(read_by_sam(element));
    }
    found
}

fn read_by_sam(element: &str) -> (String, String) {
    let (name, value) = element.split_once('=').unwrap_or_else(|| panic!("no NAME=VALUE: {element}"));
    let in_quotes = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let read = in_quotes.unwrap_or_else(|| value.split(' ').next().unwrap_or_default());
    (name.to_owned(), read.to_owned())
}

/// A guide's code blocks in this language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn cuts_an_unquoted_override_at_a_blank() {
    let file = |value: &str| format!("[dev.deploy.parameters]\nparameter_overrides = [\"A=1\", {value}]\n");
    let scope = |value: &str| overrides(&file(value), "dev").pop().unwrap().1;
    assert_eq!(scope(r#""OperationsConsoleScope=openid a/read""#), "openid");
    assert_eq!(scope(r#"'OperationsConsoleScope="openid a/read"'"#), "openid a/read");
}

#[test]
fn every_documented_override_reaches_the_template_whole() {
    let samconfig = read("samconfig.toml");
    let guide = read("DEPLOY.md");
    let shown = blocks(&guide, "toml");
    assert!(!shown.is_empty(), "the guide shows how overrides are written");
    let environments = samconfig.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(".deploy.parameters]"));
    let mut all: Vec<_> = environments.flat_map(|environment| overrides(&samconfig, environment)).collect();
    for block in shown {
        let written = block.matches('=').count();
        let found = overrides(&format!("[dev.deploy.parameters]\n{block}"), "dev");
        assert!(!found.is_empty() && written > found.len(), "{block}");
        for (name, value) in &found {
            let is_whole =
                block.contains(&format!("{name}={value}\"")) || block.contains(&format!("{name}=\"{value}\"'"));
            assert!(is_whole, "the SAM CLI takes {value:?} for {name} of\n{block}");
        }
        all.extend(found);
    }
    let main = Template::read(MAIN);
    for (name, value) in all {
        let parameter = main.raw("/Parameters").get(&name).unwrap_or_else(|| panic!("there is no parameter {name}"));
        let allowed = parameter["AllowedValues"].as_array();
        assert!(allowed.is_none_or(|allowed| allowed.iter().any(|one| text(one) == value)), "{name}={value}");
    }
}

/// The defaults in the README's table of parameters. One default may stand for the whole row, and
/// `none` without backticks is an empty text.
fn told_defaults(readme: &str) -> BTreeMap<String, String> {
    let (_, table) = readme.split_once("| parameter | default | meaning |\n|---|---|---|\n").expect("there is a table");
    let mut told = BTreeMap::new();
    for row in table.lines().map_while(|line| line.strip_prefix("| ")) {
        let cells: Vec<&str> = row.splitn(3, " | ").collect();
        let names: Vec<&str> = quoted_in(cells[0]).collect();
        let defaults: Vec<&str> = cells[1].split(", ").collect();
        assert!([1, names.len()].contains(&defaults.len()), "infra/README.md: as many defaults as names in {row}");
        for (name, default) in names.into_iter().zip(defaults.into_iter().cycle()) {
            let default = if default == "none" { "" } else { default.trim_matches('`') };
            let earlier = told.insert(name.to_owned(), default.to_owned());
            assert!(earlier.is_none(), "infra/README.md has the parameter {name} twice");
        }
    }
    told
}

#[test]
fn the_readme_has_every_parameter_with_its_default() {
    let told = told_defaults(&read("README.md"));
    let main = Template::read(MAIN);
    let parameters = main.raw("/Parameters");
    for (name, parameter) in entries(parameters) {
        let default = text(&parameter["Default"]);
        assert_eq!(told.get(name), Some(&default), "infra/README.md: the default of {name}");
    }
    for name in told.keys() {
        assert!(parameters.get(name).is_some(), "infra/README.md: the template has no parameter {name}");
    }
}

#[test]
fn tells_an_empty_default_from_one_that_is_called_none() {
    let table = "| parameter | default | meaning |\n|---|---|---|\n\
                 | `A`, `B` | none, `none` | x |\n| `C`, `D` | 5 | y |\n\n| `E` | 1 | z |\n";
    let told = told_defaults(table);
    let told: Vec<(&str, &str)> = told.iter().map(|(name, default)| (name.as_str(), default.as_str())).collect();
    assert_eq!(told, [("A", ""), ("B", "none"), ("C", "5"), ("D", "5")]);
}

#[test]
fn the_guide_names_the_pinned_toolchain() {
    let pinned = read("local/requirements-deploy.txt");
    let version = |package: &str| {
        let line = pinned.lines().find_map(|line| line.strip_prefix(package)).expect("it is pinned");
        line.trim_start_matches("==").to_owned()
    };
    let guide = read("DEPLOY.md");
    for (name, package) in [("cargo-lambda", "cargo-lambda"), ("Zig", "ziglang")] {
        let named = format!("{name} {}", version(package));
        assert!(guide.contains(&named), "DEPLOY.md does not name {named}");
    }
}

#[test]
fn the_guide_uses_the_templates_names_of_log_groups() {
    let logging = fs::read_to_string(infra().join("../LOGGING.md")).unwrap();
    let main = with_options();
    let groups = main.resources("AWS::Logs::LogGroup").into_iter();
    let groups: BTreeSet<_> = groups
        .map(|(_, group)| text(&group["LogGroupName"]["Fn::Sub"]).replace("${AWS::StackName}", "{stack}"))
        .collect();
    let named: Vec<_> = logging.split('`').skip(1).step_by(2).filter(|name| name.contains("{stack}")).collect();
    assert!(named.len() >= 3, "{named:?}");
    for name in named {
        assert!(groups.contains(name), "there is no log group {name}");
    }
}

/// The services that must use a customer's key themselves; the roles use it for everything else.
#[test]
fn the_keys_policy_allows_exactly_the_services_that_use_it() {
    let guide = read("DEPLOY.md");
    let policy = blocks(&guide, "json").into_iter().find(|block| block.contains("kms:Decrypt")).expect("it is shown");
    let services = policy.split('"').filter(|part| part.ends_with(".amazonaws.com"));
    assert_eq!(services.collect::<Vec<_>>(), ["logs.REGION.amazonaws.com", "cloudwatch.amazonaws.com"]);
}

/// A message keeps the key with which it was sent, and the template lets the roles use only one. The
/// queues have the new one before the roles may use it.
#[test]
fn the_guide_lets_the_roles_use_both_keys_when_the_key_changes() {
    let section = read("KMS.md");
    let granted = blocks(&section, "sh").concat();
    for key in ["\"$OLD_KEY\" --grantee-principal", "\"$NEW_KEY\" --grantee-principal"] {
        assert!(granted.contains(key), "{granted}");
    }
    assert!(granted.contains("--operations Decrypt DescribeKey GenerateDataKey"), "{granted}");
    let main = with_options();
    let longest =
        main.resources("AWS::SQS::Queue").into_iter().map(|(_, queue)| number(&queue["MessageRetentionPeriod"]));
    let days = longest.fold(0.0, f64::max) / 86_400.0;
    assert_eq!(section.matches(&format!("{days} days")).count(), 2, "for as long as the last message");
}

#[test]
fn the_guides_user_pool_has_no_sign_up_and_only_read_by_default() {
    let guide = read("DEPLOY.md");
    let commands: Vec<String> = blocks(&guide, "sh").iter().map(|block| block.replace("\\\n", " ")).collect();
    let lines: Vec<&str> = commands.iter().flat_map(|block| block.lines()).collect();
    let find = |what: &str, of: &str| {
        let found = lines.iter().find(|line| line.contains(what) && line.contains(of));
        *found.unwrap_or_else(|| panic!("DEPLOY.md has no {what} {of}"))
    };
    assert!(find("create-user-pool ", "").contains("--admin-create-user-config AllowAdminCreateUserOnly=true"));
    let console = find("create-user-pool-client", "--client-name console");
    let scopes = console.split("--allowed-o-auth-scopes").nth(1).unwrap().split("--").next().unwrap();
    assert_eq!(scopes.split_whitespace().collect::<Vec<_>>(), ["openid"], "what one signs in with is everybody's");
    find("create-group", "visma-webhooks/repair");
}

/// Cognito answers requests for tokens only at the domain of a pool.
#[test]
fn the_guide_gives_the_user_pool_a_domain_before_its_clients() {
    let guide = read("DEPLOY.md");
    let commands = blocks(&guide, "sh").concat();
    let at = |what: &str| commands.find(what).unwrap_or_else(|| panic!("DEPLOY.md has no {what}"));
    assert!(at("create-user-pool-domain ") < at("create-user-pool-client "));
    assert!(at("create-user-pool-client ") < at(".amazoncognito.com/oauth2/token"));
    assert_eq!(commands.matches("create-user-pool-domain ").count(), 1);
}

/// CloudWatch leaves a composite alarm in a state that was set by hand until one of its alarms
/// changes. An alarm that is already in `ALARM` does not notify.
#[test]
fn the_guide_ends_the_page_that_it_triggers() {
    let guide = read("DEPLOY.md");
    let commands = blocks(&guide, "sh").concat();
    let of_the_page = commands.lines().filter(|line| line.contains("set-alarm-state") && line.contains("$STACK-page"));
    let states = of_the_page.filter_map(|line| line.split("--state-value ").nth(1)?.split(' ').next());
    assert_eq!(states.collect::<Vec<_>>(), ["ALARM", "OK"]);
}

/// The commands from a clone to the first notification.
fn commands_to_the_first_notification(guide: &str) -> Vec<String> {
    let (steps, _) = guide.split_once("For the commands from here on:").expect("the first notification is there");
    let typed = blocks(steps, "sh").concat().replace("\\\n", " ");
    typed.lines().map(|line| line.split(" # ").next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn the_first_notification_takes_ten_commands_with_two_own_values() {
    let guide = read("DEPLOY.md");
    let commands = commands_to_the_first_notification(&guide);
    assert_eq!(commands.len(), 10, "{commands:#?}");
    let is_value = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
    let values: Vec<&str> = commands.iter().flat_map(|command| command.split(' ').filter(is_value)).collect();
    assert_eq!(values, ["CLIENT", "SUBSCRIPTION"]);
    assert_eq!(commands.last().map(String::as_str), Some("visma-webhooks send"));
}

#[test]
fn the_files_of_the_guides_installation_exist() {
    let guide = read("DEPLOY.md");
    let words = commands_to_the_first_notification(&guide).join(" ");
    let paths: Vec<_> = words.split(' ').filter(|word| word.starts_with("infra/")).collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for path in paths {
        assert!(infra().join("..").join(path).exists(), "there is no {path}");
    }
}

#[test]
fn the_guide_states_the_largest_event_of_a_bus() {
    let readme = read("README.md");
    let row = readme.lines().find(|line| line.starts_with("| `EventBusArn`")).unwrap();
    assert!(row.contains("1 MB") && !row.contains("256 KB"), "{row}");
}
