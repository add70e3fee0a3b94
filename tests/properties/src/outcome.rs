use crate::model::meta;
use crate::world::wait;
use feedback::{Feedback, Limits, Ports};
use fixtures::{FakeErp, FakeQueue, FakeSource, TENANT, TestHost, document, sqs_event, to_come_again};
use serde_json::json;
use simulation::ModelItems;
use std::time::Duration;
use uuid::Uuid;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::feedback::{Address, FeedbackMessage, FeedbackState};
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Channel, Delivery, LedgerKey, Notification, State};
use webhooks_settings::Cache;
use webhooks_store::{Answering, Change, Entry, Observer, Table};

const ID: Uuid = Uuid::from_u128(1);

struct Fakes;

impl Ports for Fakes {
    type Source = FakeSource;
    type Answers = Table<ModelItems>;
    type Visma = FakeErp;
    type Queue = FakeQueue;
    type Pacer = FakeQueue;
    type Host = TestHost;
}

/// `@key` stands for the key of the only notification that waits for an outcome.
pub fn outcome(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let (memory, host, erp, rejected) =
        (ModelItems::default(), TestHost::default(), FakeErp::default(), FakeQueue::default());
    let key = wait(awaited(&memory.table()));
    let text = text.replace("@key", &json!(key).to_string());
    let feedback = Feedback::<Fakes> {
        settings: Cache::new(FakeSource::new(document()), host.clone()),
        answers: memory.table(),
        visma: erp.clone(),
        queue: FakeQueue::default(),
        rejected: rejected.clone(),
        host: host.clone(),
        metrics: Metrics::new(Service::Feedback, host, Emitted::default()),
        limits: Limits { retry_base: Duration::from_secs(30), give_up_after: time::Duration::hours(24) },
        observer: Observer::default(),
    };
    let hand_out = || {
        let batch = feedback.batch(sqs_event(std::slice::from_ref(&text), 1), "r-1", Duration::from_secs(10));
        to_come_again(&wait(batch))
    };
    let (first, second) = (hand_out(), hand_out());
    let (sent, refused) = (erp.feedback(), rejected.sent());
    match FeedbackMessage::parse(&text) {
        Ok(FeedbackMessage::Outcome { notification, verdict }) if notification == key => {
            assert!(first.is_empty() && second.is_empty() && refused.is_empty());
            let [sent] = sent.as_slice() else { panic!("sent {} times", sent.len()) };
            assert_eq!((sent.tenant.as_str(), sent.id), (TENANT, ID));
            assert_eq!(
                (sent.is_success, sent.description.as_str()),
                (verdict.is_success, verdict.description.as_str())
            );
            assert!((1..=255).contains(&sent.description.encode_utf16().count()), "{}", sent.description);
            assert!(
                !sent.description.contains(|c: char| c.is_control() || c == '<' || c == '>'),
                "{}",
                sent.description
            );
        }
        // The record may still arrive.
        Ok(other) if *other.notification() != key => {
            assert_eq!((first, second), (vec![0], vec![0]));
            assert!(sent.is_empty() && refused.is_empty());
        }
        // A newer version may have written it.
        Err(rejection) if rejection.may_be_newer() => {
            assert_eq!((first, second), (vec![0], vec![0]));
            assert!(sent.is_empty() && refused.is_empty());
        }
        Ok(_) | Err(_) => {
            assert!(first.is_empty() && second.is_empty() && sent.is_empty());
            assert_eq!(refused.len(), 2, "each time it was handed out, a person can find it");
            assert!(refused.iter().all(|refused| refused.body == text && refused.attributes.len() == 2));
        }
    }
    if let Ok(message) = FeedbackMessage::parse(&text) {
        assert_eq!(FeedbackMessage::parse(&json!(message).to_string()), Ok(message));
    }
}

async fn awaited(table: &Table<ModelItems>) -> LedgerKey {
    let body = json!({"notificationId": ID, "event": "SALESORDER_CREATED", "orderId": "1"}).to_string();
    let mut meta = meta(Channel::Dispatcher);
    meta.tenant = Some(TENANT.to_owned());
    let n = Notification::read(&Delivery { meta, body: body.clone().into_bytes() }, &body, &NoDirectory);
    let address = Address::of(&n, false);
    let answer = Answering { feedback: FeedbackState::Awaited, address, verdict: None, deadline: None };
    let change = Change::Ended { state: State::Processed, answer };
    let entry = Entry { notification: &n, change, now: TestHost::START };
    assert!(table.record(&entry).await.expect("a table in memory"));
    n.ledger_key()
}
