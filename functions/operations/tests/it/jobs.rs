//! Jobs that begin after a plan: resends of parked feedback by filter, and erasures of a tenant.

use crate::bounds::all;
use crate::world::{World, order, processed, token};
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::job::Status;
use webhooks_model::ledger::Attempt;
use webhooks_model::{Allowance, LedgerKey, Notification, Reason};
use webhooks_store::{Action, Answer, Answers, Change, Deed, Entry, Mark};

const PLANS: &str = "/operations/v1/feedback/plans";
const RESENDS: &str = "/operations/v1/feedback/resends";

pub(crate) async fn refused(world: &World, key: &LedgerKey, reason: Reason, detail: &str) {
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
        (json!({"cause": "x".repeat(300)}), 0),
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
    let plan = world.repair("POST", PLANS, json!({})).await.body;
    assert_eq!((&plan["count"], &plan["at_least"]), (&101.into(), &false.into()), "{plan}");
    assert_eq!(plan["sample"].as_array().unwrap().len(), 10);
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
    let watched = world.table.table.due(Mark::Queued, world.host.now(), None).await.unwrap().pending;
    assert_eq!(watched.into_iter().map(|one| one.key).collect::<Vec<_>>(), [key]);
    world.feedback.refuse(false);
    assert_eq!(world.repair("POST", &url, json!({})).await.status, StatusCode::ACCEPTED);
}

/// Does what the repair function would do for a resend of these, and returns the job's URL.
async fn resent(world: &World, begun: &Value, keys: &[LedgerKey]) -> String {
    let id = begun["id"].as_str().unwrap();
    let job = world.table.table.job(Uuid::try_parse(id).unwrap()).await.unwrap().unwrap();
    let note = job.note_beside();
    for key in keys {
        let action = Action { deed: Deed::ResendParked, at: world.host.now(), by: "op-1", note: &note };
        assert!(world.table.table.act(key, action).await.unwrap());
        assert!(!world.table.table.act(key, action).await.unwrap(), "it is no longer parked");
    }
    let mut progress = job.progress;
    (progress.status, progress.done) = (Status::Finished, keys.len() as u64);
    assert!(world.table.table.progress(job.id, &progress).await.unwrap());
    format!("/operations/v1/jobs/{id}")
}

/// More orders than one read has. The feedback of each was refused, and a finished job has resent
/// it. Returns their keys and the job's URL.
pub(crate) async fn many_resent(world: &World) -> (Vec<LedgerKey>, String) {
    let mut keys = vec![];
    for number in 1..=101 {
        let n = world.order(number, Duration::hours(1), processed(FeedbackState::Queued)).await;
        refused(world, &n.ledger_key(), Reason::GaveUp, "feedback: status 503").await;
        keys.push(n.ledger_key());
    }
    let begun = world.repair("POST", RESENDS, json!({})).await.body;
    let url = resent(world, &begun, &keys).await;
    (keys, url)
}

async fn accepted(world: &World, key: &LedgerKey) {
    let sent = Answer::Sent { id: Uuid::from_u128(1), verdict: Verdict::success("Done."), was_marked: true };
    world.table.table.answer(key, &sent, world.host.now()).await.unwrap();
}

#[tokio::test]
async fn a_resend_is_a_job_that_shows_its_filter_and_outcomes() {
    let world = World::new().await;
    let keys = three_parked(&world).await;
    let begun = world.repair("POST", RESENDS, json!({"reason": "gave_up", "note": "503 is over"})).await;
    assert_eq!((begun.status, &begun.body["kind"]), (StatusCode::ACCEPTED, &"resend".into()));
    assert_eq!((&begun.body["expected"], &begun.body["feedback"]["reason"]), (&2.into(), &"gave_up".into()));
    assert_eq!(world.repairs.sent()[0].json()["job"], begun.body["id"]);

    let url = resent(&world, &begun.body, &keys[1..]).await;
    let outcomes = async || -> Value { world.get(&url).await.body["outcomes"].clone() };
    assert_eq!(outcomes().await["under_way"], 2);
    world.host.advance(Duration::minutes(1));
    accepted(&world, &keys[1]).await;
    refused(&world, &keys[2], Reason::FeedbackRefused, "feedback: refused (404)").await;
    world.host.advance(Duration::minutes(1));
    let told = outcomes().await;
    assert_eq!((&told["succeeded"], &told["failed"], &told["under_way"]), (&1.into(), &1.into(), &0.into()));
    assert_eq!(world.get(&format!("{url}/failed")).await.items("key"), ["SO/3"]);
}

#[tokio::test]
async fn resent_feedback_that_waits_for_the_quota_is_under_way() {
    for filter in [json!({}), json!({"tenant": TENANT})] {
        let world = World::new().await;
        let keys = three_parked(&world).await;
        let begun = world.repair("POST", RESENDS, filter.clone()).await.body;
        let url = resent(&world, &begun, &keys).await;
        let now = world.host.now();
        for tenant in ["0", TENANT] {
            let tenant = tenant.to_owned();
            let allowance = Allowance { tenant, limit: None, calls_each: 1, resets_at: now, released_to: None };
            world.table.table.used_up(&allowance, now).await.unwrap();
        }
        let received_at = now - Duration::hours(1);
        world.table.table.watch(&keys[0], Mark::LimitedFeedback, received_at).await.unwrap();
        accepted(&world, &keys[1]).await;
        let told = world.get(&url).await.body["outcomes"].clone();
        assert_eq!((&told["succeeded"], &told["under_way"]), (&1.into(), &2.into()), "{filter}: {told}");
    }
}

#[tokio::test]
async fn resent_feedback_that_goes_back_on_its_way_during_a_count_has_not_succeeded() {
    let world = World::new().await;
    let keys = three_parked(&world).await;
    let begun = world.repair("POST", RESENDS, json!({})).await.body;
    let url = resent(&world, &begun, &keys[..1]).await;
    refused(&world, &keys[0], Reason::GaveUp, "feedback: status 503").await;
    // A request that reads slowly reads one list only: here what is on its way.
    world.host.step(Duration::seconds(10));
    assert_eq!(world.get(&url).await.body["outcomes"]["is_whole"], false);
    world.host.step(Duration::ZERO);
    let again = format!("/operations/v1/notifications/{}/feedback", world.reference(1).await);
    assert_eq!(world.repair("POST", &again, json!({})).await.status, StatusCode::ACCEPTED);
    let told = world.get(&url).await.body["outcomes"].clone();
    assert_eq!((&told["succeeded"], &told["under_way"]), (&0.into(), &1.into()), "{told}");
    assert_eq!(told["is_whole"], true);
}

#[tokio::test]
async fn an_attempt_from_before_a_resend_does_not_make_it_fail() {
    let world = World::new().await;
    let keys = three_parked(&world).await;
    let begun = world.repair("POST", RESENDS, json!({})).await.body;
    world.host.advance(Duration::seconds(10));
    let url = resent(&world, &begun, &keys[..2]).await;
    // It was read before the resend set the mark, so the mark stays.
    let verdict = Verdict::success("Done.");
    let sent = Answer::Sent { id: Uuid::from_u128(1), verdict: verdict.clone(), was_marked: false };
    world.table.table.answer(&keys[0], &sent, world.host.now()).await.unwrap();
    let at = world.host.now() - Duration::seconds(5);
    let attempt = Attempt { at, receive_count: 1, reason: Reason::GaveUp, detail: String::new() };
    world.table.table.answer(&keys[1], &Answer::Parked { attempt, verdict }, at).await.unwrap();
    let told = world.get(&url).await.body["outcomes"].clone();
    assert_eq!((&told["succeeded"], &told["failed"], &told["under_way"]), (&1.into(), &0.into(), &1.into()));
}

#[tokio::test]
async fn feedback_that_is_refused_again_has_failed_also_if_it_is_acknowledged_or_held() {
    let world = World::new().await;
    let mut keys = three_parked(&world).await;
    let Change::Ended { answer, .. } = processed(FeedbackState::Queued) else { panic!("it ends") };
    let (at, reason) = (world.host.now(), Reason::Unavailable);
    let attempt = Attempt { at, receive_count: 5, reason, detail: String::new() };
    let dead = world.order(4, Duration::hours(1), Change::Dead { attempt, answer: Some(answer) }).await;
    keys.push(dead.ledger_key());
    refused(&world, &keys[3], Reason::GaveUp, "feedback: status 503").await;
    let begun = world.repair("POST", RESENDS, json!({})).await.body;
    let url = resent(&world, &begun, &keys).await;
    accepted(&world, &keys[0]).await;
    for key in &keys[1..] {
        refused(&world, key, Reason::FeedbackRefused, "feedback: refused (404)").await;
    }
    for (number, deed) in [(2, "acknowledgement"), (4, "hold")] {
        let deed = format!("/operations/v1/notifications/{}/{deed}", world.reference(number).await);
        assert_eq!(world.repair("POST", &deed, json!({})).await.status, StatusCode::NO_CONTENT, "{deed}");
    }
    let told = world.get(&url).await.body["outcomes"].clone();
    assert_eq!((&told["succeeded"], &told["failed"], &told["under_way"]), (&1.into(), &3.into(), &0.into()), "{told}");
    assert_eq!(all(&world, &format!("{url}/failed?limit=1")).await, ["SO/3", "SO/2", "SO/4"]);
}

#[tokio::test]
async fn a_resend_counts_what_a_function_with_a_slower_clock_has_put_back() {
    let world = World::new().await;
    let keys = three_parked(&world).await;
    let begun = world.repair("POST", RESENDS, json!({})).await.body;
    world.host.advance(Duration::seconds(-30));
    let url = resent(&world, &begun, &keys[..2]).await;
    refused(&world, &keys[0], Reason::GaveUp, "feedback: status 503").await;
    world.host.advance(Duration::minutes(1));
    let told = world.get(&url).await.body["outcomes"].clone();
    assert_eq!((&told["succeeded"], &told["failed"], &told["under_way"]), (&0.into(), &1.into(), &1.into()), "{told}");
}

#[tokio::test]
async fn more_failures_than_one_read_are_counted_and_listed_each_once() {
    let world = World::new().await;
    let (keys, url) = many_resent(&world).await;
    for key in &keys {
        refused(&world, key, Reason::GaveUp, "feedback: status 503").await;
    }
    let told = world.get(&url).await.body["outcomes"].clone();
    assert_eq!((&told["failed"], &told["is_whole"]), (&101.into(), &true.into()), "{told}");
    let mut failed = all(&world, &format!("{url}/failed?limit=50")).await;
    assert_eq!(failed.len(), 101);
    failed.sort();
    failed.dedup();
    assert_eq!(failed.len(), 101, "each once");
}

#[tokio::test]
async fn resent_feedback_that_only_a_newer_version_can_read_has_not_succeeded() {
    let world = World::new().await;
    let keys = three_parked(&world).await;
    let begun = world.repair("POST", RESENDS, json!({})).await.body;
    let url = resent(&world, &begun, &keys).await;
    refused(&world, &keys[0], Reason::GaveUp, "feedback: status 503").await;
    for key in &keys[..2] {
        world.table.overwrite(&format!("N#{}", key.notification), "state", "postponed").await;
    }
    accepted(&world, &keys[2]).await;
    let told = world.get(&url).await.body["outcomes"].clone();
    assert_eq!((&told["succeeded"], &told["failed"], &told["under_way"]), (&1.into(), &0.into(), &0.into()));
    assert_eq!((&told["left_out"], &told["is_whole"]), (&2.into(), &true.into()), "one parked, one on its way");
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

const ERASURES: &str = "/operations/erasures";

async fn ask(world: &World, path: &str, body: Value) -> crate::world::Answer {
    world.ask("POST", path, token("visma-webhooks/erase"), Some(body)).await
}

#[tokio::test]
async fn erases_a_fully_paused_tenant_by_a_job_after_a_plan() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let request = json!({"tenant": TENANT, "confirm": TENANT, "note": "contract ended"});
    let plan = ask(&world, "/operations/erasures/plans", request.clone()).await;
    assert_eq!((plan.status, &plan.body["at_least"]), (StatusCode::OK, &json!(false)));
    assert!(plan.body["count"].as_u64().unwrap() >= 1, "{}", plan.body);
    assert_eq!(ask(&world, ERASURES, request.clone()).await.problem(), (409, "not_paused"));
    assert!(world.repairs.sent().is_empty());

    let some = json!({"tenant": TENANT, "events": "sales_order.*"});
    world.repair("PUT", "/operations/v1/pauses", some).await;
    assert_eq!(ask(&world, ERASURES, request.clone()).await.problem(), (409, "not_paused"));
    let until = (world.host.now() + Duration::DAY).format(&Rfc3339).unwrap();
    let ending = json!({"tenant": TENANT, "events": "*", "until": until});
    assert_eq!(world.repair("PUT", "/operations/v1/pauses", ending).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(&world, ERASURES, request.clone()).await.problem(), (409, "not_paused"), "it may end too early");
    let all = json!({"tenant": TENANT, "events": "*"});
    world.repair("PUT", "/operations/v1/pauses", all).await;
    let begun = ask(&world, ERASURES, request).await;
    assert_eq!((begun.status, &begun.body["kind"]), (StatusCode::ACCEPTED, &json!("erase")));
    assert_eq!(world.repairs.sent().len(), 1);
    let audit = world.get("/operations/v1/audit").await.body;
    assert_eq!(
        (&audit["items"][0]["deed"], &audit["items"][0]["by"]),
        (&json!("erase_tenant"), &json!("op-1")),
        "{audit}"
    );
}

#[tokio::test]
async fn a_plan_of_an_erasure_that_reads_slowly_ends_early() {
    let world = World::new().await;
    // Four fit into a page of 1 MB, and the plan looks at the clock after each page.
    for number in 1_u128..=5 {
        let n = Notification { raw: "x".repeat(250_000), ..order(number) };
        let entry = Entry { notification: &n, change: processed(FeedbackState::Sent), now: world.host.now() };
        assert!(world.table.table.record(&entry).await.unwrap());
    }
    let request = json!({"tenant": TENANT, "confirm": TENANT});
    let plan = ask(&world, "/operations/erasures/plans", request.clone()).await.body;
    assert_eq!((&plan["count"], &plan["at_least"]), (&json!(5), &json!(false)), "{plan}");
    world.host.step(Duration::seconds(10));
    let plan = ask(&world, "/operations/erasures/plans", request).await.body;
    assert_eq!((&plan["count"], &plan["at_least"]), (&json!(4), &json!(true)), "{plan}");
}

#[tokio::test]
async fn an_erasure_must_name_the_tenant_twice() {
    let world = World::new().await;
    for path in [ERASURES, "/operations/erasures/plans"] {
        for (body, field) in [
            (json!({"tenant": TENANT, "confirm": "another"}), "confirm"),
            (json!({"tenant": "a b", "confirm": "a b"}), "tenant"),
            (json!({"tenant": TENANT, "confirm": TENANT, "rate": 101}), "rate"),
        ] {
            let answer = ask(&world, path, body).await;
            assert_eq!(
                (answer.status, answer.body["field"].as_str()),
                (StatusCode::BAD_REQUEST, Some(field)),
                "{}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn refuses_an_erasure_written_as_a_list() {
    let world = World::new().await;
    for path in [ERASURES, "/operations/erasures/plans"] {
        let answer = ask(&world, path, json!([TENANT, TENANT])).await;
        assert_eq!((answer.problem(), &answer.body["field"]), ((422, "field_type"), &Value::Null));
        assert_eq!(answer.body["detail"], "The body must be an object.");
    }
}
