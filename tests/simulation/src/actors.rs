//! The execution environments and their invocations.

use crate::effect::Port;
use crate::faults::Fault;
use crate::http::Client;
use crate::planted::Planted;
use crate::ports::{Ports, QueuePort};
use crate::upkeep::{self, Routes};
use crate::world::{Act, Call, MAX_RECEIVE_COUNT, Name, Sim, World};
use aws_lambda_events::sqs::SqsBatchResponse;
use feedback::Feedback;
use intake::Intake;
use lambda_http::{Body, Response};
use processor::{LocalState, Processor};
use reconciler::Reconciler;
use repair::Repair;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::time::Duration;
use time::OffsetDateTime;
use webhooks_metrics::{Metrics, Service};
use webhooks_queue::BatchingSender;
use webhooks_settings::Cache;
use webhooks_store::{Observer, Table};

const RETRY_BASE: Duration = Duration::from_secs(30);
pub(crate) const RETENTION: time::Duration = time::Duration::days(90);
/// How far wrong clocks are ahead, in milliseconds.
const AHEAD: [i64; 4] = [700, -700, 2_900, -2_900];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Intake,
    Processor,
    Feedback,
    Reconciler,
    Operations,
    Repair,
}

/// One environment: the function's code with its caches, at most one invocation at a time.
pub(crate) struct Instance {
    pub(crate) id: usize,
    pub(crate) code: Code,
    pub(crate) running: Option<Invocation>,
    /// It gets no more work, since newer code was deployed.
    pub(crate) is_retired: bool,
}

#[derive(Clone)]
pub(crate) enum Code {
    Intake(Arc<Intake<Port, QueuePort, Port>>),
    Processor(Arc<Processor<Ports>>),
    Feedback(Arc<Feedback<Ports>>),
    Reconciler(Arc<Reconciler<Ports>>),
    Operations(Routes),
    Repair(Arc<Repair<Ports>>),
}

pub(crate) struct Invocation {
    pub(crate) future: Pin<Box<dyn Future<Output = Ended>>>,
    pub(crate) started: OffsetDateTime,
    pub(crate) deadline: OffsetDateTime,
    pub(crate) alarm: Arc<Alarm>,
    pub(crate) work: Work,
}

/// The reason of an invocation.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// A delivery of the dispatcher, or a forged one.
    Request {
        delivery: Option<usize>,
        body: Vec<u8>,
    },
    /// The message ids of the batch with their receipts.
    Batch {
        queue: Name,
        messages: Vec<(u64, u64)>,
    },
    Sweep,
    /// An operator's command, by its index.
    Command(usize),
}

pub(crate) enum Ended {
    Request(Response<Body>),
    Batch(SqsBatchResponse),
    /// A run of the reconciler: whether every list was swept to its end, and the number of gaps.
    Sweep {
        is_finished: bool,
        gaps: usize,
    },
}

/// Set when the invocation can continue.
#[derive(Default)]
pub(crate) struct Alarm(AtomicBool);

impl Alarm {
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The world's record of an environment.
#[derive(Debug)]
pub(crate) struct Actor {
    pub(crate) function: Function,
    /// How far its machine's clock is ahead of the clocks of AWS and Visma Net.
    pub(crate) ahead: time::Duration,
    /// Counts intake's invocations, since a call may arrive after the next one has begun.
    pub(crate) turn: u64,
    /// The messages that intake sent to SQS in this invocation, and those that SQS confirmed.
    pub(crate) asked: usize,
    pub(crate) confirmed: Vec<String>,
}

impl World {
    pub(crate) fn name_of(&self, instance: usize) -> String {
        format!("{:?}#{instance}", self.actors[instance].function).to_lowercase()
    }

    /// The time on this environment's machine.
    pub(crate) fn clock_of(&self, instance: usize) -> OffsetDateTime {
        self.now + self.actors[instance].ahead
    }

    /// How far the clock of a new machine is ahead.
    pub(crate) fn draw_clock(&mut self) -> time::Duration {
        let often = self.rates.of(Fault::Skew) * 6;
        if !self.choices.chance(often) {
            return time::Duration::ZERO;
        }
        self.checks.resends.clocks_differ = true;
        time::Duration::milliseconds(AHEAD[self.choices.below(AHEAD.len())])
    }

    /// Counts a message of intake, and returns the invocation that sent it. `None` for other
    /// functions.
    pub(crate) fn intake_asks(&mut self, instance: usize) -> Option<u64> {
        let actor = &mut self.actors[instance];
        actor.asked += 1;
        (actor.function == Function::Intake).then_some(actor.turn)
    }

    pub(crate) fn is_reconciler(&self, instance: usize) -> bool {
        self.actors[instance].function == Function::Reconciler
    }

    pub(crate) fn is_processor(&self, instance: usize) -> bool {
        self.actors[instance].function == Function::Processor
    }

    pub(crate) fn intake_has(&mut self, instance: usize, turn: Option<u64>, message: &str) {
        let actor = &mut self.actors[instance];
        if turn == Some(actor.turn) {
            actor.confirmed.push(message.to_owned());
        }
    }

    /// A call without anyone waiting for its answer.
    pub(crate) fn call_later(&mut self, instance: usize, what: &'static str, act: Act) {
        let id = self.next_number();
        self.calls.push(Call { id, instance, what, is_write: true, is_orphan: true, waker: None, act });
    }
}

impl Code {
    pub(crate) fn new(function: Function, sim: &Sim, instance: usize) -> Self {
        let port = Port { sim: sim.clone(), instance };
        let queue = |queue| QueuePort { port: port.clone(), queue };
        let settings = || Cache::new(port.clone(), port.clone());
        let table = || Table::over(port.clone(), RETENTION);
        let metrics = |service| Metrics::new(service, port.clone(), io::sink());
        match function {
            Function::Intake => {
                let (notifications, metrics) = (queue(Name::Notifications), metrics(Service::Intake));
                let mut limits = intake::Limits::default();
                if sim.world().is_planted(Planted::BodyAtLimitRefused) {
                    limits.max_body_bytes -= 1;
                }
                Self::Intake(Arc::new(Intake::new(settings(), notifications, port.clone(), metrics, limits)))
            }
            Function::Processor => {
                let local = LocalState::default();
                Self::Processor(Arc::new(Processor {
                    settings: settings(),
                    ledger: table(),
                    visma: Client::over(port.clone(), port.clone()),
                    events: BatchingSender::new(queue(Name::Events), &local.in_flight),
                    feedback: BatchingSender::new(queue(Name::Feedback), &local.in_flight),
                    notifications: queue(Name::Notifications),
                    handler: port.clone(),
                    host: port.clone(),
                    metrics: metrics(Service::Processor),
                    limits: processor::Limits { max_receive_count: MAX_RECEIVE_COUNT, retry_base: RETRY_BASE },
                    local,
                }))
            }
            Function::Feedback => Self::Feedback(Arc::new(Feedback {
                settings: settings(),
                answers: table(),
                visma: Client::over(port.clone(), port.clone()),
                queue: queue(Name::Feedback),
                rejected: queue(Name::FeedbackDead),
                host: port.clone(),
                metrics: metrics(Service::Feedback),
                limits: feedback::Limits { retry_base: RETRY_BASE, give_up_after: time::Duration::hours(24) },
                observer: Observer::default(),
            })),
            Function::Reconciler => Self::Reconciler(Arc::new(Reconciler {
                settings: settings(),
                sweeps: table(),
                listing: Client::over(port.clone(), port.clone()),
                queue: queue(Name::Notifications),
                feedback: queue(Name::Feedback),
                repairs: Some(queue(Name::Repairs)),
                host: port.clone(),
                metrics: metrics(Service::Reconciler),
            })),
            Function::Operations => Self::Operations(upkeep::operations(&port, table())),
            Function::Repair => Self::Repair(Arc::new(upkeep::repair(&port, table(), metrics(Service::Repair)))),
        }
    }
}
