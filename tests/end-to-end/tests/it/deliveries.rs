//! Tests deliveries that are accepted: of every event, all at once, repeated, and in any order.

use crate::company;
use end_to_end::{Company, catalogue, until};
use serde_json::json;
use standin::{Change, Emit, Item, Kind, Retry, Sending};
use std::collections::BTreeMap;

#[tokio::test]
async fn every_event_in_both_channels_is_processed_and_answered() {
    let company = Company::new(company::CATALOGUE).await;
    let rows = catalogue::run(&company, |_| ()).await;
    assert_eq!(rows.len(), standin::events().count());
    for row in &rows {
        assert_eq!(row.answer, Some(202), "{row:?}");
        assert_eq!(row.feedback, catalogue::expected_feedback(row.event), "{row:?}");
        assert_eq!(row.description.is_some(), row.feedback == "sent", "{row:?}");
    }
    for row in rows.iter().filter(|row| row.event.kind == Kind::Deleted) {
        let entity = row.event.entity.to_lowercase().replace(' ', "_");
        let (_, deleted) = company.stack.timeline(&company.tenant, &entity, &row.key).await;
        assert!(deleted, "{row:?}");
    }
    let feedback = company.visma.feedback().await.unwrap();
    assert_eq!(feedback.len(), rows.iter().filter(|row| row.feedback == "sent").count(), "one feedback each");
}

#[tokio::test]
async fn a_burst_of_parallel_deliveries_is_taken_without_one_error() {
    let company = Company::new(company::BURST).await;
    let items = (1..=50).map(|n| Item::new("SUPPLIER_CREATED", &n.to_string())).collect();
    let sending = Sending { concurrency: 50, retry: Retry::once(), ..Sending::default() };
    let emitted = company.visma.emit(&Emit { items, sending }).await.unwrap();
    let statuses: Vec<_> = emitted.deliveries.iter().map(standin::Delivery::status).collect();
    assert_eq!(statuses, vec![Some(202); 50]);
    for id in emitted.notification_ids {
        company.ended(id, "processed", "sent").await;
    }
}

#[tokio::test]
async fn a_delivery_that_comes_three_times_has_one_effect() {
    let company = Company::new(company::DUPLICATES).await;
    let sending = Sending { copies: 3, concurrency: 3, ..Sending::default() };
    let change = Change { sending, ..Change::new("CUSTOMER_CHANGED", "10001") };
    let changed = company.visma.change_and_emit(&change).await.unwrap();
    assert_eq!(changed.emitted.deliveries.len(), 3);
    company.answered(&changed.emitted).await;
    assert_eq!(company.stack.records(&company.tenant).await.len(), 1);
    assert_eq!(company.feedback(changed.emitted.notification_ids[0]).await.len(), 1);
}

#[tokio::test]
async fn a_pair_in_the_wrong_order_leaves_the_newer_state_and_the_whole_timeline() {
    let company = Company::new(company::REORDERED).await;
    let item =
        |status: &str| Item { status: Some(status.to_owned()), ..Item::new("SALES_ORDER_STATUS_CHANGED", "SO/000777") };
    let sending = Sending { order: vec![1, 0], ..Sending::default() };
    let emit = Emit { items: vec![item("On hold"), item("Open")], sending };
    let (hold, open) = {
        let emitted = company.visma.emit(&emit).await.unwrap();
        assert!(emitted.all_delivered());
        (emitted.notification_ids[0], emitted.notification_ids[1])
    };
    company.ended(open, "processed", "sent").await;
    until("the older one to end", async || {
        let records = company.stack.records_of(&company.tenant, hold).await;
        records.into_iter().find(|record| record.feedback == "sent")
    })
    .await;
    let (statuses, _) = company.stack.timeline(&company.tenant, "sales_order", "SO/000777").await;
    assert_eq!(statuses, ["On hold", "Open"]);
}

#[tokio::test]
async fn a_legacy_batch_of_five_becomes_five_notifications() {
    let company = Company::new(company::LEGACY_BATCH).await;
    for n in 1..=5 {
        company
            .visma
            .put(standin::Collection::CustomerInvoice, &format!("90000{n}"), json!({"status": "Open"}))
            .await
            .unwrap();
    }
    let items = (1..=5).map(|n| Item::new("customerinvoice_changed", &format!("90000{n}"))).collect();
    let emitted =
        company.visma.emit(&Emit { items, sending: Sending { batch: true, ..Sending::default() } }).await.unwrap();
    assert_eq!(emitted.deliveries.len(), 1, "one request");
    assert!(emitted.all_delivered());
    for id in emitted.notification_ids {
        let record = company.ended(id, "processed", "sent").await;
        assert_eq!(record.event, "AR_INVOICE_CHANGED");
    }
}

#[tokio::test]
async fn a_delivery_replayed_under_altered_headers_changes_nothing() {
    let company = Company::new(company::REPLAYED).await;
    let changed = company.visma.change_and_emit(&Change::new("ACCOUNT_CHANGED", "1920")).await.unwrap();
    let record = company.answered(&changed.emitted).await;
    let forged = [
        ("x-vwd-notification-id", "00000000-0000-4000-8000-00000000000f"),
        ("x-vwd-tenant-id", "10000000-0000-4000-8000-000000000031"),
        ("x-vwd-event-id", "ACCOUNT_DELETED"),
        ("x-vwd-notification-timestamp", "99999999999999"),
    ];
    let headers: BTreeMap<_, _> =
        forged.into_iter().map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).collect();
    let id = changed.emitted.notification_ids[0];
    let resent = company.visma.resend(id, &Sending { headers, ..Sending::default() }).await.unwrap();
    assert!(resent.all_delivered(), "the signature is right, so it is accepted");
    // Another notification behind it in the queue shows that the replay was handled.
    let next = company.visma.change_and_emit(&Change::new("ACCOUNT_CHANGED", "1930")).await.unwrap();
    company.answered(&next.emitted).await;
    assert_eq!(company.stack.records_of(&company.tenant, id).await, [record]);
    assert_eq!(company.feedback(id).await.len(), 1);
    let (_, deleted) = company.stack.timeline(&company.tenant, "account", "1920").await;
    assert!(!deleted);
}

#[tokio::test]
async fn a_notification_resent_from_the_erp_is_a_duplicate() {
    let company = Company::new(company::RESENT).await;
    let changed = company.visma.change_and_emit(&Change::new("SUPPLIER_UPDATED", "50001")).await.unwrap();
    company.answered(&changed.emitted).await;
    let id = changed.emitted.notification_ids[0];
    assert!(company.visma.resend(id, &Sending::default()).await.unwrap().all_delivered());
    let next = company.visma.change_and_emit(&Change::new("SUPPLIER_UPDATED", "50002")).await.unwrap();
    company.answered(&next.emitted).await;
    assert_eq!(company.stack.records_of(&company.tenant, id).await.len(), 1);
    assert_eq!(company.feedback(id).await.len(), 1);
}
