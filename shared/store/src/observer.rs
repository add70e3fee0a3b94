//! The facts that one process has seen. It writes a new fact at once, and the count of a known fact
//! once an hour. So a notification that shows nothing new costs no call.

use crate::error::StoreError;
use crate::observed::{Observation, Observations};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use time::{Duration, OffsetDateTime};
use tokio::time::{Instant, timeout_at};
use webhooks_model::{Fact, OpenQuestion, Sighting, sorted};

/// The shortest time between two writes of the count of a known fact, by all processes together.
const EVERY: Duration = Duration::HOUR;
/// The time until a failed write is repeated, and until a changed agreement is written.
const SOON: Duration = Duration::minutes(5);
/// The most writes of one flush.
const MOST_WRITES: usize = 32;
/// The longest time that a batch spends on writing.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(2);

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
        let wait = |agreed: bool| if agreed == self.agrees { EVERY } else { SOON };
        self.unwritten > 0 && self.written.is_none_or(|(at, agreed)| now - at >= wait(agreed))
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

    /// Writes the facts that are due, until `end` at the latest. It makes no call if none is due. An
    /// error must not fail the batch.
    ///
    /// # Errors
    /// The table failed, or did not answer in time. Facts that were not written are written later.
    pub async fn flush_by(
        &self,
        table: &impl Observations,
        now: OffsetDateTime,
        end: Instant,
    ) -> Result<(), StoreError> {
        let end = end.min(Instant::now() + LONGEST);
        let done = timeout_at(end, self.flush(table, now)).await;
        done.unwrap_or_else(|_| Err(StoreError::Unavailable("timeout".to_owned())))
    }

    async fn flush(&self, table: &impl Observations, now: OffsetDateTime) -> Result<(), StoreError> {
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
            let seen = own.remove(&fact).unwrap_or_default();
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
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    /// A table that records its requests. No answer is there at once.
    #[derive(Default)]
    struct Asked {
        has: Vec<Observation>,
        reads: Mutex<usize>,
        writes: Mutex<Vec<Observation>>,
        is_down: Mutex<bool>,
    }

    impl Asked {
        fn answer<T>(&self, answer: T) -> Result<T, StoreError> {
            if *self.is_down.lock().unwrap() { Err(StoreError::Unavailable("down".into())) } else { Ok(answer) }
        }

        fn calls(&self) -> (usize, usize) {
            (*self.reads.lock().unwrap(), self.writes.lock().unwrap().len())
        }

        /// Value and count of each write, in order.
        fn written(&self) -> Vec<(String, u64)> {
            self.writes.lock().unwrap().iter().map(|seen| (seen.fact.value.clone(), seen.notifications)).collect()
        }
    }

    impl Observations for Asked {
        async fn observe(&self, seen: &Observation) -> Result<(), StoreError> {
            tokio::task::yield_now().await;
            self.answer(())?;
            self.writes.lock().unwrap().push(seen.clone());
            Ok(())
        }

        async fn observed(&self) -> Result<Vec<Observation>, StoreError> {
            tokio::task::yield_now().await;
            *self.reads.lock().unwrap() += 1;
            self.answer(self.has.clone())
        }
    }

    fn fact(question: OpenQuestion, value: &str) -> Fact {
        Fact { question, subject: String::new(), value: value.to_owned() }
    }

    fn name(value: &str) -> Sighting {
        Sighting { fact: fact(OpenQuestion::EventNames, value), agrees: true }
    }

    fn known(value: &str, last_seen: OffsetDateTime) -> Observation {
        let fact = fact(OpenQuestion::EventNames, value);
        Observation { fact, agrees: true, notifications: 5, first_seen: last_seen, last_seen }
    }

    #[tokio::test]
    async fn a_new_fact_is_written_at_once_and_a_known_one_costs_no_call() {
        let (observer, table) = (Observer::default(), Asked::default());
        for minute in 0..59 {
            let now = NOW + Duration::minutes(minute);
            observer.note([name("A")], now);
            observer.flush(&table, now).await.unwrap();
        }
        assert_eq!((table.calls(), table.written()), ((1, 1), vec![("A".to_owned(), 1)]));
        observer.note([name("A")], NOW + EVERY);
        observer.flush(&table, NOW + EVERY).await.unwrap();
        assert_eq!((table.calls(), table.written()[1].clone()), ((1, 2), ("A".to_owned(), 59)));
        observer.note([name("B")], NOW + EVERY);
        observer.flush(&table, NOW + EVERY).await.unwrap();
        assert_eq!((table.calls(), table.written()[2].clone()), ((1, 3), ("B".to_owned(), 1)));
        observer.flush(&table, NOW + EVERY * 2).await.unwrap();
        assert_eq!(table.calls(), (1, 3), "nothing has come since");
    }

    #[tokio::test]
    async fn a_new_process_does_not_repeat_what_others_have_just_written() {
        let table = Asked { has: vec![known("A", NOW - Duration::minutes(30))], ..Asked::default() };
        let observer = Observer::default();
        observer.note([name("A")], NOW);
        observer.flush(&table, NOW).await.unwrap();
        assert_eq!(table.calls(), (1, 0));
        let later = NOW + Duration::minutes(30);
        observer.flush(&table, later).await.unwrap();
        assert_eq!(table.written(), [("A".to_owned(), 1)]);
    }

    #[tokio::test]
    async fn without_facts_there_is_no_call() {
        let (observer, table) = (Observer::default(), Asked::default());
        observer.flush(&table, NOW).await.unwrap();
        assert_eq!(table.calls(), (0, 0));
    }

    #[tokio::test]
    async fn a_sender_of_ever_new_names_does_not_fill_the_table() {
        let most = OpenQuestion::EventNames.most_facts();
        let table = Asked { has: vec![known("A", NOW)], ..Asked::default() };
        let observer = Observer::default();
        for at in 0..most * 10 {
            observer.note([name(&format!("N{at}"))], NOW);
            observer.flush(&table, NOW).await.unwrap();
        }
        observer.flush(&table, NOW).await.unwrap();
        assert_eq!(table.calls(), (1, most - 1));
        observer.note([Sighting { fact: fact(OpenQuestion::BodyForm, "an object"), agrees: true }], NOW);
        observer.flush(&table, NOW).await.unwrap();
        assert_eq!(table.calls(), (1, most), "another question still has room");
    }

    #[tokio::test]
    async fn a_flush_writes_some_of_many_facts_and_the_next_writes_the_rest() {
        let (observer, table) = (Observer::default(), Asked::default());
        observer.note((0..40).map(|at| name(&format!("N{at}"))), NOW);
        observer.flush(&table, NOW).await.unwrap();
        assert_eq!(table.calls().1, MOST_WRITES);
        observer.flush(&table, NOW).await.unwrap();
        assert_eq!(table.calls().1, 40);
    }

    #[tokio::test]
    async fn a_failing_table_is_asked_again_later_and_nothing_is_lost() {
        let (observer, table) = (Observer::default(), Asked::default());
        *table.is_down.lock().unwrap() = true;
        for _ in 0..5 {
            observer.note([name("A")], NOW);
            let _ = observer.flush(&table, NOW).await;
        }
        assert_eq!(table.calls(), (1, 0));
        *table.is_down.lock().unwrap() = false;
        observer.flush(&table, NOW + SOON).await.unwrap();
        assert_eq!(table.written(), [("A".to_owned(), 5)]);
    }

    /// A table that never answers.
    struct Silent;

    impl Observations for Silent {
        async fn observe(&self, _: &Observation) -> Result<(), StoreError> {
            std::future::pending().await
        }

        async fn observed(&self) -> Result<Vec<Observation>, StoreError> {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn a_table_that_does_not_answer_in_time_is_left_and_nothing_is_lost() {
        let (observer, table) = (Observer::default(), Asked::default());
        observer.note([name("A")], NOW);
        assert!(observer.flush_by(&Silent, NOW, Instant::now()).await.is_err());
        observer.flush_by(&table, NOW, Instant::now() + LONGEST).await.unwrap();
        assert_eq!(table.written(), [("A".to_owned(), 1)]);
    }

    #[tokio::test]
    async fn a_contradicted_fact_that_now_agrees_is_written_soon() {
        let (observer, table) = (Observer::default(), Asked::default());
        observer.note([Sighting { agrees: false, ..name("A") }], NOW);
        observer.flush(&table, NOW).await.unwrap();
        observer.note([name("A")], NOW + SOON);
        observer.flush(&table, NOW + SOON).await.unwrap();
        let agrees: Vec<bool> = table.writes.lock().unwrap().iter().map(|seen| seen.agrees).collect();
        assert_eq!(agrees, [false, true]);
    }

    #[test]
    fn a_costly_measurement_is_made_once_in_five_minutes() {
        let observer = Observer::default();
        let curious = |minutes| observer.is_curious(OpenQuestion::TimeZone, NOW + Duration::minutes(minutes));
        assert_eq!([0, 1, 4, 5, 6].map(curious), [true, false, false, true, false]);
    }
}
