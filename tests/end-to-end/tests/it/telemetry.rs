use crate::company;
use end_to_end::{Company, until};
use serde_json::{Value, json};
use standin::Change;

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
