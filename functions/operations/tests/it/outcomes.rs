//! The outcomes that a finished job shows.

use crate::jobs::{many_resent, refused};
use crate::world::{World, processed};
use fixtures::{TENANT, TestHost};
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Status};
use webhooks_model::ledger::Attempt;
use webhooks_model::{Allowance, Notification, Reason, State};
use webhooks_store::{Action, Answering, Change, Deed, Mark};

const JOB: Uuid = Uuid::from_u128(7);

fn parked() -> Change {
    Change::Parked(Reason::Unmapped)
}

fn dead(world: &World, reason: Reason) -> Change {
    let attempt = Attempt { at: world.host.now(), receive_count: 5, reason, detail: String::new() };
    Change::Dead { attempt, answer: None }
}

/// Records order SO/{number}. Each number is received a second after the one before.
async fn order(world: &World, number: u128, change: Change) -> Notification {
    let received_at = TestHost::START - Duration::hours(1) + Duration::seconds(number as i64);
    let n = world.order(number, world.host.now() - received_at, change).await;
    world.host.advance(Duration::SECOND);
    n
}

/// The URL of a finished replay that put these notifications back.
async fn finished(world: &World, replayed: &[Notification]) -> String {
    finished_of(world, Some(TENANT), replayed).await
}

/// The same with a filter of this tenant, or of all.
async fn finished_of(world: &World, tenant: Option<&str>, replayed: &[Notification]) -> String {
    let tenant = tenant.map(str::to_owned);
    let (from, to) = (TestHost::START - Duration::days(2), TestHost::START);
    let filter = Filter { tenant, states: vec![State::Parked], entity: None, event: None, from, to };
    let job = Job::new(JOB, filter, 10, "op", "once more", world.host.now());
    assert!(world.table.table.create(&job).await.unwrap());
    for n in replayed {
        let note = job.note_beside();
        let action = Action { deed: Deed::Replay, at: world.host.now(), by: "op", note: &note };
        assert!(world.table.table.act(&n.ledger_key(), action).await.unwrap());
    }
    let mut progress = job.progress;
    (progress.status, progress.done) = (Status::Finished, replayed.len() as u64);
    assert!(world.table.table.progress(JOB, &progress).await.unwrap());
    world.host.advance(Duration::minutes(1));
    format!("/operations/v1/jobs/{JOB}")
}

async fn counted(world: &World, job: &str) -> Value {
    let answer = world.get(job).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let mut outcomes = answer.body["outcomes"].clone();
    outcomes.as_object_mut().expect("outcomes").remove("counted_at");
    outcomes
}

fn numbers(succeeded: u64, failed: u64, under_way: u64) -> Value {
    json!({"succeeded": succeeded, "failed": failed, "under_way": under_way, "is_whole": true})
}

#[tokio::test]
async fn a_finished_job_counts_what_succeeded_failed_again_and_is_under_way() {
    let world = World::new().await;
    let mut all = vec![];
    for number in 1..=4 {
        all.push(order(&world, number, parked()).await);
    }
    order(&world, 5, parked()).await;
    let job = finished(&world, &all).await;
    assert_eq!(counted(&world, &job).await, numbers(0, 0, 4), "only notifications that the job put back count");
    order(&world, 1, processed(FeedbackState::Queued)).await;
    order(&world, 2, parked()).await;
    let attempt = dead(&world, Reason::Unavailable);
    order(&world, 3, attempt).await;
    world.host.advance(Duration::minutes(5));
    assert_eq!(counted(&world, &job).await, numbers(1, 2, 1));
    let failed = world.get(&format!("{job}/failed")).await;
    assert_eq!((failed.items("key"), failed.body.get("next")), (vec!["SO/2".to_owned(), "SO/3".to_owned()], None));
}

#[tokio::test]
async fn a_count_that_reads_slowly_continues_with_the_next_request() {
    let world = World::new().await;
    for number in 1..=101 {
        order(&world, number, parked()).await;
    }
    let job = finished(&world, &[]).await;
    world.host.step(Duration::seconds(10));
    assert_eq!(counted(&world, &job).await["is_whole"], false);
    let failed = world.get(&format!("{job}/failed")).await;
    assert!(failed.body["next"].is_string(), "{}", failed.text);
    world.host.step(Duration::ZERO);
    assert_eq!(counted(&world, &job).await, numbers(0, 0, 0));
}

#[tokio::test]
async fn the_counts_are_final_and_listed_after_all_have_ended() {
    let world = World::new().await;
    let n = order(&world, 1, parked()).await;
    let job = finished(&world, &[n]).await;
    assert!(
        world.get("/operations/v1/jobs").await.body["items"][0].get("outcomes").is_none(),
        "no one has requested the job yet"
    );
    order(&world, 1, parked()).await;
    assert_eq!(counted(&world, &job).await, numbers(0, 1, 0));
    order(&world, 1, processed(FeedbackState::Queued)).await;
    world.host.advance(Duration::hours(1));
    assert_eq!(counted(&world, &job).await, numbers(0, 1, 0), "a later repair by others does not count");
    assert_eq!(world.get("/operations/v1/jobs").await.body["items"][0]["outcomes"]["failed"], 1);
}

#[tokio::test]
async fn a_running_last_attempt_counts_as_under_way() {
    let world = World::new().await;
    let n = order(&world, 1, dead(&world, Reason::Unavailable)).await;
    let job = finished(&world, &[n]).await;
    let mark = dead(&world, Reason::Lost);
    order(&world, 1, mark).await;
    assert_eq!(counted(&world, &job).await, numbers(0, 0, 1));
    // An attempt lasts for 15 minutes at most. One second has passed.
    world.host.advance(Duration::minutes(15) - Duration::SECOND);
    assert_eq!(counted(&world, &job).await, numbers(0, 1, 0), "it was lost");
}

#[tokio::test]
async fn a_repetition_of_an_ended_notification_succeeds_when_it_ends_again() {
    let world = World::new().await;
    let n = order(&world, 1, processed(FeedbackState::Sent)).await;
    let key = n.ledger_key();
    world.table.table.replayed(&key, world.host.now()).await.unwrap();
    world.host.advance(Duration::SECOND);
    let job = finished(&world, &[n]).await;
    assert_eq!(counted(&world, &job).await, numbers(0, 0, 1), "it was repeated, but before this job");
    world.table.table.replayed(&key, world.host.now()).await.unwrap();
    world.host.advance(Duration::minutes(5));
    assert_eq!(counted(&world, &job).await, numbers(1, 0, 0));
}

#[tokio::test]
async fn a_notification_that_ends_as_unparseable_needs_a_person_again() {
    let world = World::new().await;
    let unparseable = || Change::Ended { state: State::Unparseable, answer: Answering::none() };
    let all = [order(&world, 1, parked()).await, order(&world, 2, unparseable()).await];
    let job = finished(&world, &all).await;
    order(&world, 1, unparseable()).await;
    assert_eq!(counted(&world, &job).await, numbers(0, 1, 1), "the second has not ended again");
}

#[tokio::test]
async fn a_notification_moved_to_another_key_counts_by_its_end_there() {
    let world = World::new().await;
    let old = order(&world, 1, parked()).await;
    let key = old.ledger_key();
    let job = finished(&world, &[old]).await;
    let new = order(&world, 2, parked()).await;
    world.table.table.moved(&key, &new.ledger_key(), world.host.now()).await.unwrap();
    assert_eq!(counted(&world, &job).await, numbers(0, 1, 0));
    assert_eq!(world.get(&format!("{job}/failed")).await.items("key"), ["SO/2"]);
}

#[tokio::test]
async fn a_notification_whose_end_only_a_newer_version_knows_counts_apart() {
    let world = World::new().await;
    let (old, other) = (order(&world, 1, parked()).await, order(&world, 3, parked()).await);
    let key = old.ledger_key();
    let job = finished(&world, &[old, other]).await;
    let new = order(&world, 2, parked()).await;
    order(&world, 3, parked()).await;
    world.table.table.moved(&key, &new.ledger_key(), world.host.now()).await.unwrap();
    world.table.overwrite(&format!("N#{}", new.key), "state", "postponed").await;
    let mut expected = numbers(0, 1, 0);
    expected["left_out"] = json!(1);
    assert_eq!(counted(&world, &job).await, expected);
}

#[tokio::test]
async fn lists_failed_notifications_page_by_page_each_once() {
    for tenant in [Some(TENANT), None] {
        let world = World::new().await;
        let mut all = vec![];
        for number in 1..=3 {
            all.push(order(&world, number, parked()).await);
        }
        let job = finished_of(&world, tenant, &all).await;
        for number in 1..=3 {
            order(&world, number, parked()).await;
        }
        let (mut keys, mut cursor) = (vec![], String::new());
        loop {
            let answer = world.get(&format!("{job}/failed?limit=1{cursor}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            keys.extend(answer.items("key"));
            let Some(next) = answer.body["next"].as_str() else { break };
            let foreign = format!("/operations/v1/attention?kind=parked&cursor={next}");
            assert_eq!(world.get(&foreign).await.problem(), (400, "unknown_cursor"));
            cursor = format!("&cursor={next}");
        }
        assert_eq!(keys, ["SO/1", "SO/2", "SO/3"], "{tenant:?}");
    }
}

#[tokio::test]
async fn more_feedback_than_one_read_that_waits_for_the_quota_is_under_way() {
    let world = World::new().await;
    let (keys, job) = many_resent(&world).await;
    let (tenant, resets_at) = (TENANT.to_owned(), world.host.now());
    let allowance = Allowance { tenant, limit: None, calls_each: 1, resets_at, released_to: None };
    world.table.table.used_up(&allowance, resets_at).await.unwrap();
    let received_at = resets_at - Duration::hours(1);
    for key in &keys {
        assert!(world.table.table.watch(key, Mark::LimitedFeedback, received_at).await.unwrap());
    }
    assert_eq!(counted(&world, &job).await, numbers(0, 0, 101));
}

#[tokio::test]
async fn more_acknowledged_failures_than_one_read_are_counted() {
    let world = World::new().await;
    let (keys, job) = many_resent(&world).await;
    for key in &keys {
        refused(&world, key, Reason::GaveUp, "feedback: status 503").await;
        let (kind, at) = ("feedback_parked", world.host.now());
        let action = Action { deed: Deed::Acknowledge { kind, changed_at: at }, at, by: "op", note: "" };
        assert!(world.table.table.act(key, action).await.unwrap());
    }
    assert_eq!(counted(&world, &job).await, numbers(0, 101, 0));
}

#[tokio::test]
async fn a_finished_job_is_neither_cancelled_nor_resumed() {
    let world = World::new().await;
    let job = finished(&world, &[]).await;
    for deed in ["cancel", "resume"] {
        let answer = world.repair("POST", &format!("{job}/{deed}"), json!({})).await;
        assert_eq!(answer.problem(), (409, "has_ended"), "{deed}: {}", answer.text);
    }
    assert_eq!(world.get(&job).await.body["status"], "finished");
    assert!(world.repairs.sent().is_empty());
}

#[tokio::test]
async fn a_running_job_shows_no_outcomes() {
    let world = World::new().await;
    order(&world, 1, parked()).await;
    let filter = json!({"tenant": TENANT, "from": "2026-09-25T00:00:00Z", "to": "2026-12-01T00:00:00Z"});
    let job = world.repair("POST", "/operations/v1/jobs", filter).await;
    let url = format!("/operations/v1/jobs/{}", job.body["id"].as_str().unwrap());
    assert!(world.get(&url).await.body.get("outcomes").is_none());
}
