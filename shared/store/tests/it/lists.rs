//! The lists of notifications that operators see and that their jobs read.

use crate::support::{Fixture, NOW, TENANT, account, noting, order};
use time::{Duration, OffsetDateTime};
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::work::ParkedFeedback;
use webhooks_model::{LedgerKey, Notification, Reason, State};
use webhooks_store::{Action, Answer, Answering, Answers, Change, Deed, Entry, Page, StoreError};

/// A notification that was received and parked this long ago.
async fn parked(fixture: &Fixture, id: u128, ago: Duration) -> LedgerKey {
    let now = NOW - ago;
    let n = Notification { received_at: now, ..order(id) };
    let entry = Entry { notification: &n, change: Change::Parked(Reason::Unmapped), now };
    assert!(fixture.table.record(&entry).await.unwrap());
    n.ledger_key()
}

/// The keys on each page of the tenant's feed.
async fn feed(fixture: &Fixture, from: OffsetDateTime, most: u8) -> Vec<Vec<LedgerKey>> {
    let (mut pages, mut after) = (vec![], None);
    loop {
        let page = fixture.table.feed(TENANT, from, NOW, after.as_ref(), most).await.unwrap();
        pages.push(page.records.into_iter().map(|record| record.key).collect());
        assert!(pages.len() < 20, "a list without an end");
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

/// The keys on each page of the parked ones.
async fn marked(fixture: &Fixture, most: u8) -> Vec<Vec<LedgerKey>> {
    let (mut pages, mut after) = (vec![], None);
    loop {
        let page = fixture.table.marked("parked", after.as_ref(), most).await.unwrap();
        pages.push(page.records.into_iter().map(|record| record.key).collect());
        assert!(pages.len() < 20, "a list without an end");
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn the_feed_is_newest_first_with_any_page_size_and_skips_empty_days() {
    let fixture = Fixture::new().await;
    let mut expected = vec![];
    for (id, hours) in (1..).zip([1, 2, 3, 26, 40 * 24]) {
        expected.push(parked(&fixture, id, Duration::hours(hours)).await);
    }
    // The end of the span is left out.
    parked(&fixture, 6, Duration::ZERO).await;
    for most in [1, 2, 3, 100] {
        let pages = feed(&fixture, NOW - Duration::days(40), most).await;
        assert!(pages.iter().all(|page| page.len() <= usize::from(most)), "{most}");
        assert_eq!(pages.concat(), expected, "{most}");
    }
    assert_eq!(feed(&fixture, NOW - Duration::hours(3), 3).await, [expected[..3].to_vec()], "one full page");
    let no_time = fixture.table.feed(TENANT, NOW, NOW - Duration::HOUR, None, 3).await.unwrap();
    assert_eq!(no_time, Page::default(), "the end is before the start");
}

#[tokio::test]
async fn a_list_of_one_mark_is_newest_first_with_any_page_size() {
    let fixture = Fixture::new().await;
    let mut expected = vec![];
    for (id, hours) in (1..).zip(1..=4) {
        expected.push(parked(&fixture, id, Duration::hours(hours)).await);
    }
    for (most, count) in [(1, 4), (2, 2), (3, 2), (4, 1), (100, 1)] {
        let pages = marked(&fixture, most).await;
        assert_eq!((pages.len(), pages.concat()), (count, expected.clone()), "{most}");
    }
}

#[tokio::test]
async fn a_page_reads_little_more_than_it_shows() {
    let fixture = Fixture::new().await;
    for (id, hours) in (1..).zip([1, 2, 26, 27]) {
        parked(&fixture, id, Duration::hours(hours)).await;
    }
    let (table, reads) = noting(&fixture);
    let page = table.feed(TENANT, NOW - Duration::days(2), NOW, None, 3).await.unwrap();
    assert_eq!((page.records.len(), page.next.is_some()), (3, true));
    assert_eq!(reads.lock().unwrap().limits(), [Some(5), Some(3)], "two more than are missing, each day");
    assert_eq!(table.marked("parked", None, 3).await.unwrap().records.len(), 3);
    assert_eq!(reads.lock().unwrap().limits(), [Some(4)]);
}

#[tokio::test]
async fn an_entitys_newest_notifications_come_newest_first() {
    let fixture = Fixture::new().await;
    for (id, hours) in [(1, 5), (2, 1), (3, 9), (4, 3)] {
        parked(&fixture, id, Duration::hours(hours)).await;
    }
    let (table, reads) = noting(&fixture);
    let newest = table.newest_of(&order(1).ledger_key().entity, 3).await.unwrap();
    let keys: Vec<LedgerKey> = newest.records.into_iter().map(|record| record.key).collect();
    assert_eq!(keys, [2, 4, 1].map(|id| order(id).ledger_key()));
    let (_, page) = reads.lock().unwrap().pages.remove(0);
    assert!(page.items.len() == 4 && page.items.iter().all(|item| !item.contains_key("raw")), "all, without raw items");
    assert!(fixture.table.newest_of(&account("1920"), 3).await.unwrap().records.is_empty());
}

#[tokio::test]
async fn an_entity_of_which_only_a_newer_version_can_read_anything_is_an_error() {
    let fixture = Fixture::new().await;
    let entity = parked(&fixture, 1, Duration::HOUR).await.entity;
    fixture.overwrite("N#", "state", "postponed").await;
    assert!(matches!(fixture.table.newest_of(&entity, 3).await, Err(StoreError::Newer(_))));
    let readable = parked(&fixture, 2, Duration::HOUR).await;
    let newest = fixture.table.newest_of(&entity, 3).await.unwrap();
    assert_eq!(newest.records.into_iter().map(|record| record.key).collect::<Vec<_>>(), [readable]);
    assert_eq!(newest.unread, 1);
}

/// A notification whose feedback was parked this long ago.
async fn refused(fixture: &Fixture, id: u128, ago: Duration) -> LedgerKey {
    let (n, now, verdict) = (order(id), NOW - ago, Verdict::success("Done."));
    let (feedback, address) = (FeedbackState::Queued, Address::of(&n, false));
    let answer = Answering { feedback, address, verdict: Some(verdict.clone()), deadline: None };
    let change = Change::Ended { state: State::Processed, answer };
    assert!(fixture.table.record(&Entry { notification: &n, change, now }).await.unwrap());
    let attempt = Attempt { at: now, receive_count: 1, reason: Reason::GaveUp, detail: "status 503".into() };
    fixture.table.answer(&n.ledger_key(), &Answer::Parked { attempt, verdict }, now).await.unwrap();
    n.ledger_key()
}

#[tokio::test]
async fn finds_the_feedback_that_was_parked_in_a_span_and_reads_no_further() {
    let fixture = Fixture::new().await;
    let mut keys = vec![];
    for (id, hours) in (1..).zip(1..=5) {
        keys.push(refused(&fixture, id, Duration::hours(hours)).await);
    }
    let (from, to) = (Some(NOW - Duration::hours(3)), NOW - Duration::HOUR);
    let filter = ParkedFeedback { tenant: None, reason: Some(Reason::GaveUp), cause: None, from, to };
    let (mut found, mut position, mut reads) = (vec![], None::<String>, 0);
    loop {
        let page = fixture.table.parked(&filter, position.as_deref(), 1).await.unwrap();
        found.extend(page.records.into_iter().map(|record| record.key));
        (position, reads) = (page.position, reads + 1);
        if position.is_none() {
            break;
        }
    }
    assert_eq!((found, reads), (keys[1..3].to_vec(), 4), "with its start, without its end");
    assert!(matches!(fixture.table.parked(&filter, Some("elsewhere"), 1).await, Err(StoreError::Mismatch(_))));
}

#[tokio::test]
async fn counts_parked_feedback_that_it_cannot_read_within_the_span_and_the_tenant() {
    let fixture = Fixture::new().await;
    refused(&fixture, 1, Duration::HOUR).await;
    fixture.overwrite("N#", "state", "postponed").await;
    let reason = Some(Reason::FeedbackRefused);
    let all = ParkedFeedback { tenant: None, reason, cause: None, from: None, to: NOW };
    let other = ParkedFeedback { tenant: Some("other".into()), ..all.clone() };
    let earlier = ParkedFeedback { to: NOW - Duration::HOUR, ..all.clone() };
    for (filter, unread) in [(all, 1), (other, 0), (earlier, 0)] {
        let page = fixture.table.parked(&filter, None, 10).await.unwrap();
        assert_eq!((page.records.len(), page.unread), (0, unread), "{filter:?}");
    }
}

#[tokio::test]
async fn resent_feedback_moves_from_the_parked_ones_to_those_on_their_way() {
    let fixture = Fixture::new().await;
    let (resent, stays) = (refused(&fixture, 1, Duration::HOUR).await, refused(&fixture, 2, Duration::HOUR).await);
    let action = Action { deed: Deed::ResendParked, at: NOW, by: "op", note: "" };
    assert!(fixture.table.act(&resent, action).await.unwrap());
    let all = ParkedFeedback { tenant: None, reason: None, cause: None, from: None, to: NOW + Duration::SECOND };
    let parked = fixture.table.parked(&all, None, 10).await.unwrap();
    let on_its_way = fixture.table.on_its_way(&all, None, 10).await.unwrap();
    assert_eq!([parked, on_its_way].map(|page| page.records[0].key.clone()), [stays, resent]);
}

#[tokio::test]
async fn the_list_of_paused_ones_tells_a_wait_from_a_paused_notification() {
    let fixture = Fixture::new().await;
    let waiting = parked(&fixture, 1, Duration::ZERO).await;
    for id in [1, 2] {
        let entry = Entry { notification: &order(id), change: Change::Paused, now: NOW };
        assert!(fixture.table.record(&entry).await.unwrap());
    }
    let listed = fixture.table.marked("paused", None, 10).await.unwrap().records;
    let found: Vec<&LedgerKey> = listed.iter().filter(|record| record.is_wait()).map(|record| &record.key).collect();
    assert_eq!((listed.len(), found), (2, vec![&waiting]));
}

#[tokio::test]
async fn the_list_of_parked_ones_tells_what_is_held_from_the_others() {
    let fixture = Fixture::new().await;
    let held = parked(&fixture, 1, Duration::ZERO).await;
    parked(&fixture, 2, Duration::ZERO).await;
    let action = Action { deed: Deed::Hold, at: NOW, by: "op", note: "" };
    assert!(fixture.table.act(&held, action).await.unwrap());
    let listed = fixture.table.marked("parked", None, 10).await.unwrap().records;
    let found: Vec<&LedgerKey> = listed.iter().filter(|record| record.is_held()).map(|record| &record.key).collect();
    assert_eq!((listed.len(), found), (2, vec![&held]));
}
