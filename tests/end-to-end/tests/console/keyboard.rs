//! Tasks by keys alone, and the focus where the page draws something again. Tasks in a list are in
//! `appearance.rs`, in groups in `attention.rs`, with dead letters in `letters.rs`.

use crate::axe;
use crate::browser::Browser;
use crate::console::{Console, token};
use crate::keys::{arrives, at, is_seen, key, open, reach, tab_to, tab_until};
use crate::live::LOOK;
use crate::overview::{count, counted};
use crate::webdriver::{ENTER, LEFT, RIGHT, SHIFT, SPACE, TAB};
use end_to_end::{Stack, until};
use serde_json::json;
use uuid::Uuid;

/// This time tomorrow: the keys in the order of the browser's language, the field's value, and UTC.
/// The year may have more than four digits, so ArrowRight leaves it.
const TOMORROW: &str = r"
    const [at, two] = [new Date(Date.now() + 864e5), '2-digit'];
    const format = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: two, day: two, hour: two, minute: two });
    const typed = { literal: () => '', year: (text) => `${text}\uE014`, dayPeriod: (text) => text[0] };
    const keys = format.formatToParts(at).map(({ type, value }) => (typed[type] ?? String)(value)).join('');
    const field = new Date(at - at.getTimezoneOffset() * 60000);
    return [keys, ...[field, at].map((time) => time.toISOString().slice(0, 16))];";

const VALUE: &str = "return document.activeElement.value";
/// The end in the row that has the focus.
const END: &str = "return document.activeElement.closest('tr').querySelector('[data-label=Ends] time').dateTime";

#[tokio::test]
async fn the_overview_pauses_and_the_audit_are_used_by_keyboard_alone() {
    let stack = Stack::load().await;
    let tenant = counted(&stack).await;
    count(&stack, &tenant, 5, &json!({"received": 3, "states": {"processed": 3}})).await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    let browser = &console.browser;
    bar(browser, &tenant).await;
    let paused = pause(browser).await;
    audit(browser, &paused).await;
    browser.was_content().await;
}

/// Goes from bar to bar, and follows one to its notifications.
async fn bar(browser: &Browser, tenant: &str) {
    arrives(browser, "Overview").await;
    reach(browser, "Tenant").await;
    key(browser, tenant).await;
    key(browser, ENTER).await;
    browser.reads("figcaption", "Received at most 7").await;
    arrives(browser, "Overview").await;
    tab_until(browser, "the last bar", |name| name.starts_with("Received, ") && name.ends_with(": 7")).await;
    is_seen(browser).await;
    key(browser, LEFT).await;
    let before = at(browser).await;
    assert!(before.starts_with("Received, ") && before.ends_with(": 3"), "{before}");
    is_seen(browser).await;
    key(browser, RIGHT).await;
    assert!(at(browser).await.ends_with(": 7"));
    key(browser, ENTER).await;
    arrives(browser, "Notifications").await;
    let address = browser.address().await;
    let place = address.fragment().unwrap();
    assert!(place.contains(tenant) && place.contains("from="), "{place}");
}

/// Begins a pause until tomorrow and ends it. Returns its tenant.
async fn pause(browser: &Browser) -> String {
    let tenant = Uuid::new_v4().to_string();
    open(browser, "Pauses").await;
    reach(browser, "Begin a pause").await;
    key(browser, ENTER).await;
    browser.sees("dialog[open]").await;
    assert_eq!(at(browser).await, "Tenant", "the dialog takes the focus");
    is_seen(browser).await;
    key(browser, &tenant).await;
    reach(browser, "Nothing has come from this tenant yet").await;
    key(browser, SPACE).await;
    assert_eq!(browser.script("return document.activeElement.checked", vec![]).await, true);
    // Tab selects what is in a field.
    reach(browser, "Events").await;
    key(browser, "sales_order.*").await;
    assert_eq!(browser.script(VALUE, vec![]).await, "sales_order.*");
    let tomorrow = browser.script(TOMORROW, vec![]).await;
    let [keys, field, utc] = [0_usize, 1, 2].map(|place| tomorrow[place].as_str().expect("text"));
    // The browser marks the part of a time that has the focus, which a page cannot ask about.
    tab_to(browser, "Ends").await;
    key(browser, keys).await;
    assert_eq!(browser.script(VALUE, vec![]).await, field, "{keys:?}");
    reach(browser, "Begin").await;
    key(browser, ENTER).await;
    // It is gone after eight seconds.
    browser.reads(".toast", "Paused.").await;
    arrives(browser, "Begin a pause").await;
    axe::finds_nothing(browser, "pauses with one, and a toast").await;

    reach(browser, &format!("End the pause of sales_order.* for {tenant}")).await;
    let end = browser.script(END, vec![]).await;
    assert!(end.as_str().expect("a time").starts_with(utc), "{end}");
    key(browser, ENTER).await;
    browser.sees("dialog[open]").await;
    axe::finds_nothing(browser, "the end of a pause").await;
    reach(browser, "End the pause").await;
    browser.driver.press_with(SHIFT, TAB).await.unwrap();
    assert_eq!(at(browser).await, "Cancel", "Shift and Tab go back");
    key(browser, TAB).await;
    key(browser, SPACE).await;
    arrives(browser, "Replays").await;
    tenant
}

/// Filters the audit by tenant, and takes the filter away.
async fn audit(browser: &Browser, tenant: &str) {
    open(browser, "Audit").await;
    reach(browser, "Tenant").await;
    key(browser, tenant).await;
    key(browser, ENTER).await;
    until("what was done to the tenant", async || {
        (browser.texts("td[data-label=Deed]").await == ["resume", "pause"]).then_some(())
    })
    .await;
    arrives(browser, "Audit").await;
    reach(browser, "Clear").await;
    key(browser, SPACE).await;
    until("the filter to be gone", async || (!browser.address().await.as_str().contains(tenant)).then_some(())).await;
    arrives(browser, "Audit").await;
}

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
