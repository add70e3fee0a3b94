//! The operations and repair functions, built as in their `wiring.rs`, and the effects that only
//! they have: adding items, deleting items, reading the whole table, and dead letters.

use crate::actors::Function;
use crate::effect::Port;
use crate::planted::{Planted, Sabotage};
use crate::ports::{Ports, QueuePort};
use crate::world::{Name, World};
use lambda_http::tower::ServiceExt;
use lambda_http::{Body, Context, IntoResponse, LambdaEvent, Request, Response};
use operations::{Answer, Authorizer, Event, Operations, Roles, router, with_sound_url};
use repair::{QueuePair, Repair};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use webhooks_metrics::Metrics;
use webhooks_model::QueueName;
use webhooks_queue::{DeadLetter, DeadLetterQueue, Depth, QueueError};
use webhooks_store::{Item, StoreError, Table, Upkeep};

/// The operations API as in its `main.rs`.
pub(crate) type Routes = Arc<dyn Fn(Event) -> Answering>;
type Answering = Pin<Box<dyn Future<Output = Response<Body>>>>;

pub(crate) const ROLE_PREFIX: &str = "visma-webhooks/";

impl operations::Ports for Ports {
    type Items = Port;
    type Queue = QueuePort;
    type Host = Port;
}

impl repair::Ports for Ports {
    type Items = Port;
    type Queue = QueuePort;
    type Host = Port;
}

/// The queue with that name, and its dead-letter queue.
pub(crate) fn queue_pair(name: QueueName) -> (Name, Name) {
    match name {
        QueueName::Notifications => (Name::Notifications, Name::NotificationsDead),
        QueueName::Feedback => (Name::Feedback, Name::FeedbackDead),
        QueueName::Events => (Name::Events, Name::EventsDead),
        QueueName::Repairs => (Name::Repairs, Name::RepairsDead),
    }
}

pub(crate) fn operations(port: &Port, store: Table<Port>) -> Routes {
    let queue = |queue| QueuePort { port: port.clone(), queue };
    let routes = router(Operations::<Ports> {
        store,
        notifications: queue(Name::Notifications),
        feedback: queue(Name::Feedback),
        repairs: queue(Name::Repairs),
        dead_letters: QueueName::ALL.into_iter().map(|name| (name, queue(queue_pair(name).1))).collect(),
        host: port.clone(),
        roles: Roles { authorizer: Authorizer::Jwt, claims: vec!["scope".into()], prefix: ROLE_PREFIX.into() },
    });
    Arc::new(move |event: Event| -> Answering {
        let routes = routes.clone();
        let request: Request = with_sound_url(LambdaEvent::new(event, Context::default())).payload.into();
        Box::pin(async move {
            let Ok(response) = ServiceExt::<Request>::oneshot(routes, request).await;
            Answer(response).into_response().await
        })
    })
}

pub(crate) fn repair(port: &Port, store: Table<Port>, metrics: Metrics<Port>) -> Repair<Ports> {
    let queue = |queue| QueuePort { port: port.clone(), queue };
    let longest_timeout = port.sim.world().longest_timeout();
    let queue_pairs = QueueName::ALL.into_iter().map(|name| {
        let (source, dead) = queue_pair(name);
        QueuePair { name, source: queue(source), dead: queue(dead) }
    });
    Repair {
        store,
        notifications: queue(Name::Notifications),
        repairs: queue(Name::Repairs),
        queue_pairs: queue_pairs.collect(),
        longest_timeout,
        host: port.clone(),
        metrics,
    }
}

impl World {
    /// The longest time-out of a function, for which an erasure waits.
    fn longest_timeout(&self) -> time::Duration {
        match self.planted {
            // The time that a processor needs to know of the erasure is added.
            Some(Planted::ErasureUnsettled) => time::Duration::seconds(-30),
            Some(Planted::ErasureBeforeSweepEnds) => Function::Processor.time_out(),
            _ => Function::Reconciler.time_out(),
        }
    }
}

fn unavailable(what: &str) -> StoreError {
    StoreError::Unavailable(what.to_owned())
}

fn unreachable(what: &str) -> QueueError {
    QueueError::Unavailable(what.to_owned())
}

impl Upkeep for Port {
    async fn insert(&self, item: Item) -> Result<bool, StoreError> {
        let insert = move |world: &mut World| world.table.insert(item);
        self.call("adds to the table", true, unavailable, insert).await
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        let (instance, pk, sk) = (self.instance, pk.to_owned(), sk.to_owned());
        let delete = move |world: &mut World| {
            let who = world.name_of(instance);
            world.tell(&who, || format!("deletes {sk} of {pk}"));
            world.table.delete(&pk, &sk);
            Ok(())
        };
        self.call("deletes an item", true, unavailable, delete).await
    }

    async fn scan(
        &self,
        after: Option<Item>,
        most: i32,
        attributes: &[&str],
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let scan = move |world: &mut World| {
            let cut = world.cut();
            let (items, next) = world.table.scan(after.as_ref(), most, &attributes, cut);
            let stops = items.is_empty() && world.is_planted(Planted::ErasureStopsAtEmptyPage);
            Ok((items, next.filter(|_| !stops && !world.is(Sabotage::ErasureReadsOnePage))))
        };
        self.call("scans the table", false, unavailable, scan).await
    }
}

impl DeadLetterQueue for QueuePort {
    async fn receive(&self, most: usize, hidden: Duration, _: Duration) -> Result<Vec<DeadLetter>, QueueError> {
        let name = self.queue;
        let receive = move |world: &mut World| {
            let now = world.now;
            let visible = world.in_turn(name);
            let mut letters = vec![];
            for at in visible.into_iter().take(most) {
                let receipt = world.next_number();
                let one = world.queue(name).receive(at, receipt, now);
                world.queue(name).messages[at].visible_at = now + hidden;
                letters.push(DeadLetter {
                    id: one.id.to_string(),
                    body: one.body,
                    receipt: receipt.to_string(),
                    sent_at: one.sent_at,
                    receive_count: one.receive_count,
                    group: one.group,
                    trace: None,
                    attributes: HashMap::new(),
                });
            }
            Ok(letters)
        };
        // The messages are hidden even if the answer is lost.
        self.port.call("receives letters", true, unreachable, receive).await
    }

    async fn send_again(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        let (name, instance) = (self.queue, self.port.instance);
        let (id, body, group) = (letter.id.clone(), letter.body.clone(), letter.group.clone());
        let send = move |world: &mut World| {
            let copy = world.enqueue(name, body, group);
            // A copy or a redriven message may run at the same time as an attempt at the original.
            let sent = world.queue(name).messages.iter_mut().find(|one| one.id == copy);
            sent.into_iter().for_each(|one| one.redrives += 1);
            let who = world.name_of(instance);
            world.tell(&who, || format!("sends letter {id} again, as message {copy}"));
            Ok(())
        };
        self.port.call("sends a letter again", true, unreachable, send).await
    }

    async fn delete(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        let (name, receipt) = (self.queue, receipt(letter));
        let delete = move |world: &mut World| {
            let id = world.queue(name).by_receipt(receipt).map(|one| one.id);
            id.into_iter().for_each(|id| world.delete(name, id));
            Ok(())
        };
        self.port.call("deletes a letter", true, unreachable, delete).await
    }

    async fn show(&self, letter: &DeadLetter) -> Result<(), QueueError> {
        let (name, receipt) = (self.queue, receipt(letter));
        let show = move |world: &mut World| {
            let now = world.now;
            world.queue(name).by_receipt(receipt).into_iter().for_each(|one| one.visible_at = now);
            Ok(())
        };
        self.port.call("shows a letter", true, unreachable, show).await
    }

    async fn depth(&self) -> Result<Depth, QueueError> {
        let name = self.queue;
        let count = move |world: &mut World| {
            let now = world.now;
            let (waiting, all) = (world.queue(name).visible(now).len(), world.queue(name).messages.len());
            Ok(Depth { waiting: waiting as u64, in_flight: (all - waiting) as u64 })
        };
        self.port.call("counts letters", false, unreachable, count).await
    }
}

/// Zero is the receipt of a message that was never received.
fn receipt(letter: &DeadLetter) -> u64 {
    letter.receipt.parse().unwrap_or(u64::MAX)
}
