use crate::console::Console;
use crate::webdriver::ESCAPE;
use crate::{company, person};
use end_to_end::{Company, Operator, Stack, until};
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
    console.sign_in(&person::token(&company.stack).await).await;
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
        'dead-letters': { queues: [{ name: 'events', waiting: 0, in_flight: 1, sample: [] }] } };
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
    browser.was_content().await;
}
