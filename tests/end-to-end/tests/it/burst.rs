use crate::company;
use end_to_end::Company;
use standin::{Emit, Item, Retry, Sending};

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
