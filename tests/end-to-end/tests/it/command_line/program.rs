//! Runs the program that `cargo xtask test` has built next to this test.

use end_to_end::Stack;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Exit code and result as JSON, or the error if there is no result.
pub(crate) fn run(stack: &Stack, arguments: &[&str]) -> (i32, Value) {
    read(&command(stack).args(arguments).output().expect("the program starts"))
}

/// The same, with a token for the operations API.
pub(super) fn run_with(stack: &Stack, token: &str, arguments: &[&str]) -> (i32, Value) {
    let mut command = command(stack);
    command.env("VISMA_WEBHOOKS_TOKEN", token).args(arguments);
    read(&command.output().expect("the program starts"))
}

pub(super) fn read(output: &Output) -> (i32, Value) {
    let code = output.status.code().expect("it ends by itself");
    let json = serde_json::from_slice(&output.stdout);
    (code, json.unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&output.stderr).into_owned())))
}

/// The same, with only `WEBHOOKS_STACK` and `--local`.
pub(super) fn run_local(arguments: &[&str]) -> (i32, Value) {
    let mut command = Command::new(program());
    command.env_remove("AWS_ENDPOINT_URL").args(["--local", "--output", "json"]).args(arguments);
    read(&command.output().expect("the program starts"))
}

fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let program = test.ancestors().nth(2).expect("target/debug").join("visma-webhooks");
    assert!(program.exists(), "{} is missing: cargo build -p visma-webhooks", program.display());
    program
}

pub(super) fn command(stack: &Stack) -> Command {
    let mut command = Command::new(program());
    command.args(["--stack", "webhooks", "--set", &format!("ApiUrl={}", stack.api_url), "--output", "json"]);
    command
}
