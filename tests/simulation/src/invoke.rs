//! Invocations: how they begin, continue, end and die.

use crate::actors::{Actor, Alarm, Code, Ended, Function, Instance, Invocation, Work};
use crate::cargo;
use crate::check::{Answer, Asked, Invariant, Met};
use crate::faults::Fault;
use crate::planted::Sabotage;
use crate::run::Run;
use crate::world::{MAX_RECEIVE_COUNT, Name, World};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use intake::Event;
use lambda_http::http::StatusCode;
use lambda_http::{Body, LambdaEvent, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use time::Duration;

/// As long as the client of `shared/visma` waits at most after refused tokens.
const LONGEST_WAIT_FOR_TOKEN: Duration = Duration::minutes(5);
const MOST_AT_ONCE: usize = 3;

impl Function {
    pub(crate) fn time_out(self) -> Duration {
        match self {
            Self::Intake => Duration::seconds(10),
            Self::Processor | Self::Feedback | Self::Repair => Duration::seconds(60),
            Self::Reconciler => Duration::seconds(300),
            Self::Operations => Duration::seconds(29),
        }
    }
}

impl Run {
    /// An idle environment, or a new one. `None` if too many are busy.
    pub(crate) fn environment(&mut self, function: Function) -> Option<usize> {
        if self.running(function) >= MOST_AT_ONCE {
            return None;
        }
        let idle = (0..self.instances.len()).find(|at| {
            let one = &self.instances[*at];
            one.running.is_none() && !one.is_retired && self.function_of(one.id) == function
        });
        Some(idle.unwrap_or_else(|| self.cold_start(function)))
    }

    fn cold_start(&mut self, function: Function) -> usize {
        let mut world = self.sim.world();
        let id = world.actors.len();
        let ahead = world.draw_clock();
        world.actors.push(Actor { function, ahead, turn: 0, asked: 0, confirmed: Vec::new() });
        drop(world);
        let code = Code::new(function, &self.sim, id);
        self.instances.push(Instance { id, code, running: None, is_retired: false });
        self.instances.len() - 1
    }

    /// Delivers a batch to the function that consumes the queue. `false` if there is none.
    pub(crate) fn poll_queue(&mut self, queue: Name, most: usize) -> bool {
        let function = match queue {
            Name::Feedback => Function::Feedback,
            Name::Repairs => Function::Repair,
            _ => Function::Processor,
        };
        let now = self.sim.world().now;
        if self.sim.world().queue(queue).visible(now).is_empty() {
            return false;
        }
        let Some(at) = self.environment(function) else { return false };
        let instance = self.instances[at].id;
        let mut world = self.sim.world();
        let (records, messages) = world.receive(queue, most);
        let bodies: Vec<String> = records.iter().filter_map(|one| one["body"].as_str().map(str::to_owned)).collect();
        let last: Vec<bool> = records.iter().map(is_last).collect();
        let number = world.next_number();
        let World { checks, table, .. } = &mut *world;
        checks.begun(instance, &bodies, table);
        checks.attempts_begun(instance, &bodies, &last, table);
        checks.commands.begun(instance, number, &bodies);
        let who = world.name_of(instance);
        let ids: Vec<u64> = messages.iter().map(|(id, _)| *id).collect();
        world.tell(&who, || format!("receives {ids:?}"));
        drop(world);
        let event: SqsEvent = serde_json::from_value(json!({"Records": records})).expect("an SQS event");
        let deadline = now + function.time_out();
        let deadline_ms = u64::try_from(deadline.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        let budget = webhooks_batch::budget(deadline_ms, now);
        let future: std::pin::Pin<Box<dyn Future<Output = Ended>>> = match self.instances[at].code.clone() {
            Code::Processor(code) => Box::pin(async move { Ended::Batch(code.batch(event, "r", budget).await) }),
            Code::Feedback(code) => Box::pin(async move { Ended::Batch(code.batch(event, "r", budget).await) }),
            Code::Repair(code) => Box::pin(async move { Ended::Batch(code.batch(event, "r", budget).await) }),
            Code::Intake(_) | Code::Reconciler(_) | Code::Operations(_) => {
                unreachable!("the function was chosen by its queue")
            }
        };
        self.begin(at, future, Work::Batch { queue, messages });
        true
    }

    /// Sends the dispatcher's next request. `false` if none is due.
    pub(crate) fn deliver_next(&mut self) -> bool {
        let world = self.sim.world();
        let now = world.now;
        let due = world.erp.deliveries.iter().position(|one| one.next_try.is_some_and(|at| at <= now));
        drop(world);
        let Some(delivery) = due else { return false };
        let Some(at) = self.environment(Function::Intake) else { return false };
        let mut world = self.sim.world();
        let secret = world.secrets.in_use(now).to_owned();
        if world.secrets.is_old_in_use(now) {
            world.checks.meets(Met::OldSecret);
        }
        let one = &mut world.erp.deliveries[delivery];
        one.tries += 1;
        one.next_try = None;
        let signature = one.is_signed.then(|| sign(&secret, &one.body));
        let event = event(&one.path, &one.headers, signature, &one.body);
        let body = one.body.clone();
        let tries = one.tries;
        world.tell("visma net", || format!("sends delivery {delivery}, try {tries}"));
        drop(world);
        self.begin_request(at, event, Work::Request { delivery: Some(delivery), body });
        true
    }

    /// Sends a forged delivery.
    pub(crate) fn forge(&mut self, by_expired_secret: bool) {
        let Some(at) = self.environment(Function::Intake) else { return };
        let mut world = self.sim.world();
        // Secrets that have ended by the clock of the receiving machine.
        let now = world.clock_of(self.instances[at].id);
        let number = world.next_number();
        let body =
            format!(r#"{{"event":"SALESORDER_DELETED","orderType":"SO","orderNumber":"1","n":{number}}}"#).into_bytes();
        let expired = world.secrets.expired(now).map(str::to_owned);
        let kind = if by_expired_secret { 0 } else { world.choices.below(4) };
        let (path, signature) = match (kind, expired) {
            (0, Some(secret)) => ("/hooks/visma/erp", Some(sign(&secret, &body))),
            (1, _) => ("/hooks/visma/erp", None),
            (2, _) => ("/hooks/visma/legacy/legacy-0123456789abcdef0123456789xx", None),
            _ => ("/hooks/visma/erp", Some(sign("guessed", &body))),
        };
        world.tell("somebody", || format!("sends a forged request to {path}"));
        drop(world);
        let event = event(path, &[], signature, &body);
        self.begin_request(at, event, Work::Request { delivery: None, body });
    }

    fn begin_request(&mut self, at: usize, event: Event, work: Work) {
        let mut world = self.sim.world();
        let actor = &mut world.actors[self.instances[at].id];
        (actor.turn, actor.asked, actor.confirmed) = (actor.turn + 1, 0, Vec::new());
        drop(world);
        let Code::Intake(code) = self.instances[at].code.clone() else { unreachable!("chosen by its function") };
        let event = LambdaEvent::new(event, lambda_http::Context::default());
        self.begin(at, Box::pin(async move { Ended::Request(code.handle(event).await) }), work);
    }

    pub(crate) fn start_sweep(&mut self) {
        if self.running(Function::Reconciler) > 0 {
            return;
        }
        let Some(at) = self.environment(Function::Reconciler) else { return };
        let Code::Reconciler(code) = self.instances[at].code.clone() else { unreachable!("chosen by its function") };
        let future = async move {
            let report = code.run("r", std::time::Duration::from_secs(299), None, None).await.unwrap_or_default();
            let gaps = report.gaps_found.values().sum();
            Ended::Sweep { is_finished: report.tenants > 0 && report.unfinished == 0, gaps }
        };
        self.begin(at, Box::pin(future), Work::Sweep);
    }

    pub(crate) fn begin(&mut self, at: usize, future: std::pin::Pin<Box<dyn Future<Output = Ended>>>, work: Work) {
        let instance = self.instances[at].id;
        let mut world = self.sim.world();
        let started = world.now;
        let deadline = started + world.actors[instance].function.time_out();
        let is_held_back = world.checks.pacing.holds_back(instance, started);
        world.touched.insert(instance, is_held_back);
        drop(world);
        // The future is polled by hand, so tokio's cooperative budget must not make it wait.
        let future = Box::pin(tokio::task::unconstrained(future));
        let alarm = Arc::new(Alarm::default());
        std::task::Wake::wake(alarm.clone());
        self.instances[at].running = Some(Invocation { future, started, deadline, alarm, work });
        self.go_on(instance);
    }

    /// Polls the instance while it has something to do.
    pub(crate) fn go_on(&mut self, instance: usize) {
        let Some(at) = self.instances.iter().position(|one| one.id == instance) else { return };
        loop {
            let Some(invocation) = &mut self.instances[at].running else { return };
            if !invocation.alarm.take() {
                return;
            }
            let waker = Waker::from(invocation.alarm.clone());
            let mut context = Context::from_waker(&waker);
            let polled = catch_unwind(AssertUnwindSafe(|| invocation.future.as_mut().poll(&mut context)));
            match polled {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(ended)) => {
                    let invocation = self.instances[at].running.take().expect("it was just polled");
                    let work = invocation.work.clone();
                    drop(invocation);
                    return self.ended(instance, work, ended);
                }
                Err(_) => {
                    let what = "a panic came through to the runtime".to_owned();
                    self.sim.world().checks.violated(Invariant::PoisonFailsAlone, what);
                    return;
                }
            }
        }
    }

    /// The environment dies and loses its memory.
    pub(crate) fn crash(&mut self, instance: usize) {
        let Some(at) = self.instances.iter().position(|one| one.id == instance) else { return };
        let mut dead = self.instances.remove(at);
        let running = dead.running.take();
        let work = running.as_ref().map(|running| running.work.clone());
        drop(running);
        drop(dead);
        let mut world = self.sim.world();
        world.calls.retain(|call| call.instance != instance || call.what != crate::ports::SENDS_LATE);
        let who = world.name_of(instance);
        world.tell(&who, || "dies".to_owned());
        if let Some(Work::Request { delivery: Some(delivery), .. }) = work {
            let now = world.now;
            world.erp.deliveries[delivery].answered(None, now);
        }
    }

    fn ended(&mut self, instance: usize, work: Work, ended: Ended) {
        match (work, ended) {
            (Work::Request { delivery, body }, Ended::Request(response)) => {
                self.sim.world().request_ended(instance, delivery, &body, &response);
            }
            (Work::Batch { queue, messages }, Ended::Batch(response)) => {
                self.sim.world().batch_ended(instance, queue, &messages, &response);
            }
            (Work::Sweep, Ended::Sweep { is_finished, gaps }) => {
                let who = self.sim.world().name_of(instance);
                self.sim.world().tell(&who, || format!("swept: finished {is_finished}, {gaps} gaps"));
                self.last_sweep = Some((is_finished, gaps));
            }
            (Work::Command(command), Ended::Request(response)) => {
                self.sim.world().command_ended(instance, command, &response);
            }
            _ => unreachable!("each function ends in its own way"),
        }
        let is_retired = self.instances.iter().any(|one| one.id == instance && one.is_retired);
        if is_retired {
            self.instances.retain(|one| one.id != instance);
        }
    }
}

/// Whether the queue will not deliver the message again.
fn is_last(record: &Value) -> bool {
    let count = record["attributes"]["ApproximateReceiveCount"].as_str().and_then(|count| count.parse::<u32>().ok());
    count.is_some_and(|count| count >= MAX_RECEIVE_COUNT)
}

/// A POST as API Gateway sends it.
fn event(path: &str, headers: &[(&'static str, String)], signature: Option<String>, body: &[u8]) -> Event {
    let mut named: BTreeMap<&str, &str> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    named.insert("content-type", "application/json");
    if let Some(signature) = &signature {
        named.insert("x-vwd-signature-v1", signature);
    }
    let body = std::str::from_utf8(body).expect("Visma Net sends JSON");
    let event = json!({
        "rawPath": path, "headers": named, "requestContext": {"stage": "$default", "http": {"method": "POST"}},
        "body": body, "isBase64Encoded": false,
    });
    serde_json::from_value(event).expect("no event is an error")
}

fn sign(secret: &str, body: &[u8]) -> String {
    webhooks_signature::Signature::sign(secret, body).to_string()
}

impl World {
    fn receive(&mut self, queue: Name, most: usize) -> (Vec<Value>, Vec<(u64, u64)>) {
        let now = self.now;
        let mut visible = self.in_turn(queue);
        let disorder = self.rates.of(Fault::Disorder) > 0;
        let (mut records, mut messages) = (Vec::new(), Vec::new());
        while !visible.is_empty() && messages.len() < most {
            let which = if disorder { self.choices.below(visible.len()) } else { 0 };
            let receipt = self.next_number();
            let one = self.queue(queue).receive(visible.remove(which), receipt, now);
            // A job's message comes again after each slice.
            self.checks.faults += u32::from(one.receive_count > 1 && queue != Name::Repairs);
            records.push(json!({
                "messageId": one.id.to_string(), "receiptHandle": receipt.to_string(), "body": one.body,
                "attributes": {
                    "ApproximateReceiveCount": one.receive_count.to_string(),
                    "SentTimestamp": (one.sent_at.unix_timestamp_nanos() / 1_000_000).to_string(),
                },
            }));
            messages.push((one.id, receipt));
        }
        if self.is(Sabotage::DeleteBeforeProcessing) && queue == Name::Notifications {
            messages.iter().for_each(|(id, _)| self.delete(queue, *id));
        }
        (records, messages)
    }

    fn request_ended(&mut self, instance: usize, delivery: Option<usize>, body: &[u8], response: &Response<Body>) {
        let mut status = response.status();
        if self.is(Sabotage::ClientErrorOnOwnFault) && status == StatusCode::SERVICE_UNAVAILABLE {
            status = StatusCode::BAD_REQUEST;
        }
        let retry_after = response.headers().contains_key("retry-after");
        let touched = self.touched[&instance] || self.unread.contains(&instance);
        let actor = &self.actors[instance];
        let (confirmed, asked) = (actor.confirmed.clone(), actor.asked);
        let answer = Answer { status: status.as_u16(), retry_after, confirmed: &confirmed, asked };
        self.checks.answered(&Asked { body, is_genuine: delivery.is_some(), touched }, &answer);
        let who = self.name_of(instance);
        self.tell(&who, || format!("answers {status}"));
        let Some(delivery) = delivery else { return };
        let lost = self.strikes(Fault::LostResponse);
        let now = self.now;
        self.erp.deliveries[delivery].answered((!lost).then_some(status.as_u16()), now);
    }

    fn batch_ended(&mut self, instance: usize, queue: Name, messages: &[(u64, u64)], response: &SqsBatchResponse) {
        let known: BTreeSet<String> = messages.iter().map(|(id, _)| id.to_string()).collect();
        let mut failed: BTreeSet<String> =
            response.batch_item_failures.iter().map(|failure| failure.item_identifier.clone()).collect();
        if self.is(Sabotage::JobsForgotten) && queue == Name::Repairs {
            failed.clear();
        }
        let is_as_one = self.is(Sabotage::BatchFailsAsOne) && !failed.is_empty();
        let is_lost = self.strikes(Fault::LostResponse);
        if is_lost {
            self.touch(instance);
        }
        if is_as_one || is_lost || !failed.is_subset(&known) {
            failed = known;
        }
        // A failed read of the settings is not repeated at once, so it also affects later batches. So
        // does a refused token.
        let waits = self.refused_tokens.get(&instance).is_some_and(|at| self.now - *at <= LONGEST_WAIT_FOR_TOKEN);
        let touched = self.touched[&instance] || self.unread.contains(&instance) || waits;
        let who = self.name_of(instance);
        self.tell(&who, || format!("ends; to come again: {failed:?}"));
        self.checks.attempts_ended(instance);
        for (id, receipt) in messages {
            let has_failed = failed.contains(&id.to_string());
            if has_failed && queue == Name::Notifications && !touched {
                self.fails_for_a_reason(*id);
            }
            if !has_failed {
                let stored = self.queue(queue).messages.iter().find(|one| one.id == *id);
                let keys = stored.map(|one| (cargo::of(&one.body), one.receipt != *receipt));
                if let Some((keys, is_overtaken)) = keys {
                    self.checks.takes_away(instance, keys, is_overtaken);
                }
                self.delete(queue, *id);
            } else if let Some(message) = self.queue(queue).by_receipt(*receipt) {
                message.ended_cleanly = !touched;
            }
        }
    }
}
