//! Runs after all other tests, by `.config/nextest.toml`, and checks what they left.

use end_to_end::{Stack, never_logged, shown};
use roles::{Account, Judge, listed};

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
