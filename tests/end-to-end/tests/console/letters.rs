use crate::axe;
use crate::browser::Browser;
use crate::console::{Console, token};
use crate::keys::{arrives, at, key, open, reach};
use crate::webdriver::{ENTER, ESCAPE, SHIFT, SPACE, TAB};
use end_to_end::{Stack, until};
use uuid::Uuid;

/// Puts a message into a dead-letter queue, and returns its id.
async fn dead(stack: &Stack, queue: &str, body: &str) -> String {
    let call = stack.sqs.send_message().queue_url(stack.output(queue)).message_body(body);
    call.send().await.unwrap().message_id().expect("an id").to_owned()
}

/// Opens the view until it lists the message. Other tests look into the queues too, which hides the
/// messages for a moment.
async fn listed(console: &Console, id: &str) {
    let button = format!("[aria-label='Send again: {id}']");
    until("the dead letter in the list", async || {
        console.view("#/pauses", "Pauses").await;
        console.view("#/letters", "Dead letters").await;
        console.browser.sees("section[data-queue]").await;
        (!console.browser.all(&button).await.is_empty()).then_some(())
    })
    .await;
}

/// Opens the plan for a message until it says this. While another test looks into the queue, a plan
/// does not find the message.
async fn planned(browser: &Browser, id: &str, selector: &str, text: &str) {
    until(&format!("a plan that says {text:?}"), async || {
        browser.press(&format!("Send again: {id}")).await;
        browser.sees("dialog[open]").await;
        if browser.texts(&format!("dialog[open] {selector}")).await.iter().any(|one| one.contains(text)) {
            return Some(());
        }
        browser.press("Cancel").await;
        None
    })
    .await;
}

#[tokio::test]
async fn an_operator_is_warned_of_what_would_die_again_and_sends_one_dead_letter_again() {
    let stack = Stack::load().await;
    let foreign = dead(&stack, "NotificationsDeadLetterQueueUrl", "no delivery").await;
    let event = dead(&stack, "EventsDeadLetterQueueUrl", r#"{"type":"net.visma.test"}"#).await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    let browser = &console.browser;

    listed(&console, &foreign).await;
    browser.reads("[data-queue=notifications] .chip", "Would die again").await;
    planned(browser, &foreign, ".problem", "1 of the first 1 would die again").await;
    browser.press("Cancel").await;

    listed(&console, &event).await;
    planned(browser, &event, "h2", "Send dead letters of events again: about 1").await;
    browser.fill("Note", "the consumer is back").await;
    browser.sees("dialog[open] button.primary").await.click().await.unwrap();
    browser.reads("h1", "Replays").await;
    browser.reads(".job[data-kind=redrive] .notes", "1 sent again").await;
    console.view("#/audit", "Audit").await;
    browser.reads("td[data-label=Deed]", "redrive").await;
    browser.reads("td[data-label=On]", "dead_letters events").await;
    by_keyboard(&console, &foreign).await;
    browser.was_content().await;
}

/// Sends the letter again although it would die again, by keys alone.
async fn by_keyboard(console: &Console, id: &str) {
    let browser = &console.browser;
    open(browser, "Dead letters").await;
    listed(console, id).await;
    axe::finds_nothing(browser, "dead letters with one").await;
    let button = format!("Send again: {id}");
    reach(browser, &button).await;
    until("the warning", async || {
        key(browser, SPACE).await;
        browser.sees("dialog[open]").await;
        if browser.texts("dialog .problem").await.iter().any(|text| text.contains("would die again")) {
            return Some(());
        }
        // Another test looked into the queue, which hid the letter.
        close(browser, &button).await;
        None
    })
    .await;
    axe::finds_nothing(browser, "a redrive with its warning").await;
    close(browser, &button).await;
    key(browser, ENTER).await;
    browser.sees("dialog[open]").await;
    assert_eq!(at(browser).await, "Note", "the dialog takes the focus");
    let note = format!("by keyboard {}", Uuid::new_v4().simple());
    key(browser, &note).await;
    reach(browser, "Send").await;
    browser.driver.press_with(SHIFT, TAB).await.unwrap();
    assert_eq!(at(browser).await, "Cancel", "Shift and Tab go back");
    key(browser, TAB).await;
    key(browser, ENTER).await;
    arrives(browser, "Replays").await;
    until("the letter to be sent again", async || {
        let jobs = browser.texts(".job[data-kind=redrive]").await;
        jobs.iter().any(|job| job.contains(&note) && job.contains("1 sent again")).then_some(())
    })
    .await;
}

/// Closes the dialog, which gives the focus back.
async fn close(browser: &Browser, button: &str) {
    key(browser, ESCAPE).await;
    arrives(browser, button).await;
}

/// Answers about one dead letter, and keeps back the answer to one kind of request until `answered`
/// is called. A real one also ends when it is aborted. `answers` can be changed.
const KEEP_BACK: &str = "
    const [real, [held]] = [window.fetch, arguments];
    const answers = window.answers = { plans: [200, { count: 1, seconds: 1, sample: [] }],
        redrives: [409, { detail: 'It is busy.' }],
        'dead-letters': [200, { queues: [{ name: 'events', waiting: 1, in_flight: 0, sample: [] }] }] };
    window.fetch = async (url, options) => {
        const name = new URL(url).pathname.split('/').at(-1);
        if (!answers[name]) return real(url, options);
        if (name === held) await new Promise((answer, stop) => {
            window.answered = () => { answer(); return new Promise((end) => setTimeout(end, 300)); };
            options.signal?.addEventListener('abort', () => stop(options.signal.reason));
        });
        const [status, body] = answers[name];
        return new Response(JSON.stringify(body), { status });
    };";

/// What goes away after seconds goes away at once.
const HURRY: &str =
    "const real = window.setTimeout; window.setTimeout = (run, wait) => real(run, wait === 8000 ? 0 : wait);";

/// Opens the dead letters, with an entry of the history before them.
async fn kept_back(held: &str) -> Console {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    console.view("#/observed", "Observed").await;
    console.browser.script(KEEP_BACK, vec![held.into()]).await;
    console.view("#/letters", "Dead letters").await;
    console.browser.press("Send all again: events").await;
    console
}

async fn wait_for_request(browser: &Browser) {
    until("the answer to be kept back", async || {
        (browser.script("return typeof window.answered", vec![]).await == "function").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_plan_opens_no_dialog_after_its_view_was_left() {
    let console = kept_back("plans").await;
    let browser = &console.browser;
    wait_for_request(browser).await;
    console.view("#/observed", "Observed").await;
    browser.script("return window.answered()", vec![]).await;
    assert!(browser.all("dialog").await.is_empty());
    assert!(browser.all(".toast").await.is_empty());
    browser.was_content().await;
}

#[tokio::test]
async fn going_back_closes_the_dialog_and_a_later_refusal_is_still_told() {
    let console = kept_back("redrives").await;
    let browser = &console.browser;
    browser.sees("dialog[open] button.primary").await.click().await.unwrap();
    wait_for_request(browser).await;
    browser.script(HURRY, vec![]).await;
    browser.script("history.back()", vec![]).await;
    browser.reads("h1", "Observed").await;
    until("the dialog to close", async || browser.all("dialog").await.is_empty().then_some(())).await;
    browser.script("return window.answered()", vec![]).await;
    browser.reads(".toast", "It is busy.").await;
    browser.script("return new Promise((end) => setTimeout(end, 300))", vec![]).await;
    browser.press("Close").await;
    until("the error to be gone", async || browser.all(".toast").await.is_empty().then_some(())).await;
    a_later_success_opens_no_other_view(&console).await;
    browser.was_content().await;
}

async fn a_later_success_opens_no_other_view(console: &Console) {
    let browser = &console.browser;
    browser.script("window.answers.redrives = [202, {}]; window.answered = undefined", vec![]).await;
    console.view("#/letters", "Dead letters").await;
    browser.press("Send all again: events").await;
    browser.sees("dialog[open] button.primary").await.click().await.unwrap();
    wait_for_request(browser).await;
    browser.script("history.back()", vec![]).await;
    browser.reads("h1", "Observed").await;
    browser.script("return window.answered()", vec![]).await;
    assert_eq!(browser.texts("h1").await, ["Observed"]);
}
