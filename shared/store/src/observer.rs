//! The facts that one process has seen. It writes a new fact at once, and the count of a known fact
//! once an hour. So a notification that shows nothing new costs no call.

use crate::error::StoreError;
use crate::observed::{Observation, Observations};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use time::{Duration, OffsetDateTime};
use webhooks_model::{Fact, OpenQuestion, Sighting, sorted};

/// The shortest time between two writes of the count of a known fact, by all processes together.
const EVERY: Duration = Duration::HOUR;
/// The time until a failed write is repeated, and until a changed agreement is written.
const SOON: Duration = Duration::minutes(5);
/// The most writes of one flush.
const MOST_WRITES: usize = 32;

#[derive(Debug, Default)]
pub struct Observer {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// The facts of the table when it was read, and those seen since.
    facts: HashMap<Fact, Seen>,
    is_read: bool,
    not_before: Option<OffsetDateTime>,
    measured: HashMap<OpenQuestion, OffsetDateTime>,
}

/// What this process knows about one fact.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// When any process last wrote it, as far as this one knows, and whether it agreed then.
    written: Option<(OffsetDateTime, bool)>,
    agrees: bool,
    /// Notifications that are not written yet.
    unwritten: u64,
    since: Option<OffsetDateTime>,
    last: Option<OffsetDateTime>,
}

impl Seen {
    fn is_due(&self, now: OffsetDateTime) -> bool {
        match self.written {
            None => self.unwritten > 0,
            Some((at, agreed)) => self.unwritten > 0 && now - at >= if agreed == self.agrees { EVERY } else { SOON },
        }
    }

    fn observation(&self, fact: &Fact) -> Option<Observation> {
        Some(Observation {
            fact: fact.clone(),
            agrees: self.agrees,
            notifications: self.unwritten,
            first_seen: self.since.or(self.last)?,
            last_seen: self.last?,
        })
    }
}

impl Observer {
    /// Remembers the facts of one delivery, notification or answer.
    pub fn note(&self, sightings: impl IntoIterator<Item = Sighting>, now: OffsetDateTime) {
        let mut memory = self.memory();
        sightings.into_iter().for_each(|sighting| memory.note(sighting, now));
    }

    /// Whether it is time for costly measurements: once in five minutes.
    pub fn is_curious(&self, question: OpenQuestion, now: OffsetDateTime) -> bool {
        let mut memory = self.memory();
        let is_due = memory.measured.get(&question).is_none_or(|at| now - *at >= SOON);
        if is_due {
            memory.measured.insert(question, now);
        }
        is_due
    }

    /// Writes the facts that are due. It makes no call if none is due.
    ///
    /// # Errors
    /// The table failed. Facts that were not written are written later.
    pub async fn flush(&self, table: &impl Observations, now: OffsetDateTime) -> Result<(), StoreError> {
        if !self.memory().is_due(now) {
            return Ok(());
        }
        let done = self.write(table, now).await;
        if done.is_err() {
            self.memory().not_before = Some(now + SOON);
        }
        done
    }

    async fn write(&self, table: &impl Observations, now: OffsetDateTime) -> Result<(), StoreError> {
        let is_read = self.memory().is_read;
        if !is_read {
            let known = table.observed().await?;
            self.memory().meet(known);
        }
        let due = self.memory().due(now);
        for seen in due {
            table.observe(&seen).await?;
            self.memory().written(&seen, now);
        }
        Ok(())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("nothing panics while it is held")
    }
}

impl Memory {
    fn note(&mut self, Sighting { fact, agrees }: Sighting, now: OffsetDateTime) {
        if !self.facts.contains_key(&fact) && self.is_full(fact.question) {
            return;
        }
        let seen = self.facts.entry(fact).or_default();
        seen.agrees = agrees;
        seen.unwritten += 1;
        seen.since.get_or_insert(now);
        seen.last = Some(now);
    }

    fn is_full(&self, question: OpenQuestion) -> bool {
        self.facts.keys().filter(|fact| fact.question == question).count() >= question.most_facts()
    }

    fn is_due(&self, now: OffsetDateTime) -> bool {
        self.not_before.is_none_or(|at| at <= now) && self.facts.values().any(|seen| seen.is_due(now))
    }

    /// Keeps the facts of the table, and as many of the others as there is room for.
    fn meet(&mut self, known: Vec<Observation>) {
        let mut own = std::mem::take(&mut self.facts);
        for Observation { fact, agrees, last_seen, .. } in known {
            let seen = own.remove(&fact).unwrap_or(Seen { agrees, ..Seen::default() });
            self.facts.insert(fact, Seen { written: Some((last_seen, agrees)), ..seen });
        }
        for (fact, seen) in own {
            if !self.is_full(fact.question) {
                self.facts.insert(fact, seen);
            }
        }
        self.is_read = true;
    }

    fn due(&self, now: OffsetDateTime) -> Vec<Observation> {
        let due = self.facts.iter().filter(|(_, seen)| seen.is_due(now));
        let due = due.filter_map(|(fact, seen)| seen.observation(fact));
        sorted::first(MOST_WRITES, due, |one, other| one.fact.cmp(&other.fact))
    }

    fn written(&mut self, observation: &Observation, now: OffsetDateTime) {
        if let Some(seen) = self.facts.get_mut(&observation.fact) {
            seen.written = Some((now, observation.agrees));
            // Another batch of this process may have written it meanwhile.
            seen.unwritten = seen.unwritten.saturating_sub(observation.notifications);
            seen.since = None;
        }
    }
}

#[cfg(test)]
#[path = "observer_tests.rs"]
mod tests;
