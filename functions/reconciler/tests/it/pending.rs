use crate::world::World;
use fixtures::TENANT;
use reconciler::{Report, Requeued};
use serde_json::json;
use time::Duration;
use webhooks_model::feedback::{Address, FeedbackMessage, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Delivery, LedgerKey, Notification, Origin, Reason};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Mark};
use webhooks_telemetry::{Captured, subscriber_for_tests};

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

async fn world() -> World {
    World::with_tenants(json!({"collections": [], "max_gaps": 3}), &[TENANT, OTHER]).await
}

fn awaited(world: &World) -> Answering {
    let deadline = Some(world.now() + Duration::hours(2));
    Answering { feedback: FeedbackState::Awaited, address: Address::default(), verdict: None, deadline }
}

/// A notification whose outcome is awaited.
async fn awaiting(world: &World) -> Notification {
    let n = world.accepted(TENANT, "10001", Origin::Webhook);
    world.end(&n, awaited(world)).await;
    n
}

fn queued() -> Answering {
    let verdict = Some(Verdict::success("Done."));
    Answering { feedback: FeedbackState::Queued, address: Address::default(), verdict, deadline: None }
}

fn failed(world: &World) -> Change {
    let detail = "status 503".to_owned();
    Change::Failed(Attempt { at: world.now(), receive_count: 1, reason: Reason::Unavailable, detail })
}

async fn tried(world: &World, key: &LedgerKey) {
    let attempt = Attempt { at: world.now(), receive_count: 1, reason: Reason::RateLimited, detail: "429".into() };
    world.table.table.answer(key, &Answer::Failed(attempt), world.now()).await.unwrap();
}

async fn verdict(world: &World, key: &LedgerKey) -> (Option<FeedbackState>, Option<Verdict>) {
    let answered = world.table.table.answered(std::slice::from_ref(key)).await.unwrap().remove(key).unwrap();
    (answered.feedback, answered.verdict)
}

/// The notifications that the feedback function was asked to answer.
fn asked(world: &World) -> Vec<LedgerKey> {
    let key = |sent: fixtures::Sent| FeedbackMessage::parse(&sent.body).unwrap().notification().clone();
    world.feedback.sent().into_iter().map(key).collect()
}

fn requeued(report: &Report) -> (usize, usize) {
    (report.requeued.notifications, report.requeued.feedback)
}

#[tokio::test]
async fn a_missing_outcome_is_reported_as_a_failure_once() {
    let world = world().await;
    let n = awaiting(&world).await;
    world.host.advance(Duration::minutes(119));
    assert_eq!(world.run().await.expired, 0);
    world.host.advance(Duration::minutes(2));
    assert_eq!(world.run().await.expired, 1);
    assert_eq!(asked(&world), [n.ledger_key()]);
    let told = Verdict::failure("The outcome of processing customer 10001 did not come in time.");
    assert_eq!(verdict(&world, &n.ledger_key()).await, (Some(FeedbackState::Queued), Some(told)));
    assert_eq!(world.run().await.expired, 0);
    assert_eq!(asked(&world).len(), 1);
    assert_eq!(world.emitted.count("OutcomesExpired"), 1);
}

#[tokio::test]
async fn a_missing_outcome_is_reported_in_the_tenants_language() {
    let mut settings = fixtures::document();
    settings["reconciliation"] = json!({"collections": []});
    settings["tenants"][0]["language"] = json!("nb");
    let world = World::with_document(settings).await;
    let n = awaiting(&world).await;
    world.host.advance(Duration::minutes(121));
    assert_eq!(world.run().await.expired, 1);
    let told = Verdict::failure("Resultatet av behandlingen av kunde 10001 kom ikke i tide.");
    assert_eq!(verdict(&world, &n.ledger_key()).await.1, Some(told));
}

#[tokio::test]
async fn an_outcome_that_came_in_time_and_waits_for_visma_net_does_not_expire() {
    let world = world().await;
    let n = awaiting(&world).await;
    tried(&world, &n.ledger_key()).await;
    world.host.advance(Duration::hours(3));
    assert_eq!(world.run().await.expired, 0);
    let due = world.table.table.due(Mark::Awaited, world.now(), None).await.unwrap();
    assert!(due.pending.is_empty(), "no run looks at it again before its time is over");
    world.host.advance(Duration::hours(24));
    assert_eq!(world.run().await.expired, 0);
    world.host.advance(Duration::hours(2));
    assert_eq!(world.run().await.expired, 1, "whoever tried it is gone");
}

#[tokio::test]
async fn an_outcome_that_an_operator_handed_in_does_not_expire_while_it_is_on_the_queue() {
    let world = world().await;
    let n = awaiting(&world).await;
    world.host.advance(Duration::minutes(110));
    let outcome = Action { deed: Deed::Outcome, at: world.now(), by: "op", note: "" };
    assert!(world.table.table.act(&n.ledger_key(), outcome).await.unwrap());
    for (hours, expired) in [(1, 0), (24, 0), (2, 1)] {
        world.host.advance(Duration::hours(hours));
        assert_eq!(world.run().await.expired, expired, "{hours} hours later");
    }
}

#[tokio::test]
async fn an_outcome_that_was_sent_is_forgotten() {
    let world = world().await;
    let n = awaiting(&world).await;
    // Sent by a feedback function that did not see the mark.
    let sent = Answer::Sent { id: uuid::Uuid::nil(), verdict: Verdict::success("Done."), was_marked: false };
    world.table.table.answer(&n.ledger_key(), &sent, world.now()).await.unwrap();
    world.host.advance(Duration::hours(3));
    assert_eq!(world.run().await.expired, 0);
    assert!(asked(&world).is_empty());
    assert_eq!(world.table.needing_attention(Mark::Awaited.as_str()).await, 0);
}

#[tokio::test]
async fn the_next_run_completes_one_that_died_before_queueing() {
    let world = world().await;
    let n = awaiting(&world).await;
    world.host.advance(Duration::hours(3));
    world.feedback.refuse(true);
    world.run().await;
    assert_eq!(verdict(&world, &n.ledger_key()).await.0, Some(FeedbackState::Queued));
    assert!(asked(&world).is_empty());
    world.feedback.refuse(false);
    world.run().await;
    assert_eq!(asked(&world), [n.ledger_key()]);
}

#[tokio::test]
async fn a_resend_whose_message_was_lost_is_queued_again() {
    let world = world().await;
    let n = world.accepted(TENANT, "10001", Origin::Webhook);
    world.end(&n, queued()).await;
    let detail = "status 400".to_owned();
    let attempt = Attempt { at: world.now(), receive_count: 1, reason: Reason::FeedbackRefused, detail };
    let refused = Answer::Parked { attempt, verdict: Verdict::success("Done.") };
    world.table.table.answer(&n.ledger_key(), &refused, world.now()).await.unwrap();
    let resend = Action { deed: Deed::ResendFeedback, at: world.now(), by: "op", note: "" };
    assert!(world.table.table.act(&n.ledger_key(), resend).await.unwrap());
    world.host.advance(Duration::hours(27));
    assert_eq!(requeued(&world.run().await), (0, 1));
    assert_eq!(asked(&world), [n.ledger_key()]);
}

#[tokio::test]
async fn a_feedback_whose_message_was_lost_is_queued_again_and_again_until_it_is_sent() {
    let world = world().await;
    let n = world.accepted(TENANT, "10001", Origin::Webhook);
    world.end(&n, queued()).await;
    world.host.advance(Duration::hours(25));
    assert_eq!(requeued(&world.run().await), (0, 0), "it may still be tried");
    world.host.advance(Duration::hours(2));
    assert_eq!(requeued(&world.run().await), (0, 1));
    assert_eq!(requeued(&world.run().await), (0, 0));
    world.host.advance(Duration::hours(27));
    assert_eq!(requeued(&world.run().await), (0, 1), "lost again");
    assert_eq!(asked(&world), [n.ledger_key(), n.ledger_key()]);
    let sent = Answer::Sent { id: uuid::Uuid::nil(), verdict: Verdict::success("Done."), was_marked: true };
    world.table.table.answer(&n.ledger_key(), &sent, world.now()).await.unwrap();
    world.host.advance(Duration::hours(27));
    assert_eq!(requeued(&world.run().await), (0, 0));
    assert_eq!(world.emitted.count("StuckRequeued"), 2);
}

#[tokio::test]
async fn the_feedback_of_a_notification_that_has_just_died_is_queued_as_it_cannot_be_watched() {
    let world = world().await;
    let n = world.accepted(TENANT, "10001", Origin::Webhook);
    world.host.advance(Duration::hours(26));
    let Change::Failed(attempt) = failed(&world) else { unreachable!("made so above") };
    world.record(&n, Change::Dead { attempt, answer: Some(queued()) }).await;
    world.host.advance(Duration::hours(1));
    assert_eq!(requeued(&world.run().await), (0, 1));
    assert_eq!(asked(&world), [n.ledger_key()]);
    assert_eq!(requeued(&world.run().await), (0, 0), "the feed is read once");
    assert_eq!(world.table.needing_attention("dead").await, 1);
}

#[tokio::test]
async fn a_feedback_that_was_tried_lately_is_given_its_time() {
    let world = world().await;
    let n = world.accepted(TENANT, "10001", Origin::Webhook);
    world.end(&n, queued()).await;
    world.host.advance(Duration::hours(24));
    tried(&world, &n.ledger_key()).await;
    world.host.advance(Duration::hours(3));
    assert_eq!(requeued(&world.run().await), (0, 0));
    world.host.advance(Duration::hours(24));
    assert_eq!(requeued(&world.run().await), (0, 1));
}

#[tokio::test]
async fn a_notification_whose_message_was_lost_comes_again_as_it_was() {
    let world = world().await;
    let n = world.accepted(TENANT, "10001", Origin::Webhook);
    world.record(&n, failed(&world)).await;
    world.host.advance(Duration::hours(25));
    assert_eq!(requeued(&world.run().await), (0, 0));
    world.record(&n, failed(&world)).await;
    world.host.advance(Duration::hours(2));
    assert_eq!(requeued(&world.run().await), (0, 0), "it was tried lately");
    world.host.advance(Duration::hours(25));
    assert_eq!(requeued(&world.run().await), (1, 0));
    let delivery = Delivery::from_message(&world.queue.sent()[0].body).unwrap();
    let again = Notification::read(&delivery, delivery.items().unwrap()[0], &NoDirectory);
    assert_eq!(again, Notification { origin: Origin::Replay, replays: Some(n.ledger_key()), ..n.clone() });
    world.end(&again, Answering::none()).await;
    world.host.advance(Duration::hours(27));
    assert_eq!(world.run().await.requeued, Requeued::default());
}

#[tokio::test]
async fn work_over_the_limit_continues_in_the_next_run_without_repetition() {
    let world = world().await;
    let mut all = Vec::new();
    for (tenant, key) in [TENANT, OTHER].into_iter().flat_map(|tenant| (0..4).map(move |key| (tenant, key))) {
        let n = world.accepted(tenant, &key.to_string(), Origin::Webhook);
        world.end(&n, queued()).await;
        all.push(n.ledger_key());
    }
    world.host.advance(Duration::hours(27));
    for expected in [3, 3, 2, 0] {
        assert_eq!(world.run().await.requeued.feedback, expected);
    }
    let mut asked = asked(&world);
    let order = |key: &LedgerKey| serde_json::to_string(key).unwrap();
    asked.sort_by_key(order);
    all.sort_by_key(order);
    assert_eq!(asked, all);
}

#[tokio::test]
async fn a_run_begins_with_the_tenant_for_which_the_last_one_had_no_room() {
    let world = world().await;
    for (tenant, many) in [(TENANT, 6), (OTHER, 3)] {
        for key in 0..many {
            world.end(&world.accepted(tenant, &key.to_string(), Origin::Webhook), queued()).await;
        }
    }
    world.host.advance(Duration::hours(27));
    for _ in 0..3 {
        assert_eq!(world.run().await.requeued.feedback, 3);
    }
    let tenants: Vec<String> = asked(&world).into_iter().map(|key| key.entity.tenant).collect();
    assert_eq!(tenants.chunks(3).collect::<Vec<_>>(), [[TENANT; 3], [OTHER; 3], [TENANT; 3]]);
}

#[tokio::test]
async fn lost_feedback_is_found_for_each_known_tenant_in_turn_also_without_one_in_the_settings() {
    let world = world().await;
    let (parked, shown) = ("only-parked", "only-shown");
    for (tenant, many) in [(OTHER, 4), (parked, 1), (shown, 1)] {
        for key in 0..many {
            world.end(&world.accepted(tenant, &key.to_string(), Origin::Webhook), queued()).await;
        }
    }
    world.record(&world.accepted(parked, "9", Origin::Webhook), Change::Parked(Reason::Unmapped)).await;
    world.table.table.know(shown, world.now()).await.unwrap();
    world.host.advance(Duration::hours(27));
    for _ in 0..2 {
        assert_eq!(world.run().await.requeued.feedback, 3);
    }
    let tenants: Vec<String> = asked(&world).into_iter().map(|key| key.entity.tenant).collect();
    assert_eq!(tenants, [OTHER, OTHER, OTHER, parked, shown, OTHER]);
}

#[tokio::test]
async fn a_run_looks_through_five_hundred_pages_of_the_feed_and_the_next_goes_on() {
    let world = world().await;
    world.host.advance(Duration::minutes(2));
    world.end(&world.accepted(TENANT, "1", Origin::Webhook), Answering::none()).await;
    world.end(&world.accepted(OTHER, "2", Origin::Webhook), queued()).await;
    world.host.advance(Duration::hours(27));
    world.cost.fill_pages(501);
    for feedback in [0, 1] {
        assert_eq!(requeued(&world.run().await), (0, feedback));
    }
}

#[tokio::test]
async fn the_line_of_a_run_counts_both_kinds_of_stuck_work() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = world().await;
    world.record(&world.accepted(TENANT, "1", Origin::Webhook), failed(&world)).await;
    for key in ["2", "3"] {
        world.end(&world.accepted(TENANT, key, Origin::Webhook), queued()).await;
    }
    world.host.advance(Duration::hours(27));
    assert_eq!(requeued(&world.run().await), (1, 2));
    let line = captured.lines().into_iter().find(|line| line["message"] == "reconciled").unwrap();
    assert_eq!((&line["requeued"], &line["tenants"]), (&json!(3), &json!(2)));
    assert!(!captured.text().contains("passed over"), "{}", captured.text());
}

#[tokio::test]
async fn leaves_alone_what_waits_for_a_person() {
    let world = world().await;
    let (parked, dead) = (world.accepted(TENANT, "1", Origin::Webhook), world.accepted(TENANT, "2", Origin::Webhook));
    world.record(&parked, Change::Parked(Reason::Unmapped)).await;
    let Change::Failed(attempt) = failed(&world) else { unreachable!("made so above") };
    world.record(&dead, Change::Dead { attempt, answer: None }).await;
    world.host.advance(Duration::hours(30));
    assert_eq!(requeued(&world.run().await), (0, 0));
    assert_eq!(world.table.needing_attention("parked").await + world.table.needing_attention("dead").await, 2);
}

#[tokio::test]
async fn a_run_for_one_tenant_looks_through_the_feed_of_that_one_only() {
    let world = world().await;
    for tenant in [TENANT, OTHER] {
        world.end(&world.accepted(tenant, "1", Origin::Webhook), queued()).await;
    }
    world.host.advance(Duration::hours(27));
    assert_eq!(world.run_for(Some(OTHER)).await.requeued.feedback, 1);
    assert_eq!(asked(&world)[0].entity.tenant, OTHER);
}

#[tokio::test]
async fn leaves_a_record_of_a_newer_version_and_its_mark_alone() {
    let world = world().await;
    let n = world.accepted(TENANT, "10001", Origin::Webhook);
    world.record(&n, failed(&world)).await;
    world.table.overwrite("N#", "state", "postponed").await;
    world.host.advance(Duration::hours(30));
    let report = world.run().await;
    assert_eq!((requeued(&report), report.unread), ((0, 0), 1), "the report counts what it passes over");
    assert_eq!(world.run().await.unread, 1, "each run does, as long as it has the mark");
    assert_eq!(world.table.needing_attention("retrying").await, 1);
}

#[tokio::test]
async fn a_record_of_a_newer_version_without_a_mark_is_counted_by_the_run_that_passes_it_over() {
    let world = world().await;
    world.end(&world.accepted(TENANT, "10001", Origin::Webhook), queued()).await;
    world.table.overwrite("N#", "state", "postponed").await;
    world.host.advance(Duration::hours(27));
    for unread in [1, 0] {
        let report = world.run().await;
        assert_eq!((requeued(&report), report.unread), ((0, 0), unread));
    }
}

#[tokio::test]
async fn a_record_that_only_a_newer_version_can_send_does_not_stop_the_run() {
    let world = world().await;
    for key in ["1", "2", "3"] {
        let n = world.accepted(TENANT, key, Origin::Webhook);
        world.record(&n, failed(&world)).await;
        world.host.advance(Duration::SECOND);
    }
    world.table.overwrite("N#", "proof", "sealed").await;
    world.host.advance(Duration::days(3));
    assert_eq!(requeued(&world.run().await), (2, 0));
    assert_eq!(world.table.needing_attention("retrying").await, 3, "it is watched like the others");
}

#[tokio::test]
async fn finds_stuck_work_behind_many_records_of_a_newer_version() {
    let world = world().await;
    for key in 0..100 {
        let n = world.accepted(TENANT, &key.to_string(), Origin::Webhook);
        world.record(&n, failed(&world)).await;
    }
    for item in world.table.items().await {
        let name = item["sk"].as_s().unwrap();
        if name.starts_with("N#") {
            world.table.overwrite(name, "state", "postponed").await;
        }
    }
    world.host.advance(Duration::SECOND);
    let n = world.accepted(TENANT, "10001", Origin::Webhook);
    world.record(&n, failed(&world)).await;
    world.host.advance(Duration::days(3));
    assert_eq!(requeued(&world.run().await), (1, 0));
}
