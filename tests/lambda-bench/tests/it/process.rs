//! Functions as processes.

use lambda_bench::{Error, Function, Limits, Program};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Long enough for any machine. Functions that are expected to time out get short limits.
const PATIENT: Limits = Limits { start: Duration::from_secs(60), answer: Duration::from_secs(60) };
const IMPATIENT: Limits = Limits { start: Duration::from_secs(60), answer: Duration::from_millis(200) };

fn program(command: &str, arguments: &[&str]) -> Program {
    let path = std::env::var_os("PATH").unwrap_or_default().to_string_lossy().into_owned();
    Program {
        name: "thing".to_owned(),
        command: command.into(),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        environment: BTreeMap::from([("PATH".to_owned(), path), ("GREETING".to_owned(), "hello".to_owned())]),
    }
}

fn shell(script: &str) -> Program {
    program("sh", &["-c", script])
}

fn bootstrap(arguments: &[&str]) -> Program {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/bootstrap.py");
    let script = script.to_string_lossy().into_owned();
    program("python3", &[&[script.as_str()], arguments].concat())
}

/// Waits until the process has ended, even if it is a zombie. nextest ends a test that waits for
/// ever.
fn wait_until_ended(pid: i32) {
    let runs = || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while runs() {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn answers_events_in_order_and_reports_their_usage() {
    let mut function = Function::start(&bootstrap(&[]), PATIENT).await.unwrap();
    let mut before = function.cpu().unwrap();
    for number in 1..=3 {
        let answer = function.invoke(json!({"number": number}).to_string()).await.unwrap();
        let document: Value = serde_json::from_slice(&answer.document).unwrap();
        assert_eq!(document, json!({"event": {"number": number}, "answer": number}));
        assert!(answer.took <= answer.since_start && function.startup() <= answer.since_start);
        let usage = function.usage().unwrap();
        assert!(usage.cpu > before && usage.peak >= usage.resident);
        before = usage.cpu;
    }
    let pid = function.pid();
    function.stop().await;
    assert_eq!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH));
}

#[tokio::test]
async fn reports_a_wrong_answer_with_the_log() {
    let mut function = Function::start(&bootstrap(&[]), PATIENT).await.unwrap();
    function.invoke_well("1", |answer| answer["answer"] == 1).await.unwrap();
    let error = function.invoke_well("1", |answer| answer["answer"] == 1).await.unwrap_err();
    assert!(matches!(&error, Error::Unexpected { answer, .. } if answer.contains('2')), "{error}");
    assert!(error.to_string().contains("event 1"), "{error}");
}

#[tokio::test]
async fn reports_a_failed_event_and_continues() {
    let mut function = Function::start(&bootstrap(&[]), PATIENT).await.unwrap();
    let error = function.invoke(r#""fail""#).await.unwrap_err();
    assert!(matches!(&error, Error::Failed { document, .. } if document.contains("AsTold")), "{error}");
    assert_eq!(function.invoke("1").await.unwrap().document, r#"{"event": 1, "answer": 1}"#);
}

#[tokio::test]
async fn reports_a_function_that_ends_at_an_event_with_status_and_log() {
    let mut function = Function::start(&bootstrap(&[]), PATIENT).await.unwrap();
    let error = function.invoke(r#""exit""#).await.unwrap_err();
    assert!(matches!(&error, Error::Ended { status, .. } if status.code() == Some(7)), "{error}");
    assert!(error.to_string().contains("event exit"), "{error}");
}

#[tokio::test]
async fn reports_a_function_that_skips_an_answer() {
    let mut function = Function::start(&bootstrap(&[]), IMPATIENT).await.unwrap();
    let error = function.invoke(r#""keep silent""#).await.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
}

#[tokio::test]
async fn reports_a_failed_start_with_its_message() {
    let error = Function::start(&bootstrap(&["fails-to-start"]), PATIENT).await.unwrap_err();
    assert!(matches!(&error, Error::CannotStart { document, .. } if document.contains("NoSettings")), "{error}");
}

#[tokio::test]
async fn reports_a_program_that_asks_for_no_event_and_kills_its_children() {
    // On a machine that stalls, a second may end before the program has written its line.
    for seconds in [1, 10, 60] {
        let limits = Limits { start: Duration::from_secs(seconds), ..PATIENT };
        let error = Function::start(&shell("sleep 600 & echo $! $GREETING; wait"), limits).await.unwrap_err();
        assert!(matches!(error, Error::Silent { .. }), "{error}");
        let text = error.to_string();
        if let Some(line) = text.lines().find_map(|line| line.trim().strip_suffix(" hello")) {
            return wait_until_ended(line.parse().unwrap());
        }
    }
    panic!("it wrote nothing");
}

#[tokio::test]
async fn reports_a_program_that_ends_before_its_first_event_with_status_and_log() {
    let error = Function::start(&shell("echo out of luck >&2; exit 3"), PATIENT).await.unwrap_err();
    assert!(matches!(&error, Error::Ended { status, .. } if status.code() == Some(3)), "{error}");
    assert!(error.to_string().contains("out of luck"), "{error}");
}

#[tokio::test]
async fn names_a_missing_program() {
    let error = Function::start(&program("/nowhere/bootstrap", &[]), PATIENT).await.unwrap_err();
    assert!(error.to_string().contains("/nowhere/bootstrap"), "{error}");
}

#[tokio::test]
async fn dropping_a_function_ends_it() {
    let function = Function::start(&bootstrap(&[]), PATIENT).await.unwrap();
    let pid = function.pid();
    drop(function);
    assert_eq!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH));
}
