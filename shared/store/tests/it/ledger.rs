use crate::support::{Fixture, NOW, TENANT, notification, order};
use time::Duration;
use webhooks_model::delivery::AnswerRole;
use webhooks_model::feedback::{FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{LedgerKey, Notification, NotificationKey, Origin, Reason, State};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Entry, Line, StoreError, Table};

fn attempt(reason: Reason) -> Attempt {
    Attempt { at: NOW, receive_count: 1, reason, detail: "status 503 from the ERP".into() }
}

fn ended(state: State) -> Change {
    let answer = Answering { feedback: FeedbackState::Queued, ..Answering::none() };
    Change::Ended { state, answer }
}

async fn record(fixture: &Fixture, notification: &Notification, change: Change) -> bool {
    fixture.table.record(&Entry { notification, change, now: NOW }).await.unwrap()
}

/// A notification with the longest raw item that is not kept in parts.
fn large() -> Notification {
    let body =
        |note: &str| format!(r#"{{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"1","note":"{note}"}}"#);
    notification(&body(&"x".repeat(256 * 1024 - body("").len())), 1)
}

/// An attempt whose detail business code wrote.
fn long_attempt(number: u32) -> Attempt {
    Attempt { at: NOW, receive_count: number, reason: Reason::HandlerRefused, detail: "å".repeat(10_000) }
}

fn numbers(lines: &[Line]) -> Vec<u32> {
    lines.iter().filter_map(|line| line.receive_count).collect()
}

#[tokio::test]
async fn a_connection_to_a_table_that_is_not_there_fails() {
    let fixture = Fixture::new().await;
    fixture.table.connect().await.unwrap();
    let absent = Table::new(fixture.client.clone(), "absent".to_owned(), Duration::days(90));
    assert!(absent.connect().await.is_err());
}

#[tokio::test]
async fn an_unknown_notification_is_unknown() {
    let fixture = Fixture::new().await;
    let seen = fixture.table.look(&order(1).ledger_key()).await.unwrap();
    assert!(seen.same.is_none() && !seen.repeated);
}

#[tokio::test]
async fn what_comes_again_and_waits_has_the_place_of_its_last_receipt() {
    let (fixture, later) = (Fixture::new().await, NOW + Duration::days(2));
    record(&fixture, &order(1), Change::Parked(Reason::Unmapped)).await;
    assert!(record(&fixture, &Notification { received_at: later, ..order(1) }, Change::Paused).await);
    let page = fixture.table.feed(TENANT, NOW + Duration::DAY, later + Duration::DAY, None, 9).await.unwrap();
    assert_eq!(page.records.iter().map(|one| one.received_at).collect::<Vec<_>>(), [later]);
}

#[tokio::test]
async fn a_notification_goes_from_failed_to_processed_and_stays_there() {
    let fixture = Fixture::new().await;
    let n = order(1);
    assert!(record(&fixture, &n, Change::Failed(attempt(Reason::Unavailable))).await);
    assert!(record(&fixture, &n, Change::Failed(attempt(Reason::RateLimited))).await);
    assert_eq!(fixture.item("N#").await["reason"].as_s().unwrap(), "rate_limited");
    assert!(record(&fixture, &n, ended(State::Processed)).await);
    for late in [
        ended(State::Superseded),
        Change::Dead { attempt: attempt(Reason::Bug), answer: None },
        Change::Failed(attempt(Reason::Bug)),
    ] {
        assert!(!record(&fixture, &n, late).await);
    }
    let seen = fixture.table.look(&n.ledger_key()).await.unwrap();
    assert_eq!(seen.same.unwrap().state, Some(State::Processed));
    let item = fixture.item("N#").await;
    assert_eq!(item["attempts"].as_l().unwrap().len(), 2);
    assert!(!item.contains_key("reason"));
    assert_eq!(item["raw"].as_s().unwrap(), &n.raw);
    assert!(item["expires_at"].as_n().unwrap().parse::<i64>().unwrap() > NOW.unix_timestamp());
}

#[tokio::test]
async fn a_dead_notification_needs_attention_until_a_redrive_succeeds() {
    let fixture = Fixture::new().await;
    let n = order(1);
    record(&fixture, &n, Change::Dead { attempt: attempt(Reason::Bug), answer: None }).await;
    assert_eq!(fixture.needing_attention("dead").await, 1);
    assert!(record(&fixture, &n, Change::Failed(attempt(Reason::Unavailable))).await);
    let seen = fixture.table.look(&n.ledger_key()).await.unwrap();
    assert_eq!(seen.same.unwrap().state, Some(State::Dead), "another failure leaves it dead");
    record(&fixture, &n, ended(State::Processed)).await;
    assert_eq!(fixture.needing_attention("dead").await, 0);
}

#[tokio::test]
async fn refused_feedback_needs_attention_after_a_redrive_succeeds() {
    let fixture = Fixture::new().await;
    let (n, verdict) = (order(1), Verdict::failure("It failed."));
    let answer = Answering { feedback: FeedbackState::Queued, verdict: Some(verdict.clone()), ..Answering::none() };
    assert!(record(&fixture, &n, Change::Dead { attempt: attempt(Reason::Bug), answer: Some(answer) }).await);
    let refused = Answer::Parked { attempt: attempt(Reason::FeedbackRefused), verdict };
    fixture.table.answer(&n.ledger_key(), &refused, NOW).await.unwrap();
    assert_eq!(fixture.needing_attention("feedback_parked").await, 1);
    let answer = Answering { feedback: FeedbackState::Parked, ..Answering::none() };
    assert!(record(&fixture, &n, Change::Ended { state: State::Processed, answer }).await);
    assert_eq!(fixture.needing_attention("feedback_parked").await, 1);
}

#[tokio::test]
async fn a_parked_notification_keeps_its_reason_when_a_late_attempt_fails() {
    let fixture = Fixture::new().await;
    let n = order(1);
    record(&fixture, &n, Change::Parked(Reason::Held)).await;
    assert!(record(&fixture, &n, Change::Failed(attempt(Reason::Unavailable))).await);
    let item = fixture.item("N#").await;
    assert_eq!((item["state"].as_s().unwrap(), item["reason"].as_s().unwrap()), (&"parked".into(), &"held".into()));
    assert_eq!(item["attempts"].as_l().unwrap().len(), 1);
}

#[tokio::test]
async fn a_late_mark_of_a_last_attempt_does_not_make_a_parked_one_dead() {
    let fixture = Fixture::new().await;
    let n = order(1);
    record(&fixture, &n, Change::Parked(Reason::TokenRefused)).await;
    assert!(!record(&fixture, &n, Change::Dead { attempt: attempt(Reason::Lost), answer: None }).await);
    assert_eq!(fixture.item("N#").await["reason"].as_s().unwrap(), "token_refused");
    assert!(
        record(&fixture, &n, Change::Dead { attempt: attempt(Reason::Bug), answer: None }).await,
        "a replay may die"
    );
}

#[tokio::test]
async fn a_paused_notification_does_not_die_of_a_late_attempt() {
    let fixture = Fixture::new().await;
    let n = order(1);
    assert!(record(&fixture, &n, Change::Paused).await);
    assert!(!record(&fixture, &n, Change::Dead { attempt: attempt(Reason::Bug), answer: None }).await);
    let item = fixture.item("N#").await;
    assert_eq!((item["state"].as_s().unwrap().as_str(), item["attempts"].as_l().unwrap().len()), ("paused", 1));
}

#[tokio::test]
async fn recognises_the_same_content_under_another_id() {
    let fixture = Fixture::new().await;
    record(&fixture, &order(1), ended(State::Processed)).await;
    let seen = fixture.table.look(&order(2).ledger_key()).await.unwrap();
    assert!(seen.same.is_none() && seen.repeated);
    let seen = fixture.table.look(&order(1).ledger_key()).await.unwrap();
    assert!(seen.same.is_some() && !seen.repeated);
    record(&fixture, &order(2), ended(State::Processed)).await;
    assert!(fixture.table.look(&order(3).ledger_key()).await.unwrap().repeated, "under two other ids");
}

#[tokio::test]
async fn only_what_ended_well_counts_as_a_repetition() {
    for (change, counts) in [
        (ended(State::Processed), true),
        (ended(State::Superseded), true),
        (Change::Dead { attempt: attempt(Reason::Bug), answer: None }, false),
        (Change::Parked(Reason::Unconfirmable), false),
        (Change::Failed(attempt(Reason::Unavailable)), false),
        (Change::Paused, false),
    ] {
        let fixture = Fixture::new().await;
        let told = format!("{change:?}");
        record(&fixture, &order(1), change).await;
        let seen = fixture.table.look(&order(2).ledger_key()).await.unwrap();
        assert_eq!((seen.repeated, seen.under_other_event), (counts, false), "{told}");
    }
}

#[tokio::test]
async fn distinguishes_the_same_content_of_another_event() {
    let fixture = Fixture::new().await;
    record(&fixture, &order(1), ended(State::Processed)).await;
    let n = order(1);
    let other = NotificationKey::new(n.raw.as_bytes(), "SALESORDER_DELETED", Some(n.key.id()));
    let seen = fixture.table.look(&LedgerKey { notification: other, ..n.ledger_key() }).await.unwrap();
    assert!(seen.same.is_none() && !seen.repeated && seen.under_other_event);
}

#[tokio::test]
async fn an_item_answered_by_another_never_gets_its_own_answer() {
    for change in [
        Change::Parked(Reason::Unconfirmable),
        Change::Dead { attempt: attempt(Reason::Bug), answer: None },
        Change::Dead { attempt: attempt(Reason::Bug), answer: Some(Answering::none()) },
        Change::Ended { state: State::Processed, answer: Answering::none() },
    ] {
        let (fixture, said) = (Fixture::new().await, format!("{change:?}"));
        let n = Notification { answer: AnswerRole::ByFirst, ..order(1) };
        assert!(record(&fixture, &n, change).await, "{said}");
        let same = fixture.table.look(&n.ledger_key()).await.unwrap().same.unwrap();
        assert_eq!(same.feedback, Some(FeedbackState::None), "{said}");
        let again = fixture.table.replay(&n.ledger_key()).await.unwrap().unwrap();
        assert_eq!((again.meta.replays, again.meta.answer_role), (Some(n.ledger_key()), n.answer), "{said}");
    }
}

#[tokio::test]
async fn the_same_id_with_new_content_is_another_notification() {
    let fixture = Fixture::new().await;
    record(&fixture, &order(1), ended(State::Processed)).await;
    let other = notification(r#"{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"1","x":1}"#, 1);
    let seen = fixture.table.look(&other.ledger_key()).await.unwrap();
    assert!(seen.same.is_none() && !seen.repeated);
}

#[tokio::test]
async fn stores_a_long_raw_item_in_parts() {
    let fixture = Fixture::new().await;
    let body = format!(r#"{{"event":"SALESORDER_UPDATED","orderId":"1","note":"{}"}}"#, "å".repeat(300_000));
    let n = notification(&body, 1);
    record(&fixture, &n, ended(State::Processed)).await;
    let mut parts: Vec<_> =
        fixture.items().await.into_iter().filter(|i| i["sk"].as_s().unwrap().starts_with("RAW#")).collect();
    parts.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
    let whole: String = parts.iter().map(|item| item["raw"].as_s().unwrap().as_str()).collect();
    assert_eq!(whole, body);
    assert_eq!(fixture.item("N#").await["raw_parts"].as_n().unwrap(), &parts.len().to_string());
}

#[tokio::test]
async fn a_long_record_keeps_its_newest_entries_and_can_always_end() {
    let (fixture, n) = (Fixture::new().await, large());
    let (key, by) = (n.ledger_key(), "b".repeat(600));
    for number in 0..40 {
        assert!(record(&fixture, &n, Change::ParkedAfter(long_attempt(number))).await, "{number}");
        fixture.table.answer(&key, &Answer::Failed(long_attempt(number)), NOW).await.unwrap();
        let note = format!("{number} {}", "😀".repeat(500));
        let action = Action { deed: Deed::Replay, at: NOW, by: &by, note: &note };
        assert!(fixture.table.act(&key, action).await.unwrap(), "{number}");
    }
    let ended = Change::Ended { state: State::Processed, answer: Answering::none() };
    assert!(record(&fixture, &n, ended).await);
    let shown = fixture.table.record_of(&key).await.unwrap().unwrap();
    assert_eq!(shown.state, State::Processed);
    assert_eq!(fixture.table.raw_of(&key).await.unwrap(), Some(n.raw));
    assert!(!fixture.item("N#").await.contains_key("raw_parts"));

    let newest: Vec<u32> = (16..40).collect();
    assert_eq!((numbers(&shown.attempts), numbers(&shown.feedback_attempts)), (newest.clone(), newest.clone()));
    let actions: Vec<u32> =
        shown.actions.iter().filter_map(|action| action.text.split(' ').next()?.parse().ok()).collect();
    assert_eq!((actions, shown.moments.len()), (newest, 24));
    assert_eq!(shown.attempts[0].text, format!("{}…", "å".repeat(250)));
}

#[tokio::test]
async fn exactly_one_of_many_writers_ends_the_notification() {
    let fixture = Fixture::new().await;
    let n = order(1);
    let writers = (0..8).map(|_| record(&fixture, &n, ended(State::Processed)));
    let won = futures::future::join_all(writers).await.into_iter().filter(|wrote| *wrote).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_recorded_notification_reads_as_it_came() {
    let fixture = Fixture::new().await;
    let long = format!(r#"{{"event":"SALESORDER_UPDATED","orderId":"2","note":"{}"}}"#, "å".repeat(300_000));
    for n in [order(1), notification(&long, 2), notification("no JSON", 3)] {
        record(&fixture, &n, Change::Parked(Reason::TenantNotServed)).await;
        let replay = fixture.table.replay(&n.ledger_key()).await.unwrap().unwrap();
        let again = Notification::all_of(&replay, &NoDirectory);
        // A header named its tenant, so the event has no better proof than that.
        let (replays, event_is_proven) = (Some(n.ledger_key()), again[0].event_is_proven);
        assert_eq!(again, [Notification { origin: Origin::Replay, replays, event_is_proven, ..n }]);
    }
    assert!(fixture.table.replay(&order(9).ledger_key()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_moved_record_is_closed_and_names_the_new_key() {
    let fixture = Fixture::new().await;
    let (old, new) = (order(1), order(2));
    record(&fixture, &old, Change::Parked(Reason::Unidentified)).await;
    assert_eq!(fixture.needing_attention("parked").await, 1);
    // A repetition does no harm.
    for _ in 0..2 {
        fixture.table.moved(&old.ledger_key(), &new.ledger_key(), NOW).await.unwrap();
    }
    let closed = fixture.table.record_of(&old.ledger_key()).await.unwrap().unwrap();
    assert_eq!((closed.state, closed.reason, closed.ended_at), (State::Superseded, None, Some(NOW)));
    assert_eq!(closed.moved_to, Some(new.ledger_key()));
    assert_eq!(fixture.needing_attention("parked").await, 0);
    assert!(!record(&fixture, &old, Change::Parked(Reason::Unidentified)).await, "it is final");
    let replay = Action { deed: Deed::Replay, at: NOW, by: "op", note: "" };
    assert!(!fixture.table.act(&old.ledger_key(), replay).await.unwrap());
}

#[tokio::test]
async fn does_not_close_a_record_that_ended_well_or_does_not_exist() {
    let fixture = Fixture::new().await;
    let (old, new) = (order(1), order(2));
    fixture.table.moved(&old.ledger_key(), &new.ledger_key(), NOW).await.unwrap();
    assert!(fixture.table.record_of(&old.ledger_key()).await.unwrap().is_none());
    record(&fixture, &old, ended(State::Processed)).await;
    fixture.table.moved(&old.ledger_key(), &new.ledger_key(), NOW).await.unwrap();
    let stays = fixture.table.record_of(&old.ledger_key()).await.unwrap().unwrap();
    assert_eq!((stays.state, stays.moved_to), (State::Processed, None));
}

#[tokio::test]
async fn a_record_in_a_state_of_a_newer_version_is_an_error_and_stays() {
    let fixture = Fixture::new().await;
    let n = order(1);
    record(&fixture, &n, Change::Failed(attempt(Reason::Unavailable))).await;
    fixture.overwrite("N#", "state", "postponed").await;
    let error = fixture.table.look(&n.ledger_key()).await.unwrap_err();
    assert_eq!(error.to_string(), "a newer version of this product wrote the record; deploy that version again");
    assert!(matches!(fixture.table.record_of(&n.ledger_key()).await, Err(StoreError::Newer(_))));
    let action = Action { deed: Deed::Replay, at: NOW, by: "op-1", note: "" };
    assert!(!fixture.table.act(&n.ledger_key(), action).await.unwrap());
    assert!(!record(&fixture, &n, ended(State::Processed)).await);
    assert!(fixture.table.look(&order(2).ledger_key()).await.is_ok(), "another with the same content");
}

#[tokio::test]
async fn does_not_replay_an_item_whose_part_in_an_answer_only_a_newer_version_knows() {
    let fixture = Fixture::new().await;
    let n = order(1);
    record(&fixture, &n, Change::Parked(Reason::Held)).await;
    assert!(fixture.table.replay(&n.ledger_key()).await.unwrap().is_some());
    fixture.overwrite("N#", "answer_role", "by_last").await;
    assert!(matches!(fixture.table.replay(&n.ledger_key()).await, Err(StoreError::Newer(_))));
}
