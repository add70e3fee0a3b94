//! What needs attention, and what waits for calls.

use crate::browser::Browser;
use crate::company;
use crate::console::{Console, token};
use crate::keys::{focused, key, tab_to};
use crate::webdriver::ENTER;
use end_to_end::{Company, Stack, until};
use standin::{Change, Emit, Endpoint, Fault, Item, RateBudget, Sending};

#[tokio::test]
async fn attention_says_why_and_what_to_do_and_plans_a_replay_of_all_by_keyboard() {
    let company = Company::new(company::ATTENDED).await;
    for number in ["1", "2"] {
        let emit = Emit { items: vec![Item::new("PAYROLL_CHANGED", number)], sending: Sending::default() };
        let unknown = company.visma.emit(&emit).await.unwrap();
        company.ended(unknown.notification_ids[0], "parked: unmapped", "").await;
    }
    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;

    console.view("#/attention", "Attention").await;
    browser.sees(".group, .empty, tbody tr").await;
    let open = browser.texts("nav.tabs a[aria-current=page]").await;
    assert!(open[0].contains(|c: char| c.is_ascii_digit()), "a kind that has something: {open:?}");
    let address = browser.address().await;
    assert!(address.fragment().unwrap().contains("kind="), "{address}");

    console.view(&format!("#/attention?kind=parked&tenant={}", company.tenant), "Attention").await;
    browser.reads(".group h2", "The event is not in the catalogue: 2").await;
    browser.reads(".group .quote", "PAYROLL_CHANGED").await;
    let other = browser.sees("nav.tabs a[href*='kind=dead']").await.attribute("href").await.unwrap();
    assert!(other.contains(&company.tenant), "{other}");
    browser.reads(".group dd", "Name the event that it stands for, then replay.").await;
    browser.reads(".group code", "visma-webhooks settings aliases add").await;
    assert_eq!(browser.texts("td[data-label=Event]").await, ["PAYROLL_CHANGED"; 2], "its own name");
    tab_to(browser, "Replay all of these").await;
    key(browser, ENTER).await;
    browser.reads("h1", "Replays").await;
    browser.reads(".plan", "2 notifications").await;
    // Nobody has said which event it is.
    browser.press("Replay 2 notifications").await;
    browser.reads(".job[data-kind=replay] .chip.bad", "Finished, 2 failed again").await;
    browser.reads(".job[data-kind=replay] a", "2 failed again").await;
    browser.was_content().await;
}

#[tokio::test]
async fn what_is_known_is_acknowledged_with_a_note_and_brought_back_by_keyboard() {
    let company = Company::new(company::ACKNOWLEDGED).await;
    let items = ["1", "2"].map(|number| Item::new("PAYROLL_CHANGED", number)).into();
    let unknown = company.visma.emit(&Emit { items, sending: Sending::default() }).await.unwrap();
    for id in unknown.notification_ids {
        company.ended(id, "parked: unmapped", "").await;
    }
    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;
    console.view(&format!("#/attention?kind=parked&tenant={}", company.tenant), "Attention").await;
    browser.reads(".group h2", ": 2").await;
    tab_to(browser, "Acknowledge: all 2").await;
    key(browser, ENTER).await;
    browser.sees("dialog[open]").await;
    focused(browser).await.send_keys("asked the vendor").await.unwrap();
    tab_to(browser, "Acknowledge").await;
    key(browser, ENTER).await;
    browser.reads(".empty", "Nothing here.").await;
    until("the focus not to be lost", async || {
        (browser.name(&focused(browser).await).await == "Attention").then_some(())
    })
    .await;

    tab_to(browser, "Show what was acknowledged").await;
    key(browser, ENTER).await;
    browser.reads(".group h2", ": 2").await;
    let link = browser.sees(".group a.key").await;
    link.click().await.unwrap();
    browser.reads(".title .chip", "Acknowledged").await;
    browser.reads(".timeline .text", "asked the vendor").await;
    browser.picture("acknowledged-light").await;
    tab_to(browser, "Bring back").await;
    key(browser, ENTER).await;
    browser.sees("dialog[open]").await;
    tab_to(browser, "Bring back").await;
    key(browser, ENTER).await;
    browser.reads(".timeline .what", "Brought back to attention").await;
    console.view(&format!("#/attention?kind=parked&tenant={}", company.tenant), "Attention").await;
    browser.reads(".group h2", ": 1").await;
    browser.was_content().await;
}

/// Lists two parked feedbacks that are acknowledged. Counts the deeds on them, and keeps back the
/// answer to a deed until `answered` is called.
const ACKNOWLEDGED: &str = "
    const [real, at] = [window.fetch, new Date().toISOString()];
    const one = { ref: 'one', tenant: 'known', entity: 'customer', key: '1', event: 'CUSTOMER_UPDATED',
        state: 'processed', received_at: at, feedback: { state: 'parked', reason: 'feedback_refused', at },
        attention: { kind: 'feedback_parked', changed_at: at, acknowledged: true } };
    window.deeds = 0;
    window.fetch = async (url, options) => {
        if (String(url).includes('/v1/attention?'))
            return new Response(JSON.stringify({ items: [one, { ...one, ref: 'two', key: '2' }] }));
        if (!String(url).endsWith('/acknowledgement')) return real(url, options);
        window.deeds += 1;
        await new Promise((answer) => { window.answered = answer; });
        return new Response('{}');
    };";

#[tokio::test]
async fn feedback_that_no_resend_takes_is_not_offered_to_one() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    console.browser.script(ACKNOWLEDGED, vec![]).await;
    console.view("#/attention?kind=feedback_parked&acknowledged=true", "Attention").await;
    console.browser.reads(".group h2", ": 2").await;
    assert_eq!(console.browser.texts(".group .buttons button").await, ["Bring back: all 2"]);
    cancel_stops_a_deed_on_many(&console.browser).await;
    console.browser.was_content().await;
}

async fn cancel_stops_a_deed_on_many(browser: &Browser) {
    browser.press("Bring back: all 2").await;
    browser.sees("dialog[open] button.primary").await.click().await.unwrap();
    until("the first deed", async || (browser.script("return window.deeds", vec![]).await == 1).then_some(())).await;
    browser.press("Cancel").await;
    browser.script("window.answered()", vec![]).await;
    browser.reads(".toast", "Not done: 1 of 2.").await;
    assert_eq!(browser.script("return window.deeds", vec![]).await, 1);
}

/// Presses a button twice, and waits for both answers of the API.
const PRESS_TWICE: &str = "
    const button = [...document.querySelectorAll('button')].find((one) => one.textContent === arguments[0]);
    const [real, asked] = [window.fetch, []];
    window.fetch = (...request) => { asked.push(real(...request)); return asked.at(-1); };
    button.click();
    button.click();
    window.fetch = real;
    return Promise.all(asked).then(() => null);";

/// The number of dialogs, a moment later.
const DIALOGS: &str = "return new Promise((end) => setTimeout(end, 300))
    .then(() => document.querySelectorAll('dialog[open]').length);";

#[tokio::test]
async fn a_feedback_that_got_404_says_so_beside_its_success_and_all_are_sent_again_at_once() {
    let company = Company::new(company::UNANSWERED).await;
    let faults = [Fault::status(404), Fault::status(404), Fault::status(404), Fault::status(404)];
    company.visma.set_faults(Endpoint::Feedback, &faults).await.unwrap();
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "5201")).await.unwrap();
    let refused = changed.emitted.notification_ids[0];
    company.ended(refused, "processed", "parked").await;
    company.visma.set_faults(Endpoint::Feedback, &[]).await.unwrap();

    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;
    console.view(&format!("#/attention?kind=feedback_parked&tenant={}", company.tenant), "Attention").await;
    browser.reads(".group .quote", "Visma Net answered 404").await;
    browser.reads("td[data-label=Status]", "Feedback parked: Visma Net answered 404").await;
    assert_eq!(browser.texts("td[data-label=Success]").await, ["True"]);
    browser.script(PRESS_TWICE, vec!["Resend all of these".into()]).await;
    browser.reads("dialog[open] h2", "Resend feedback: 1").await;
    assert_eq!(browser.script(DIALOGS, vec![]).await, 1);
    browser.reads("dialog[open] .sample", "1: Visma Net refused the feedback under every id").await;
    browser.sees("dialog[open] button.primary").await.click().await.unwrap();
    browser.reads("h1", "Replays").await;
    browser.reads(".job[data-kind=resend]", "Visma Net refused the feedback under every id").await;
    company.ended(refused, "processed", "sent").await;
    browser.was_content().await;
}

#[tokio::test]
async fn an_operator_reads_when_waiting_notifications_will_be_done() {
    let company = Company::new(company::OUT_OF_CALLS).await;
    company.visma.set_rate(RateBudget { limit: 1, window_seconds: 3600 }).await.unwrap();
    for key in ["4401", "4402", "4403"] {
        company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", key)).await.unwrap();
    }
    until("two of the three to wait for calls", async || {
        let records = company.stack.records(&company.tenant).await;
        let waiting = records.iter().filter(|record| record.state == "retrying: rate_limited");
        (waiting.count() >= 2).then_some(())
    })
    .await;

    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    console.view("#/attention?kind=rate_limited", "Attention").await;
    let browser = &console.browser;
    browser.reads("tbody tr", &company.tenant).await;
    let rows = browser.texts("tbody tr").await;
    let row = rows.iter().find(|row| row.contains(&company.tenant)).unwrap();
    // One call an hour, and two for each notification.
    assert!(row.contains(" h"), "{row}");
    let number = format!("tbody a[href*='{}']", company.tenant);
    browser.sees(&number).await.click().await.expect("the number is a link");
    browser.reads(".lead", "Only retrying or not yet answered notifications.").await;
    browser.reads("tbody tr", "Retrying").await;
    company.visma.set_rate(RateBudget::default()).await.unwrap();
    browser.was_content().await;
}
