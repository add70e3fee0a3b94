//! Checks every line of this run so far against LOGGING.md's list of secret and personal data.

use crate::company;
use end_to_end::{Company, never_logged, until};
use serde_json::json;
use standin::{Change, Item, Sending};

#[tokio::test]
async fn no_line_of_any_function_shows_a_secret_or_personal_data() {
    let company = Company::new(company::PRIVACY).await;
    let mut item = Item::new("EMPLOYEE_CHANGED", "1");
    item.extra.insert("employeeName".into(), json!("Canary Personsen"));
    item.status = Some("canary-status".into());
    let emitted = company.visma.emit_one(item).await.unwrap();
    let record = company.ended(emitted.notification_ids[0], "processed", "sent").await;
    assert!(record.raw.contains("Canary Personsen"), "it was there to be logged");
    let set = json!({"name": "Canary Kundesen", "email": "kundesen@example.com"}).as_object().unwrap().clone();
    let change =
        Change { set, parameter: Some("canary-parameter".into()), ..Change::new("CUSTOMER_ACTION_TRIGGERED", "1") };
    company.answered(&company.visma.change_and_emit(&change).await.unwrap().emitted).await;
    let forged = Sending { secret: Some("canary-forged".into()), retry: standin::Retry::once(), ..Sending::default() };
    let forged = standin::Emit { items: vec![Item::new("ACCOUNT_CHANGED", "1")], sending: forged };
    company.visma.emit(&forged).await.unwrap();

    for expected in [record.notification.as_str(), "signature_mismatch"] {
        until("the functions' lines", async || company.stack.logged(expected).await).await;
    }
    let never = never_logged(&company.stack);
    for secret in never {
        let shown = company.stack.logged(&secret).await;
        assert!(shown.is_none(), "{secret} in {shown:?}");
    }
}
