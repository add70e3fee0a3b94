use crate::company;
use end_to_end::{Company, Operator, until};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use standin::{Change, Collection};
use std::time::Instant;

/// Simulates a lost webhook: the ERP changes without a notification.
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
    let path = format!("/operations/v1/entities?tenant={}&entity=sales_order&key=SO%2F000042", company.tenant);
    let (_, order) = Operator::new(&company.stack, "Read").await.ask("GET", &path, None).await;
    assert_eq!(order["current"]["status"], "Open", "{order}");
    assert_eq!(order["current"]["timeline"][0]["status"], "Open", "{order}");

    let report = company.stack.reconcile(Some(&company.tenant)).await;
    assert_eq!(report["gaps_found"], json!({}), "{report}");
}

/// Runs alone (`.config/nextest.toml`), since it finds what other tests' companies hold back.
#[tokio::test]
async fn a_scheduled_run_sweeps_every_tenant_and_counts_the_silent_ones() {
    let stack = end_to_end::Stack::load().await;
    let report = stack.reconcile(None).await;
    let settings: Value = serde_json::from_str(include_str!("../../../../infra/local/settings.json")).unwrap();
    let tenants = settings["tenants"].as_array().unwrap().len();
    assert_eq!((&report["tenants"], &report["silent"]), (&json!(tenants), &json!(0)), "{report}");
    let (_, directory) = Operator::new(&stack, "Read").await.ask("GET", "/operations/v1/tenants", None).await;
    let named = directory["items"].as_array().unwrap().iter().find(|tenant| tenant["name"] == "Nordfjord Trading");
    assert_eq!(named.expect("a tenant with a name")["company_id"], "7000001", "{directory}");
}

/// Prints its counts: `cargo xtask test -- --run-ignored only --no-capture of_5000`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn of_5000_changes_whose_50_webhooks_are_lost_one_sweep_finds_the_50_and_all_are_processed() {
    let company = Company::new(company::FIVE_THOUSAND).await;
    let begun = Instant::now();
    let changes = (0..5000).map(|n| change(&company, n));
    stream::iter(changes).buffer_unordered(16).collect::<()>().await;
    println!("{:6.1} s  5000 changes, 4950 webhooks delivered, 50 lost", begun.elapsed().as_secs_f64());
    let mut answered = 0;
    while answered < 4950 {
        answered = until("another feedback", async || {
            let now = company.visma.feedback().await.unwrap().len();
            (now > answered).then_some(now)
        })
        .await;
    }
    println!("{:6.1} s  {answered} processed and answered", begun.elapsed().as_secs_f64());

    let report = company.stack.reconcile(Some(&company.tenant)).await;
    println!("{:6.1} s  swept: {report}", begun.elapsed().as_secs_f64());
    assert_eq!(report["gaps_found"], json!({"customer": 50}));
    let records = until("all to be processed", async || {
        let records = company.stack.records(&company.tenant).await;
        (records.iter().filter(|record| record.state == "processed").count() == 5000).then_some(records)
    })
    .await;
    println!("{:6.1} s  {} processed", begun.elapsed().as_secs_f64(), records.len());
    assert_eq!(records.len(), 5000);
    let found = records.iter().filter(|record| record.feedback == "none");
    assert_eq!(found.filter(|record| record.key.ends_with("42")).count(), 50);
    let report = company.stack.reconcile(Some(&company.tenant)).await;
    assert_eq!(report["gaps_found"], json!({}), "{report}");
}

/// Sends no notification for one in a hundred.
async fn change(company: &Company, n: usize) {
    let key = format!("{n:05}");
    if key.ends_with("42") {
        company.visma.put(Collection::Customer, &key, json!({"name": "Lost"})).await.unwrap();
    } else {
        let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_CREATED", &key)).await.unwrap();
        assert!(changed.emitted.all_delivered(), "{changed:?}");
    }
}
