//! The functions' effects over the models. The scheduler may delay or refuse each effect, carry it
//! out without an answer, or interrupt it.

use crate::actors::Function;
use crate::check::{Met, PAUSES, short};
use crate::effect::Port;
use crate::faults::Fault;
use crate::http::Client;
use crate::model::size::{LARGEST_MESSAGE, size_of};
use crate::model::table::{Written, check_batch, refusal_of};
use crate::planted::{Planted, Sabotage};
use crate::world::{Fate, Name, World};
use crate::writes::{described, notification_in, shown};
use processor::{Handler, HandlerError};
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::Verdict;
use webhooks_model::{Notification, Resource};
use webhooks_queue::{BatchSender, BatchingSender, Message, Pacer, QueueError, QueuedMessage, Sender};
use webhooks_settings::{LoadError, Source};
use webhooks_store::{BatchPage, Item, Items, Query, QueryPage, StoreError, Table, Write};

/// A planted bug's call: lost when its environment dies.
pub(crate) const SENDS_LATE: &str = "sends a message late";

/// Items above this are near DynamoDB's limit: the store keeps longer texts in parts.
const LARGE_ITEM: usize = 256 * 1024;

pub(crate) const READS_SETTINGS: &str = "reads the settings";

/// A queue for one environment.
#[derive(Clone)]
pub(crate) struct QueuePort {
    pub(crate) port: Port,
    pub(crate) queue: Name,
}

pub(crate) struct Ports;

impl processor::Ports for Ports {
    type Source = Port;
    type Items = Port;
    type Visma = Client;
    type Queue = BatchingSender<QueuePort>;
    type Pacer = QueuePort;
    type Handler = Port;
    type Host = Port;
}

impl feedback::Ports for Ports {
    type Source = Port;
    type Answers = Table<Port>;
    type Visma = Client;
    type Queue = QueuePort;
    type Pacer = QueuePort;
    type Host = Port;
}

impl reconciler::Ports for Ports {
    type Source = Port;
    type Items = Port;
    type Listing = Client;
    type Queue = QueuePort;
    type Host = Port;
}

impl Host for Port {
    fn now(&self) -> OffsetDateTime {
        self.sim.world().clock_of(self.instance)
    }

    fn new_id(&self) -> Uuid {
        Uuid::from_u128(self.sim.world().next_number().into())
    }

    fn random(&self) -> f64 {
        self.sim.world().random()
    }
}

impl Source for Port {
    async fn load(&self) -> Result<String, LoadError> {
        let fail = |what: &str| LoadError::Unreachable(what.to_owned());
        let instance = self.instance;
        let read = move |world: &mut World| Ok(world.settings_for(instance));
        self.call(READS_SETTINGS, false, fail, read).await
    }
}

fn unavailable(what: &str) -> StoreError {
    StoreError::Unavailable(what.to_owned())
}

impl Items for Port {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        let instance = self.instance;
        // A planted bug takes a part of the write away, and leaves its placeholders.
        let refusal = refusal_of(&write);
        let asked = self.sim.world().asks_to_write(instance, write);
        let Some(write) = asked else { return Ok(Some(Item::new())) };
        let request = move |world: &mut World| {
            assert!(refusal.is_none(), "{refusal:?}");
            world.requests_write(instance, write)
        };
        self.call("writes to the table", true, unavailable, request).await
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let (pk, sk) = (pk.to_owned(), sk.to_owned());
        let instance = self.instance;
        let read = move |world: &mut World| {
            let item = world.table.get(&pk, &sk).cloned();
            let notification = item.as_ref().and_then(|item| item.get("notification")?.as_s().ok());
            notification.into_iter().for_each(|own| world.checks.head_read(instance, own));
            Ok(item)
        };
        self.call("reads an item", false, unavailable, read).await
    }

    async fn get_batch(
        &self,
        mut keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> Result<BatchPage, StoreError> {
        let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
        let instance = self.instance;
        let read = move |world: &mut World| {
            check_batch(&keys);
            let lags = !consistent && world.strikes(Fault::StaleRead);
            let left = world.leaves_keys(instance, keys.len());
            let mut unprocessed = keys.split_off(keys.len() - left);
            if world.is_planted(Planted::UnprocessedForgotten) {
                unprocessed.clear();
            }
            let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
            let items = world.table.get_many(&keys, &attributes, lags);
            Ok(BatchPage { items: world.reads(instance, items), unprocessed })
        };
        self.call("reads items", false, unavailable, read).await
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        let (instance, query) = (self.instance, query.clone());
        let read = move |world: &mut World| {
            if world.is(Sabotage::DedupeDisabled) && query.key_condition.contains("begins_with") {
                return Ok(QueryPage::default());
            }
            let lags = query.index.is_some() && world.strikes(Fault::StaleRead);
            Ok(world.finds(instance, &query, lags))
        };
        self.call("queries the table", false, unavailable, read).await
    }
}

impl World {
    fn requests_write(&mut self, instance: usize, write: Write) -> Result<Option<Item>, StoreError> {
        if self.strikes(Fault::RepeatedWrite) {
            self.touch(instance);
            let who = self.name_of(instance);
            self.tell(&who, || "hears nothing, and its SDK sends the write again".to_owned());
            let first = self.write(instance, write.clone())?;
            let second = self.write(instance, write)?;
            if first.is_some() && second.is_none() {
                self.checks.meets(Met::OwnWriteRefused);
            }
            return Ok(second);
        }
        self.write(instance, write)
    }

    fn write(&mut self, instance: usize, mut write: Write) -> Result<Option<Item>, StoreError> {
        let names = |name: &str| write.names.values().any(|known| known == name);
        let forgets = write.sk.starts_with("N#") && names("feedback_at") && !names("feedback_attempts");
        if forgets && self.is(Sabotage::FeedbackNotRecorded) {
            return Ok(Some(Item::new()));
        }
        if self.command_writes(instance, &write) {
            return Ok(Some(Item::new()));
        }
        let is_head = write.sk == "HEAD";
        if self.is(Sabotage::UnconditionalWrites) || (is_head && self.is(Sabotage::UnconditionalHeads)) {
            write.condition = None;
        }
        let who = self.name_of(instance);
        let about = is_head.then(|| notification_in(&write)).flatten();
        let Some(written) = self.table.write(&write)? else {
            self.checks.head_refused(instance, about);
            let what = format!("{} {}: condition failed", write.pk, shown(&write.sk));
            self.tell(&who, || what);
            let is_hidden = self.hides_refusal(instance, &write.sk);
            return Ok((is_hidden || self.is(Sabotage::FailedConditionIsSuccess)).then(Item::new));
        };
        let (old, Written { before, after }) = (written.old(&write), written);
        self.checks.written(&write.sk, before, after);
        self.checks.lives_on(&write, self.now);
        let function = self.actors[instance].function;
        if function == Function::Operations && (write.sk.starts_with("N#") || write.pk == PAUSES) {
            self.checks.commands.changes(instance);
        }
        self.checks.landed(function, &write, before, after);
        self.checks.head_advanced(instance, about);
        if size_of(after) > LARGE_ITEM {
            self.checks.meets(Met::LargeItem);
        }
        let what = described(&write.sk, after);
        self.tell(&who, || format!("writes {what}"));
        Ok(Some(old))
    }
}

impl Sender for QueuePort {
    async fn send(&self, message: Message<'_>) -> Result<(), QueueError> {
        let Self { port, queue } = self.clone();
        let (body, group) = (message.body, message.group.map(str::to_owned));
        let fail = |what: &str| QueueError::Unavailable(what.to_owned());
        let instance = port.instance;
        let turn;
        let is_sabotaged = {
            let mut world = port.sim.world();
            turn = world.intake_asks(instance);
            if world.asks_to_send(instance, queue, &body) {
                return Ok(());
            }
            let is_intake = turn.is_some();
            let forgets =
                world.is_reconciler(instance) && queue == Name::Notifications && world.is(Sabotage::GapsForgotten);
            if forgets {
                return Ok(());
            }
            let hurries = (is_intake && world.is(Sabotage::AckBeforeSend))
                || (queue == Name::Events && world.is(Sabotage::CommitBeforeEffect));
            if hurries {
                let act = {
                    let (body, group) = (body.clone(), group.clone());
                    move |world: &mut World, _: Fate| world.send(instance, turn, queue, body, group)
                };
                world.call_later(instance, SENDS_LATE, Box::new(act));
            }
            hurries
        };
        if is_sabotaged {
            return Ok(());
        }
        let apply = move |world: &mut World| {
            if body.len() > LARGEST_MESSAGE {
                return Err(QueueError::InvalidMessage("InvalidParameterValue".to_owned()));
            }
            world.send(instance, turn, queue, body, group);
            Ok(())
        };
        port.call("sends a message", true, fail, apply).await
    }
}

impl BatchSender for QueuePort {
    /// One request. Each of its messages has its own result. If they are too large together, the
    /// real queue also sends each by itself.
    async fn send_all(&self, messages: Vec<QueuedMessage>) -> Vec<Result<(), QueueError>> {
        let mut results = vec![];
        for message in messages {
            let (body, group) = (message.body, message.group.as_deref());
            results.push(self.send(Message { body, group, attributes: &[], trace: None }).await);
        }
        results
    }
}

impl World {
    pub(crate) fn send(
        &mut self,
        instance: usize,
        turn: Option<u64>,
        queue: Name,
        mut body: String,
        group: Option<String>,
    ) {
        if queue == Name::Events && self.is(Sabotage::UnstableEventId) {
            let id = self.next_number();
            body = body.replacen("\"id\":\"", &format!("\"id\":\"{id}-"), 1);
        }
        match queue {
            Name::Notifications => {
                self.checks.took(&body);
                self.intake_has(instance, turn, &body);
            }
            Name::Events => self.checks.published(&body),
            _ => {}
        }
        let about = match queue {
            Name::Notifications => crate::cargo::of(&body).iter().map(|key| short(key)).collect::<Vec<_>>().join(", "),
            _ => String::new(),
        };
        // The processor puts a message on this queue only to replace one that came too often.
        let replaces = queue == Name::Notifications && self.is_processor(instance);
        let receipts_before = if replaces { self.receipts_of(&body) } else { 0 };
        let id = self.enqueue(queue, body, group);
        if let Some(sent) = self.queue(queue).messages.last_mut() {
            sent.receipts_before = receipts_before;
        }
        let who = self.name_of(instance);
        self.tell(&who, || format!("puts message {id} on {queue:?} {about}"));
    }
}

impl Pacer for QueuePort {
    async fn hide(&self, receipt_handle: &str, wait: Duration) -> Result<(), QueueError> {
        let (queue, receipt) = (self.queue, receipt_handle.parse().unwrap_or(0));
        let fail = |what: &str| QueueError::Unavailable(what.to_owned());
        let apply = move |world: &mut World| {
            let until = world.now + Duration::from_secs(wait.as_secs_f64().ceil() as u64);
            if let Some(message) = world.queue(queue).by_receipt(receipt) {
                message.visible_at = until;
            }
            Ok(())
        };
        self.port.call("hides a message", true, fail, apply).await
    }
}

impl Handler for Port {
    async fn handle(&self, n: &Notification, _: Option<&Resource>) -> Result<Option<Verdict>, HandlerError> {
        let fail = |what: &str| HandlerError::TryLater(what.to_owned());
        self.sim.world().goes_to_work(self.instance, n.key.as_str());
        self.call("runs the business handler", true, fail, |_| Ok(())).await?;
        match n.parameter.as_deref() {
            // It does not call the panic hook, which would print it.
            Some("panic") => std::panic::resume_unwind(Box::new("poison")),
            Some("person") => Err(HandlerError::NeedsPerson("too hard".into())),
            Some("refuse") => Ok(Some(Verdict::failure("Our warehouse cannot take it."))),
            _ => Ok(None),
        }
    }
}
