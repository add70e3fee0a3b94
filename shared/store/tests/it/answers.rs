use crate::support::{Fixture, NOW, notification, order};
use time::Duration;
use uuid::Uuid;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::{LedgerKey, Notification, Reason, State};
use webhooks_store::{Answer, Answered, Answering, Answers, Change, Entry, StoreError};

fn sent(text: &str) -> Answer {
    Answer::Sent { id: Uuid::from_u128(1), verdict: Verdict::success(text), was_marked: false }
}

fn attempt() -> Attempt {
    Attempt { at: NOW, receive_count: 2, reason: Reason::Unavailable, detail: "status 404".into() }
}

async fn processed(fixture: &Fixture, id: u128, feedback: FeedbackState) -> LedgerKey {
    let n = order(id);
    recorded(fixture, &n, Address::of(&n, false), feedback).await
}

async fn recorded(fixture: &Fixture, n: &Notification, address: Address, feedback: FeedbackState) -> LedgerKey {
    let verdict = Some(Verdict::success("Done."));
    let answer = Answering { feedback, address, verdict, deadline: Some(NOW) };
    let change = Change::Ended { state: State::Processed, answer };
    fixture.table.record(&Entry { notification: n, change, now: NOW }).await.unwrap();
    n.ledger_key()
}

async fn answered(fixture: &Fixture, key: &LedgerKey) -> Option<Answered> {
    fixture.table.answered(std::slice::from_ref(key)).await.unwrap().remove(key)
}

#[tokio::test]
async fn finds_a_deferred_notification_with_the_ids_to_answer_under() {
    let fixture = Fixture::new().await;
    let key = processed(&fixture, 1, FeedbackState::Awaited).await;
    let unknown = order(2).ledger_key();
    let found = fixture.table.answered(&[key.clone(), unknown.clone(), key.clone()]).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[&key].feedback, Some(FeedbackState::Awaited));
    assert_eq!(found[&key].address.ids, [Uuid::from_u128(1)]);
    assert_eq!(found[&key].verdict, Some(Verdict::success("Done.")));
    assert_eq!(found[&key].received_at, Some(NOW));
    assert!(fixture.table.answered(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn writes_the_ids_to_answer_under_only_if_they_are_not_the_usual_ones() {
    let [body, header] = [1, 2].map(Uuid::from_u128);
    let changed = |header| notification(&format!(r#"{{"event":"ACCOUNT_CHANGED","notificationId":"{body}"}}"#), header);
    for (in_header, ids, is_written) in
        [(1, vec![body], false), (2, vec![body, header], false), (2, vec![header, body], true), (2, vec![body], true)]
    {
        let fixture = Fixture::new().await;
        let address = Address { ids, source: None };
        let key = recorded(&fixture, &changed(in_header), address.clone(), FeedbackState::Queued).await;
        assert_eq!(answered(&fixture, &key).await.unwrap().address, address);
        assert_eq!(fixture.item("N#").await.contains_key("feedback_ids"), is_written, "{address:?}");
    }
}

#[tokio::test]
async fn the_ids_survive_a_later_end_without_an_answer() {
    let fixture = Fixture::new().await;
    let key = processed(&fixture, 1, FeedbackState::Queued).await;
    recorded(&fixture, &order(1), Address::default(), FeedbackState::None).await;
    let answered = answered(&fixture, &key).await.unwrap();
    assert_eq!((answered.feedback, answered.address.ids), (Some(FeedbackState::Queued), vec![Uuid::from_u128(1)]));
}

#[tokio::test]
async fn writes_the_accepted_id_only_if_it_is_not_the_keys() {
    for (taken, written) in [(1, None), (2, Some(Uuid::from_u128(2).to_string()))] {
        let fixture = Fixture::new().await;
        let key = processed(&fixture, 1, FeedbackState::Queued).await;
        let answer = Answer::Sent { id: Uuid::from_u128(taken), verdict: Verdict::success("x"), was_marked: false };
        fixture.table.answer(&key, &answer, NOW).await.unwrap();
        assert_eq!(fixture.item("N#").await.get("feedback_id").map(|id| id.as_s().unwrap().clone()), written);
    }
}

#[tokio::test]
async fn an_accepted_answer_never_changes() {
    let fixture = Fixture::new().await;
    let key = processed(&fixture, 1, FeedbackState::Queued).await;
    fixture.table.answer(&key, &sent("first"), NOW).await.unwrap();
    fixture.table.answer(&key, &sent("second"), NOW).await.unwrap();
    fixture
        .table
        .answer(&key, &Answer::Parked { attempt: attempt(), verdict: Verdict::failure("late") }, NOW)
        .await
        .unwrap();
    let item = fixture.item("N#").await;
    assert_eq!(item["feedback_description"].as_s().unwrap(), "first");
    assert_eq!(answered(&fixture, &key).await.unwrap().feedback, Some(FeedbackState::Sent));
    assert_eq!(fixture.needing_attention("feedback_parked").await, 0);
}

#[tokio::test]
async fn keeps_an_answer_that_came_before_the_processors_record() {
    let fixture = Fixture::new().await;
    let key = order(1).ledger_key();
    fixture.table.answer(&key, &sent("quick"), NOW).await.unwrap();
    let seen = fixture.table.look(&key).await.unwrap().same.unwrap();
    assert_eq!((seen.state, seen.feedback), (None, Some(FeedbackState::Sent)));
    processed(&fixture, 1, FeedbackState::Queued).await;
    assert_eq!(answered(&fixture, &key).await.unwrap().feedback, Some(FeedbackState::Sent));
    assert_eq!(fixture.item("N#").await["state"].as_s().unwrap(), "processed");
}

#[tokio::test]
async fn a_parked_answer_needs_attention_until_it_is_sent() {
    let fixture = Fixture::new().await;
    let key = processed(&fixture, 1, FeedbackState::Queued).await;
    fixture.table.answer(&key, &Answer::Failed(attempt()), NOW).await.unwrap();
    fixture
        .table
        .answer(&key, &Answer::Parked { attempt: attempt(), verdict: Verdict::success("x") }, NOW)
        .await
        .unwrap();
    assert_eq!(fixture.needing_attention("feedback_parked").await, 1);
    assert_eq!(fixture.item("N#").await["feedback_attempts"].as_l().unwrap().len(), 2);
    let after_all = Answer::Sent { id: Uuid::nil(), verdict: Verdict::success("after all"), was_marked: true };
    fixture.table.answer(&key, &after_all, NOW).await.unwrap();
    assert_eq!(fixture.needing_attention("feedback_parked").await, 0);
}

#[tokio::test]
async fn a_feedback_of_a_newer_version_is_an_error_also_beside_others() {
    let fixture = Fixture::new().await;
    let newer = processed(&fixture, 1, FeedbackState::Queued).await;
    fixture.overwrite("N#", "feedback", "on_its_way").await;
    let other = processed(&fixture, 2, FeedbackState::Queued).await;
    for keys in [vec![newer.clone()], vec![newer, other.clone()]] {
        assert!(matches!(fixture.table.answered(&keys).await, Err(StoreError::Newer(_))), "{keys:?}");
    }
    assert!(answered(&fixture, &other).await.is_some());
}

#[tokio::test]
async fn knows_since_when_every_try_has_ended_for_lack_of_calls() {
    let fixture = Fixture::new().await;
    let key = processed(&fixture, 1, FeedbackState::Queued).await;
    let at = |minute| NOW + Duration::minutes(minute);
    assert_eq!(answered(&fixture, &key).await.unwrap().limited_since, None);
    for (minute, reason, since) in [
        (1, Reason::RateLimited, Some(1)),
        (2, Reason::Unavailable, None),
        (3, Reason::RateLimited, Some(3)),
        (4, Reason::RateLimited, Some(3)),
    ] {
        let failed = Answer::Failed(Attempt { at: at(minute), reason, ..attempt() });
        fixture.table.answer(&key, &failed, at(minute)).await.unwrap();
        assert_eq!(answered(&fixture, &key).await.unwrap().limited_since, since.map(at), "{minute}");
    }
}

#[tokio::test]
async fn the_mark_of_a_notification_is_not_one_of_its_feedback() {
    let fixture = Fixture::new().await;
    let changes = [
        Change::Dead { attempt: attempt(), answer: None },
        Change::Parked(Reason::Unmapped),
        Change::Failed(attempt()),
        Change::Paused,
        Change::RateLimited { attempt: None, waits_here: true },
    ];
    for (id, change) in (1..).zip(changes) {
        let (n, said) = (order(id), format!("{change:?}"));
        assert!(fixture.table.record(&Entry { notification: &n, change, now: NOW }).await.unwrap());
        assert!(!answered(&fixture, &n.ledger_key()).await.unwrap().is_marked, "{said}");
    }
}
