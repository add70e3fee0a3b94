//! What the accountant reads when no business code says anything.

use crate::world::World;
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn each_kind_of_notification_is_answered_in_words_of_its_own() {
    let world = World::with_routes(json!([{"events": "*", "fetch": false}])).await;
    let subjects = [
        ("ACCOUNT_CREATED", None, "new account 7"),
        ("CUSTOMER_CHANGED", None, "change of customer 7"),
        ("SHIPMENT_DELETED", None, "deletion of shipment 7"),
        ("ACCOUNT_IDENTITY_CHANGED", None, "new number of account 7"),
        ("SUPPLIER_ACTION_TRIGGERED", None, "action on supplier 7"),
        ("FIRST_TIME_STARTUP_COMPLETED", None, "completed start-up of the company"),
        ("BACKGROUND_API_RESPONSE", None, "result of background operation 7"),
        ("PURCHASE_ORDER_STATUS_CHANGED", Some("Open"), "status Open of purchase order 7"),
        ("AR_INVOICE_STATUS_CHANGED", None, "change of customer invoice 7"),
        ("VOUCHER_PROCESSED", None, "status Processed of voucher 7"),
    ];
    for (id, (event, status, subject)) in (1..).zip(subjects) {
        let body = json!({
            "notificationId": Uuid::from_u128(id), "contextId": "1234567", "event": event, "number": "7", "status": status,
        });
        assert!(world.take(&body).await.is_empty(), "{event}");
        let expected = format!("The {subject} was received and processed.");
        assert_eq!(world.answer(id).await, (true, expected), "{event}");
    }
}
