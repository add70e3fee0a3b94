//! What is looked at when all other tests have run: `.config/nextest.toml` has it wait for them.

use end_to_end::{Stack, never_logged, shown};

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
        // Otherwise nothing was looked at. API Gateway's own log is not written by the local AWS.
        let is_a_functions = group != "AccessLogGroup";
        assert!(!is_a_functions || shown(&lines, &["\"level\":".to_owned()]).is_some(), "{group} is empty");
    }
}
