//! The operator, who sends any command to the operations API at any time, and repairs everything at
//! the end.

use crate::actors::{Code, Ended, Function, Work};
use crate::check::{Command, Meant, Target, is_acknowledged, waiting};
use crate::model::erp::TENANTS;
use crate::model::table::text;
use crate::planted::Sabotage;
use crate::run::Run;
use crate::upkeep::{ROLE_PREFIX, queue_pair};
use crate::world::{START, World};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_http::{Body, Response};
use operations::Event;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::feedback::FeedbackMessage;
use webhooks_model::notification::UNKNOWN_TENANT;
use webhooks_model::{QueueName, State};
use webhooks_store::{Item, Write};

/// The integrator's system sends the same outcome. Different outcomes are not modelled.
pub(crate) const OUTCOME: &str = "Our warehouse has it.";
/// The mark of a known tenant.
pub(crate) const KNOWN_TENANT: &str = "tenants";
/// Marks for a person.
const FOR_A_PERSON: [&str; 4] = ["dead", "parked", "unparseable", "feedback_parked"];
const UNENDED: [&str; 4] = ["retrying", "paused", "dead", "parked"];
/// The length of a pause with an end.
const A_WHILE: Duration = Duration::minutes(1);
const PATTERNS: [&str; 3] = ["sales_order.*", "account.*", "customer.*"];

impl World {
    /// Called with each write of the store. `true` if a planted bug drops it.
    pub(crate) fn command_writes(&mut self, instance: usize, write: &Write) -> bool {
        let at = self.next_number();
        self.checks.latest_write = at;
        self.checks.commands.writes(instance, at, write);
        if self.is_reconciler(instance) {
            self.checks.commands.schedule_writes(instance, write);
        }
        let Some(id) = write.sk.strip_prefix("WAIT#") else { return false };
        let state = self.table.get(&write.pk, &format!("N#{id}")).and_then(|item| text(item, "state"));
        self.is(Sabotage::EndedReplaysSwallowed) && state.and_then(State::parse).is_some_and(State::is_final)
    }

    pub(crate) fn command_ended(&mut self, instance: usize, command: usize, response: &Response<Body>) {
        let status = response.status().as_u16();
        self.checks.commands.answered(command, status);
        let who = self.name_of(instance);
        self.tell(&who, || format!("answers {status}"));
    }

    /// The target of a command; `None` if there is none.
    fn something_to_ask(&mut self) -> Option<Command> {
        Some(match self.choices.pick(&[6, 3, 3, 2, 3, 2, 2, 2, 2, 1, 1, 3, 1, 3]) {
            0 => Command::Replay(self.one_of(|_| true)?),
            1 => {
                let tenant = TENANTS[self.choices.below(TENANTS.len())].0.to_owned();
                match self.choices.below(4) {
                    0 => Command::Pause(Some(tenant), "*".into()),
                    1 => Command::Pause(None, PATTERNS[self.choices.below(PATTERNS.len())].into()),
                    2 => Command::PauseForAWhile(tenant),
                    _ => Command::Pause(None, "*".into()),
                }
            }
            2 => {
                let live = self.live_pauses();
                let (tenant, events) = self.some(live)?;
                Command::EndOfPause(tenant, events)
            }
            3 => Command::Redrive(QueueName::ALL[self.choices.pick(&[3, 1, 0, 0])]),
            4 => Command::Resend(self.one_of(|item| is(item, "feedback", &["parked", "queued"]))?),
            5 => Command::Hold(self.one_of(|item| is(item, "state", &UNENDED))?),
            6 => Command::Release(self.one_of(|item| is_held(item) || is(item, "state", &["paused"]))?),
            7 => Command::Outcome(self.one_of(|item| is(item, "feedback", &["awaited"]))?),
            8 => {
                let tenant = TENANTS.get(self.choices.below(TENANTS.len() + 1)).map(|(id, _)| (*id).to_owned());
                Command::ReplayAll { tenant, only_given_up: self.choices.chance(500) }
            }
            11 => Command::Acknowledge(self.one_of(|item| is(item, "attention", &FOR_A_PERSON))?),
            12 => Command::Unacknowledge(self.one_of(is_acknowledged)?),
            13 => {
                let of_one = TENANTS[self.choices.below(TENANTS.len())].0.to_owned();
                let tenant = self.choices.chance(500).then_some(of_one);
                Command::ResendAll { tenant, only_refused: self.choices.chance(500) }
            }
            kind => {
                let jobs = self.table.items().filter(|item| is(item, "pk", &["jobs"]));
                let jobs: Vec<String> = jobs.filter_map(|item| text(item, "sk").map(str::to_owned)).collect();
                let job = self.some(jobs)?;
                if kind == 9 { Command::Cancel(job) } else { Command::Resume(job) }
            }
        })
    }

    fn some<T>(&mut self, all: Vec<T>) -> Option<T> {
        let at = if all.is_empty() { 0 } else { self.choices.below(all.len()) };
        all.into_iter().nth(at)
    }

    fn one_of(&mut self, fits: impl Fn(&Item) -> bool) -> Option<Target> {
        let recorded = self.recorded(fits);
        self.some(recorded)
    }

    fn recorded(&self, fits: impl Fn(&Item) -> bool) -> Vec<Target> {
        let target = |item: &Item| {
            let (pk, sk) = (text(item, "pk")?, text(item, "sk")?);
            let is_one = sk.starts_with("N#") && item.contains_key("state") && fits(item);
            is_one.then(|| Target { pk: pk.to_owned(), sk: sk.to_owned() })
        };
        self.table.items().filter_map(target).collect()
    }

    fn live_pauses(&self) -> Vec<(Option<String>, String)> {
        let is_pause = |item: &&Item| is(item, "pk", &["pauses"]) && item.contains_key("since");
        let live = self.table.items().filter(is_pause).filter(|item| !item.contains_key("resumed_at"));
        let read = |item: &Item| {
            let (tenant, events) = text(item, "sk")?.split_once('#')?;
            Some(((tenant != "*").then(|| tenant.to_owned()), events.to_owned()))
        };
        live.filter_map(read).collect()
    }

    /// Notifications that a failed command marked as on their way, although no message may exist.
    fn refused(&self) -> Vec<Target> {
        let queued = self.recorded(|item| is(item, "feedback", &["queued"]));
        let all: Vec<&Target> = self.checks.commands.refused_resends().collect();
        queued.into_iter().filter(|target| all.contains(&target)).collect()
    }

    fn meant(&self, instance: usize, asked: &Command) -> Meant {
        match asked {
            Command::ReplayAll { tenant, only_given_up: false } => {
                let tenants = tenant.as_deref().map_or_else(|| self.known_tenants(), |own| BTreeSet::from([own]));
                // What continues under another key is replayed there.
                let is_meant = |item: &Item| {
                    !item.contains_key("moved_to") && tenant_of(item).is_some_and(|own| tenants.contains(own))
                };
                let own = self.recorded(is_meant).into_iter();
                Meant { notifications: own.map(|target| target.sk).collect(), ..Meant::default() }
            }
            Command::ResendAll { tenant, only_refused } => {
                // Feedback parked in this moment counts as parked later, by the clock of the
                // function.
                let now = self.clock_of(instance);
                let is_old = |item: &Item| {
                    let parked_at = text(item, "attention_at").and_then(|at| OffsetDateTime::parse(at, &Rfc3339).ok());
                    parked_at.is_some_and(|at| at < now)
                };
                let is_own = |item: &Item| tenant.is_none() || tenant_of(item) == tenant.as_deref();
                let is_meant = |item: &Item| {
                    let is_refused = !*only_refused || last_refusal(item) == Some("feedback_refused");
                    is_parked_feedback(item) && is_old(item) && is_own(item) && is_refused
                };
                let parked = self.recorded(is_meant).into_iter();
                Meant { feedbacks: parked.map(|target| target.sk).collect(), ..Meant::default() }
            }
            Command::Redrive(queue) => {
                let dead = self.queues[&queue_pair(*queue).1].messages.iter();
                // A message of this moment counts as sent afterwards, by the clock of the function.
                let now = self.clock_of(instance);
                // What the feedback function rejects for its body stays.
                let is_wrong = |body: &str| *queue == QueueName::Feedback && FeedbackMessage::parse(body).is_err();
                let old = dead.filter(|letter| letter.sent_at < now && !is_wrong(&letter.body));
                Meant { letters: old.map(|letter| letter.id).collect(), ..Meant::default() }
            }
            _ => Meant::default(),
        }
    }

    /// The tenants that a replay of all tenants certainly covers. It also covers those with parked
    /// notifications, but these may end before the job reads them.
    fn known_tenants(&self) -> BTreeSet<&str> {
        let marked = self.table.items().filter(|item| is(item, "attention", &[KNOWN_TENANT]));
        marked.filter_map(tenant_of).chain([UNKNOWN_TENANT]).collect()
    }

    fn dead_letters(&self) -> BTreeSet<u64> {
        let dead = QueueName::ALL.into_iter().flat_map(|queue| &self.queues[&queue_pair(queue).1].messages);
        dead.map(|letter| letter.id).collect()
    }
}

impl Run {
    /// Sends a random command.
    pub(crate) async fn command(&mut self) {
        // A person is slower than a call, and the store tells two requests apart by their time.
        self.advance(Duration::milliseconds(1)).await;
        let mut world = self.sim.world();
        world.checks.commands.struck += 1;
        let asked = world.something_to_ask();
        drop(world);
        if let Some(asked) = asked {
            self.ask(asked);
        }
    }

    /// Sends a command and returns its index; `None` if too many are open.
    pub(crate) fn ask(&mut self, asked: Command) -> Option<usize> {
        let at = self.environment(Function::Operations)?;
        let instance = self.instances[at].id;
        let mut world = self.sim.world();
        world.tell("operator", || format!("asks for {asked:?}"));
        let (given_at, meant) = (world.next_number(), world.meant(instance, &asked));
        let event = event(&asked, world.now, given_at);
        let command = world.checks.commands.give(instance, given_at, asked, meant);
        drop(world);
        let Code::Operations(routes) = self.instances[at].code.clone() else { unreachable!("chosen by its function") };
        let future = async move { Ended::Request(routes(event).await) };
        self.begin(at, Box::pin(future), Work::Command(command));
        Some(command)
    }

    /// After the faults have stopped: ends every pause, releases what is held, repeats refused
    /// commands, and searches for what was left behind.
    pub(crate) async fn wind_up(&mut self) {
        let is_idle = self.sim.world().checks.commands.is_empty();
        if is_idle {
            return;
        }
        let pauses = self.sim.world().live_pauses();
        for (tenant, events) in pauses {
            self.in_calm(Command::EndOfPause(tenant, events)).await;
        }
        let held = self.sim.world().recorded(is_held);
        for target in held {
            self.in_calm(Command::Release(target)).await;
        }
        let refused = self.sim.world().refused();
        for target in refused {
            self.in_calm(Command::Resend(target)).await;
        }
        if self.is_broken() {
            return;
        }
        let is_left = {
            let mut world = self.sim.world();
            let letters = world.dead_letters();
            let World { checks, table, .. } = &mut *world;
            checks.nothing_is_left_out(table, &letters);
            waiting(table)
        };
        if is_left {
            // The end of any pause releases all notifications that no other pause covers.
            let projects = "project.*".to_owned();
            self.in_calm(Command::Pause(None, projects.clone())).await;
            self.in_calm(Command::EndOfPause(None, projects)).await;
        }
        let mut world = self.sim.world();
        let World { checks, table, .. } = &mut *world;
        checks.commands_have_ended(table);
    }

    /// Sends a command and waits until everything is done.
    pub(crate) async fn in_calm(&mut self, asked: Command) {
        if self.is_broken() {
            return;
        }
        let what = format!("faults have stopped, but {asked:?} is not accepted");
        let command = self.ask(asked);
        self.drain().await;
        let mut world = self.sim.world();
        let commands = &mut world.checks.commands;
        if !command.is_some_and(|command| commands.is_accepted(command)) {
            commands.found(what);
        }
    }
}

fn is(item: &Item, name: &str, one_of: &[&str]) -> bool {
    text(item, name).is_some_and(|text| one_of.contains(&text))
}

fn tenant_of(item: &Item) -> Option<&str> {
    Some(text(item, "pk")?.split_once('#')?.0)
}

fn is_held(item: &Item) -> bool {
    is(item, "state", &["parked"]) && is(item, "reason", &["held"])
}

fn is_parked_feedback(item: &Item) -> bool {
    is(item, "feedback", &["parked"]) && is(item, "attention", &["feedback_parked"])
}

/// The reason of the last refusal of its feedback.
fn last_refusal(item: &Item) -> Option<&str> {
    let line = item.get("feedback_attempts")?.as_l().ok()?.last()?;
    text(line.as_m().ok()?, "reason")
}

/// A request as API Gateway sends it, accepted by its authoriser.
fn event(asked: &Command, now: OffsetDateTime, number: u64) -> Event {
    let (method, path, body) = request(asked, now, number);
    let roles = format!("{ROLE_PREFIX}read {ROLE_PREFIX}repair {ROLE_PREFIX}erase");
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"host": "api.example"},
        "requestContext": {
            "domainName": "api.example", "stage": "$default", "http": {"method": method, "path": path},
            "authorizer": {"jwt": {"claims": {"sub": "op-1", "scope": roles}, "scopes": null}},
        },
        "body": body.to_string(), "isBase64Encoded": false,
    });
    serde_json::from_value(event).expect("no event is an error")
}

fn request(asked: &Command, now: OffsetDateTime, number: u64) -> (&'static str, String, Value) {
    let about = |target: &Target, deed: &str| {
        let Target { pk, sk } = target;
        let reference = URL_SAFE_NO_PAD.encode(format!("{pk}#{}", sk.trim_start_matches("N#")));
        format!("/operations/v1/notifications/{reference}/{deed}")
    };
    let pauses = || "/operations/v1/pauses".to_owned();
    // Two actions of a person at the same millisecond differ by their notes.
    let note = || json!({"note": format!("reason {number}")});
    match asked {
        Command::Replay(target) => ("POST", about(target, "replay"), note()),
        Command::Hold(target) => ("POST", about(target, "hold"), note()),
        Command::Release(target) => ("POST", about(target, "release"), note()),
        Command::Resend(target) => ("POST", about(target, "feedback"), note()),
        Command::Outcome(target) => {
            ("POST", about(target, "outcome"), json!({"is_success": true, "description": OUTCOME}))
        }
        Command::Acknowledge(target) => ("POST", about(target, "acknowledgement"), note()),
        Command::Unacknowledge(target) => ("DELETE", about(target, "acknowledgement"), note()),
        // A tenant can be paused before its first notification.
        Command::Pause(tenant, events) => {
            ("PUT", pauses(), json!({"tenant": tenant, "events": events, "new_tenant": true}))
        }
        Command::PauseForAWhile(tenant) => {
            let until = (now + A_WHILE).format(&Rfc3339).expect("a time of this era");
            let body = json!({"tenant": tenant, "events": "*", "new_tenant": true, "until": until});
            ("PUT", pauses(), body)
        }
        Command::EndOfPause(tenant, events) => ("DELETE", pauses(), json!({"tenant": tenant, "events": events})),
        Command::ReplayAll { tenant, only_given_up } => {
            let text = |at: OffsetDateTime| at.format(&Rfc3339).expect("a time of this era");
            let states: &[&str] = if *only_given_up { &["dead", "parked"] } else { &[] };
            let (from, to) = (text(START - Duration::days(1)), text(now + Duration::hours(1)));
            let filter = json!({"tenant": tenant, "states": states, "from": from, "to": to, "rate": 1});
            ("POST", "/operations/v1/jobs".to_owned(), filter)
        }
        Command::ResendAll { tenant, only_refused } => {
            let reason = only_refused.then_some("feedback_refused");
            let filter = json!({"tenant": tenant, "reason": reason, "rate": 1, "note": "a reason"});
            ("POST", "/operations/v1/feedback/resends".to_owned(), filter)
        }
        Command::Redrive(queue) => {
            ("POST", format!("/operations/v1/dead-letters/{queue}/redrives"), json!({"rate": 1}))
        }
        Command::Erase(tenant) => {
            ("POST", "/operations/erasures".to_owned(), json!({"tenant": tenant, "confirm": tenant}))
        }
        Command::Cancel(job) => ("POST", format!("/operations/v1/jobs/{job}/cancel"), json!({})),
        Command::Resume(job) => ("POST", format!("/operations/v1/jobs/{job}/resume"), json!({})),
    }
}
