use crate::support::{Fixture, NOW, account, at, change, order, with_status};
use time::Duration;
use webhooks_model::{HeadChange, Versions};
use webhooks_store::{Advance, Head, Ledger, Records};

async fn advance(fixture: &Fixture, change: &HeadChange) -> Advance {
    fixture.table.advance(change, NOW).await.unwrap()
}

async fn head(fixture: &Fixture) -> Option<Head> {
    fixture.table.head_of(&order(99).ledger_key().entity).await.unwrap()
}

fn statuses(head: &Head) -> Vec<&str> {
    head.timeline.iter().map(|(_, status)| status.as_str()).collect()
}

#[tokio::test]
async fn the_newest_version_wins_in_whatever_order_changes_arrive() {
    let fixture = Fixture::new().await;
    assert_eq!(advance(&fixture, &with_status(2, 20, "Open")).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &with_status(1, 10, "On hold")).await, Advance::Superseded);
    assert_eq!(advance(&fixture, &with_status(3, 30, "Completed")).await, Advance::Advanced);
    let head = head(&fixture).await.unwrap();
    assert_eq!(head.status.as_deref(), Some("Completed"));
    assert_eq!(statuses(&head), ["On hold", "Open", "Completed"]);
}

#[tokio::test]
async fn two_notifications_of_one_change_both_count() {
    let fixture = Fixture::new().await;
    assert_eq!(advance(&fixture, &change(1, 10)).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &change(2, 10)).await, Advance::Advanced);
}

#[tokio::test]
async fn content_seen_before_is_no_news_unless_the_entity_is_newer() {
    let fixture = Fixture::new().await;
    advance(&fixture, &change(1, 10)).await;
    let repeated = |seconds| HeadChange { strictly_newer: true, ..change(2, seconds) };
    assert_eq!(advance(&fixture, &repeated(10)).await, Advance::Superseded);
    assert_eq!(advance(&fixture, &repeated(11)).await, Advance::Advanced);
}

#[tokio::test]
async fn a_second_attempt_of_the_same_notification_succeeds_again() {
    let fixture = Fixture::new().await;
    let change = HeadChange { strictly_newer: true, ..change(1, 10) };
    assert_eq!(advance(&fixture, &change).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &change).await, Advance::Advanced);
}

#[tokio::test]
async fn a_slower_attempt_at_the_same_notification_does_not_move_the_head_back() {
    let fixture = Fixture::new().await;
    assert_eq!(advance(&fixture, &with_status(1, 20, "Completed")).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &with_status(1, 10, "Open")).await, Advance::Advanced, "for it is the same");
    assert_eq!(head(&fixture).await.unwrap().status.as_deref(), Some("Completed"));
    assert_eq!(advance(&fixture, &change(2, 15)).await, Advance::Superseded);
}

#[tokio::test]
async fn a_deletion_stands_against_changes_of_the_same_moment_and_yields_to_a_new_creation() {
    let fixture = Fixture::new().await;
    let deletion = HeadChange { deleted: true, ..change(1, 10) };
    assert_eq!(advance(&fixture, &deletion).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &change(2, 10)).await, Advance::Superseded);
    assert!(head(&fixture).await.unwrap().deleted);
    assert_eq!(advance(&fixture, &change(3, 11)).await, Advance::Advanced);
    assert!(!head(&fixture).await.unwrap().deleted);
}

#[tokio::test]
async fn a_resource_that_is_gone_does_not_undo_a_deletion() {
    let fixture = Fixture::new().await;
    advance(&fixture, &HeadChange { deleted: true, ..change(1, 10) }).await;
    advance(&fixture, &HeadChange { gone: true, ..change(2, 11) }).await;
    let head = head(&fixture).await.unwrap();
    assert!(head.deleted && head.gone);
}

#[tokio::test]
async fn clocks_are_never_compared_with_one_another() {
    let fixture = Fixture::new().await;
    let by_resource =
        HeadChange { versions: Versions { resource: at(1_000_000), ..Versions::default() }, ..change(1, 0) };
    assert_eq!(advance(&fixture, &by_resource).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &change(2, 10)).await, Advance::Advanced);
    let both = |resource, body| HeadChange {
        versions: Versions { resource: at(resource), body: at(body), received: None },
        ..change(3, 0)
    };
    assert_eq!(advance(&fixture, &both(1_000_001, 9)).await, Advance::Superseded);
    assert_eq!(advance(&fixture, &both(999_999, 11)).await, Advance::Superseded);
    assert_eq!(advance(&fixture, &both(1_000_001, 11)).await, Advance::Advanced);
}

#[tokio::test]
async fn a_status_that_stays_is_one_entry_and_the_timeline_is_bounded() {
    let fixture = Fixture::new().await;
    for second in 1..=5 {
        advance(&fixture, &with_status(second, second as i64, "Open")).await;
    }
    assert_eq!(statuses(&head(&fixture).await.unwrap()), ["Open"]);
    for second in 6..=120 {
        advance(&fixture, &with_status(second, second as i64, if second % 2 == 0 { "On hold" } else { "Open" })).await;
    }
    let head = head(&fixture).await.unwrap();
    assert_eq!(head.timeline.len(), 100);
    assert_eq!(head.timeline.last().unwrap().0, at(120).unwrap());
}

#[tokio::test]
async fn a_renumbered_account_is_found_under_both_numbers() {
    let fixture = Fixture::new().await;
    let (old, new) = (account("1920"), account("1921"));
    let number = |entity, seconds| fixture.table.number_account(entity, "77", at(seconds).unwrap(), NOW);
    assert_eq!(number(&old, 1).await.unwrap(), None);
    assert_eq!(number(&old, 2).await.unwrap(), None);
    assert_eq!(number(&new, 3).await.unwrap().as_deref(), Some("1920"));
    assert_eq!(number(&new, 3).await.unwrap().as_deref(), Some("1920"), "a second attempt finds the same");
    assert_eq!(number(&old, 2).await.unwrap(), None, "an older word changes nothing");
    assert_eq!(fixture.item("HEAD").await["renumbered_to"].as_s().unwrap(), "1921");
}

#[tokio::test]
async fn an_account_that_goes_on_changing_is_remembered_under_its_number() {
    let fixture = Fixture::new().await;
    let account = account("1920");
    let changes_after = async |days: i64| {
        let version = at(days * 86_400).unwrap();
        fixture.table.number_account(&account, "77", version, NOW + Duration::days(days)).await.unwrap();
        fixture.item("NUMBER").await["expires_at"].as_n().unwrap().parse::<i64>().unwrap()
    };
    let first = changes_after(0).await;
    assert_eq!(changes_after(1).await, first, "not with each change, for it is a write");
    let retention = first - NOW.unix_timestamp();
    let half = retention / 86_400 / 2 + 1;
    assert_eq!(changes_after(half).await, first + half * 86_400);
}
