use crate::answers::refused;
use crate::world::{BODY_ID, World, notification, ours, outcome, without_id};
use serde_json::{Value, json};
use webhooks_host::Host;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::{Notification, State};
use webhooks_store::{Answering, Change, Entry};
use webhooks_visma::{Stage, VismaError};

fn codes(world: &World) -> Vec<String> {
    let code = |sent: fixtures::Sent| sent.attributes.into_iter().find(|(name, _)| name == "rejection_code").unwrap().1;
    world.rejected.sent().into_iter().map(code).collect()
}

#[tokio::test]
async fn an_integrators_outcome_is_sent_under_the_ledgers_id() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    assert!(world.batch(&[outcome(&key)], 1).await.is_empty());
    let sent = &world.erp.feedback()[0];
    assert_eq!((sent.id, sent.is_success, sent.description.as_str()), (BODY_ID, false, "No delivery address."));
    assert_eq!(world.state().await, "sent");
}

#[tokio::test]
async fn the_first_outcome_stands() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    for _ in 0..2 {
        assert!(world.batch(&[outcome(&key)], 1).await.is_empty());
    }
    assert_eq!(world.erp.feedback().len(), 1);
}

#[tokio::test]
async fn an_outcome_without_calls_waits_in_the_ledger_and_stands() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    let after = Some(std::time::Duration::from_secs(1800));
    let no_calls = Some(VismaError::RateLimited { stage: Stage::Feedback, after });
    for _ in 0..2 {
        world.erp.fail_feedback([no_calls.clone()]);
        assert!(world.batch(&[outcome(&key)], 1).await.is_empty(), "also if its message comes again");
        assert_eq!(world.state().await, "queued");
    }
    let other = outcome(&key).replace("No delivery address.", "Delivered.");
    assert!(world.batch(&[other], 1).await.is_empty());
    assert_eq!(codes(&world), ["not_deferred"]);
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    let sent = &world.erp.feedback()[0];
    assert_eq!((sent.is_success, sent.description.as_str()), (false, "No delivery address."));
}

#[tokio::test]
async fn an_outcome_is_refused_while_the_answer_waits_for_other_items() {
    let world = World::new().await;
    let (n, now) = (notification(), world.host.now());
    let (deadline, verdict) = (Some(now + time::Duration::hours(2)), Some(Verdict::success("It was processed.")));
    let answer = Answering { feedback: FeedbackState::Awaited, address: Address::of(&n, false), verdict, deadline };
    let change = Change::Ended { state: State::Processed, answer };
    assert!(world.table.table.record(&Entry { notification: &n, change, now }).await.unwrap());
    assert!(world.batch(&[outcome(&n.ledger_key())], 1).await.is_empty());
    assert_eq!((codes(&world), world.state().await), (vec!["not_deferred".to_owned()], "awaited".to_owned()));
}

#[tokio::test]
async fn an_outcome_that_was_sent_is_awaited_no_more() {
    let world = World::new().await;
    let (n, now) = (notification(), world.host.now());
    let (feedback, deadline) = (FeedbackState::Awaited, Some(now + time::Duration::hours(2)));
    let answer = Answering { feedback, address: Address::of(&n, false), verdict: None, deadline };
    let change = Change::Ended { state: State::Processed, answer };
    assert!(world.table.table.record(&Entry { notification: &n, change, now }).await.unwrap());
    assert_eq!(world.table.needing_attention("awaited").await, 1);
    assert!(world.batch(&[outcome(&n.ledger_key())], 1).await.is_empty());
    assert_eq!((world.state().await.as_str(), world.table.needing_attention("awaited").await), ("sent", 0));
}

#[tokio::test]
async fn an_outcome_that_another_one_has_overtaken_is_set_aside() {
    let world = World::new().await;
    let n = Notification { tenant: Some("overtaken".into()), ..notification() };
    let answer = Answering { feedback: FeedbackState::Awaited, address: Address::of(&n, false), ..Answering::none() };
    let change = Change::Ended { state: State::Processed, answer };
    assert!(world.table.table.record(&Entry { notification: &n, change, now: world.host.now() }).await.unwrap());
    world.erp.fail_feedback([refused(404), refused(404)]);
    let message = [outcome(&n.ledger_key())];
    assert_eq!(world.batch(&message, 1).await, [0]);
    assert!(codes(&world).is_empty());
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!((codes(&world), world.state().await), (vec!["not_deferred".to_owned()], "sent".to_owned()));
}

#[tokio::test]
async fn a_malformed_outcome_is_set_aside_with_its_reason_without_delaying_others() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    let mut wrong: Value = serde_json::from_str(&outcome(&key)).unwrap();
    wrong["is_success"] = json!("yes");
    let messages = ["no json".to_owned(), wrong.to_string(), outcome(&key)];
    assert!(world.batch(&messages, 1).await.is_empty());
    assert_eq!(codes(&world), ["not_an_object", "invalid_field"]);
    let aside = &world.rejected.sent()[1];
    assert_eq!(aside.body, wrong.to_string(), "nothing is lost");
    assert!(aside.attributes.contains(&("rejection".into(), "`is_success` is missing or has the wrong form".into())));
    assert_eq!(world.erp.feedback().len(), 1);
}

#[tokio::test]
async fn rejects_an_unrequested_outcome() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    let same = outcome(&key).replace("false", "true").replace("No delivery address.", "Done.");
    for message in [outcome(&key), same] {
        assert!(world.batch(&[message], 1).await.is_empty());
    }
    assert_eq!(codes(&world), ["not_deferred"; 2], "also with the words of the automatic feedback");
    assert!(world.erp.feedback().is_empty());
    for message in [ours(&key), outcome(&key)] {
        assert!(world.batch(&[message], 1).await.is_empty());
    }
    assert_eq!(codes(&world), ["not_deferred"; 3], "also when the automatic feedback was sent");
}

#[tokio::test]
async fn rejects_an_outcome_that_differs_from_the_one_that_was_sent() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    let long = outcome(&key).replace("No delivery address.", &"The order has no delivery address. ".repeat(20));
    for _ in 0..2 {
        assert!(world.batch(std::slice::from_ref(&long), 1).await.is_empty());
    }
    assert!(codes(&world).is_empty(), "the same one may come again, also if its text was cut");
    for other in [long.replace("false", "true"), outcome(&key)] {
        assert!(world.batch(&[other], 1).await.is_empty());
    }
    assert_eq!(codes(&world), ["not_deferred"; 2]);
    assert_eq!(world.rejected.sent()[1].body, outcome(&key), "a person can read it");
    assert_eq!((world.erp.feedback().len(), world.state().await.as_str()), (1, "sent"));
}

#[tokio::test]
async fn rejects_an_outcome_when_the_accountant_was_told_that_it_did_not_come() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    let (verdict, now) = (Verdict::failure("The outcome did not come in time."), world.host.now());
    assert!(world.table.table.expire(&key, &verdict, now, now).await.unwrap());
    for message in [ours(&key), outcome(&key)] {
        assert!(world.batch(&[message], 1).await.is_empty());
    }
    assert_eq!(codes(&world), ["not_deferred"]);
    assert_eq!((world.erp.feedback().len(), world.state().await.as_str()), (1, "sent"));
}

#[tokio::test]
async fn rejects_an_outcome_that_contradicts_a_possibly_sent_one() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    world.erp.fail_feedback([refused(404), refused(404)]);
    assert!(world.batch(&[outcome(&key)], 1).await.is_empty());
    assert_eq!(world.state().await, "parked");
    let other = outcome(&key).replace("No delivery address.", "Delivered.");
    assert!(world.batch(&[other], 1).await.is_empty());
    assert_eq!((codes(&world), world.state().await), (vec!["not_deferred".to_owned()], "parked".to_owned()));
    assert!(world.batch(&[outcome(&key)], 1).await.is_empty());
    assert_eq!(world.state().await, "sent", "the same may be said again");
}

#[tokio::test]
async fn an_outcome_may_be_faster_than_the_ledger_but_not_by_long() {
    let world = World::new().await;
    let message = [outcome(&notification().ledger_key())];
    assert_eq!(world.batch(&message, 1).await, [0]);
    world.host.advance(time::Duration::minutes(15));
    assert!(world.batch(&message, 2).await.is_empty());
    assert_eq!(codes(&world), ["unknown_notification"]);
}

#[tokio::test]
async fn a_rejection_that_cannot_be_put_aside_comes_again() {
    let world = World::new().await;
    world.rejected.refuse(true);
    assert_eq!(world.batch(&["no json".to_owned()], 1).await, [0]);
}

#[tokio::test]
async fn a_rejected_message_without_room_for_its_reason_is_set_aside_whole() {
    let world = World::new().await;
    let foreign = "x".repeat(1024 * 1024);
    assert!(world.batch(std::slice::from_ref(&foreign), 1).await.is_empty());
    let sent = world.rejected.sent();
    let [aside] = sent.as_slice() else { panic!("sent {} times", sent.len()) };
    assert!(aside.body == foreign && aside.attributes.is_empty(), "{:?}", aside.attributes);
    assert_eq!(world.emitted.count("OutcomesRejected not_an_object"), 1);
}

#[tokio::test]
async fn a_parked_feedback_can_be_sent_after_all() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Parked).await;
    assert!(world.batch(&[ours(&key)], 1).await.is_empty());
    assert_eq!(world.state().await, "sent");
}

#[tokio::test]
async fn an_outcome_with_an_impossible_key_is_set_aside_without_delaying_others() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    let mut wrong: Value = serde_json::from_str(&outcome(&key)).unwrap();
    wrong["notification"]["key"] = "x".repeat(3000).into();
    assert!(world.batch(&[wrong.to_string(), outcome(&key)], 1).await.is_empty());
    assert_eq!(codes(&world), ["invalid_field"]);
    let told = "`notification.key` is missing or has the wrong form".to_owned();
    assert!(world.rejected.sent()[0].attributes.contains(&("rejection".into(), told)));
    assert_eq!(world.erp.feedback().len(), 1);
}

#[tokio::test]
async fn a_message_that_the_table_refuses_to_look_for_fails_alone() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Awaited).await;
    let mut wrong: Value = serde_json::from_str(&outcome(&key)).unwrap();
    wrong["notification"]["key"] = "refused".into();
    assert_eq!(world.batch(&[wrong.to_string(), outcome(&key)], 1).await, [0]);
    assert_eq!((world.erp.feedback().len(), world.emitted.count("FeedbackRetried bug")), (1, 1));
}

#[tokio::test]
async fn all_messages_come_again_while_the_table_does_not_answer() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    let with = |name: &str, value: &str| {
        let mut message: Value = serde_json::from_str(&ours(&key)).unwrap();
        message["notification"][name] = value.into();
        message.to_string()
    };
    let (refused, unread) = (with("key", "refused"), with("tenant", "unreadable"));
    assert_eq!(world.batch(&[unread.clone(), ours(&key)], 1).await, [0, 1]);
    assert_eq!(world.batch(&[refused, unread, ours(&key)], 1).await, [0, 1, 2]);
    assert_eq!((world.erp.feedback().len(), world.emitted.count("FeedbackRetried unavailable")), (0, 5));
}

#[tokio::test]
async fn rejects_what_has_no_id_to_answer_under_or_nothing_to_say() {
    let world = World::new().await;
    let nameless = world.ended(&without_id(), FeedbackState::Queued).await;
    let undecided = world.processed_for("another", FeedbackState::Awaited).await;
    assert!(world.batch(&[ours(&nameless), ours(&undecided)], 1).await.is_empty());
    assert_eq!((codes(&world), world.erp.feedback()), (vec!["no_address".to_owned(); 2], vec![]));
}

#[tokio::test]
async fn a_feedback_in_a_state_of_a_newer_version_waits_without_delaying_others() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    world.table.overwrite("N#", "feedback", "on_its_way").await;
    let other = world.processed_for("another", FeedbackState::Queued).await;
    world.host.advance(time::Duration::HOUR);
    assert_eq!(world.batch(&[ours(&key), ours(&other)], 2).await, [0]);
    assert_eq!((world.rejected.sent().len(), world.erp.feedback().len()), (0, 1));
    let tried = ["newer_version", "bug"].map(|reason| world.emitted.count(&format!("FeedbackRetried {reason}")));
    assert_eq!(tried, [1, 0]);
}

#[tokio::test]
async fn a_message_that_a_newer_processor_may_have_sent_waits_before_it_is_rejected() {
    let world = World::new().await;
    let key = world.processed(FeedbackState::Queued).await;
    let with = |name: &str| {
        let mut message: Value = serde_json::from_str(&ours(&key)).unwrap();
        *message.pointer_mut(name).unwrap() = json!("newer");
        message.to_string()
    };
    let messages = [with("/type"), with("/notification/entity")];
    assert_eq!(world.batch(&messages, 1).await, [0, 1]);
    assert!(world.rejected.sent().is_empty());
    world.host.advance(time::Duration::minutes(15));
    assert!(world.batch(&messages, 2).await.is_empty());
    assert_eq!(codes(&world), ["unknown_type", "invalid_field"]);
}
