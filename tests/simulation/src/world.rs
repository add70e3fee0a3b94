//! Everything outside the functions, behind one lock: clock, queues, table, secrets, ERP, open
//! calls and the checks.

use crate::actors::Actor;
use crate::check::{Checks, Met};
use crate::choice::Choices;
use crate::faults::{Fault, Rates};
use crate::model::erp::Erp;
use crate::model::queue::{Order, QueueModel, Stored};
use crate::model::secrets::Secrets;
use crate::model::table::TableModel;
use crate::planted::{Planted, Sabotage};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

pub(crate) const START: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
pub(crate) const MAX_RECEIVE_COUNT: u32 = 6;
const VISIBILITY: Duration = Duration::seconds(360);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    Notifications,
    Events,
    Feedback,
    NotificationsDead,
    FeedbackDead,
    EventsDead,
    /// Messages that continue jobs.
    Repairs,
    RepairsDead,
}

/// A call of a function to the outside, waiting for its answer.
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) instance: usize,
    pub(crate) what: &'static str,
    pub(crate) is_write: bool,
    /// Whether the caller was dropped. The call may still arrive.
    pub(crate) is_orphan: bool,
    pub(crate) waker: Option<Waker>,
    pub(crate) act: Act,
}

/// Carries out the call according to its fate, and stores its answer.
pub(crate) type Act = Box<dyn FnOnce(&mut World, Fate) + Send>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answer,
    /// The call is not carried out, and the caller gets an error.
    Refuse,
    /// The call is carried out, but the caller gets an error.
    LoseAnswer,
    /// The call is carried out, and the caller gets no answer.
    Land,
}

pub(crate) struct World {
    pub(crate) now: OffsetDateTime,
    pub(crate) choices: Choices,
    pub(crate) rates: Rates,
    order: Order,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) planted: Option<Planted>,
    /// Records that refused an instance's write, by the beginning of their keys, for planted bugs.
    pub(crate) refused: BTreeSet<(usize, String)>,
    /// The settings that each instance read last, for a planted bug.
    pub(crate) served: BTreeMap<usize, (OffsetDateTime, String)>,
    pub(crate) queues: BTreeMap<Name, QueueModel>,
    pub(crate) table: TableModel,
    pub(crate) secrets: Secrets,
    pub(crate) erp: Erp,
    pub(crate) actors: Vec<Actor>,
    pub(crate) calls: Vec<Call>,
    pub(crate) calls_made: u64,
    /// An instance whose calls are answered only from that time on.
    pub(crate) slow: Option<(usize, OffsetDateTime)>,
    pub(crate) checks: Checks,
    /// The last use of the connections to the ERP, and to Visma Connect (`true`), by instance.
    pub(crate) connections: BTreeMap<(usize, bool), OffsetDateTime>,
    /// Whether a fault has affected the current work of each instance.
    pub(crate) touched: BTreeMap<usize, bool>,
    /// Instances that failed to read the settings, and use their cached ones for some time.
    pub(crate) unread: BTreeSet<usize>,
    /// When Visma Net last refused the token of each instance. If it refuses a new one too, the instance
    /// waits before its next call.
    pub(crate) refused_tokens: BTreeMap<usize, OffsetDateTime>,
    /// How many answers in a row left every key unprocessed, by instance.
    pub(crate) in_vain: BTreeMap<usize, u32>,
    /// When an instance may request unprocessed keys again.
    pub(crate) wakes: Vec<OffsetDateTime>,
    numbers: u64,
    randomness: fastrand::Rng,
    story: Option<Vec<String>>,
}

#[derive(Clone)]
pub(crate) struct Sim(Arc<Mutex<World>>);

impl Sim {
    pub(crate) fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(world)))
    }

    /// A panic while the world is locked is a bug of the simulation, which is reported anyway.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    pub(crate) fn new(seed: u64, script: Option<Vec<u32>>, sabotage: Option<Sabotage>, tells: bool) -> Self {
        let max = if sabotage == Some(Sabotage::DeadLetterQueueTooEager) { 2 } else { MAX_RECEIVE_COUNT };
        let queue = |max| QueueModel::new(VISIBILITY, max);
        let queues = [
            (Name::Notifications, queue(Some(max))),
            (Name::Events, queue(None)),
            (Name::Feedback, queue(Some(1000))),
            (Name::NotificationsDead, queue(None)),
            (Name::FeedbackDead, queue(None)),
            (Name::EventsDead, queue(None)),
            (Name::Repairs, queue(Some(1000))),
            (Name::RepairsDead, queue(None)),
        ];
        let mut choices = Choices::new(seed, script);
        Self {
            now: START,
            rates: Rates::drawn(&mut choices),
            order: Order::drawn(&mut choices),
            choices,
            sabotage,
            planted: None,
            refused: BTreeSet::new(),
            served: BTreeMap::new(),
            queues: BTreeMap::from(queues),
            table: TableModel::default(),
            secrets: Secrets::new(START),
            erp: Erp::new(),
            actors: Vec::new(),
            calls: Vec::new(),
            calls_made: 0,
            slow: None,
            checks: Checks::default(),
            connections: BTreeMap::new(),
            touched: BTreeMap::new(),
            unread: BTreeSet::new(),
            refused_tokens: BTreeMap::new(),
            in_vain: BTreeMap::new(),
            wakes: Vec::new(),
            numbers: 0,
            randomness: fastrand::Rng::with_seed(seed ^ 0x5eed),
            story: tells.then(Vec::new),
        }
    }

    /// Plants a bug, and adds the trouble in which it shows.
    pub(crate) fn plant(&mut self, bug: Planted) {
        self.planted = Some(bug);
        // A fault would explain what a job leaves out.
        let rates = if bug == Planted::KnownTenantsForgotten { self.rates.without_faults() } else { self.rates };
        self.rates = rates.with(bug.thrives_on());
    }

    /// The place of the next call to be answered.
    pub(crate) fn next_call(&self) -> Option<usize> {
        let is_slow = |id| self.slow.is_some_and(|(instance, until)| instance == id && self.now < until);
        self.calls.iter().position(|call| !is_slow(call.instance))
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn random(&mut self) -> f64 {
        self.randomness.f64()
    }

    pub(crate) fn queue(&mut self, name: Name) -> &mut QueueModel {
        self.queues.get_mut(&name).expect("every queue exists")
    }

    /// The places of the messages that the queue can hand out now, in its order.
    pub(crate) fn in_turn(&mut self, name: Name) -> Vec<usize> {
        let (now, queue) = (self.now, &self.queues[&name]);
        let mut visible = queue.visible(now);
        let in_flight = |at: &usize| queue.in_flight(*at, now);
        match self.order {
            Order::Fair => visible.sort_by_cached_key(in_flight),
            Order::OldestFirst => visible.sort_by_key(|at| queue.messages[*at].sent_at),
            Order::Any => {
                for at in 0..visible.len() {
                    let next = at + self.choices.below_aside(visible.len() - at);
                    visible.swap(at, next);
                }
            }
        }
        if visible.first().map(in_flight) > visible.iter().map(in_flight).min() {
            self.checks.meets(Met::UnfairQueue);
        }
        visible
    }

    pub(crate) fn is(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// Decides whether this kind of trouble happens now.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let rate = self.rates.of(fault);
        let strikes = self.choices.chance(rate);
        if strikes {
            self.checks.faults += 1;
        }
        strikes
    }

    /// Records a fault in the work of this instance, so that the checks do not blame the instance.
    pub(crate) fn touch(&mut self, instance: usize) {
        self.touched.insert(instance, true);
    }

    pub(crate) fn enqueue(&mut self, name: Name, body: String, group: Option<String>) -> u64 {
        let (id, now) = (self.next_number(), self.now);
        self.queue(name).send(id, body, group, now);
        id
    }

    pub(crate) fn move_exhausted(&mut self) {
        let now = self.now;
        let queues = [
            (Name::Notifications, Name::NotificationsDead),
            (Name::Feedback, Name::FeedbackDead),
            (Name::Repairs, Name::RepairsDead),
        ];
        for (from, to) in queues {
            for mut message in self.queue(from).take_exhausted(now) {
                self.tell("sqs", || format!("message {} moves to the dead-letter queue", message.id));
                let table = &self.table;
                self.checks.dead_lettered(from, &message, table);
                message.visible_at = now;
                self.queue(to).messages.push(message);
            }
        }
    }

    pub(crate) fn delete(&mut self, name: Name, id: u64) {
        let Some(message) = self.queue(name).delete(id) else { return };
        self.tell("sqs", || format!("message {id} is deleted"));
        if matches!(name, Name::Notifications | Name::NotificationsDead) {
            // A dead letter is visible, and a redrive brings it back.
            let queues = [Name::Notifications, Name::NotificationsDead];
            let others: Vec<&Stored> = queues.iter().flat_map(|name| &self.queues[name].messages).collect();
            self.checks.deleted(&message, &others, &self.table);
        }
    }

    pub(crate) fn tell(&mut self, who: &str, what: impl FnOnce() -> String) {
        let Some(story) = &mut self.story else { return };
        let elapsed = self.now - START;
        story.push(format!(
            "+{:02}:{:02}:{:02}.{:03}  {who:<14} {}",
            elapsed.whole_hours(),
            elapsed.whole_minutes() % 60,
            elapsed.whole_seconds() % 60,
            elapsed.subsec_milliseconds(),
            what()
        ));
    }

    pub(crate) fn take_story(&mut self) -> Vec<String> {
        self.story.take().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes next while a message of the busy tenant is in flight.
    fn next(order: Order, seed: u64) -> String {
        let mut world = World::new(seed, None, None, false);
        world.order = order;
        for (body, tenant) in [("first of busy", "busy"), ("next of busy", "busy"), ("of quiet", "quiet")] {
            world.enqueue(Name::Notifications, body.to_owned(), Some(tenant.to_owned()));
        }
        let now = world.now;
        world.queue(Name::Notifications).receive(0, 1, now);
        let at = world.in_turn(Name::Notifications)[0];
        world.queue(Name::Notifications).messages[at].body.clone()
    }

    #[test]
    fn only_a_fair_queue_always_serves_the_quiet_tenant_first() {
        assert_eq!(next(Order::Fair, 0), "of quiet");
        assert_eq!(next(Order::OldestFirst, 0), "next of busy");
        let any: BTreeSet<String> = (0..50).map(|seed| next(Order::Any, seed)).collect();
        assert_eq!(any.len(), 2, "{any:?}");
    }
}
