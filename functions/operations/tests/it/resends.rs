//! Resends of parked feedback by filter.

use crate::world::{World, processed, token};
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::job::Status;
use webhooks_model::ledger::Attempt;
use webhooks_model::{LedgerKey, Reason};
use webhooks_store::{Action, Answer, Answers, Deed, Mark};

const PLANS: &str = "/operations/v1/feedback/plans";
const RESENDS: &str = "/operations/v1/feedback/resends";

async fn refused(world: &World, key: &LedgerKey, reason: Reason, detail: &str) {
    let at = world.host.now();
    let attempt = Attempt { at, receive_count: 1, reason, detail: detail.into() };
    let answer = Answer::Parked { attempt, verdict: Verdict::success("Done.") };
    world.table.table.answer(key, &answer, at).await.unwrap();
    world.host.advance(Duration::SECOND);
}

/// Orders 1 to 3, whose feedback is parked, two of them for the same cause.
async fn three_parked(world: &World) -> Vec<LedgerKey> {
    let mut keys = vec![];
    for number in 1..=3 {
        let n = world.order(number, Duration::hours(1), processed(FeedbackState::Queued)).await;
        let (reason, detail) = match number {
            1 => (Reason::FeedbackRefused, "feedback: refused (404)"),
            _ => (Reason::GaveUp, "feedback: status 503"),
        };
        refused(world, &n.ledger_key(), reason, detail).await;
        keys.push(n.ledger_key());
    }
    keys
}

#[tokio::test]
async fn a_plan_counts_parked_feedback_and_lists_its_causes() {
    let world = World::new().await;
    three_parked(&world).await;
    let plan = world.repair("POST", PLANS, json!({"rate": 2})).await;
    assert_eq!(plan.status, StatusCode::OK, "{}", plan.body);
    let plan = plan.body;
    assert_eq!((&plan["count"], &plan["at_least"], &plan["seconds"]), (&3.into(), &false.into(), &2.into()));
    let causes = json!([
        {"reason": "gave_up", "cause": "feedback: status 503", "count": 2},
        {"reason": "feedback_refused", "cause": "feedback: refused (404)", "count": 1},
    ]);
    assert_eq!((&plan["causes"], plan["notifications"].as_array().unwrap().len()), (&causes, 3));
    for (filter, count) in [
        (json!({"tenant": TENANT}), 3),
        (json!({"tenant": "other"}), 0),
        (json!({"reason": "gave_up"}), 2),
        (json!({"cause": "(404)"}), 1),
        (json!({"from": "2026-11-23T12:00:01Z"}), 2),
        (json!({"to": "2026-11-23T12:00:01Z"}), 1),
    ] {
        assert_eq!(world.repair("POST", PLANS, filter.clone()).await.body["count"], count, "{filter}");
    }
    assert!(world.feedback.sent().is_empty() && world.repairs.sent().is_empty(), "a plan does nothing");
}

#[tokio::test]
async fn a_plan_of_a_resend_that_reads_slowly_ends_early() {
    let world = World::new().await;
    for number in 1..=101 {
        let n = world.order(number, Duration::hours(1), processed(FeedbackState::Queued)).await;
        refused(&world, &n.ledger_key(), Reason::GaveUp, "feedback: status 503").await;
    }
    world.host.step(Duration::seconds(10));
    let plan = world.repair("POST", PLANS, json!({})).await.body;
    assert_eq!((&plan["count"], &plan["at_least"]), (&100.into(), &true.into()), "{plan}");
}

#[tokio::test]
async fn a_resend_whose_message_is_refused_is_watched_and_can_be_given_again() {
    let world = World::new().await;
    let key = three_parked(&world).await.remove(0);
    let url = format!("/operations/v1/notifications/{}/feedback", world.reference(1).await);
    world.feedback.refuse(true);
    assert_eq!(world.repair("POST", &url, json!({})).await.problem(), (503, "unavailable"));
    let watched = world.table.table.due(Mark::Queued, world.host.now()).await.unwrap();
    assert_eq!(watched.into_iter().map(|one| one.key).collect::<Vec<_>>(), [key]);
    world.feedback.refuse(false);
    assert_eq!(world.repair("POST", &url, json!({})).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_resend_is_a_job_that_shows_its_filter_and_outcomes() {
    let world = World::new().await;
    let keys = three_parked(&world).await;
    let begun = world.repair("POST", RESENDS, json!({"reason": "gave_up", "note": "503 is over"})).await;
    assert_eq!((begun.status, &begun.body["kind"]), (StatusCode::ACCEPTED, &"resend".into()));
    assert_eq!((&begun.body["expected"], &begun.body["feedback"]["reason"]), (&2.into(), &"gave_up".into()));
    let id = begun.body["id"].as_str().unwrap();
    assert_eq!(world.repairs.sent()[0].json()["job"], id);

    // Does what the repair function would do.
    let job = world.table.table.job(Uuid::try_parse(id).unwrap()).await.unwrap().unwrap();
    let note = job.note_beside();
    for key in &keys[1..] {
        let action = Action { deed: Deed::ResendParked, at: world.host.now(), by: "op-1", note: &note };
        assert!(world.table.table.act(key, action).await.unwrap());
        assert!(!world.table.table.act(key, action).await.unwrap(), "it is no longer parked");
    }
    let mut progress = job.progress;
    (progress.status, progress.done) = (Status::Finished, 2);
    assert!(world.table.table.progress(job.id, &progress).await.unwrap());

    let url = format!("/operations/v1/jobs/{id}");
    let outcomes = async || -> Value { world.get(&url).await.body["outcomes"].clone() };
    assert_eq!(outcomes().await["under_way"], 2);
    world.host.advance(Duration::minutes(1));
    let sent = Answer::Sent { id: Uuid::from_u128(1), verdict: Verdict::success("Done."), was_marked: true };
    world.table.table.answer(&keys[1], &sent, world.host.now()).await.unwrap();
    refused(&world, &keys[2], Reason::FeedbackRefused, "feedback: refused (404)").await;
    world.host.advance(Duration::minutes(1));
    let told = outcomes().await;
    assert_eq!((&told["succeeded"], &told["failed"], &told["under_way"]), (&1.into(), &1.into(), &0.into()));
    assert_eq!(world.get(&format!("{url}/failed")).await.items("key"), ["SO/3"]);
}

#[tokio::test]
async fn a_refused_resend_begins_no_job() {
    let world = World::new().await;
    three_parked(&world).await;
    for (body, code) in [
        (json!({"reason": "no_such"}), "invalid_parameter"),
        (json!({"tenant": "not a name"}), "invalid_parameter"),
        (json!({"cause": "x".repeat(301)}), "invalid_parameter"),
        (json!({"from": "2026-12-24T00:00:00Z"}), "invalid_parameter"),
        (json!({"from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z"}), "invalid_parameter"),
        (json!({"rate": 0}), "invalid_parameter"),
        (json!({"colour": "red"}), "field_unknown"),
    ] {
        for url in [PLANS, RESENDS] {
            assert_eq!(world.repair("POST", url, body.clone()).await.problem().1, code, "{body}");
        }
    }
    let reader = world.ask("POST", RESENDS, token("visma-webhooks/read"), Some(json!({}))).await;
    assert_eq!(reader.problem(), (403, "forbidden"));
    assert!(world.repairs.sent().is_empty());
}
