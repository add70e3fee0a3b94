//! Events around the functions: time passes, messages are repeated, code is deployed, the ERP
//! fails.

use crate::check::Met;
use crate::faults::Fault;
use crate::model::erp::Mood;
use crate::model::secrets::Names;
use crate::operator::OUTCOME;
use crate::planted::Planted;
use crate::run::Run;
use crate::world::{MAX_RECEIVE_COUNT, Name, World};
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

impl World {
    /// The times at which messages can be received, deliveries sent, keys requested again, and slow
    /// calls answered.
    fn due(&mut self) -> impl Iterator<Item = OffsetDateTime> + use<> {
        let now = self.now;
        self.wakes.retain(|at| *at > now);
        let wakes = self.wakes.clone();
        let queues = [Name::Notifications, Name::Feedback, Name::Repairs].map(|name| self.queue(name).next_visible());
        let own = [self.erp.next_try(), self.slow.map(|(_, until)| until)];
        queues.into_iter().chain(own).flatten().chain(wakes)
    }

    pub(crate) fn rewrite_names(&mut self, names: Names) {
        let now = self.now;
        self.secrets.rewrite_names(now, names);
        self.checks.names_were_rewritten = true;
    }

    /// Visma Net fails in another way, recovers, or revokes all tokens.
    fn changes_its_mood(&mut self) {
        let moods = [Mood::Fine, Mood::Outage, Mood::RateLimited, Mood::Forbidden, Mood::ConnectRefuses];
        let Some(mood) = moods.get(self.choices.pick(&[3, 1, 1, 1, 1, 1])).copied() else {
            let now = self.now;
            self.erp.connect.revoke(now);
            return self.tell("visma net", || "revokes all tokens".to_owned());
        };
        self.erp.mood = mood;
        self.tell("visma net", || format!("is now {mood:?}"));
    }

    /// The ERP's refusal of feedback that it should accept. It may accept the feedback next time.
    pub(crate) fn refuses_feedback(&mut self, instance: usize, id: Uuid) -> Option<StatusCode> {
        let often = self.rates.of(Fault::FeedbackRefused) * 3;
        if !self.choices.chance(often) {
            if self.erp.refused.contains(&id) {
                self.checks.meets(Met::TakenAfterRefusal);
            }
            return None;
        }
        self.erp.refused.insert(id);
        self.checks.meets(Met::FeedbackRefused);
        let who = self.name_of(instance);
        self.tell(&who, || format!("feedback refused for {id}"));
        let is_hidden = self.is_planted(Planted::RefusalTakenForSent);
        Some(if is_hidden { StatusCode::OK } else { StatusCode::BAD_REQUEST })
    }
}

impl Run {
    pub(crate) async fn trouble(&mut self) {
        if self.sim.world().strikes(Fault::SlowCalls) {
            let jumps = [50, 1_000, 3_000, 20_000, 70_000, 400_000, 26 * 3_600_000];
            let jump = jumps[self.sim.world().choices.pick(&[8, 8, 6, 4, 3, 3, 1])];
            self.advance(Duration::milliseconds(jump)).await;
        }
        if self.sim.world().strikes(Fault::Redelivery) {
            self.hand_out_again();
        }
        if self.sim.world().strikes(Fault::Throttle) {
            self.throttle();
        }
        if self.sim.world().strikes(Fault::ErpTrouble) {
            self.sim.world().changes_its_mood();
        }
        if self.sim.world().strikes(Fault::Operations) {
            self.operate();
        }
        if self.sim.world().strikes(Fault::Operator) {
            self.command().await;
        }
    }

    /// Repeats a message: it becomes visible during its attempt, or comes again after its deletion.
    fn hand_out_again(&mut self) {
        let mut world = self.sim.world();
        let now = world.now;
        let name = [Name::Notifications, Name::Feedback, Name::Repairs][world.choices.below(3)];
        let (hidden, deleted): (Vec<usize>, usize) = {
            let queue = world.queue(name);
            let hidden = (0..queue.messages.len()).filter(|at| queue.messages[*at].visible_at > now);
            (hidden.collect(), queue.deleted.len())
        };
        if deleted > 0 && world.choices.chance(500) {
            let at = world.choices.below(deleted);
            let mut again = world.queue(name).deleted.remove(at);
            again.visible_at = now;
            world.tell("sqs", || format!("hands out message {} again, though it was deleted", again.id));
            world.queue(name).messages.push(again);
        } else if !hidden.is_empty() {
            let at = hidden[world.choices.below(hidden.len())];
            let message = &mut world.queue(name).messages[at];
            message.visible_at = now;
            let id = message.id;
            world.tell("sqs", || format!("message {id} becomes visible while it is worked on"));
        }
    }

    /// Receives a message without running the function, up to all of its receipts.
    fn throttle(&mut self) {
        let mut world = self.sim.world();
        let many = 1 + world.choices.below(MAX_RECEIVE_COUNT as usize - 1) as u32;
        let visible = world.in_turn(Name::Notifications);
        if visible.is_empty() {
            return;
        }
        let at = visible[world.choices.below(visible.len())];
        let message = &mut world.queue(Name::Notifications).messages[at];
        (message.receive_count, message.ended_cleanly) = (message.receive_count + many, false);
        let id = message.id;
        world.tell("lambda", || format!("is throttled {many} times as message {id} is handed out"));
    }

    fn operate(&mut self) {
        let choice = self.sim.world().choices.pick(&[2, 1, 2, 3, 2, 1, 1, 4]);
        match choice {
            0 | 1 => self.deploy(choice == 1),
            2 => {
                let mut world = self.sim.world();
                let now = world.now;
                world.secrets.rotate(now);
                world.tell("operator", || "rotates the signing secret".to_owned());
            }
            3 => self.start_sweep(),
            4 => self.forge(false),
            5 => {
                let mut world = self.sim.world();
                let foreign = json!({"type": "outcome", "notification": "?"}).to_string();
                world.enqueue(Name::Feedback, foreign, None);
            }
            6 => self.redrive(),
            _ => self.rewrite_settings(),
        }
    }

    /// Rewrites the settings. Environments see it after their cache expires.
    fn rewrite_settings(&mut self) {
        let mut world = self.sim.world();
        let now = world.now;
        let names = world.secrets.names();
        match world.choices.below(4) {
            0 => {
                world.secrets.rewrite_route(now);
                world.checks.routes_were_rewritten = true;
            }
            1 => {
                world.secrets.rewrite_language();
                world.checks.meets(Met::LanguageRewritten);
            }
            2 => world.rewrite_names(Names { has_alias: !names.has_alias, ..names }),
            _ => world.rewrite_names(Names { has_company: !names.has_company, ..names }),
        }
        let (mode, language, names) = (world.secrets.mode(), world.secrets.language(), world.secrets.names());
        world.tell("operator", || {
            format!("rewrites the settings: actions are {mode}, the language is {language}, {names:?}")
        });
    }

    /// Deploys new code: idle environments end, and busy ones finish or die.
    fn deploy(&mut self, kills: bool) {
        self.sim.world().tell("operator", || format!("deploys{}", if kills { ", killing what runs" } else { "" }));
        self.instances.iter_mut().for_each(|one| one.is_retired = true);
        self.instances.retain(|one| one.running.is_some());
        if kills {
            let busy: Vec<usize> = self.instances.iter().map(|one| one.id).collect();
            for instance in busy {
                self.sim.world().checks.faults += 1;
                self.crash(instance);
            }
        }
    }

    /// A person redrives a dead letter.
    pub(crate) fn redrive(&mut self) {
        let mut world = self.sim.world();
        let now = world.now;
        let dead = std::mem::take(&mut world.queue(Name::NotificationsDead).messages);
        for mut message in dead {
            (message.receive_count, message.visible_at) = (0, now);
            message.redrives += 1;
            world.tell("operator", || format!("redrives message {}", message.id));
            world.queue(Name::Notifications).messages.push(message);
        }
    }

    /// The integrator's system reads an event, and sends the outcome if one is awaited, sometimes
    /// twice.
    pub(crate) fn consume_event(&mut self) -> bool {
        let mut world = self.sim.world();
        let Some(id) = world.queue(Name::Events).messages.first().map(|message| message.id) else { return false };
        let message = world.queue(Name::Events).delete(id).expect("it was just there");
        let event: Value = serde_json::from_str(&message.body).expect("an event is JSON");
        world.checks.consumed(event["id"].as_str().unwrap_or_default());
        if event["data"]["feedback"] == "deferred" {
            let outcome = json!({
                "type": "outcome", "notification": event["data"]["notification"], "is_success": true,
                "description": OUTCOME,
            });
            let twice = world.strikes(Fault::Redelivery);
            for _ in 0..=u32::from(twice) {
                world.enqueue(Name::Feedback, outcome.to_string(), None);
            }
        }
        true
    }

    /// Advances the clock, and the runtime's clock. It stops at each time-out of an invocation, since
    /// no invocation works beyond its deadline, however far the clock moves.
    pub(crate) async fn advance(&mut self, by: Duration) {
        if by >= Duration::seconds(1) {
            let running = self.instances.iter().filter(|one| one.running.is_some());
            running.for_each(|one| self.sim.world().touch(one.id));
        }
        let end = self.sim.world().now + by;
        loop {
            let now = self.sim.world().now;
            let next = self.time_outs().map(just_after).filter(|at| *at > now && *at < end).min();
            self.pass(next.unwrap_or(end) - now).await;
            if next.is_none() {
                return;
            }
        }
    }

    /// An invocation that exceeds its time is killed, as Lambda does.
    async fn pass(&mut self, by: Duration) {
        let step = std::time::Duration::try_from(by).unwrap_or_default();
        tokio::time::advance(step).await;
        let now = self.sim.world().now + by;
        self.sim.world().now = now;
        self.sim.world().table.ages(by);
        let all: Vec<usize> = self.instances.iter().map(|one| one.id).collect();
        for instance in all {
            self.go_on(instance);
            let is_over = |one: &crate::actors::Instance| {
                one.id == instance && one.running.as_ref().is_some_and(|running| running.deadline <= now)
            };
            if self.instances.iter().any(is_over) {
                self.sim.world().checks.faults += 1;
                self.crash(instance);
            }
        }
    }

    /// Advances the clock to the next due time. `false` if there is none.
    pub(crate) async fn advance_to_next(&mut self) -> bool {
        let now = self.sim.world().now;
        let due = self.sim.world().due().chain(self.time_outs());
        let Some(next) = due.filter(|at| *at > now).min() else { return false };
        self.advance(just_after(next) - now).await;
        true
    }

    /// The time-outs of calls: a batched message, an event or feedback, intake, a record, a batch,
    /// Lambda.
    fn time_outs(&self) -> impl Iterator<Item = OffsetDateTime> {
        let running = self.instances.iter().filter_map(|one| one.running.as_ref());
        running.flat_map(|one| {
            let after = [200, 400, 2_500, 58_000, 59_000].map(|ms| one.started + Duration::milliseconds(ms));
            after.into_iter().chain([one.deadline])
        })
    }
}

/// Timers fire when their time has passed.
fn just_after(at: OffsetDateTime) -> OffsetDateTime {
    at + Duration::milliseconds(1)
}
