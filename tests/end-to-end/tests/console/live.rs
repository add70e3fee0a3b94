use crate::company;
use crate::console::{Console, token};
use crate::keys::tab_to;
use crate::webdriver::ENTER;
use end_to_end::{Company, Operator, Stack, until};
use serde_json::json;
use standin::Change;

/// Simulates a return to the tab, which makes the console ask at once.
pub(crate) const LOOK: &str = "document.dispatchEvent(new Event('visibilitychange'))";
/// The same, but not within three seconds of the last time: the local AWS also works on requests that
/// were given up.
const LOOK_AT_TIMES: &str = "
    if (performance.now() < (window.next ?? 0)) return;
    window.next = performance.now() + 3000;
    document.dispatchEvent(new Event('visibilitychange'))";

/// Answers two kinds of requests after a second.
const SLOW: &str = "
    const real = window.fetch;
    window.fetch = async (url, options) => {
        if (!['counts', 'observed'].includes(new URL(url).pathname.split('/').at(-1))) return real(url, options);
        await new Promise((answer, stop) => {
            setTimeout(answer, 1000);
            options.signal.addEventListener('abort', () => stop(options.signal.reason));
        });
        return new Response(JSON.stringify({ dead: 333, items: [] }));
    };";

/// The first request for the counts is answered last. It ends when it is aborted, as a real one.
const OUT_OF_ORDER: &str = "
    const real = window.fetch;
    let asked = 0;
    window.fetch = async (url, options) => {
        if (!String(url).endsWith('/v1/counts')) return real(url, options);
        asked += 1;
        const dead = asked === 1 ? 111 : 222;
        if (asked === 1) await new Promise((answer, stop) => {
            window.answered = () => { answer(); return new Promise((end) => setTimeout(end, 300)); };
            options.signal.addEventListener('abort', () => stop(options.signal.reason));
        });
        return new Response(JSON.stringify({ dead }));
    };";

/// Counts the requests for a list, and answers none of them.
const NO_ANSWER: &str = "
    const real = window.fetch;
    window.asked = 0;
    window.fetch = (url, options) => {
        if (!String(url).includes('/v1/notifications?')) return real(url, options);
        window.asked += 1;
        return new Promise((_, stop) => options.signal.addEventListener('abort', () => stop(options.signal.reason)));
    };";

/// Refuses the first request for a list, and answers the others with three entries.
const RECOVERED: &str = "
    const [real, at] = [window.fetch, new Date().toISOString()];
    const items = ['1', '2', '3'].map((key) => ({ ref: key, key, tenant: 'late', entity: 'customer',
        event: 'CUSTOMER_UPDATED', state: 'processed', received_at: at, feedback: { state: 'none' } }));
    const answers = [[503, { detail: 'Not now.' }], [200, { items, from: at }]];
    window.fetch = async (url, options) => {
        if (!String(url).includes('/v1/notifications?')) return real(url, options);
        const [status, body] = answers.length > 1 ? answers.shift() : answers[0];
        return new Response(JSON.stringify(body), { status });
    };";

/// Answers with a failure, and after `window.more` with a page of which each is new.
const GAP: &str = "
    const [real, at] = [window.fetch, Date.now()];
    const one = (key, state) => ({ ref: key, key, tenant: 'late', entity: 'customer', event: 'CUSTOMER_UPDATED', state,
        received_at: new Date(at + Number(key)).toISOString(), feedback: { state: 'none' } });
    window.fetch = async (url, options) => {
        if (!String(url).includes('/v1/notifications?')) return real(url, options);
        const [items, next] = window.more ? [[one('3', 'dead'), one('2', 'processed')], 'cursor'] : [[one('1', 'dead')]];
        return new Response(JSON.stringify({ items, next, from: one('0').received_at }));
    };";

/// Answers with two failures. After `window.replayed`, one of them is processed, and is left out of a
/// list of one status.
const REPLAYED: &str = "
    const [real, at] = [window.fetch, new Date().toISOString()];
    const items = ['1', '2'].map((key) => ({ ref: key, key, tenant: 'late', entity: 'customer',
        event: 'CUSTOMER_UPDATED', state: 'dead', received_at: at, feedback: { state: 'none' } }));
    window.fetch = async (url, options) => {
        if (!String(url).includes('/v1/notifications?')) return real(url, options);
        const all = items.map((one, place) => (window.replayed && place === 0 ? { ...one, state: 'processed' } : one));
        const fits = (one) => !String(url).includes('state=dead') || one.state === 'dead';
        return new Response(JSON.stringify({ items: all.filter(fits), from: at }));
    };";

async fn changed(company: &Company, number: &str) {
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", number)).await.unwrap();
    company.answered(&changed.emitted).await;
}

#[tokio::test]
async fn new_rows_wait_behind_a_mark_while_the_list_is_read_and_appear_otherwise() {
    let company = Company::new(company::FOLLOWED).await;
    changed(&company, "5301").await;
    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;
    console.view(&format!("#/notifications?tenant={}", company.tenant), "Notifications").await;
    console.rows(1).await;
    tab_to(browser, "Customer 5301: open").await;
    changed(&company, "5302").await;
    until("the mark", async || {
        browser.script(LOOK_AT_TIMES, vec![]).await;
        (browser.texts("button.new").await == ["1 new"]).then_some(())
    })
    .await;
    assert_eq!(browser.all("tbody tr").await.len(), 1, "nothing has moved");
    assert_eq!(browser.name(&browser.driver.active().await.unwrap()).await, "Customer 5301: open");

    browser.sees("button.new").await.send_keys(ENTER).await.unwrap();
    console.rows(2).await;
    until("the newest to have the focus", async || {
        (browser.name(&browser.driver.active().await.ok()?).await == "Customer 5302: open").then_some(())
    })
    .await;
    browser.reads(".told", "2 shown").await;

    browser.script("document.activeElement.blur()", vec![]).await;
    changed(&company, "5303").await;
    until("three rows", async || {
        browser.script(LOOK_AT_TIMES, vec![]).await;
        (browser.all("tbody tr").await.len() == 3).then_some(())
    })
    .await;
    browser.was_content().await;
}

#[tokio::test]
async fn an_older_answer_does_not_replace_a_newer_one() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let browser = &console.browser;
    browser.reads("h1", "Overview").await;
    browser.script(OUT_OF_ORDER, vec![]).await;
    browser.script(LOOK, vec![]).await;
    browser.script(LOOK, vec![]).await;
    browser.reads("a.tile[data-name=dead] b", "222").await;
    browser.script("return window.answered()", vec![]).await;
    assert_eq!(browser.texts("a.tile[data-name=dead] b").await, ["222"]);
    browser.was_content().await;
}

#[tokio::test]
async fn a_person_who_asks_faster_than_answers_come_sees_answers() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let browser = &console.browser;
    browser.reads("h1", "Overview").await;
    browser.script(SLOW, vec![]).await;
    until("the counts", async || {
        browser.script(LOOK, vec![]).await;
        (browser.texts("a.tile[data-name=dead] b").await == ["333"]).then_some(())
    })
    .await;
    console.view("#/observed", "Observed").await;
    until("the list", async || {
        browser.press("Read again").await;
        (browser.texts("main .empty").await == ["Nothing here."]).then_some(())
    })
    .await;
    browser.was_content().await;
}

#[tokio::test]
async fn a_list_that_was_left_before_its_first_answer_asks_no_more() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let browser = &console.browser;
    browser.script(NO_ANSWER, vec![]).await;
    console.view("#/notifications?tenant=left", "Notifications").await;
    until("the list to ask", async || (browser.script("return window.asked", vec![]).await == 1).then_some(())).await;
    console.view("#/observed", "Observed").await;
    assert_eq!(browser.script(&format!("{LOOK}; return window.asked"), vec![]).await, 1);
    browser.was_content().await;
}

#[tokio::test]
async fn a_list_that_failed_at_first_counts_each_row_once() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let browser = &console.browser;
    browser.script(RECOVERED, vec![]).await;
    console.view("#/notifications?tenant=late", "Notifications").await;
    browser.reads("[role=alert]", "Not now.").await;
    browser.script(LOOK, vec![]).await;
    console.rows(3).await;
    browser.press("Try again").await;
    browser.reads(".told", "3 shown, that is all.").await;
    browser.was_content().await;
}

#[tokio::test]
async fn a_filtered_list_is_read_again_if_more_is_new_than_a_page() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let browser = &console.browser;
    browser.script(GAP, vec![]).await;
    console.view("#/notifications?tenant=late&is=failed", "Notifications").await;
    console.rows(1).await;
    browser.fill("Number", "half of it").await;
    browser.script(&format!("window.more = true; {LOOK}"), vec![]).await;
    browser.reads("button.new", "1 or more new").await;
    let typed = browser.script("return document.querySelector('[name=key]').value", vec![]).await;
    assert_eq!(typed, "half of it", "a filter that a person is filling in stays");
    browser.was_content().await;
}

#[tokio::test]
async fn a_list_of_one_status_leaves_out_what_has_another_by_now() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let browser = &console.browser;
    browser.script(REPLAYED, vec![]).await;
    for filter in ["state=dead", "is=failed"] {
        browser.script("window.replayed = false", vec![]).await;
        console.view("#/observed", "Observed").await;
        console.view(&format!("#/notifications?tenant=late&{filter}"), "Notifications").await;
        console.rows(2).await;
        browser.script(&format!("window.replayed = true; {LOOK}"), vec![]).await;
        console.rows(1).await;
        browser.reads(".told", "1 shown").await;
    }
    browser.was_content().await;
}

#[tokio::test]
async fn times_name_their_zone_and_a_link_shows_them_in_the_same_one() {
    let company = Company::new(company::IN_A_ZONE).await;
    changed(&company, "5401").await;
    let console = Console::open(&company.stack).await;
    let browser = &console.browser;
    console.sign_in(&token(&company.stack).await).await;
    browser.devtools("Emulation.setTimezoneOverride", json!({"timezoneId": "Asia/Tokyo"})).await;
    browser.go(&console.url).await;
    browser.sees("#header").await;
    let list = format!("#/notifications?tenant={}", company.tenant);
    console.view(&list, "Notifications").await;
    browser.reads("tbody time .zone", "GMT+9").await;
    let address = browser.address().await;
    assert!(!address.fragment().unwrap().contains("tz="), "nobody has chosen one: {address}");

    browser.fill("Time zone", "UTC").await;
    browser.reads("tbody time .zone", "UTC").await;
    assert_eq!(browser.name(&browser.driver.active().await.unwrap()).await, "Time zone", "the focus stays");
    let shown = browser.texts("tbody time").await;
    let exact = browser.sees("tbody time").await.attribute("datetime").await.unwrap();
    // The hour may have 12-hour form, by the browser's language.
    assert!(shown[0].contains(&exact[13..19]), "{shown:?}, {exact}");
    let address = browser.address().await;
    assert!(address.fragment().unwrap().contains("tz=UTC"), "{address}");

    console.view(&format!("{list}&tz=Asia%2FTokyo"), "Notifications").await;
    browser.reads("tbody time .zone", "GMT+9").await;
    console.view(&format!("{list}&tz=nowhere"), "Notifications").await;
    browser.reads("tbody time .zone", "GMT+9").await;
    browser.was_content().await;
    unchanged_times_stay(&console).await;
}

/// In this night the clocks of Oslo show half past two twice. This is the first one.
async fn unchanged_times_stay(console: &Console) {
    let first = "from=2026-10-25T00%3A30%3A00Z";
    console.view(&format!("#/audit?tz=Europe%2FOslo&{first}"), "Audit").await;
    console.browser.press("Show").await;
    let address = until("the address of the form", async || {
        let address = console.browser.address().await;
        address.fragment()?.starts_with("/audit?from=").then_some(address)
    })
    .await;
    assert!(address.fragment().unwrap().contains(first), "{address}");
    // Of a mistyped year, the API says what is wrong.
    let read = "return import(arguments[0]).then(({ fromField }) => Number.isFinite(fromField('20260-11-28T12:00')))";
    let script = format!("{}/zone.js", console.url);
    assert_eq!(console.browser.script(read, vec![script.into()]).await, true);
}
