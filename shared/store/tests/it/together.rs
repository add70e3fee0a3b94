//! Items of one delivery with the same id of Visma Net, which get one answer.

use crate::support::{Fixture, NOW, order};
use time::Duration;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::{LedgerKey, State};
use webhooks_store::{Action, Answering, Change, Deed, Entry};

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
