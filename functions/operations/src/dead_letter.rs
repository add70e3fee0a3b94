//! Describes a dead letter without showing its body.

use crate::ports::{Operations, Ports};
use crate::problem::Problem;
use crate::reference;
use crate::types::dead_letters::{DeadLetter, DeadNotification};
use serde_json::Value;
use uuid::Uuid;
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::job::job_of;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Delivery, LedgerKey, Notification, QueueName};
use webhooks_store::Record;

/// The most notifications of one message that are looked up.
const LOOKED_UP: usize = 10;

/// What the body of the message says.
#[derive(Debug, Default)]
struct Told {
    keys: Vec<LedgerKey>,
    event: Option<String>,
    job: Option<Uuid>,
    understood: bool,
}

fn told(queue: QueueName, body: &str) -> Told {
    match queue {
        QueueName::Notifications => delivery(body),
        QueueName::Feedback => FeedbackMessage::parse(body).ok().map(|message| about(message.notification().clone())),
        QueueName::Events => event(body),
        QueueName::Repairs => job_of(body).map(|job| Told { job: Some(job), understood: true, ..Told::default() }),
    }
    .unwrap_or_default()
}

fn about(key: LedgerKey) -> Told {
    Told { keys: vec![key], understood: true, ..Told::default() }
}

fn delivery(body: &str) -> Option<Told> {
    let delivery = Delivery::from_message(body).ok()?;
    let all = Notification::all_of(&delivery, &NoDirectory);
    let keys = all.iter().take(LOOKED_UP).map(Notification::ledger_key).collect();
    Some(Told { keys, understood: true, ..Told::default() })
}

fn event(body: &str) -> Option<Told> {
    let event: Value = serde_json::from_str(body).ok()?;
    let key: LedgerKey = serde_json::from_value(event["data"]["notification"].clone()).ok()?;
    Some(Told { event: event["type"].as_str().map(str::to_owned), ..about(key) })
}

impl<P: Ports> Operations<P> {
    /// Describes one dead letter. A rejection by the feedback function takes precedence over the
    /// reason in the ledger.
    pub(crate) async fn letter(
        &self,
        queue: QueueName,
        letter: &webhooks_queue::DeadLetter,
    ) -> Result<DeadLetter, Problem> {
        let told = told(queue, &letter.body);
        let mut records: Vec<Record> = vec![];
        for key in &told.keys {
            records.extend(self.store.record_of(key).await?);
        }
        self.introduce(&records).await;
        let rejection = |name| letter.attribute(name).map(str::to_owned);
        let (recorded, code) = (records.first(), rejection("rejection_code"));
        // Events are read by the integrator's systems, and we do not know what they refuse.
        let dies_again = code.is_some() || !(told.understood || queue == QueueName::Events);
        let reason = code.unwrap_or_else(|| match recorded {
            _ if !told.understood => "not_understood".to_owned(),
            _ if queue == QueueName::Events => "unconsumed".to_owned(),
            Some(record) => record.reason.map_or(record.state.as_str(), |reason| reason.as_str()).to_owned(),
            None => "given_up".to_owned(),
        });
        let attempt = || recorded.and_then(|record| record.attempts.last()).map(|line| line.text.clone());
        Ok(DeadLetter {
            id: letter.id.clone(),
            sent_at: letter.sent_at,
            receive_count: letter.receive_count,
            tenant: letter.group.clone().or_else(|| told.keys.first().map(|key| key.entity.tenant.clone())),
            reason,
            detail: rejection("rejection").or_else(attempt).unwrap_or_default(),
            dies_again,
            notifications: records.into_iter().map(named).collect(),
            event: told.event,
            job: told.job,
        })
    }
}

fn named(record: Record) -> DeadNotification {
    DeadNotification {
        reference: reference::of(&record.key, record.received_at),
        event: record.event,
        state: record.state.as_str(),
        reason: record.reason.map(|reason| reason.as_str()),
    }
}
