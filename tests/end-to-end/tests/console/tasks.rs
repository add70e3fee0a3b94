//! Ten tasks of an operator, counted and timed. The table is in functions/operations/README.md.

use crate::company;
use crate::console::{Console, token};
use crate::counted::Task;
use crate::overview::counted;
use aws_sdk_dynamodb::types::AttributeValue;
use end_to_end::{Company, Operator, Stack};
use serde_json::Value;
use standin::{Change, Emit, Emitted, Endpoint, Fault, Item, Outage, Sending};
use std::collections::HashMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The company's name, which the test writes into the directory of tenants.
const NAME: &str = "Sunnfjord Handel";
/// Events that no catalogue has. No other test uses them, so each has a group of its own.
const REPLAYED: &str = "TIMECARD_CHANGED";
const KNOWN: &str = "TIMESHEET_CHANGED";

/// The operator's console, and what the tasks are about.
struct Desk {
    company: Company,
    console: Console,
    silent: String,
    dead: Uuid,
    delivery: String,
}

#[tokio::test]
async fn ten_tasks_take_as_many_clicks_and_fields_as_the_table_says() {
    let desk = Desk::open().await;
    println!("| task | clicks | fields | seconds |");
    what_happened(&desk).await;
    silent_tenants(&desk).await;
    replay_with_a_plan(&desk).await;
    follow_a_job(&desk).await;
    pause_and_end(&desk).await;
    find_a_delivery(&desk).await;
    resend_feedback(&desk).await;
    acknowledge(&desk).await;
    send_a_dead_one_again(&desk).await;
    open_a_link(&desk).await;
    desk.console.browser.was_content().await;
}

impl Desk {
    async fn open() -> Self {
        let company = Company::new(company::OF_TASKS).await;
        let silent = listed(&company).await;
        let dead = dead(&company).await;
        let faults = [Fault::status(404), Fault::status(404), Fault::status(404), Fault::status(404)];
        company.visma.set_faults(Endpoint::Feedback, &faults).await.unwrap();
        let customer = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "C1013")).await.unwrap();
        company.ended(customer.emitted.notification_ids[0], "processed", "parked").await;
        company.visma.set_faults(Endpoint::Feedback, &[]).await.unwrap();
        let account = company.visma.change_and_emit(&Change::new("ACCOUNT_UPDATED", "5606")).await.unwrap();
        company.answered(&account.emitted).await;
        let unknown = [(REPLAYED, "5601"), (REPLAYED, "5602"), (REPLAYED, "5603"), (KNOWN, "5608")];
        let items = unknown.map(|(event, number)| Item::new(event, number)).into();
        let parked = company.visma.emit(&Emit { items, sending: Sending::default() }).await.unwrap();
        for id in parked.notification_ids {
            company.ended(id, "parked: unmapped", "").await;
        }
        let console = Console::open(&company.stack).await;
        console.sign_in(&token(&company.stack).await).await;
        Self { company, console, silent, dead, delivery: delivery(&account.emitted) }
    }
}

/// Makes the tenant known to the search, and writes the tenant and a silent one into the directory,
/// in the reconciler's form. The test does not wait for a real run. Returns the silent one's name.
async fn listed(company: &Company) -> String {
    let stack = &company.stack;
    let read = Operator::new(stack, "Read").await;
    let list = format!("/operations/v1/notifications?tenant={}", company.tenant);
    assert_eq!(read.ask("GET", &list, None).await.0, 200);
    // The overview shows silent tenants once a run has counted.
    counted(stack).await;
    let silent = Uuid::new_v4();
    let name = format!("Vestfjord {}", silent.simple());
    enter(stack, &company.tenant, NAME, false).await;
    enter(stack, &silent.to_string(), &name, true).await;
    name
}

async fn enter(stack: &Stack, id: &str, name: &str, is_silent: bool) {
    let texts = [("pk", "tenants"), ("sk", id), ("tenant_name", name)];
    let mut item: HashMap<String, AttributeValue> =
        texts.map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned()))).into();
    item.insert("is_silent".to_owned(), AttributeValue::Bool(is_silent));
    stack.dynamodb.put_item().table_name(stack.output("TableName")).set_item(Some(item)).send().await.unwrap();
}

/// A notification that has used up its attempts while the ERP was down.
async fn dead(company: &Company) -> Uuid {
    company.visma.set_outage(Endpoint::Resource, Some(Outage::Dropped)).await.unwrap();
    let changed = company.visma.change_and_emit(&Change::new("ACCOUNT_CHANGED", "5609")).await.unwrap();
    let id = changed.emitted.notification_ids[0];
    company.ended(id, "dead: unavailable", "sent").await;
    company.visma.set_outage(Endpoint::Resource, None).await.unwrap();
    id
}

/// The delivery id in the 202.
fn delivery(emitted: &Emitted) -> String {
    let answer = emitted.deliveries[0].attempts.last().unwrap().answer.as_deref().unwrap();
    let answer: Value = serde_json::from_str(answer).unwrap();
    answer["delivery"].as_str().unwrap().to_owned()
}

async fn what_happened(desk: &Desk) {
    let task = Task::begin(&desk.console, "Customer C1013 got no feedback: what happened?").await;
    task.search("C1013").await;
    task.press("Customer C1013: open").await;
    task.browser.reads(".facts dd", "Visma Net answered 404").await;
    task.end();
}

async fn silent_tenants(desk: &Desk) {
    let task = Task::begin(&desk.console, "Which tenants are silent?").await;
    task.browser.reads(".facts dd", &desk.silent).await;
    task.end();
}

async fn replay_with_a_plan(desk: &Desk) {
    let task = Task::begin(&desk.console, "Why are three notifications parked? Replay them all with a plan").await;
    task.click("a.tile[data-name=parked]").await;
    task.browser.reads(".group .quote", REPLAYED).await;
    task.press_in(".group", REPLAYED, "Replay all of these").await;
    task.press("Replay 3 notifications").await;
    task.browser.reads(".job[data-kind=replay]", REPLAYED).await;
    task.end();
}

async fn follow_a_job(desk: &Desk) {
    let task = Task::begin(&desk.console, "Follow a replay to its end, and open what failed again").await;
    task.press("Replays").await;
    task.press_in(".job", REPLAYED, "3 failed again").await;
    task.browser.reads("h2", "What failed again").await;
    desk.console.rows(3).await;
    task.end();
}

async fn pause_and_end(desk: &Desk) {
    let task = Task::begin(&desk.console, "Pause a tenant's sales orders until tomorrow, and end the pause").await;
    task.press("Pauses").await;
    task.press("Begin a pause").await;
    task.fill("Tenant", NAME).await;
    task.fill("Events", "sales_order.*").await;
    let tomorrow = (OffsetDateTime::now_utc() + Duration::DAY).format(&Rfc3339).unwrap();
    task.fill_time("dialog [name=until]", &tomorrow[..16]).await;
    task.press("Begin").await;
    task.browser.reads("tbody tr", NAME).await;
    task.press(&format!("End the pause of sales_order.* for {}", desk.company.tenant)).await;
    task.press("End the pause").await;
    task.browser.reads("h1", "Replays").await;
    task.end();
}

async fn find_a_delivery(desk: &Desk) {
    let task = Task::begin(&desk.console, "Find a notification by the delivery id of its 202").await;
    task.search(&desk.delivery).await;
    task.press("Account 5606: open").await;
    task.browser.reads(".facts dd", &desk.delivery).await;
    task.end();
}

async fn resend_feedback(desk: &Desk) {
    let task = Task::begin(&desk.console, "Resend the parked feedback of customer C1013").await;
    task.click("a.tile[data-name=feedback_parked]").await;
    task.press("Customer C1013: open").await;
    task.press("Resend feedback").await;
    task.click("dialog button.primary").await;
    task.browser.reads(".timeline .what", "Visma Net accepted the feedback").await;
    task.end();
}

async fn acknowledge(desk: &Desk) {
    let task = Task::begin(&desk.console, "Acknowledge a parked notification with a note").await;
    task.click("a.tile[data-name=parked]").await;
    task.press_in(".group", KNOWN, "Acknowledge: all 1").await;
    task.fill("Note", "asked the vendor").await;
    task.click("dialog button.primary").await;
    task.loses(".group .quote", KNOWN).await;
    task.end();
}

async fn send_a_dead_one_again(desk: &Desk) {
    let task = Task::begin(&desk.console, "Send a dead notification through again").await;
    task.click("a.tile[data-name=dead]").await;
    task.press("Resend Account 5609").await;
    task.click("dialog button.primary").await;
    task.browser.reads(".toast", "Handed to the processor.").await;
    desk.company.ended(desk.dead, "processed", "sent").await;
    task.end();
}

async fn open_a_link(desk: &Desk) {
    let task = Task::begin(&desk.console, "Share the link of a filtered list, and open it in a new tab").await;
    task.press("Notifications").await;
    // The overview has a field of this name, too.
    task.browser.reads("h1", "Notifications").await;
    task.fill("Tenant", NAME).await;
    task.fill("Event", "CUSTOMER_UPDATED").await;
    task.press("Show").await;
    desk.console.rows(1).await;
    let link = task.browser.address().await;
    task.browser.new_tab().await;
    task.go(link.as_str()).await;
    // The tab takes over the session.
    task.browser.reads("tbody tr", "C1013").await;
    desk.console.rows(1).await;
    assert_eq!(task.browser.address().await, link);
    task.end();
}
