//! Invariant 9: every confirmed command of an operator has a visible end, whatever else happens. It
//! is checked at the end of a run, and reported after all other invariants, since those say more
//! about the cause.

use super::requests::{Command, Meant, Resends, Target};
use super::{Checks, Invariant, short};
use crate::cargo::as_sent;
use crate::model::table::{TableModel, keys_of, text};
use std::collections::{BTreeMap, BTreeSet};
use webhooks_model::{Delivery, Reason, State};
use webhooks_store::{Item, Write};

const JOBS: &str = "jobs";
pub(crate) const PAUSES: &str = "pauses";

#[derive(Debug)]
struct Given {
    asked: Command,
    /// One counter for everything that happens: a later event has a higher number.
    given_at: u64,
    /// Whether it was answered with a 2xx.
    is_accepted: bool,
    /// Whether a record was changed for it.
    has_changed: bool,
    /// The jobs that were saved for it.
    jobs: BTreeSet<String>,
    meant: Meant,
}

/// The commands and what was seen of them.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    all: Vec<Given>,
    /// The command that an environment is answering.
    answering: BTreeMap<usize, usize>,
    /// When an environment's batch began.
    began: BTreeMap<usize, u64>,
    /// When the latest batch began that tried to record an end of the notification. An ended
    /// notification gets so far only by a replay; another may be overtaken by Visma Net's own
    /// resend.
    carried_out: BTreeMap<String, u64>,
    /// When an attempt last tried to record an end of it, a replay's or another's.
    ended: BTreeMap<String, u64>,
    /// When it reached its final state.
    final_since: BTreeMap<String, u64>,
    replayed: BTreeSet<String>,
    /// The job that an environment of the reconciler saved last.
    begun_by_schedule: BTreeMap<usize, String>,
    /// Those of these jobs whose pauses are recorded as ended.
    owed: BTreeSet<String>,
    /// The number of the operator's actions, which count as faults.
    pub(crate) struck: u32,
    /// The number of events that were read again, which count as faults too.
    pub(crate) read_again: u32,
    /// Jobs that ended and have expired since.
    expired_jobs: BTreeSet<String>,
    found: Option<String>,
}

impl Commands {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn give(&mut self, instance: usize, given_at: u64, asked: Command, meant: Meant) -> usize {
        self.answering.insert(instance, self.all.len());
        self.all.push(Given { asked, given_at, is_accepted: false, has_changed: false, jobs: BTreeSet::new(), meant });
        self.all.len() - 1
    }

    /// A refused command must have changed nothing.
    pub(crate) fn answered(&mut self, command: usize, status: u16) {
        let given = &mut self.all[command];
        given.is_accepted = (200..300).contains(&status);
        if given.has_changed && (400..500).contains(&status) {
            let what = format!("{:?} was answered {status}, but was carried out", given.asked);
            self.found(what);
        }
    }

    /// Called with each write of a record or a pause that the operations function carries out.
    pub(crate) fn changes(&mut self, instance: usize) {
        if let Some(command) = self.answering.get(&instance) {
            self.all[*command].has_changed = true;
        }
    }

    pub(crate) fn is_accepted(&self, command: usize) -> bool {
        self.all[command].is_accepted
    }

    /// Called with each write of the reconciler. It may end a pause only after it has begun the job
    /// that releases what waited.
    pub(crate) fn schedule_writes(&mut self, instance: usize, write: &Write) {
        if write.pk == JOBS {
            self.begun_by_schedule.insert(instance, write.sk.clone());
        } else if write.pk == PAUSES {
            self.owed.extend(self.begun_by_schedule.get(&instance).cloned());
        }
    }

    pub(crate) fn begun(&mut self, instance: usize, at: u64, bodies: &[String]) {
        let replay = |body: &String| Delivery::from_message(body).ok()?.meta.replays;
        let keys = bodies.iter().filter_map(replay).map(|key| as_sent(&format!("N#{}", key.notification)));
        self.replayed.extend(keys);
        self.began.insert(instance, at);
    }

    /// Called with each write, whether or not its condition holds: an attempt that tries to record
    /// an end has carried out the effects, even if the earlier end stays.
    pub(crate) fn writes(&mut self, instance: usize, at: u64, write: &Write) {
        if write.pk == JOBS {
            if let Some(command) = self.answering.get(&instance) {
                self.all[*command].jobs.insert(write.sk.clone());
            }
            return;
        }
        let Some(began) = self.began.get(&instance) else { return };
        let is_end = assigned(write, "state").and_then(State::parse).is_some_and(State::is_end);
        // Only the mark that is set before the last attempt.
        let is_mark = assigned(write, "reason") == Some(Reason::Lost.as_str());
        if !is_end || is_mark {
            return;
        }
        let key = as_sent(&write.sk);
        self.ended.insert(key.clone(), at);
        let latest = self.carried_out.entry(key).or_default();
        *latest = (*latest).max(*began);
    }

    pub(super) fn reaches_final_state(&mut self, sort_key: &str, at: u64) {
        self.final_since.entry(as_sent(sort_key)).or_insert(at);
    }

    /// Whether two messages may have been about the notification at the same time, so that one can
    /// overtake the other.
    pub(crate) fn was_replayed(&self, sort_key: &str) -> bool {
        self.replayed.contains(sort_key)
    }

    /// The notifications whose resend of feedback failed, according to the answer to the operator.
    pub(crate) fn refused_resends(&self) -> impl Iterator<Item = &Target> {
        self.all.iter().filter(|command| !command.is_accepted).filter_map(|command| match &command.asked {
            Command::Resend(target) => Some(target),
            _ => None,
        })
    }

    /// Called before DynamoDB deletes an expired item.
    pub(super) fn expires(&mut self, item: &Item) {
        let has_ended = matches!(text(item, "status"), Some("finished" | "cancelled"));
        if text(item, "pk") == Some(JOBS) && has_ended {
            self.expired_jobs.extend(text(item, "sk").map(str::to_owned));
        }
    }

    pub(crate) fn found(&mut self, what: String) {
        self.found.get_or_insert(what);
    }

    fn accepted(&self) -> impl Iterator<Item = &Given> {
        self.all.iter().filter(|command| command.is_accepted)
    }

    /// When each accepted one was requested, and which notifications it selected.
    pub(super) fn resends_by_filter(&self) -> impl Iterator<Item = (u64, &[String])> {
        let all = self.accepted().filter(|command| matches!(command.asked, Command::ResendAll { .. }));
        all.map(|command| (command.given_at, command.meant.feedbacks.as_slice()))
    }

    fn has(&self, asked: &Command, is_accepted: Option<bool>) -> bool {
        let is_it = |one: &Given| one.asked == *asked && is_accepted.is_none_or(|wanted| wanted == one.is_accepted);
        self.all.iter().any(is_it)
    }

    pub(super) fn has_cancelled(&self) -> bool {
        self.all.iter().any(|command| matches!(command.asked, Command::Cancel(_)))
    }

    /// Checks that every job ends, unless it was cancelled.
    fn unended_job(&self, table: &TableModel) -> Option<String> {
        self.accepted().filter(|command| command.asked.begins_a_job()).find_map(|command| {
            let has_ended = |job: &String| {
                let item = table.get(JOBS, job);
                match item.and_then(|item| text(item, "status")) {
                    Some("finished") => true,
                    Some("cancelled") => self.has(&Command::Cancel(job.clone()), None),
                    // Begun by a command that failed, according to the answer to the operator.
                    Some("running") => self.has(&Command::Resume(job.clone()), Some(false)),
                    Some(_) => false,
                    None => self.expired_jobs.contains(job),
                }
            };
            let ends = !command.jobs.is_empty() && command.jobs.iter().all(has_ended);
            (!ends).then(|| format!("{:?} was accepted, but its job does not end", command.asked))
        })
    }

    /// The same for a job that the reconciler began after the end of a pause.
    fn unended_release(&self, table: &TableModel) -> Option<String> {
        let unended = |job: &&String| match table.get(JOBS, job).and_then(|item| text(item, "status")) {
            Some("finished" | "cancelled") => false,
            _ => !self.has(&Command::Resume((*job).clone()), Some(false)),
        };
        self.owed.iter().find(unended).map(|job| format!("a pause was over, but the job {job} does not end"))
    }

    /// Checks that Visma Net has accepted or refused every feedback that was resent or whose
    /// outcome was set. The reconciler may still have to send what a job has recorded since, or what
    /// waits for calls.
    fn unmoved_feedback(&self, table: &TableModel, resends: &Resends) -> Option<String> {
        self.accepted().find_map(|command| {
            let (Command::Resend(target) | Command::Outcome(target)) = &command.asked else { return None };
            let item = table.get(&target.pk, &target.sk);
            let feedback = item.and_then(|item| text(item, "feedback")).unwrap_or("none");
            let is_moved = match &command.asked {
                Command::Outcome(_) => feedback != "awaited",
                _ if item.is_some_and(is_limited) => true,
                _ => matches!(feedback, "sent" | "parked") || resends.has_written(&target.sk),
            };
            let what = || format!("{:?} was accepted, but the feedback is {feedback}", command.asked);
            (!is_moved).then(what)
        })
    }

    /// Checks that every acknowledgement and every withdrawal is recorded.
    fn unnoted_acknowledgement(&self, table: &TableModel) -> Option<String> {
        self.accepted().find_map(|command| {
            let (target, deed) = match &command.asked {
                Command::Acknowledge(target) => (target, "acknowledge"),
                Command::Unacknowledge(target) => (target, "unacknowledge"),
                _ => return None,
            };
            let item = table.get(&target.pk, &target.sk)?;
            let noted = deeds(item).filter(|known| *known == deed).count();
            let accepted = self.accepted().filter(|other| other.asked == command.asked).count();
            (noted < accepted).then(|| format!("{:?} was accepted, but is not recorded", command.asked))
        })
    }

    /// Checks that an attempt carried out each replay and release after it was requested. A
    /// notification that has not ended may also be ended by an attempt from before: the operator
    /// then has what they asked for.
    fn swallowed(&self) -> Option<String> {
        self.accepted().find_map(|command| {
            let (Command::Replay(target) | Command::Release(target)) = &command.asked else { return None };
            let what = || format!("{:?} was accepted, but {} was not replayed", command.asked, short(&target.sk));
            let ends = self.final_since.get(&as_sent(&target.sk)).is_some_and(|at| *at > command.given_at);
            (!ends && !self.is_carried_out(&target.sk, command.given_at)).then(what)
        })
    }

    fn is_carried_out(&self, sort_key: &str, since: u64) -> bool {
        self.carried_out.get(&as_sent(sort_key)).is_some_and(|began| *began > since)
    }

    /// Notifications that a job skipped although nothing disturbed it.
    fn left_out(&self, letters: &BTreeSet<u64>) -> Option<String> {
        self.accepted().find_map(|command| {
            let lies = command.meant.letters.iter().find(|letter| letters.contains(*letter));
            // A job skips a notification that ended between the job's read and its write.
            let is_done = |key: &str| {
                let has_ended = self.ended.get(&as_sent(key)).is_some_and(|at| *at > command.given_at);
                has_ended || self.is_carried_out(key, command.given_at)
            };
            let unseen = command.meant.notifications.iter().find(|key| !is_done(key));
            let what = |left: String| format!("{:?} was accepted, but skipped {left}", command.asked);
            lies.map(|letter| what(format!("letter {letter}"))).or_else(|| unseen.map(|key| what(short(key))))
        })
    }
}

impl Checks {
    /// Called when every pause has ended, held notifications are released, and every queue is
    /// empty. The reconciler has not run yet.
    pub(crate) fn commands_have_ended(&mut self, table: &TableModel) {
        let waiting = waiting(table).then(|| "something waits for the end of a pause that does not exist".to_owned());
        let commands = &self.commands;
        let unended = commands.unended_job(table).or_else(|| commands.unended_release(table));
        let found = unended.or_else(|| commands.unmoved_feedback(table, &self.resends)).or(waiting);
        let found = found.or_else(|| commands.unnoted_acknowledgement(table)).or_else(|| self.overlooked_feedback());
        if let Some(what) = found {
            self.commands.found(what);
        }
    }

    /// The same, before a person has searched for what a pause left behind. Only a fault or a
    /// cancelled job may leave something: a write that arrives after the release, an index that
    /// lags, dead letters hidden by another reader.
    pub(crate) fn nothing_is_left_out(&mut self, table: &TableModel, letters: &BTreeSet<u64>) {
        let Commands { struck, read_again, .. } = self.commands;
        if self.faults > struck + read_again || self.commands.has_cancelled() {
            return;
        }
        let left = waiting(table).then(|| "a pause has ended, but something still waits for it".to_owned());
        let left = left.or_else(|| self.commands.left_out(letters)).or_else(|| self.unsent_feedback(table));
        if let Some(what) = left {
            self.commands.found(what);
        }
    }

    pub(crate) fn jobs_have_ended(&mut self, table: &TableModel) {
        if let Some(what) = self.commands.unended_job(table) {
            self.commands.found(what);
        }
    }

    /// The last check: by now, notifications that waited for calls have been processed too.
    pub(crate) fn commands_at_rest(&mut self) {
        if let Some(what) = self.commands.found.clone().or_else(|| self.commands.swallowed()) {
            self.violated(Invariant::CommandIsKept, what);
        }
    }
}

/// Whether something waits for the end of a pause: a notification that has not ended, or a replay
/// of one that has.
pub(crate) fn waiting(table: &TableModel) -> bool {
    let paused = Some(State::Paused.as_str());
    table.items().any(|item| text(item, "attention") == paused || text(item, "state") == paused)
}

/// Whether an operator decides when it continues: it is paused, or it was released and the
/// reconciler finds it by its mark if the message is lost.
pub(super) fn waits_for_operator(record: Option<&Item>) -> bool {
    let Some(item) = record else { return false };
    let is_marked = text(item, "attention") == Some("retrying");
    match text(item, "state") {
        Some("paused") => true,
        Some("retrying") => is_marked && was_let_on(item),
        _ => false,
    }
}

/// Whether it was released, or replayed after it was held.
fn was_let_on(item: &Item) -> bool {
    let is_released = deeds(item).any(|deed| deed == "release");
    is_released || deeds(item).skip_while(|deed| *deed != "hold").any(|deed| deed == "replay")
}

fn is_held(item: &Item) -> bool {
    text(item, "state") == Some("parked") && text(item, "reason") == Some(Reason::Held.as_str())
}

/// The keys of what is held, with the number of actions on it.
pub(super) fn held_in(table: &TableModel) -> BTreeMap<(String, String), usize> {
    let held = table.items().filter(|item| is_held(item));
    held.filter_map(|item| Some((keys_of(item)?, deeds(item).count()))).collect()
}

/// Items that an operator makes wait do not expire, and neither does the pause.
pub(super) fn expires(item: &Item) -> bool {
    let is_paused = [text(item, "state"), text(item, "attention")].contains(&Some(State::Paused.as_str()));
    let is_pause = text(item, "pk") == Some(PAUSES) && item.contains_key("since");
    let is_live_pause = is_pause && !item.contains_key("resumed_at");
    (is_held(item) || is_paused || is_live_pause) && item.contains_key("expires_at")
}

/// A held notification has not ended for good: a release or a replay continues it.
pub(super) fn is_released(before: &Item, after: &Item) -> bool {
    let is_new = deeds(after).count() > deeds(before).count();
    let is_let_on = is_new && matches!(deeds(after).last(), Some("release" | "replay"));
    is_held(before) && text(after, "state") == Some("retrying") && is_let_on
}

/// Whether it waits for calls in the ledger, or its feedback does.
pub(super) fn is_limited(item: &Item) -> bool {
    let is_wait = |mark: &str| mark.starts_with("rate_limited#") || mark.starts_with("feedback_limited#");
    text(item, "attention").is_some_and(is_wait)
}

/// The actions of operators on it, in order.
pub(super) fn deeds(item: &Item) -> impl Iterator<Item = &str> {
    let lines = item.get("actions").and_then(|lines| lines.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
    lines.iter().filter_map(|line| text(line.as_m().ok()?, "action"))
}

/// The text that the write sets unconditionally.
fn assigned<'a>(write: &'a Write, name: &str) -> Option<&'a str> {
    let set = write.update.strip_prefix("SET ")?.split(" REMOVE ").next()?;
    let is_it = |placeholder: &str| write.names.get(placeholder).is_some_and(|known| known == name);
    let mut pairs = set.split(", ").filter_map(|one| one.split_once(" = "));
    let (_, value) = pairs.find(|(placeholder, _)| is_it(placeholder))?;
    write.values.get(value)?.as_s().ok().map(String::as_str)
}
