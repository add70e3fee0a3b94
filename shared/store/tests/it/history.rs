use crate::support::{Fixture, NOW, notification};
use webhooks_model::ledger::Attempt;
use webhooks_model::{Notification, Reason, State};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Entry, Line};

/// A notification with the longest raw item that is not kept in parts.
fn large() -> Notification {
    let body =
        |note: &str| format!(r#"{{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"1","note":"{note}"}}"#);
    notification(&body(&"x".repeat(256 * 1024 - body("").len())), 1)
}

/// An attempt whose detail business code wrote.
fn attempt(number: u32) -> Attempt {
    Attempt { at: NOW, receive_count: number, reason: Reason::HandlerRefused, detail: "å".repeat(10_000) }
}

async fn record(fixture: &Fixture, notification: &Notification, change: Change) -> bool {
    fixture.table.record(&Entry { notification, change, now: NOW }).await.unwrap()
}

fn numbers(lines: &[Line]) -> Vec<u32> {
    lines.iter().filter_map(|line| line.receive_count).collect()
}

#[tokio::test]
async fn a_long_record_keeps_its_newest_entries_and_can_always_end() {
    let (fixture, n) = (Fixture::new().await, large());
    let (key, by) = (n.ledger_key(), "b".repeat(600));
    for number in 0..40 {
        assert!(record(&fixture, &n, Change::ParkedAfter(attempt(number))).await, "{number}");
        fixture.table.answer(&key, &Answer::Failed(attempt(number)), NOW).await.unwrap();
        let note = format!("{number} {}", "😀".repeat(500));
        let action = Action { deed: Deed::Replay, at: NOW, by: &by, note: &note };
        assert!(fixture.table.act(&key, action).await.unwrap(), "{number}");
    }
    let ended = Change::Ended { state: State::Processed, answer: Answering::none() };
    assert!(record(&fixture, &n, ended).await);
    let shown = fixture.table.record_of(&key).await.unwrap().unwrap();
    assert_eq!(shown.state, State::Processed);
    assert_eq!(fixture.table.raw_of(&key).await.unwrap(), Some(n.raw));

    let newest: Vec<u32> = (16..40).collect();
    assert_eq!((numbers(&shown.attempts), numbers(&shown.feedback_attempts)), (newest.clone(), newest.clone()));
    let actions: Vec<u32> =
        shown.actions.iter().filter_map(|action| action.text.split(' ').next()?.parse().ok()).collect();
    assert_eq!((actions, shown.moments.len()), (newest, 24));
    assert_eq!(shown.attempts[0].text, format!("{}…", "å".repeat(250)));
}
