//! Repairs: feedback, outcomes, pauses, replays, and jobs that are stuck.

use crate::browser::Browser;
use crate::company;
use crate::console::{Console, token};
use end_to_end::{Company, Operator, Stack, until};
use standin::{Change, Endpoint, Fault};

/// Keeps back the answer to the next plan until `answered` is called, which ends a moment later.
const KEEP_BACK: &str = "
    const real = window.fetch;
    window.fetch = async (url, options) => {
        const answer = await real(url, options);
        if (!String(url).endsWith('/plans')) return answer;
        window.fetch = real;
        await new Promise((go) => {
            window.answered = () => { go(); return new Promise((end) => setTimeout(end, 300)); };
        });
        return answer;
    };";

#[tokio::test]
async fn an_operator_repairs_what_needs_it_and_a_reader_is_offered_nothing() {
    let company = Company::new(company::REPAIRED).await;
    company.visma.set_faults(Endpoint::Feedback, &[Fault::status(400)]).await.unwrap();
    let refused = company.visma.change_and_emit(&Change::new("ACCOUNT_UPDATED", "1930")).await.unwrap();
    let refused = refused.emitted.notification_ids[0];
    company.ended(refused, "processed", "parked").await;
    let awaited = company.visma.change_and_emit(&Change::new("PURCHASE_ORDER_ACTION_TRIGGERED", "PO26")).await.unwrap();
    let awaited = awaited.emitted.notification_ids[0];
    company.ended(awaited, "processed", "awaited").await;

    let console = Console::open(&company.stack).await;
    let browser = &console.browser;
    let list = format!("#/notifications?tenant={}", company.tenant);
    console.sign_in(Operator::new(&company.stack, "Read").await.token()).await;
    console.view(&list, "Notifications").await;
    console.rows(2).await;
    assert_eq!(browser.texts("td.actions").await, ["Feedback", "Feedback"]);
    browser.press("Account 1930: open").await;
    browser.reads("h1", "Account 1930").await;
    assert_eq!(browser.texts(".deeds button").await, ["View notification feedback"]);
    assert!(browser.all("[aria-labelledby=body-title]").await.is_empty());
    assert!(browser.all("main a[target]").await.is_empty(), "the local AWS has no console to link to");
    console.view("#/pauses", "Pauses").await;
    // Other tests have pauses, too.
    browser.sees("main section > *").await;
    assert!(browser.all("main button").await.is_empty());
    console.view("#/replay", "Replays").await;
    assert!(browser.all("main form").await.is_empty());
    browser.press("Sign out").await;

    console.sign_in(&token(&company.stack).await).await;
    console.view(&format!("#/attention?kind=feedback_parked&tenant={}", company.tenant), "Attention").await;
    browser.press("Account 1930: open").await;
    browser.press("Resend feedback").await;
    browser.sees("dialog[open]").await;
    browser.fill("Note", "the network is back").await;
    browser.sees("dialog button.primary").await.click().await.unwrap();
    browser.reads(".timeline .what", "Visma Net accepted the feedback").await;
    browser.reads(".timeline .text", "the network is back").await;

    console.view(&list, "Notifications").await;
    browser.press("Purchase order PO26: open").await;
    browser.press("Hand in outcome").await;
    browser.choose("False").await;
    browser.fill("Message", "Out of stock.").await;
    browser.press("Hand in").await;
    company.ended(awaited, "processed", "sent").await;
    assert_eq!(company.feedback(awaited).await, [(false, "Out of stock.".to_owned())]);
    browser.reads(".quote", "Out of stock.").await;
    replay(&console, &company).await;
    pause(&console, &company).await;
    browser.was_content().await;
}

async fn pause(console: &Console, company: &Company) {
    let browser = &console.browser;
    console.view("#/pauses", "Pauses").await;
    browser.press("Begin a pause").await;
    browser.sees("dialog[open]").await;
    browser.fill("Tenant", &company.tenant).await;
    // How one types a time depends on the browser's language.
    let tomorrow = "new Date(Date.now() + 864e5).toISOString().slice(0, 16)";
    browser.script(&format!("document.querySelector('dialog [name=until]').value = {tomorrow}"), vec![]).await;
    browser.press("Begin").await;
    browser.sees("td[data-label=Ends] time").await;
    browser.press(&format!("End the pause of * for {}", company.tenant)).await;
    browser.press("End the pause").await;
    // A job of its own releases what waited, here nothing.
    browser.reads("h1", "Replays").await;
    browser.reads(".job[data-kind=release]", "Release after a pause").await;
}

async fn replay(console: &Console, company: &Company) {
    let browser = &console.browser;
    console.view(&format!("#/replay?tenant={}", company.tenant), "Replays").await;
    browser.press("Plan").await;
    browser.reads(".plan", "0 notifications").await;
    browser.reads(".plan", "Nothing found.").await;
    // By default only what failed is replayed.
    browser.choose("Processed").await;
    browser.press("Plan").await;
    browser.reads(".plan", "2 notifications").await;
    assert_eq!(browser.texts(".sample li").await.len(), 2);
    browser.fill("Note", "once more").await;
    until("the plan to be gone, since the form has changed", async || {
        browser.all(".sample").await.is_empty().then_some(())
    })
    .await;
    late_plan(browser).await;
    browser.press("Plan").await;
    browser.press("Replay 2 notifications").await;
    browser.reads(".job[data-status=finished] .notes", "2 replayed").await;
    browser.reads(".job .notes", "once more").await;
    // Other tests have jobs in the list too.
    let full = "return [...document.querySelectorAll('.job')].find((job) => job.innerText.includes('once more')).querySelector('progress').value";
    until("the job to be shown as finished", async || (browser.script(full, vec![]).await == 1).then_some(())).await;
}

/// The form changes while a plan is counted. The plan is stale, and must not appear.
async fn late_plan(browser: &Browser) {
    browser.script(KEEP_BACK, vec![]).await;
    browser.press("Plan").await;
    until("the answer to be kept back", async || {
        (browser.script("return typeof window.answered", vec![]).await == "function").then_some(())
    })
    .await;
    browser.fill("Note", "once more").await;
    browser.script("return window.answered()", vec![]).await;
    assert_eq!(browser.texts(".plan").await, [""]);
}

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
