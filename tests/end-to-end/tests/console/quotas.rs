use crate::company;
use crate::console::{Console, token};
use end_to_end::{Company, until};
use standin::{Change, RateBudget};

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
    company.visma.set_rate(RateBudget::default()).await.unwrap();
    browser.was_content().await;
}
