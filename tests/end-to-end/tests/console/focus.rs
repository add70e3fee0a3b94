//! The focus, where the page draws something again.

use crate::console::{Console, token};
use crate::keys::{arrives, at, key, tab_to};
use crate::live::LOOK;
use crate::webdriver::ENTER;
use end_to_end::{Stack, until};

/// Shows one notification, in the state `window.state`.
const NOTIFICATION: &str = "
    const [real, at] = [window.fetch, new Date().toISOString()];
    const one = { ref: 'one', tenant: 'focused', entity: 'customer', key: '1', event: 'CUSTOMER_UPDATED', received_at: at,
        id: 'i', delivery: 'd', subscription: 's', channel: 'c', origin: 'webhook', attempts: 1,
        feedback: { state: 'none' }, timeline: [{ what: 'received', at }] };
    window.state = 'retrying';
    window.fetch = async (url, options) => (String(url).endsWith('/v1/notifications/one')
        ? new Response(JSON.stringify({ ...one, state: window.state })) : real(url, options));";

/// Lists a job that was begun long ago and has done `window.done`.
const JOB: &str = "
    const real = window.fetch;
    const job = { id: 'old', kind: 'redrive', status: 'running', skipped: 0, rate: 10, by: 'somebody',
        created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' };
    window.done = 1;
    window.fetch = async (url, options) => (String(url).endsWith('/v1/jobs')
        ? new Response(JSON.stringify({ items: [{ ...job, done: window.done }] })) : real(url, options));";

async fn signed_in() -> Console {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    console.browser.reads("h1", "Overview").await;
    console
}

#[tokio::test]
async fn the_focus_stays_on_the_button_that_reads_again() {
    let console = signed_in().await;
    let browser = &console.browser;
    browser.reads(".side button", "Read again").await;
    tab_to(browser, "Read again").await;
    browser.script("document.activeElement.id = 'former'", vec![]).await;
    key(browser, ENTER).await;
    until("another button", async || browser.all("#former").await.is_empty().then_some(())).await;
    assert_eq!(at(browser).await, "Read again");
    browser.was_content().await;
}

#[tokio::test]
async fn the_focus_stays_on_the_same_button_of_a_job_that_goes_on() {
    let console = signed_in().await;
    let browser = &console.browser;
    browser.script(JOB, vec![]).await;
    console.view("#/replay", "Replays").await;
    browser.sees("[data-job=old]").await;
    let resume = "Resume the redrive of dead letters begun by somebody";
    tab_to(browser, resume).await;
    browser.script(&format!("window.done = 2; {LOOK}"), vec![]).await;
    browser.reads("[data-job=old] .notes", "2 sent again").await;
    assert_eq!(at(browser).await, resume);
    browser.was_content().await;
}

#[tokio::test]
async fn the_focus_returns_to_a_button_that_was_drawn_again_behind_its_dialog() {
    let console = signed_in().await;
    let browser = &console.browser;
    browser.script(NOTIFICATION, vec![]).await;
    console.view("#/notification/one", "Customer 1").await;
    tab_to(browser, "Hold").await;
    key(browser, ENTER).await;
    browser.sees("dialog[open]").await;
    browser.script(&format!("window.state = 'dead'; {LOOK}"), vec![]).await;
    browser.reads(".title .chip", "Dead").await;
    browser.press("Cancel").await;
    arrives(browser, "Hold").await;
    browser.was_content().await;
}
