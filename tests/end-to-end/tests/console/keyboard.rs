//! Tasks by keys alone. Those of a list are in `appearance.rs`, of groups in `attention.rs`, of dead
//! letters in `letters.rs`.

use crate::axe;
use crate::browser::Browser;
use crate::console::{Console, token};
use crate::keys::{arrives, at, is_seen, key, open, reach, tab_to, tab_until};
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
    arrives(browser, "Begin a pause").await;
    browser.reads(".toast", "Paused.").await;
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
