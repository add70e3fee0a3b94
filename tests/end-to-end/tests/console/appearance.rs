//! How the pages look, in light and dark, in each window, and how they work without a mouse.

use crate::axe;
use crate::browser::Browser;
use crate::company;
use crate::console::{Console, token};
use crate::keys::{focused, key, tab_to};
use crate::webdriver::{ENTER, ESCAPE};
use end_to_end::{Company, Operator, Stack, until};
use serde_json::{Value, json};
use standin::{Change, Endpoint, Fault};
use std::path::Path;

/// Finds texts with a contrast below 4.5 to their background (WCAG 2, AA).
const PALE: &str = r"
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return canvas.getImageData(0, 0, 1, 1).data; };
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = (one) => { for (let at = one; at; at = at.parentElement) { const own = rgba(getComputedStyle(at).backgroundColor); if (own[3] === 255) return own; } return rgba('white'); };
    const texts = [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled
        && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && one.getBoundingClientRect().width > 1);
    return texts.map((one) => { const [a, b] = [light(rgba(getComputedStyle(one).color)), light(behind(one))];
        return [one.textContent.trim().slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]; }).filter(([, ratio]) => ratio < 4.5);";

/// No column of a list is cut off.
const LISTS_FIT: &str = "return innerWidth === 1280
    && [...document.querySelectorAll('.scroll:has(td.actions)')].every((one) => one.scrollWidth <= one.clientWidth)";

/// The bar of the header is as high as one link of its menu. There is none before the sign-in.
const IS_ONE_LINE: &str = "
    const [bar, link] = ['.bar', '.bar nav a'].map((one) => document.querySelector(one)?.getBoundingClientRect().height ?? 0);
    return bar <= link + 2;";

const STRUCTURE: &str = "return ['main', 'header', 'nav[aria-label]', 'h1', '[aria-live=polite]', 'table:not(:has(caption))', 'th:not([scope])', 'a[href=\"\"]']
    .map((selector) => document.querySelectorAll(selector).length)";

/// Keeps all announcements, since each replaces the one before.
const LISTEN: &str = "
    window.told = [];
    const hear = (changes) => changes.forEach(({ addedNodes }) => addedNodes.forEach((one) => window.told.push(one.data)));
    new MutationObserver(hear).observe(document.getElementById('announcer'), { childList: true });";

#[tokio::test]
async fn everything_can_be_done_by_keyboard_and_read_in_light_and_dark_on_a_phone_and_by_a_screen_reader() {
    let company = Company::new(company::PICTURED).await;
    let views = made(&company).await;
    let console = Console::open(&company.stack).await;
    let browser = &console.browser;
    browser.reads("h1", "Sign in").await;
    check(browser, "sign-in").await;
    walk(&console, &company).await;
    for (name, hash, heading, ready) in &views {
        console.view(hash, heading).await;
        browser.sees(ready).await;
        check(browser, name).await;
        let found = browser.script(STRUCTURE, vec![]).await;
        let found: Vec<u64> = serde_json::from_value(found).unwrap();
        assert_eq!(
            (found[0], found[1], found[3], found[4]),
            (1, 1, 1, 1),
            "{name}: landmarks, one heading, an announcer"
        );
        assert!(found[2] >= 1 && found[5..] == [0, 0, 0], "{name}: {found:?}");
    }
    check_dialogs(&console, &company).await;
    the_header_is_one_line(&console).await;
    browser.was_content().await;
}

type View = (&'static str, String, &'static str, &'static str);

/// Creates something of every kind, and returns the views that show it.
async fn made(company: &Company) -> Vec<View> {
    for (event, key) in
        [("ACCOUNT_CREATED", "2701"), ("SUPPLIER_CHANGED", "S-4400"), ("SALESORDER_UI_CUSTOMACTION", "SO/270002")]
    {
        let changed = company.visma.change_and_emit(&Change::new(event, key)).await.unwrap();
        company.answered(&changed.emitted).await;
    }
    for status in ["On hold", "Open", "Completed"] {
        let change = Change { status: Some(status.into()), ..Change::new("SALES_ORDER_STATUS_CHANGED", "SO/270001") };
        let changed = company.visma.change_and_emit(&change).await.unwrap();
        company.answered(&changed.emitted).await;
    }
    // One with faults: the ERP fails twice, then Visma Net refuses the feedback.
    company.visma.set_faults(Endpoint::Resource, &[Fault::status(503), Fault::status(503)]).await.unwrap();
    company.visma.set_faults(Endpoint::Feedback, &[Fault::status(400)]).await.unwrap();
    let troubled = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "27004")).await.unwrap();
    company.ended(troubled.emitted.notification_ids[0], "processed", "parked").await;
    let awaited =
        company.visma.change_and_emit(&Change::new("PURCHASE_ORDER_ACTION_TRIGGERED", "PO2705")).await.unwrap();
    company.ended(awaited.emitted.notification_ids[0], "processed", "awaited").await;
    let tenant = &company.tenant;
    let counted = crate::overview::counted(&company.stack).await;
    let mut views = vec![
        ("overview", format!("#/overview?tenant={counted}"), "Overview", ".bars a"),
        ("list", format!("#/notifications?tenant={tenant}"), "Notifications", "tbody tr"),
        ("attention", format!("#/attention?kind=feedback_parked&tenant={tenant}"), "Attention", "tbody tr"),
        (
            "entity",
            format!("#/entity?tenant={tenant}&entity=sales_order&key=SO%2F270001"),
            "Sales order SO/270001",
            "tbody tr",
        ),
        ("search", format!("#/search?q=27000&tenant={tenant}"), "Search", "tbody tr"),
        ("observed", "#/observed".to_owned(), "Observed", "tbody tr"),
        ("letters", "#/letters".to_owned(), "Dead letters", "section[data-queue]"),
        ("audit", "#/audit".to_owned(), "Audit", "tbody tr"),
        ("pauses", "#/pauses".to_owned(), "Pauses", "main section > *"),
        ("replay", format!("#/replay?tenant={tenant}"), "Replays", ".jobs li"),
    ];
    let reference = reference(company, "customer", "27004").await;
    views.push(("detail", format!("#/notification/{reference}"), "Customer 27004", ".timeline li"));
    views
}

/// The reference of the newest notification of an entity.
async fn reference(company: &Company, entity: &str, key: &str) -> String {
    let read = Operator::new(&company.stack, "Read").await;
    let url = format!("/operations/v1/entities?tenant={}&entity={entity}&key={key}", company.tenant);
    let (_, known) = read.ask("GET", &url, None).await;
    known["notifications"][0]["ref"].as_str().expect("a reference").to_owned()
}

/// Takes pictures and checks contrast, names and overflow in both schemes, wide and narrow, and asks
/// axe.
async fn check(browser: &Browser, name: &str) {
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        let pale = browser.script(PALE, vec![]).await;
        assert_eq!(pale, json!([]), "{name}, {scheme}: too little contrast");
        browser.picture(&format!("{name}-{scheme}")).await;
    }
    browser.prefer("light").await;
    for control in browser.all("a[href], button, input, select, textarea, summary, progress").await {
        if control.is_displayed().await.unwrap_or(false) {
            // A list that was drawn again meanwhile has other controls.
            let Ok(own) = control.label().await else { continue };
            assert!(!own.trim().is_empty(), "{name}: {} has no name", control.html().await.unwrap_or_default());
        }
    }
    browser.resize(1280, 800).await;
    until(&format!("the lists of {name} to fit 1,280 pixels"), async || {
        (browser.script(LISTS_FIT, vec![]).await == Value::Bool(true)).then_some(())
    })
    .await;
    assert_eq!(browser.script(IS_ONE_LINE, vec![]).await, true, "{name}: the header wraps at 1,280 pixels");
    browser.picture(&format!("{name}-1280")).await;
    fits_small_windows(browser, name).await;
    browser.picture(&format!("{name}-phone")).await;
    axe::finds_nothing(browser, name).await;
}

/// A window of 1,280 pixels at 200 %, and a small phone. `axe` measures at 375 pixels.
async fn fits_small_windows(browser: &Browser, name: &str) {
    for (width, height) in [(640, 400), (320, 640)] {
        browser.fits(name, width, height).await;
    }
}

/// Opens each kind of dialog and closes it.
async fn check_dialogs(console: &Console, company: &Company) {
    let browser = &console.browser;
    let tenant = &company.tenant;
    let list = &format!("#/notifications?tenant={tenant}");
    let refused = &format!("#/attention?kind=feedback_parked&tenant={tenant}");
    let awaited = &format!("#/notification/{}", reference(company, "purchase_order", "PO2705").await);
    for (hash, heading, button) in [
        (list, "Notifications", "View notification feedback of Supplier S-4400"),
        (list, "Notifications", "Resend Supplier S-4400"),
        (refused, "Attention", "Resend all of these"),
        (awaited, "Purchase order PO2705", "Hand in outcome"),
        (&"#/pauses".to_owned(), "Pauses", "Begin a pause"),
    ] {
        console.view(hash, heading).await;
        browser.press(button).await;
        browser.sees("dialog[open]").await;
        fits_small_windows(browser, button).await;
        axe::finds_nothing(browser, button).await;
        key(browser, ESCAPE).await;
        until("the dialog to close", async || browser.all("dialog").await.is_empty().then_some(())).await;
    }
}

/// The header is in one line in windows from 1,280 pixels on, with a long name of a time zone.
async fn the_header_is_one_line(console: &Console) {
    let browser = &console.browser;
    browser.devtools("Emulation.setTimezoneOverride", json!({"timezoneId": "America/Argentina/Buenos_Aires"})).await;
    browser.go(&console.url).await;
    browser.sees("#header").await;
    for width in [1280, 1440, 1600, 1920] {
        browser.fits("the header", width, 800).await;
        assert_eq!(browser.script(IS_ONE_LINE, vec![]).await, true, "the header wraps at {width} pixels");
    }
    browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
}

/// Signs in, looks around and sends a notification again, without a mouse.
async fn walk(console: &Console, company: &Company) {
    let browser = &console.browser;
    let token = token(&company.stack).await;
    tab_to(browser, "Use a token").await;
    key(browser, ENTER).await;
    tab_to(browser, "Token").await;
    focused(browser).await.send_keys(&token).await.unwrap();
    tab_to(browser, "Use this token").await;
    key(browser, ENTER).await;
    until("the first view's heading to have the focus", async || {
        (browser.name(&browser.driver.active().await.ok()?).await == "Overview").then_some(())
    })
    .await;

    browser.go(&console.url).await;
    browser.sees("#header").await;
    tab_to(browser, "Attention").await;
    key(browser, ENTER).await;
    browser.reads("h1", "Attention").await;
    until("the new view's heading to have the focus", async || {
        (browser.name(&focused(browser).await).await == "Attention").then_some(())
    })
    .await;
    browser.go(&console.url).await;
    browser.sees("#header").await;
    tab_to(browser, "Skip to content").await;
    key(browser, ENTER).await;
    assert_eq!(focused(browser).await.attribute("id").await.unwrap(), "main");
    browser.go(&console.url).await;
    browser.sees("#header").await;
    tab_to(browser, "Notifications").await;
    key(browser, ENTER).await;
    browser.reads("h1", "Notifications").await;
    tab_to(browser, "Tenant").await;
    focused(browser).await.send_keys(&company.tenant).await.unwrap();
    key(browser, ENTER).await;
    browser.sees("tbody tr").await;
    tab_to(browser, "Resend Supplier S-4400").await;
    key(browser, ENTER).await;
    browser.sees("dialog[open]").await;
    assert_eq!(browser.name(&focused(browser).await).await, "Note", "the dialog takes the focus");
    key(browser, ESCAPE).await;
    until("the dialog to close", async || browser.all("dialog").await.is_empty().then_some(())).await;
    assert_eq!(browser.name(&focused(browser).await).await, "Resend Supplier S-4400", "and gives it back");
    key(browser, ENTER).await;
    browser.sees("dialog[open]").await;
    tab_to(browser, "Resend notification").await;
    browser.script(LISTEN, vec![]).await;
    key(browser, ENTER).await;
    until("the announcement", async || {
        let told = browser.script("return window.told", vec![]).await;
        told.as_array()?.contains(&"Handed to the processor.".into()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_accountants_window_fits_1280_pixels_with_its_feedback_and_leads_to_the_console() {
    let company = Company::new(company::IN_THE_WINDOW).await;
    for (event, key) in [("ACCOUNT_CREATED", "4901"), ("SALESORDER_UI_CUSTOMACTION", "SO/490002")] {
        let changed = company.visma.change_and_emit(&Change::new(event, key)).await.unwrap();
        company.answered(&changed.emitted).await;
    }
    let browser = Browser::open().await;
    browser.resize(1280, 800).await;
    browser.go(&format!("{}/?tenant={}", company.stack.standin.url(), company.tenant)).await;
    browser.reads("td", "Success: ").await;
    until("the window to fit", async || {
        let fits = "return document.documentElement.scrollWidth <= 1280 && innerWidth === 1280";
        (browser.script(fits, vec![]).await == Value::Bool(true)).then_some(())
    })
    .await;
    let link = browser.script("return document.querySelector('p a').href", vec![]).await;
    assert_eq!(link, format!("{}/operations/console", company.stack.api_url));
}

/// The company of the demo.
const TENANT: &str = "10000000-0000-4000-8000-000000000001";

#[tokio::test]
#[ignore = "writes the pictures of README.md after a demo: cargo xtask screenshot"]
async fn the_readme_shows_the_console() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    let browser = &console.browser;
    browser.resize(1280, 800).await;
    console.view(&format!("#/notifications?tenant={TENANT}"), "Notifications").await;
    browser.sees("tbody tr").await;
    until("the tenant to have its name", async || {
        let value = browser.script("return document.querySelector('[name=tenant]').value", vec![]).await;
        (value == Value::String("Nordfjord Trading".to_owned())).then_some(())
    })
    .await;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.picture_in(&docs, &format!("console-{scheme}")).await;
    }
    browser.was_content().await;
}
