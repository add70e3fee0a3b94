//! The examples of the help for the stack on this machine.

use super::program::run_local;
use end_to_end::Stack;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// They change what other tests use, read a secret, judge the whole stack, or show what the demo of
/// `cargo xtask up` has sent.
const NOT_RUN: [&str; 13] = [
    "client --id standin-client --secret-stdin --dry-run",
    "deploy-check",
    "doctor",
    "entity --tenant 10000000-0000-4000-8000-000000000001 customer 10001",
    "forward --to http://localhost:3000/events --once",
    "get 10001",
    "pauses begin --events sales_order.* --note outage",
    "pauses end --events sales_order.*",
    "send --event CUSTOMER_UPDATED --key 10001",
    "settings aliases add KontoEndret=ACCOUNT_CHANGED",
    "settings aliases remove KontoEndret",
    "subscriptions disable local-erp",
    "subscriptions enable local-erp",
];

/// As the manual pages have them, without what a shell does with them.
fn examples(folder: &Path) -> BTreeSet<String> {
    let mut examples = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let page = fs::read_to_string(file.unwrap().path()).unwrap().replace("\\-", "-");
        let own = page.lines().filter_map(|line| line.strip_prefix("visma-webhooks --local "));
        examples.extend(own.map(|line| line.split(['<', '|', '>', '#']).next().unwrap().trim().to_owned()));
    }
    examples
}

/// Runs alone (`.config/nextest.toml`), since its sweep finds what other tests' companies hold back.
#[tokio::test]
async fn the_examples_for_the_stack_on_this_machine_work_as_they_stand() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples-of-the-help");
    let _ = fs::remove_dir_all(&folder);
    let (code, pages) = run_local(&["man", "--out", folder.to_str().unwrap()]);
    assert_eq!(code, 0, "{pages}");
    let mut examples = examples(&folder);
    for example in NOT_RUN {
        assert!(examples.remove(example), "no help has {example}");
    }
    assert!(examples.len() > 25, "{examples:#?}");
    // Writes the directory of tenants, which knows the names in the examples.
    Stack::load().await.reconcile(None).await;
    for example in examples {
        let (code, shown) = run_local(&example.split_whitespace().collect::<Vec<_>>());
        assert_eq!(code, 0, "{example}: {shown}");
    }
}
