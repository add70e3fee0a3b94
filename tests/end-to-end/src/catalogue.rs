//! Tests every event of the catalogue in both channels, from a change in the ERP to its feedback.

use crate::{Company, Queue};
use futures::{StreamExt, stream};
use serde_json::json;
use standin::{Change, Event, Kind};
use uuid::Uuid;

/// The number of changes at the same time.
const CONCURRENCY: usize = 6;

/// The result of one event.
#[derive(Debug, Clone)]
pub struct Row {
    pub event: &'static Event,
    pub key: String,
    /// The answer to the delivery.
    pub answer: Option<u16>,
    pub state: String,
    pub feedback: String,
    /// The text for the accountant.
    pub description: Option<String>,
}

/// The expected end of an event's feedback, by the routes of `infra/local/settings.json`.
pub fn expected_feedback(event: &Event) -> &'static str {
    match event.entity {
        "Segment" => "none",
        _ => "sent",
    }
}

fn is_deferred(event: &Event) -> bool {
    event.entity == "Purchase Order" && event.kind == Kind::Action
}

/// Makes a change for every event and passes on each row as soon as its notification has ended.
pub async fn run(company: &Company, mut each: impl FnMut(Row)) -> Vec<Row> {
    let rows = stream::iter(standin::events()).map(|event| follow(company, event)).buffered(CONCURRENCY);
    let mut rows = std::pin::pin!(rows);
    let mut all = Vec::new();
    while let Some(row) = rows.next().await {
        each(row.clone());
        all.push(row);
    }
    all
}

async fn follow(company: &Company, event: &'static Event) -> Row {
    let parameter = Some("from the catalogue".to_owned());
    let key = existing(company, event).await;
    let change = Change { event: event.id.to_owned(), key, parameter, ..Change::default() };
    let changed = company.visma.change_and_emit(&change).await.expect("the stand-in makes the change");
    let id = changed.emitted.notification_ids[0];
    let answer = changed.emitted.deliveries.first().and_then(standin::Delivery::status);
    if is_deferred(event) {
        post_outcome(company, id).await;
    }
    let record = company.ended(id, "processed", expected_feedback(event)).await;
    let description = company.feedback(id).await.into_iter().next().map(|(_, description)| description);
    Row { event, key: record.key, answer, state: record.state, feedback: record.feedback, description }
}

/// Creates what the change deletes or renumbers. The stand-in makes up everything else.
async fn existing(company: &Company, event: &Event) -> Option<String> {
    let collection = event.collection.filter(|_| matches!(event.kind, Kind::Deleted | Kind::IdentityChanged))?;
    let position = standin::events().position(|other| other.id == event.id)?;
    let prefix = if event.entity == "Sales Order" { "SO/" } else { "" };
    let key = format!("{prefix}30{position:03}");
    company.visma.put(collection, &key, json!({})).await.expect("the stand-in takes the resource");
    Some(key)
}

/// Acts like an integrator's system: takes the reference from the ledger's record and sends the
/// outcome.
async fn post_outcome(company: &Company, id: Uuid) {
    let record = company.ended(id, "processed", "awaited").await;
    let outcome = json!({
        "type": "outcome",
        "notification": {"tenant": company.tenant, "entity": record.entity, "key": record.key, "id": record.notification},
        "is_success": true,
        "description": "The warehouse has taken the order.",
    });
    company.stack.send(Queue::Feedback, &outcome.to_string()).await;
}
