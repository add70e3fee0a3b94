use crate::console::{Console, token};
use end_to_end::{Stack, until};

/// Lists one job, which has begun now and never goes on.
const STUCK: &str = "
    const real = window.fetch;
    const at = new Date().toISOString();
    const job = { id: 'stuck', kind: 'redrive', status: 'running', done: 0, skipped: 0, rate: 10, by: 'somebody',
        created_at: at, updated_at: at };
    window.fetch = async (url, options) => (String(url).endsWith('/v1/jobs')
        ? new Response(JSON.stringify({ items: [job] })) : real(url, options));";

const TWO_MINUTES_LATER: &str = "const now = Date.now; Date.now = () => now() + 121000;";

#[tokio::test]
async fn a_job_that_gets_stuck_while_it_is_watched_can_be_resumed() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    let browser = &console.browser;
    browser.script(STUCK, vec![]).await;
    console.view("#/replay", "Replays").await;
    browser.sees("[data-job=stuck]").await;
    assert_eq!(browser.texts("[data-job=stuck] button").await, ["Cancel"]);
    browser.script(TWO_MINUTES_LATER, vec![]).await;
    until("the job to be resumable", async || {
        (browser.texts("[data-job=stuck] button").await == ["Cancel", "Resume"]).then_some(())
    })
    .await;
    browser.was_content().await;
}
