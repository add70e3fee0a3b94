//! What an operator finds and reads: lists, the search, links of a notification, observations.

use crate::company;
use crate::console::{Console, token};
use crate::keys::{focused, key, tab_to};
use crate::webdriver::{ENTER, ESCAPE};
use end_to_end::{Company, Operator, Stack, until};
use serde_json::{Value, json};
use standin::{Change, Emit, Item, Sending};

#[tokio::test]
async fn an_operator_finds_a_notification_and_reads_what_happened_to_it() {
    let company = Company::new(company::BROWSED).await;
    let items = (1..=54).map(|n| Item::new("customer_changed", &format!("8{n:03}"))).collect();
    let batch = Emit { items, sending: Sending { batch: true, ..Sending::default() } };
    assert!(company.visma.emit(&batch).await.unwrap().all_delivered());
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "4711")).await.unwrap();
    company.answered(&changed.emitted).await;
    until("all to be recorded", async || (company.stack.records(&company.tenant).await.len() == 55).then_some(()))
        .await;

    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;
    console.view("#/notifications", "Notifications").await;
    browser.fill("Tenant", &company.tenant).await;
    browser.press("Show").await;
    console.rows(50).await;
    browser.press("Load more").await;
    console.rows(55).await;
    browser.reads(".told", "55 shown, that is all. Received since").await;
    browser.reads(".told", ", the last seven days.").await;
    let address = browser.address().await;
    assert!(address.fragment().unwrap().contains("pages=2"), "so is what was loaded: {address}");
    browser.script("document.querySelector('main').replaceChildren(); location.reload()", vec![]).await;
    console.rows(55).await;
    back_at_the_last(&console).await;

    browser.fill("Number", "471").await;
    browser.press("Show").await;
    console.rows(1).await;
    browser.reads("tbody tr", "Entity updated").await;
    browser.press("Clear").await;
    console.rows(50).await;
    browser.fill("Event", "CUSTOMER_UPDATED").await;
    browser.press("Show").await;
    console.rows(1).await;
    let address = browser.address().await;
    assert!(address.fragment().unwrap().contains("event=CUSTOMER_UPDATED"), "the list has an address: {address}");

    let feedback = "View notification feedback of Customer 4711";
    browser.press(feedback).await;
    browser.reads("dialog .quote", "The change to customer 4711 was received and processed.").await;
    browser.driver.active().await.unwrap().send_keys(ESCAPE).await.unwrap();
    until("the pop-up to close", async || browser.all("dialog").await.is_empty().then_some(())).await;
    assert_eq!(browser.name(&browser.driver.active().await.unwrap()).await, feedback, "the focus is back");

    browser.press("Customer 4711: open").await;
    browser.reads("h1", "Customer 4711").await;
    let moments = browser.texts(".timeline .what strong").await;
    assert_eq!(moments, ["Received", "Processed", "Visma Net accepted the feedback"]);
    browser.press("Show the body").await;
    browser.reads("pre", "4711").await;
    browser.press("4711: current state").await;
    browser.reads("h2", "Status timeline").await;
    console.rows(1).await;
    console.view("#/notifications", "Notifications").await;
    console.rows(50).await;
    let address = browser.address().await;
    assert!(address.fragment().unwrap().contains(&company.tenant), "the tenant of before: {address}");
    browser.was_content().await;
}

/// Opens the last row and goes back: the rows, the place and the focus are as they were.
async fn back_at_the_last(console: &Console) {
    let browser = &console.browser;
    let last = "return [...document.querySelectorAll('a.key')].at(-1).getAttribute('aria-label')";
    let last = browser.script(last, vec![]).await.as_str().expect("a name").to_owned();
    browser.press(&last).await;
    browser.reads("h2", "Timeline").await;
    browser.script("history.back()", vec![]).await;
    console.rows(55).await;
    until("the focus to be back", async || {
        (browser.name(&browser.driver.active().await.ok()?).await == last).then_some(())
    })
    .await;
    assert_eq!(browser.script("return scrollY > 0", vec![]).await, true, "and the place");
}

/// Answers with one of everything.
const ONE: &str = "
    const [real, at] = [window.fetch, new Date().toISOString()];
    const fact = { value: 'x', agrees: false, notifications: 1, last_seen: at };
    const question = { question: 'q', title: 'Q', reference: 'r', stands: 'contradicted', notifications: 1, assumed: 'y',
        is_measured: true, facts: [fact] };
    const answers = { observed: { items: [question] }, search: { items: [], tenants: 1, searched_to: at },
        'dead-letters': { queues: [{ name: 'events', waiting: 0, in_flight: 1, sample: [] }] }, audit: { items: [] } };
    window.fetch = async (url, options) => {
        const answer = answers[new URL(url).pathname.split('/').at(-1)];
        return answer ? new Response(JSON.stringify(answer)) : real(url, options);
    };";

#[tokio::test]
async fn one_is_told_in_the_singular() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(Operator::new(&stack, "Read").await.token()).await;
    let browser = &console.browser;
    browser.script(ONE, vec![]).await;
    console.view("#/observed", "Observed").await;
    browser.reads("details li", "1 time, last").await;
    console.view("#/letters", "Dead letters").await;
    browser.reads(".notes", "Being read or sent: 1").await;
    console.view("#/search?q=one", "Search").await;
    browser.reads(".told", "in 1 tenant.").await;
    console.view("#/audit?to=2026-01-01T00:00:00Z", "Audit").await;
    browser.reads(".told", "0 shown, that is all.").await;
    browser.was_content().await;
}

#[tokio::test]
async fn finds_a_notification_by_number_or_id_with_the_keyboard() {
    let company = Company::new(company::SEARCHED).await;
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "C451013")).await.unwrap();
    company.answered(&changed.emitted).await;
    // The schedule would also add the tenant; the test does not wait for it.
    let read = Operator::new(&company.stack, "Read").await;
    let list = format!("/operations/v1/notifications?tenant={}", company.tenant);
    assert_eq!(read.ask("GET", &list, None).await.0, 200);

    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;
    browser.reads("h1", "Overview").await;
    // A part of the number in lower case, without a tenant.
    key(browser, "/").await;
    assert_eq!(browser.name(&focused(browser).await).await, "Search");
    focused(browser).await.send_keys("c45101").await.unwrap();
    key(browser, ENTER).await;
    browser.reads("h1", "Search").await;
    console.rows(1).await;
    browser.reads(".told", "Searched back to").await;
    tab_to(browser, "Customer C451013: open").await;
    key(browser, ENTER).await;
    browser.reads("h1", "Customer C451013").await;
    let address = browser.address().await;
    let reference = address.fragment().unwrap().trim_start_matches("/notification/").to_owned();
    assert_eq!(reference.len(), 26, "{address}");

    // A unique match opens its notification.
    for held in [reference, changed.emitted.notification_ids[0].to_string()] {
        console.view("#/pauses", "Pauses").await;
        key(browser, "/").await;
        focused(browser).await.send_keys(&held).await.unwrap();
        key(browser, ENTER).await;
        browser.reads("h1", "Customer C451013").await;
    }
    browser.was_content().await;
}

/// Gives `elsewhere` of detail.js addresses and a notification, and returns its links.
const LINKS: &str = "const [script, pages, item] = arguments;
    const read = (one) => ['href', 'target', 'rel'].map((name) => one.getAttribute(name));
    return import(script).then(({ elsewhere }) => elsewhere(pages, item).flat().filter((one) => one.href).map(read));";

/// The local AWS has no console of its own, so the test gives the page the addresses.
#[tokio::test]
async fn links_to_aws_name_the_notification_and_its_time_and_open_in_a_new_tab() {
    let console = Console::open(&Stack::load().await).await;
    console.browser.reads("h1", "Sign in").await;
    let pages = json!({"logs": "https://aws.example/#(~'@from~'@to~'@id~'@delivery)", "traces": "https://aws.example/#@from~@to"});
    let links = async |origin: &str, delivery: &str| -> Value {
        let item = json!({
            "id": "4413e0.7b1e-1", "delivery": delivery, "origin": origin, "received_at": "2026-11-23T12:00:00.5Z",
            "timeline": [{"at": "2026-11-23T12:00:00.5Z"}, {"at": "2026-11-23T12:05:00Z"}],
        });
        let script = format!("{}/detail.js", console.url);
        console.browser.script(LINKS, vec![script.into(), pages.clone(), item]).await
    };
    let logs = |delivery: &str| {
        let from_to = "2026-11-23T11*3A59*3A00.500Z~'2026-11-23T12*3A15*3A00.000Z";
        let url = format!("https://aws.example/#(~'{from_to}~'4413e0.7b1e-1~'{delivery})");
        json!([url, "_blank", "noreferrer"])
    };
    let traces = json!(["https://aws.example/#2026-11-23T11:59:55~2026-11-23T12:00:02", "_blank", "noreferrer"]);
    assert_eq!(links("webhook", "0199-7").await, json!([logs("0199-7"), traces]));
    assert_eq!(links("reconciliation", "a\" | x").await, json!([logs("a*22*20*7C*20x")]));
}

#[tokio::test]
async fn an_operator_reads_which_assumptions_about_visma_net_were_observed() {
    let company = Company::new(company::OBSERVED).await;
    let changed = company.visma.change_and_emit(&Change::new("ACCOUNT_CHANGED", "2901")).await.unwrap();
    company.answered(&changed.emitted).await;
    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;
    console.view("#/observed", "Observed").await;
    let names = "tr[data-question=event_names]";
    browser.sees(names).await;
    // Observations are written at the end of the batch, which may be after the answer.
    until("the event's name to be seen", async || {
        browser.script(&format!("document.querySelector('{names}').title = 'old'"), vec![]).await;
        browser.press("Read again").await;
        browser.sees(&format!("{names}:not([title])")).await;
        let seen = browser.texts(names).await;
        seen.first().is_some_and(|text| text.contains("seen")).then_some(())
    })
    .await;
    if browser.all(&format!("{names} details[open]")).await.is_empty() {
        browser.sees(&format!("{names} summary")).await.click().await.expect("a summary");
    }
    browser.reads(&format!("{names} ul"), "ACCOUNT_CHANGED").await;
    browser.reads("tr[data-question=handshake]", "A receiver cannot observe it.").await;
    browser.press("Assumed").await;
    browser.reads("[aria-current=page]", "Assumed").await;
    browser.reads("tr[data-question=handshake] .chip", "Assumed").await;
    browser.was_content().await;
}
