use crate::support::{Fixture, NOW, TENANT, notification};
use time::Duration;
use uuid::Uuid;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Ending, Job, Status, Tally};
use webhooks_model::{Notification, State};
use webhooks_store::{Answering, Change, Entry, RecordPage, place_in_feed, position_after};

fn filter() -> Filter {
    let (from, to) = (NOW - Duration::days(40), NOW + Duration::days(1));
    Filter { tenant: Some(TENANT.into()), states: vec![], entity: None, event: None, from, to }
}

fn order(number: u128, received_before: Duration) -> Notification {
    let body = format!(r#"{{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"{number}"}}"#);
    Notification { received_at: NOW - received_before, ..notification(&body, number) }
}

async fn record(fixture: &Fixture, n: &Notification, change: Change) {
    assert!(fixture.table.record(&Entry { notification: n, change, now: NOW }).await.unwrap());
}

async fn walk(fixture: &Fixture, filter: &Filter, most: i32) -> Vec<String> {
    let (mut keys, mut position) = (vec![], None);
    for _ in 0..200 {
        let page = fixture.table.feed_page(filter, position.as_deref(), most).await.unwrap();
        keys.extend(page.found.into_iter().map(|found| found.key.entity.key));
        position = page.position;
        if position.is_none() {
            return keys;
        }
    }
    panic!("a feed without an end");
}

#[tokio::test]
async fn a_filter_finds_each_match_once_in_the_order_of_receipt() {
    let fixture = Fixture::new().await;
    let ages = [Duration::days(35), Duration::days(35), Duration::days(3), Duration::hours(2), Duration::ZERO];
    for (number, age) in (1..).zip(ages) {
        let done = Change::Ended { state: State::Processed, answer: Answering::none() };
        record(&fixture, &order(number, age), done).await;
    }
    record(&fixture, &order(6, Duration::days(1)), Change::Paused).await;
    for most in [1, 2, 100] {
        let mut keys = walk(&fixture, &filter(), most).await;
        // The first two have the same time of receipt.
        keys[..2].sort();
        assert_eq!(keys, ["SO/1", "SO/2", "SO/3", "SO/6", "SO/4", "SO/5"]);
        let paused = Filter { states: vec![State::Paused], ..filter() };
        assert_eq!(walk(&fixture, &paused, most).await, ["SO/6"]);
        let short = Filter { from: NOW - Duration::days(3), to: NOW, ..filter() };
        assert_eq!(walk(&fixture, &short, most).await, ["SO/3", "SO/6", "SO/4"], "from the start, without the end");
        let from = NOW + Duration::SECOND;
        let within_a_millisecond = Filter { from, to: from + Duration::MICROSECOND, ..filter() };
        assert!(walk(&fixture, &within_a_millisecond, most).await.is_empty(), "no error");
    }
}

#[tokio::test]
async fn a_filter_finds_each_of_several_notifications_of_one_entity() {
    let fixture = Fixture::new().await;
    let first = order(1, Duration::ZERO);
    let all = [notification(&first.raw, 2), first];
    for n in &all {
        record(&fixture, n, Change::Paused).await;
    }
    let recent = Filter { from: NOW - Duration::days(1), ..filter() };
    let found = fixture.table.feed_page(&recent, None, 100).await.unwrap().found;
    assert_eq!(found.len(), 2);
    assert!(all.iter().all(|n| found.iter().any(|one| one.key == n.ledger_key())), "{found:?}");
}

#[tokio::test]
async fn a_filter_of_all_tenants_finds_each_match_once_tenant_by_tenant() {
    let fixture = Fixture::new().await;
    // More tenants of which nothing has come than one page skips.
    for number in 0..30 {
        fixture.table.know(&format!("0-{number:02}"), NOW).await.unwrap();
    }
    for (number, tenant) in (1..).zip(["z-1", TENANT, "z-1", TENANT, TENANT]) {
        let own = Notification { tenant: Some(tenant.into()), ..order(number, Duration::hours(number as i64)) };
        record(&fixture, &own, Change::Paused).await;
        fixture.table.know(tenant, NOW).await.unwrap();
    }
    let all = Filter { tenant: None, ..filter() };
    for most in [1, 2, 100] {
        assert_eq!(walk(&fixture, &all, most).await, ["SO/5", "SO/4", "SO/2", "SO/3", "SO/1"]);
        let short = Filter { from: NOW - Duration::hours(3), ..all.clone() };
        assert_eq!(walk(&fixture, &short, most).await, ["SO/2", "SO/3", "SO/1"]);
    }
    let recent = Filter { from: NOW - Duration::days(1), ..all };
    let RecordPage { records, position: next, .. } = fixture.table.stand(&recent, Some("z-1|"), 1).await.unwrap();
    let position = position_after(&recent, &records[0].position);
    assert_eq!((records[0].key.entity.key.as_str(), next.as_ref()), ("SO/3", Some(&position)));
    assert_eq!(place_in_feed(&recent, &position), records[0].position.at);
}

#[tokio::test]
async fn of_two_writers_of_a_jobs_progress_only_one_succeeds() {
    let fixture = Fixture::new().await;
    let job = Job { expected: Some(60), ..Job::new(Uuid::from_u128(7), filter(), 10, "op", "because", NOW) };
    assert!(fixture.table.create(&job).await.unwrap());
    assert!(!fixture.table.create(&job).await.unwrap(), "once");
    let read = fixture.table.job(job.id).await.unwrap().unwrap();
    assert_eq!(read, job);
    let mut on = read.progress.clone();
    on.done = 3;
    on.position = Some("2026-11-20T00:00:00.000Z".into());
    assert!(fixture.table.progress(job.id, &on).await.unwrap());
    let mut cancelled = read.progress;
    cancelled.status = Status::Cancelled;
    assert!(!fixture.table.progress(job.id, &cancelled).await.unwrap());
    let known = &fixture.table.jobs(10).await.unwrap().0[0];
    assert_eq!((known.progress.done, known.progress.revision), (3, 1));
    assert_eq!(fixture.table.job(Uuid::nil()).await.unwrap(), None);
}

#[tokio::test]
async fn lists_the_newest_jobs_that_it_can_read() {
    let fixture = Fixture::new().await;
    for number in 1..=3 {
        let job = Job::new(Uuid::from_u128(number), filter(), 10, "op", "because", NOW);
        assert!(fixture.table.create(&job).await.unwrap());
    }
    fixture.overwrite(&Uuid::from_u128(3).to_string(), "work", r#"{"recount":{}}"#).await;
    for (most, expected) in [(2, vec![2]), (3, vec![2, 1])] {
        let (jobs, unread) = fixture.table.jobs(most).await.unwrap();
        assert_eq!(jobs.iter().map(|job| job.id.as_u128()).collect::<Vec<_>>(), expected);
        assert_eq!(unread, 1);
    }
}

#[tokio::test]
async fn of_two_tallies_of_a_job_only_one_is_saved() {
    let fixture = Fixture::new().await;
    let job = Job::new(Uuid::from_u128(7), filter(), 10, "op", "because", NOW);
    let mut tally = Tally::new(0, NOW + Duration::milliseconds(1));
    tally.add(Ending::Failed);
    assert!(!fixture.table.note_tally(&job, &tally).await.unwrap(), "there is no such job");
    assert!(fixture.table.create(&job).await.unwrap());
    assert!(fixture.table.note_tally(&job, &tally).await.unwrap());
    assert!(!fixture.table.note_tally(&job, &tally).await.unwrap());
    let known = fixture.table.job(job.id).await.unwrap().unwrap();
    assert_eq!(known.tally.as_ref(), Some(&tally));
    tally.is_whole = true;
    assert!(fixture.table.note_tally(&known, &tally).await.unwrap());
    assert!(fixture.table.progress(job.id, &job.progress).await.unwrap(), "a tally does not change the progress");
}

#[tokio::test]
async fn reads_whole_records_of_a_filter_in_any_current_state() {
    let fixture = Fixture::new().await;
    for number in 1..=3 {
        let done = Change::Ended { state: State::Processed, answer: Answering::none() };
        record(&fixture, &order(number, Duration::minutes(number as i64)), done).await;
    }
    let dead = Filter { states: vec![State::Dead], from: NOW - Duration::days(1), ..filter() };
    let RecordPage { records, position: next, .. } = fixture.table.stand(&dead, None, 2).await.unwrap();
    let keys: Vec<_> = records.iter().map(|record| record.key.entity.key.as_str()).collect();
    assert_eq!((keys, records[0].state), (vec!["SO/3", "SO/2"], State::Processed));
    assert_eq!(next.as_ref(), Some(&records[1].position.at));
}
