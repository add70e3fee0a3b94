//! Tests what the functions write: metrics, a trace, and nothing secret or personal.

use crate::company;
use end_to_end::{Company, never_logged, until};
use serde_json::{Value, json};
use standin::{Change, Item, Sending};

const INTAKE: &str = "IntakeLogGroup";
const PROCESSOR: &str = "ProcessorLogGroup";
const FEEDBACK: &str = "FeedbackLogGroup";

async fn line(company: &Company, group: &str, text: &str) -> Value {
    let line = until(&format!("{text} in {group}"), async || company.stack.logged_by(group, text).await).await;
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[tokio::test]
async fn each_function_writes_its_metrics_and_one_trace_leads_through_all() {
    let company = Company::new(company::METRICS).await;
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "1")).await.unwrap();
    let record = company.answered(&changed.emitted).await;

    for (group, service, metric) in [
        (INTAKE, "intake", "AckDuration"),
        (PROCESSOR, "processor", "AcceptedToProcessed"),
        (FEEDBACK, "feedback", "AcceptedToFeedback"),
    ] {
        for metric in [metric, "ColdStart"] {
            let line = line(&company, group, metric).await;
            let directive = &line["_aws"]["CloudWatchMetrics"][0];
            assert_eq!(directive["Namespace"], "VismaNetWebhooks/webhooks", "{line}");
            assert_eq!(
                (&line["service"], &directive["Dimensions"][0]),
                (&json!(service), &json!(["service"])),
                "{line}"
            );
            assert!(line["_aws"]["Timestamp"].is_i64() && !line[metric].is_null(), "{line}");
        }
    }

    let processed = line(&company, PROCESSOR, &record.notification).await;
    let trace_id = processed["trace_id"].as_str().unwrap_or_else(|| panic!("no trace: {processed}"));
    let (accepted, answered) = (line(&company, INTAKE, trace_id).await, line(&company, FEEDBACK, trace_id).await);
    assert_eq!(accepted["delivery"], processed["delivery"]);
    assert_eq!(answered["notification"], json!(record.notification));
}

/// Checks every line of this run so far against LOGGING.md's list of secret and personal data.
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
