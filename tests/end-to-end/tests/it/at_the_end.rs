//! Runs after all other tests, by `.config/nextest.toml`, and checks what they left.

use end_to_end::{Stack, never_logged, shown};
use roles::{Account, Judge, listed};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

#[tokio::test]
async fn no_log_of_the_whole_run_shows_a_secret_or_personal_data() {
    let stack = Stack::load().await;
    let texts = never_logged(&stack);
    let groups = stack.log_groups();
    assert!(groups.len() >= 6, "{groups:?}");
    for group in groups {
        let lines = stack.lines(&group).await;
        let found = shown(&lines, &texts);
        assert!(found.is_none(), "{group} shows {found:?}");
        println!("{group}: {} lines", lines.len());
        // Checks that there was something to look at. The local AWS does not write API Gateway's
        // own log.
        let is_a_functions = group != "AccessLogGroup";
        assert!(!is_a_functions || shown(&lines, &["\"level\":".to_owned()]).is_some(), "{group} is empty");
    }
}

/// The local AWS checks the calls against adapted policies. This test checks the same calls against
/// AWS's rules.
#[tokio::test]
async fn every_call_of_the_whole_run_is_one_that_its_role_allows() {
    let stack = Stack::load().await;
    let secret = stack.output("SettingsSecretArn");
    let secret = secret.split_once(":secret:").map_or(secret, |(_, name)| name);
    let account = Account::new("webhooks").with_name("Table", stack.output("TableName")).with_name("Settings", secret);
    let mut judge = Judge::new(account);
    let calls = stack.calls();
    for call in &calls {
        let role = judge.logical(&call.role).unwrap_or_else(|| panic!("{call:?}")).to_owned();
        judge.hear(&role, &call.operation, &call.request);
    }
    println!("{} calls that differ", calls.len());
    let list = listed();
    assert_eq!(judge.refused(), Vec::<String>::new(), "AWS would refuse these");
    assert_eq!(judge.unlisted(&list), Vec::<String>::new(), "tests/roles/calls.json does not have these");
    assert_eq!(
        judge.missed(&list),
        Vec::<String>::new(),
        "not made by a whole run, so `seldom` in tests/roles/calls.json"
    );
}

/// As `cargo xtask dashboards --show` does it.
#[test]
fn the_dashboards_show_what_every_function_of_the_whole_run_counted() {
    let stack = PathBuf::from(env::var("WEBHOOKS_STACK").expect("a stack runs"));
    let (log, page) = (stack.with_file_name("functions.log"), stack.with_file_name("dashboards.html"));
    let printed = fs::read_to_string(&log).unwrap();
    for function in ["intake", "processor", "feedback", "reconciler", "operations", "repair"] {
        assert!(printed.contains(&format!("\"functionName\": \"webhooks-{function}\"")), "nothing of {function}");
    }
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut show = Command::new(python);
    show.arg("-B").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/dashboards/show.py"));
    let shown = show.arg("--log").arg(&log).arg("--output").arg(&page).output().unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let text = fs::read_to_string(&page).unwrap();
    for line in ["Rejected signature_mismatch", "Parked unmapped", "Metrics of AWS/SQS are made by AWS"] {
        assert!(text.contains(line), "{} does not show {line}", page.display());
    }
    for wrong in ["intake has measured no AckDuration", "no lines of intake", "does not know"] {
        assert!(!text.contains(wrong), "{} says: {wrong}", page.display());
    }
}
