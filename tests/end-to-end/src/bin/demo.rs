//! Sends one notification of every kind through the public URL and shows the results.

use end_to_end::{Company, catalogue};
use standin::{Change, Sending};
use std::time::Instant;

/// The first company of the settings, which no test uses.
const COMPANY: u32 = 1;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let started = Instant::now();
    let company = Company::new(COMPANY).await;
    println!("Company {} changes; its dispatcher posts to {}\n", company.tenant, company.stack.api_url);
    println!(
        "{:<42} {:<10} {:<12} {:<7} {:<10} {:<8} what the accountant reads",
        "event", "channel", "key", "answer", "state", "feedback"
    );
    let rows = catalogue::run(&company, |row| print_row(&row)).await;
    println!();
    documents(&company).await;
    accounts(&company).await;
    duplicates(&company).await;
    account_for_all(&company).await;
    // The schedule would do this: the run records the tenants' names.
    company.stack.reconcile(None).await;
    println!("{} events of the catalogue in {:.1} s", rows.len(), started.elapsed().as_secs_f64());
}

fn print_row(row: &catalogue::Row) {
    let channel = if row.event.publisher == standin::Publisher::Legacy { "legacy" } else { "dispatcher" };
    let answer = row.answer.map_or_else(|| "none".to_owned(), |status| status.to_string());
    let description = row.description.as_deref().unwrap_or("-");
    // An entity without a number is kept under the hash of its content.
    let key = if row.key.starts_with('~') { "-" } else { &row.key };
    println!(
        "{:<42} {channel:<10} {key:<12.12} {answer:<7} {:<10} {:<8} {description}",
        row.event.id, row.state, row.feedback
    );
}

/// A document goes through its statuses; two of the notifications arrive in the wrong order.
async fn documents(company: &Company) {
    let key = "SO/900001";
    for status in ["On hold", "Open", "Completed"] {
        let change = Change { status: Some(status.to_owned()), ..Change::new("SALES_ORDER_STATUS_CHANGED", key) };
        let changed = company.visma.change_and_emit(&change).await.expect("the status changes");
        company.answered(&changed.emitted).await;
    }
    let (statuses, _) = company.stack.timeline(&company.tenant, "sales_order", key).await;
    println!("Sales order {key}: {}", statuses.join(" -> "));
}

/// An account is created, renumbered and deleted.
async fn accounts(company: &Company) {
    let numbers = ["9001", "9002"];
    let renumber =
        Change { new_key: Some(numbers[1].to_owned()), ..Change::new("ACCOUNT_IDENTITY_CHANGED", numbers[0]) };
    for change in [Change::new("ACCOUNT_CREATED", numbers[0]), renumber, Change::new("ACCOUNT_DELETED", numbers[1])] {
        let changed = company.visma.change_and_emit(&change).await.expect("the account changes");
        company.answered(&changed.emitted).await;
    }
    let (_, deleted) = company.stack.timeline(&company.tenant, "account", numbers[1]).await;
    println!("Account {} was renumbered {} and {}", numbers[0], numbers[1], if deleted { "deleted" } else { "kept" });
}

/// One delivery sent three times has one effect.
async fn duplicates(company: &Company) {
    let sending = Sending { copies: 3, ..Sending::default() };
    let change = Change { sending, ..Change::new("CUSTOMER_CHANGED", "10001") };
    let changed = company.visma.change_and_emit(&change).await.expect("the customer changes");
    company.answered(&changed.emitted).await;
    let feedback = company.feedback(changed.emitted.notification_ids[0]).await;
    println!("One change delivered {} times: {} feedback sent", changed.emitted.deliveries.len(), feedback.len());
}

async fn account_for_all(company: &Company) {
    let sent = company.visma.notifications().await.expect("the stand-in answers").len();
    let records = company.stack.records(&company.tenant).await;
    let ended = records.iter().filter(|record| record.state != "retrying").count();
    println!(
        "Notifications sent {sent}, recorded {}, in a final state {ended}, unaccounted for {}",
        records.len(),
        sent.abs_diff(ended)
    );
}
