use super::*;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// A table that records its requests.
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
        self.answer(())?;
        self.writes.lock().unwrap().push(seen.clone());
        Ok(())
    }

    async fn observed(&self) -> Result<Vec<Observation>, StoreError> {
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
