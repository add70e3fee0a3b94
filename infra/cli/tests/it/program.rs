//! The program itself: exit codes, help and completions.

use crate::fakes::{Asked, Server};
use clap::{CommandFactory, Parser};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use visma_webhooks::Arguments;

const SILENT_AWS: [(&str, &str); 6] = [
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_REGION", "eu-north-1"),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    // Nothing listens on this port.
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ("AWS_MAX_ATTEMPTS", "1"),
];

pub(crate) fn run(arguments: &[&str], input: &str) -> Output {
    run_in(arguments, input, &[])
}

/// The same, with variables that override the usual ones.
pub(crate) fn run_in(arguments: &[&str], input: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visma-webhooks"));
    command.args(arguments).env_clear().envs(SILENT_AWS);
    command.envs(variables.iter().copied());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

/// All commands by their words. The program itself is the first.
pub(crate) fn commands(command: &clap::Command, words: &str) -> Vec<(String, clap::Command)> {
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    let below = below.flat_map(|below| commands(below, &format!("{words} {}", below.get_name())));
    std::iter::once((words.to_owned(), command.clone())).chain(below).collect()
}

/// The commands without subcommands.
fn leaves(command: &clap::Command, words: &str) -> Vec<(String, clap::Command)> {
    commands(command, words).into_iter().filter(|(_, command)| !command.has_subcommands()).collect()
}

/// The command lines in a text, without redirections and pipes.
fn examples(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("$ "))
        .filter(|line| line.starts_with("visma-webhooks "));
    lines.map(|line| line.split(['<', '>', '#', '|']).next().unwrap().trim().to_owned()).collect()
}

fn parses(example: &str) {
    let is_bare = |word: &str| word.contains('*') && !word.starts_with('"');
    assert!(!example.split_whitespace().any(is_bare), "a shell replaces the * of {example}");
    let parsed = Arguments::try_parse_from(example.split_whitespace());
    assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
}

#[test]
fn each_command_has_a_help_with_valid_examples() {
    let root = Arguments::command();
    let leaves = leaves(&root, "visma-webhooks");
    assert!(leaves.len() > 30, "{}", leaves.len());
    for (words, mut leaf) in leaves {
        let help = leaf.render_long_help().to_string();
        let examples = examples(&help);
        assert!(examples.iter().any(|example| example.starts_with(&words)), "{words} has no example of its own");
        examples.iter().for_each(|example| parses(example));
        let silent = leaf.get_arguments().find(|argument| argument.get_help().is_none());
        assert!(silent.is_none(), "{words}: {silent:?} has no help");
    }
}

/// They take an id that differs in each stack, or need no stack.
const NOT_LOCAL: [&str; 13] = [
    "dlq show",
    "hold",
    "release",
    "resend",
    "outcome",
    "acknowledge",
    "unacknowledge",
    "jobs get",
    "jobs failed",
    "jobs cancel",
    "jobs resume",
    "man",
    "completions",
];

#[test]
fn each_help_has_an_example_for_the_local_stack() {
    for (words, mut command) in commands(&Arguments::command(), "visma-webhooks") {
        let help = command.render_long_help().to_string();
        let own = words.replacen("visma-webhooks", "visma-webhooks --local", 1);
        let has_one = examples(&help).iter().any(|example| example.starts_with(&own));
        let is_local = NOT_LOCAL.iter().all(|name| words != format!("visma-webhooks {name}"));
        assert_eq!(has_one, is_local, "{words}");
    }
}

#[test]
fn the_readme_has_valid_examples_of_every_command() {
    let readme = [include_str!("../../README.md"), include_str!("../../OPERATIONS.md")].concat();
    let examples = examples(&readme);
    for (words, _) in leaves(&Arguments::command(), "visma-webhooks") {
        assert!(examples.iter().any(|example| example.starts_with(&words)), "{words} is not in the README");
    }
    examples.iter().for_each(|example| parses(example));
}

#[test]
fn takes_a_token_only_from_the_environment() {
    let output = run(&["get", "abc", "--token", "secret"], "");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_help_documents_the_exit_codes() {
    let output = run(&["--help"], "");
    assert!(output.status.success());
    for code in ["0  done", "1  failed", "2  usage", "3  not found", "4  refused", "5  unavailable", "130  interrupted"]
    {
        assert!(text(&output.stdout).contains(code), "{code}");
    }
}

#[test]
fn each_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let asking = run(&["completions", shell], "");
        assert!(asking.status.success() && text(&asking.stdout).contains("VISMA_WEBHOOKS_COMPLETE"), "{shell}");
        let silent = text(&run(&["completions", shell, "--static"], "").stdout);
        assert!(silent.contains("subscriptions") && !silent.contains("VISMA_WEBHOOKS_COMPLETE"), "{shell}");
    }
}

#[test]
fn unknown_commands_and_a_missing_stack_are_usage_errors_with_advice() {
    assert_eq!(run(&["nonsense"], "").status.code(), Some(2));
    let output = run(&["subscriptions", "list"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("VISMA_WEBHOOKS_STACK"), "{}", text(&output.stderr));
}

#[test]
fn reports_a_silent_aws_as_unavailable() {
    let output = run(&["--stack", "webhooks", "subscriptions", "list"], "");
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
}

#[test]
fn a_dry_run_of_send_needs_only_a_secret_and_hides_it() {
    let send =
        ["send", "--url", "https://hooks.example/hooks/visma/erp", "--secret-stdin", "--dry-run", "--key", "3000"];
    let output = run(&send, "canary\n");
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shown.starts_with("POST https://hooks.example/hooks/visma/erp\n"), "{shown}");
    assert!(shown.contains("x-vwd-signature-v1: ") && shown.contains("api/v1/account/3000"), "{shown}");
    assert!(!shown.contains("canary"));
    assert_eq!(run(&send, "").status.code(), Some(2), "no secret");
}

/// The same answer twice, then another one, then none.
fn changing(_: &Asked) -> (u16, Value) {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    match ASKED.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => (200, json!({ "dead": 1 })),
        2 => (200, json!({ "dead": 2 })),
        _ => (403, json!({ "code": "forbidden", "detail": "This needs the role read." })),
    }
}

/// Runs it with a server in place of the operations API.
pub(crate) async fn run_against(server: &Server, arguments: &'static [&'static str]) -> Output {
    let url = server.url.clone();
    let arguments = move || run(&[arguments, &["--api", &url, "--output", "json"]].concat(), "");
    tokio::task::spawn_blocking(arguments).await.unwrap()
}

#[tokio::test]
async fn a_watch_writes_json_for_each_change_and_ends_when_refused() {
    let server = Server::start(changing).await;
    let output = run_against(&server, &["counts", "--watch", "--every", "0s"]).await;
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(lines, [json!({ "dead": 1 }), json!({ "dead": 2 })]);
}

/// It has characters that clear a terminal or turn the direction of the text.
fn hostile(_: &Asked) -> (u16, Value) {
    (409, json!({ "code": "held\u{1b}c", "detail": "No\u{1b}[2J\u{202e}record\u{2066}.\u{9b}1A" }))
}

#[tokio::test]
async fn an_error_of_the_api_cannot_control_the_terminal() {
    let output = run_against(&Server::start(hostile).await, &["counts"]).await;
    let told = text(&output.stderr);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines, ["error: the operations API answered 409 held c", "  try: No [2J record . 1A"]);
}

const LISTS: [&[&str]; 4] =
    [&["tail", "--tenant", "t-1", "--once"], &["jobs", "list"], &["pauses", "list"], &["audit"]];

#[tokio::test]
async fn json_is_one_document() {
    let server = Server::start(|_| (200, json!({ "items": [{ "ref": "abc" }, { "ref": "def" }] }))).await;
    for arguments in LISTS {
        let output = run_against(&server, arguments).await;
        let json: Value = text(&output.stdout).parse().unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        assert_eq!(json.as_array().map(Vec::len), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_list_in_json_that_is_cut_says_so_on_standard_error() {
    let server = Server::start(|_| (200, json!({ "items": [{ "ref": "abc" }], "next": "more" }))).await;
    let output = run_against(&server, &["audit", "--limit", "1"]).await;
    assert_eq!(text(&output.stderr), "There may be more: give a larger --limit.\n");
    assert_eq!(text(&output.stdout).parse::<Value>().unwrap().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_list_that_leaves_something_out_says_so_once_on_standard_error() {
    let server = Server::start(|_| (200, json!({ "items": [], "left_out": 2 }))).await;
    let output = run_against(&server, &["attention"]).await;
    let told = "Some items are not shown: a newer version of the product wrote them. Deploy that version again.\n";
    assert_eq!(text(&output.stderr), told);
    assert_eq!(text(&output.stdout), "[]\n");
}

#[test]
fn a_time_outside_of_the_calendar_is_a_usage_error() {
    for command in ["audit --from", "doctor --expiring", "pauses begin --events * --for"] {
        let words = |time| ["visma-webhooks"].into_iter().chain(command.split(' ')).chain([time]);
        assert!(Arguments::try_parse_from(words("36500d")).is_ok(), "{command}");
        assert!(Arguments::try_parse_from(words("36501d")).is_err(), "{command}");
    }
}

#[test]
fn a_full_disk_is_no_success() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_visma-webhooks"));
    let output = command.arg("man").stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("cannot write to standard output"), "{}", text(&output.stderr));
}

#[test]
fn a_closed_pipe_keeps_the_exit_code_of_failed_checks() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_visma-webhooks"));
    command.args(["doctor", "--offline"]).env_clear().envs(SILENT_AWS).stdout(writer).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), String::new()));
}

/// The answers of Secrets Manager to reading and writing.
fn settings(_: &Asked) -> (u16, Value) {
    (200, json!({ "VersionId": "1", "SecretString": fixtures::document().to_string() }))
}

#[tokio::test]
async fn tells_how_to_read_a_new_secret_that_could_not_be_shown() {
    let server = Server::start(settings).await;
    for is_full in [false, true] {
        let url = server.url.clone();
        let rotate = move || {
            let (reader, closed) = std::io::pipe().unwrap();
            drop(reader);
            let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_visma-webhooks"));
            command.args(["subscriptions", "rotate", "all", "--set", "SettingsSecretArn=settings"]);
            command.env_clear().envs(SILENT_AWS).env("AWS_ENDPOINT_URL", url).stderr(Stdio::piped());
            let command = if is_full { command.stdout(full()) } else { command.stdout(closed) };
            command.spawn().unwrap().wait_with_output().unwrap()
        };
        let output = tokio::task::spawn_blocking(rotate).await.unwrap();
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains("get-secret-value"), "{told}");
    }
    assert_eq!(server.asked().len(), 2 * 3, "read, written, and made the current one");
}

#[test]
fn a_closed_standard_error_keeps_the_exit_code() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_visma-webhooks"));
    command.args(["subscriptions", "list"]).env_clear().envs(SILENT_AWS).stdout(Stdio::null()).stderr(writer);
    assert_eq!(command.status().unwrap().code(), Some(2));
}

#[tokio::test]
async fn asks_no_proxy_for_an_address_of_this_machine() {
    let server = Server::start(|_| (200, json!({ "dead": 1 }))).await;
    let url = server.url.clone();
    // Nothing listens on this port.
    let proxy = [("HTTP_PROXY", "http://127.0.0.1:1"), ("http_proxy", "http://127.0.0.1:1")];
    let output = move || run_in(&["counts", "--api", &url], "", &proxy);
    let output = tokio::task::spawn_blocking(output).await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let aws = Server::start(settings).await;
    let url = aws.url.clone();
    let list = ["subscriptions", "list", "--set", "SettingsSecretArn=settings"];
    let output = move || run_in(&list, "", &[proxy[0], proxy[1], ("AWS_ENDPOINT_URL", url.as_str())]);
    let output = tokio::task::spawn_blocking(output).await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[tokio::test]
async fn asks_aws_by_the_proxy_of_the_environment() {
    let proxy = Server::start(settings).await;
    let url = proxy.url.clone();
    let list = ["subscriptions", "list", "--set", "SettingsSecretArn=settings"];
    let output = move || run_in(&list, "", &[("AWS_ENDPOINT_URL", "http://aws.example"), ("HTTP_PROXY", url.as_str())]);
    let output = tokio::task::spawn_blocking(output).await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(proxy.asked()[0].line, "POST http://aws.example/");
}

#[test]
fn writes_no_colours_without_a_terminal() {
    for arguments in [&["--help"][..], &["nonsense"], &["--stack", "webhooks", "subscriptions", "list"]] {
        let output = run(arguments, "");
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{arguments:?}");
    }
}

#[test]
fn no_color_outweighs_forced_colours() {
    let help = |variables: &[(&str, &str)]| run_in(&["--help"], "", variables).stdout;
    let forced = ("CLICOLOR_FORCE", "1");
    assert!(help(&[forced]).contains(&0x1b), "there are colours to leave out");
    assert!(!help(&[forced, ("NO_COLOR", "1")]).contains(&0x1b));
}

#[test]
fn rejects_an_address_without_http_with_advice_for_the_local_stack() {
    for address in ["abc.execute-api.localhost", "abc.execute-api.localhost:4566"] {
        let output = run(&["counts", "--set", &format!("ApiUrl={address}")], "");
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains("--local"), "{told}");
    }
}

#[test]
fn sends_no_token_without_tls_to_another_machine() {
    for address in ["http://localhost.example", "http://127.0.0.1.example:4566", "http://192.0.2.1"] {
        let output = format!("ApiUrl={address}");
        for [name, value] in [["--api", address], ["--set", output.as_str()]] {
            let output = run_in(&["counts", name, value], "", &[("VISMA_WEBHOOKS_TOKEN", "canary")]);
            let told = text(&output.stderr);
            assert!(output.status.code() == Some(2) && told.contains("with https"), "{address}: {told}");
        }
    }
}

#[tokio::test]
async fn sends_no_path_token_without_tls_to_another_machine() {
    let aws = Server::start(settings).await;
    for [name, value] in [["--set", "ApiUrl=http://hooks.example"], ["--url", "http://192.0.2.1/legacy/canary"]] {
        let url = aws.url.clone();
        let send = ["send", "--subscription", "legacy", "--set", "SettingsSecretArn=settings", name, value];
        let output = move || run_in(&send, "", &[("AWS_ENDPOINT_URL", url.as_str())]);
        let output = tokio::task::spawn_blocking(output).await.unwrap();
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains("with https"), "{told}");
        assert!(!told.contains("canary"), "{told}");
    }
}

#[test]
fn forwards_events_only_to_this_machine() {
    let output = run(&["forward", "--to", "https://evil.example"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("an address of this machine"), "{}", text(&output.stderr));
}
