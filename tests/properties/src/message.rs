use crate::world::{is_sqs_text, text, wait};
use fixtures::{FakeErp, FakeQueue, FakeSource, TestHost, document, sqs_event, to_come_again};
use processor::{Acknowledge, Limits, LocalState, Ports, Processor};
use serde_json::Value;
use simulation::ModelItems;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::notification::is_name;
use webhooks_model::{Delivery, Origin, ResourcePath};
use webhooks_settings::Cache;
use webhooks_store::Item;

/// More items would slow a fuzzer down too much.
const MOST_ITEMS: usize = 40;
const ENDS: [&str; 4] = ["processed", "superseded", "parked", "unparseable"];

struct Fakes;

impl Ports for Fakes {
    type Source = FakeSource;
    type Items = ModelItems;
    type Visma = FakeErp;
    type Queue = FakeQueue;
    type Pacer = FakeQueue;
    type Handler = Acknowledge;
    type Host = TestHost;
}

#[derive(Default)]
struct World {
    memory: ModelItems,
    host: TestHost,
    erp: FakeErp,
    events: FakeQueue,
    feedback: FakeQueue,
}

pub fn message(input: &[u8]) {
    let Ok(message) = str::from_utf8(input) else { return };
    let delivery = Delivery::from_message(message).ok();
    let items = delivery.as_ref().map_or(0, |delivery| delivery.items().map_or(1, |items| items.len()));
    if items > MOST_ITEMS {
        return;
    }
    let world = World::default();
    let processor = world.processor();
    let hand_out = || {
        let batch = processor.batch(sqs_event(&[message.to_owned()], 1), "r-1", Duration::from_secs(10));
        to_come_again(&wait(batch))
    };
    let again = hand_out();
    if delivery.is_none() {
        assert_eq!(again, [0], "a foreign message is kept");
        assert!(world.memory.all().is_empty() && world.is_silent(), "and does nothing");
        return;
    }
    let is_replay = delivery.as_ref().is_some_and(|delivery| delivery.meta.origin == Origin::Replay);
    if !is_replay {
        world.answers_by_key_alone();
    }
    // Twins in one message may overtake each other. Then it comes again, and finds them done.
    let again = if again.is_empty() { again } else { hand_out() };
    assert!(again.is_empty(), "with nothing failing it comes once more at most");
    let (ends, feedback) = (world.ends(), world.answered());
    assert!(ends.len() <= items && (items == 0 || !ends.is_empty()), "{} of {items} items ended", ends.len());
    assert!(ends.values().all(|state| ENDS.contains(&state.as_str())), "{ends:?}");
    world.what_is_sent_on_is_well_formed();
    world.shows_no_secret();
    if !is_replay {
        assert!(hand_out().is_empty());
        // Unsent feedback is queued again, in case its message was lost. The feedback is the same.
        assert_eq!((world.ends(), world.answered()), (ends, feedback), "a second handing out changes nothing");
    }
}

impl World {
    fn processor(&self) -> Processor<Fakes> {
        let mut settings = document();
        settings["routes"] = serde_json::json!([{"events": "customer.*", "feedback": "deferred"}]);
        self.erp.put(
            "v1/account/1920",
            r#"{"accountCD":"1920","accountID":77,"lastModifiedDateTime":"2026-11-23T11:00:00"}"#,
        );
        Processor {
            settings: Cache::new(FakeSource::new(settings), self.host.clone()),
            ledger: self.memory.table(),
            visma: self.erp.clone(),
            events: self.events.clone(),
            feedback: self.feedback.clone(),
            notifications: FakeQueue::default(),
            handler: Acknowledge,
            host: self.host.clone(),
            metrics: Metrics::new(Service::Processor, self.host.clone(), Emitted::default()),
            limits: Limits { max_receive_count: 4, retry_base: Duration::from_secs(30) },
            local: LocalState::default(),
        }
    }

    fn is_silent(&self) -> bool {
        self.events.sent().is_empty() && self.feedback.sent().is_empty() && self.erp.fetched().is_empty()
    }

    /// The state of each notification, by its keys.
    fn ends(&self) -> BTreeMap<(String, String), String> {
        let items = self.memory.all();
        let notification = |item: &Item| {
            let (pk, sk) = (text(item, "pk")?, text(item, "sk").filter(|sk| sk.starts_with("N#"))?);
            Some(((pk.to_owned(), sk.to_owned()), text(item, "state")?.to_owned()))
        };
        items.iter().filter_map(notification).collect()
    }

    fn what_is_sent_on_is_well_formed(&self) {
        let mut ids = BTreeSet::new();
        for event in self.events.sent() {
            assert!(is_sqs_text(&event.body));
            let json: Value = event.json();
            assert!(json["specversion"] == "1.0" && json["type"].is_string() && json["source"].is_string(), "{json}");
            ids.insert(json["id"].as_str().expect("an id").to_owned());
        }
        assert!(ids.len() <= self.ends().len());
        for fetched in self.erp.fetched() {
            let (tenant, path) = fetched.split_once(':').expect("tenant and path");
            assert!(is_name(tenant), "{tenant}");
            assert!(path.len() > 512 || ResourcePath::parse(path).is_ok(), "{path}");
        }
    }

    /// Every message of the feedback queue, once. Only a replay may send feedback again.
    fn answered(&self) -> BTreeSet<String> {
        self.feedback.sent().into_iter().map(|sent| sent.body).collect()
    }

    /// Only by the key: the ledger holds the text once, however often twins queue it. The answer
    /// for several items under one id is an outcome.
    fn answers_by_key_alone(&self) {
        for feedback in self.feedback.sent() {
            let message = FeedbackMessage::parse(&feedback.body).expect("our own message");
            let is_for_all = |role: &str| self.memory.all().iter().any(|item| text(item, "answer_role") == Some(role));
            let is_ours = matches!(message, FeedbackMessage::Feedback { .. }) || is_for_all("for_all");
            assert!(is_ours, "the outcome is an integrator's to tell");
        }
    }

    fn shows_no_secret(&self) {
        let kept = format!("{:?} {:?} {:?}", self.memory.all(), self.events.sent(), self.feedback.sent());
        assert!(!kept.contains("canary-client-secret") && !kept.contains("canary-signing-secret"));
    }
}
