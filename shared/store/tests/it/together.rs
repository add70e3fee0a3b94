//! Items of one delivery with the same id of Visma Net, which get one answer.

use crate::support::{Fixture, NOW, order};
use time::Duration;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::{LedgerKey, State};
use webhooks_store::{Action, Answering, Answers, Change, Deed, Entry};

async fn record(fixture: &Fixture, id: u128, change: Change) -> LedgerKey {
    let notification = &order(id);
    assert!(fixture.table.record(&Entry { notification, change, now: NOW }).await.unwrap());
    notification.ledger_key()
}

fn awaited(verdict: Option<Verdict>) -> Change {
    let deadline = Some(NOW + Duration::DAY);
    let answer = Answering { feedback: FeedbackState::Awaited, address: Address::default(), verdict, deadline };
    Change::Ended { state: State::Processed, answer }
}

#[tokio::test]
async fn an_item_that_waits_names_all_that_share_its_answer() {
    let fixture = Fixture::new().await;
    let first = record(&fixture, 1, awaited(Some(Verdict::success("It was processed.")))).await;
    let paused = record(&fixture, 2, Change::Paused).await;
    let all = [first.clone(), paused.clone()];
    assert!(fixture.table.wait_together(&paused, &all).await.unwrap());
    assert_eq!(fixture.table.waits_with(&paused).await.unwrap(), all);

    assert!(!fixture.table.wait_together(&first, &all).await.unwrap(), "it has ended");
    let unknown = order(3).ledger_key();
    assert!(!fixture.table.wait_together(&unknown, &all).await.unwrap(), "it is not recorded");
    for key in [first, unknown] {
        assert_eq!(fixture.table.waits_with(&key).await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_operator_sets_no_outcome_while_the_answer_waits_for_other_items() {
    for (verdict, is_taken) in [(None, true), (Some(Verdict::success("It was processed.")), false)] {
        let fixture = Fixture::new().await;
        let key = record(&fixture, 1, awaited(verdict.clone())).await;
        let action = Action { deed: Deed::Outcome, at: NOW, by: "op", note: "" };
        assert_eq!(fixture.table.act(&key, action).await.unwrap(), is_taken, "{verdict:?}");
    }
}

#[tokio::test]
async fn the_answer_of_all_is_decided_once_and_watched_from_then_on() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, 1, awaited(Some(Verdict::success("It was processed.")))).await;
    let (first, second) = (Verdict::failure("Some failed."), Verdict::success("All were processed."));
    assert!(fixture.table.decide_together(&key, &first, NOW).await.unwrap());
    assert!(!fixture.table.decide_together(&key, &second, NOW).await.unwrap(), "it is decided");
    let answered = fixture.table.answered(std::slice::from_ref(&key)).await.unwrap().remove(&key).unwrap();
    assert_eq!((answered.feedback, answered.verdict), (Some(FeedbackState::Queued), Some(first)));
    assert_eq!(fixture.needing_attention("feedback_queued").await, 1, "its message may be lost");
}

#[tokio::test]
async fn the_answer_of_all_does_not_take_the_place_of_an_integrators_outcome() {
    let fixture = Fixture::new().await;
    let key = record(&fixture, 1, awaited(None)).await;
    let verdict = Verdict::success("All were processed.");
    assert!(!fixture.table.decide_together(&key, &verdict, NOW).await.unwrap());
    let unknown = order(2).ledger_key();
    assert!(!fixture.table.decide_together(&unknown, &verdict, NOW).await.unwrap(), "it is not recorded");
    assert_eq!(fixture.needing_attention("feedback_queued").await, 0);
}
