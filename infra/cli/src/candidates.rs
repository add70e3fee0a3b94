//! The candidates that a completion offers.
//!
//! A child process of this program asks the stack for names. It can be ended in time and has no
//! terminal to ask at. A failure offers nothing.

use crate::output::printable;
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use serde_json::Value;
use std::env;
use std::ffi::OsStr;
use std::io::Read;
use std::ops::Range;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use webhooks_model::catalogue::CATALOGUE;

/// In milliseconds. With the start of two programs, a completion takes two seconds at most.
const LONGEST: u64 = 1500;
/// Overrides it from the environment.
const WAIT: &str = "VISMA_WEBHOOKS_COMPLETE_WAIT";
/// Options that name the stack.
const STACK: [&str; 5] = ["--local", "--stack", "--stack-name", "--region", "--set"];
const STACK_VARIABLES: [&str; 2] = ["VISMA_WEBHOOKS_STACK", "VISMA_WEBHOOKS_API"];
/// The names of a tenant in the directory of the operations API.
const NAMES: [&str; 3] = ["name", "company_id", "id"];
/// The index of the id in them.
const ID: usize = 2;

/// A tenant by its name, its company number or its id.
pub(crate) fn tenant() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| tenants(0..NAMES.len(), current))
}

/// A tenant, for options that take only its id.
pub(crate) fn tenant_id() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| tenants(ID..NAMES.len(), current))
}

/// The id of a subscription of the settings.
pub(crate) fn subscription() -> ArgValueCompleter {
    ArgValueCompleter::new(subscriptions)
}

/// The name of an event of the catalogue.
pub(crate) fn event() -> ArgValueCompleter {
    ArgValueCompleter::new(events)
}

fn tenants(taken: Range<usize>, current: &OsStr) -> Vec<CompletionCandidate> {
    let (answer, wanted) = (ask(&["tenants"], true), typed(current));
    let text = |item: &Value, field: &str| printable(item[field].as_str().unwrap_or_default());
    let named = |item: &Value| NAMES.map(|field| text(item, field));
    let known: Vec<[String; 3]> = answer.iter().map(named).collect();
    // A name that several tenants share would be refused.
    let is_meant = |name: &str| {
        let same = known.iter().flatten().filter(|other| other.to_lowercase() == name.to_lowercase());
        !name.is_empty() && name.to_lowercase().starts_with(&wanted) && same.count() == 1
    };
    let offered = known.iter().filter_map(|names| {
        let name = names[taken.clone()].iter().find(|name| is_meant(name))?;
        let others = names.iter().filter(|other| *other != name && !other.is_empty());
        let others: Vec<&str> = others.map(String::as_str).collect();
        let help = (!others.is_empty()).then(|| others.join(", ").into());
        Some(CompletionCandidate::new(name).help(help))
    });
    offered.collect()
}

fn subscriptions(current: &OsStr) -> Vec<CompletionCandidate> {
    let (answer, wanted) = (ask(&["subscriptions", "list"], false), typed(current));
    let ids = answer.iter().filter_map(|one| one["id"].as_str());
    let ids = ids.filter(|id| id.to_lowercase().starts_with(&wanted));
    ids.map(|id| CompletionCandidate::new(printable(id))).collect()
}

fn events(current: &OsStr) -> Vec<CompletionCandidate> {
    let wanted = typed(current);
    let ids = CATALOGUE.iter().map(|event| event.id);
    ids.filter(|id| id.to_lowercase().starts_with(&wanted)).map(CompletionCandidate::new).collect()
}

/// Removes the quotes and escapes that a shell would remove.
fn typed(current: &OsStr) -> String {
    current.to_string_lossy().replace(['\\', '\'', '"'], "").to_lowercase()
}

/// The JSON that a command lists for the stack of this command line.
fn ask(command: &[&str], of_the_api: bool) -> Vec<Value> {
    let words = env::args_os().skip_while(|word| word != "--").skip(1);
    let words = whole(words.map(|word| word.to_string_lossy().into_owned()));
    let names: Vec<&str> = STACK.into_iter().chain(of_the_api.then_some("--api")).collect();
    let told = told(&words, &names);
    if told.is_empty() && STACK_VARIABLES.iter().all(|name| env::var_os(name).is_none()) {
        return vec![];
    }
    let text = run(&[command, told.as_slice(), &["--output", "json"]].concat());
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Bash cuts words at `:` and `=`.
fn whole(words: impl Iterator<Item = String>) -> Vec<String> {
    let (mut whole, mut goes_on): (Vec<String>, bool) = (vec![], false);
    for word in words {
        let is_cut = !word.is_empty() && word.chars().all(|c| [':', '='].contains(&c));
        match whole.last_mut().filter(|_| is_cut || goes_on) {
            Some(last) => last.push_str(&word),
            None => whole.push(word),
        }
        goes_on = is_cut;
    }
    whole
}

/// The options with these names, and their values.
fn told<'a>(words: &'a [String], names: &[&str]) -> Vec<&'a str> {
    let (mut told, mut words) = (vec![], words.iter().map(String::as_str));
    while let Some(word) = words.next() {
        let name = word.split('=').next().unwrap_or_default();
        if names.contains(&name) {
            told.push(word);
            if word == name && name != "--local" {
                told.extend(words.next());
            }
        }
    }
    told
}

/// The output of this program, if it ends in time. In its own process group it cannot read from the
/// terminal.
fn run(arguments: &[&str]) -> Vec<u8> {
    let Ok(program) = env::current_exe() else { return vec![] };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
    let Ok(mut child) = command.spawn() else { return vec![] };
    let (tell, heard) = mpsc::channel();
    if let Some(mut out) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut text = vec![];
            let read = out.read_to_end(&mut text);
            tell.send(if read.is_ok() { text } else { vec![] })
        });
    }
    let told = env::var_os(WAIT).and_then(|told| told.to_str()?.parse().ok());
    let text = heard.recv_timeout(Duration::from_millis(told.unwrap_or(LONGEST))).unwrap_or_default();
    let _ = child.kill();
    let _ = child.wait();
    text
}
