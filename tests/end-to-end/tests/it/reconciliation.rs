use crate::company;
use end_to_end::{Company, until};
use serde_json::json;
use standin::{Change, Collection};

/// What a lost webhook leaves behind: the ERP changed, and nobody was told.
#[tokio::test]
async fn changes_whose_webhooks_were_lost_are_found_and_processed_and_the_others_are_not_repeated() {
    let company = Company::new(company::RECONCILED).await;
    let arrived = company.visma.change_and_emit(&Change::new("CUSTOMER_CREATED", "10001")).await.unwrap();
    company.answered(&arrived.emitted).await;
    company.visma.put(Collection::Customer, "10002", json!({"name": "Lost"})).await.unwrap();
    company.visma.put(Collection::Account, "1920", json!({"description": "Lost"})).await.unwrap();
    company.visma.put(Collection::SalesOrderV3, "SO/000042", json!({"status": "Open"})).await.unwrap();

    let report = company.stack.reconcile(Some(&company.tenant)).await;
    assert_eq!(report["gaps_found"], json!({"account": 1, "customer": 1, "sales_order": 1}), "{report}");
    assert_eq!(report["unfinished"], 0, "{report}");
    let records = until("the gaps to be processed", async || {
        let records = company.stack.records(&company.tenant).await;
        let done = records.iter().filter(|record| record.state == "processed").count();
        (done == 4).then_some(records)
    })
    .await;
    let mut found: Vec<_> = records.iter().filter(|record| record.feedback == "none").map(|r| r.key.as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, ["10002", "1920", "SO/000042"]);

    let report = company.stack.reconcile(Some(&company.tenant)).await;
    assert_eq!(report["gaps_found"], json!({}), "{report}");
}

/// Runs alone (`.config/nextest.toml`), for it finds what other tests' companies hold back.
#[tokio::test]
async fn a_scheduled_run_sweeps_every_tenant_and_counts_the_silent_ones() {
    let stack = end_to_end::Stack::load().await;
    let report = stack.reconcile(None).await;
    assert_eq!((&report["tenants"], &report["silent"]), (&json!(32), &json!(0)), "{report}");
}
