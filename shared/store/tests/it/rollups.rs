use crate::support::{Fixture, NOW, TENANT, order};
use std::collections::BTreeSet;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::rollup::{Rolling, hour_of};
use webhooks_model::{Notification, Rollup, State};
use webhooks_store::{Answer, Answering, Answers, Change, Entry, Received, Rolled, Summary};

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

async fn ended(fixture: &Fixture, number: u128, received_at: OffsetDateTime) -> Notification {
    let n = Notification { received_at, ..order(number) };
    let answer =
        Answering { feedback: FeedbackState::Queued, address: Address::default(), verdict: None, deadline: None };
    let change = Change::Ended { state: State::Processed, answer };
    let now = received_at + Duration::seconds(2);
    assert!(fixture.table.record(&Entry { notification: &n, change, now }).await.unwrap());
    n
}

async fn send(fixture: &Fixture, n: &Notification) {
    let sent = Answer::Sent { id: Uuid::nil(), verdict: Verdict::success("Done."), was_marked: false };
    fixture.table.answer(&n.ledger_key(), &sent, n.received_at + Duration::seconds(5)).await.unwrap();
}

async fn received(fixture: &Fixture, position: &str, until: OffsetDateTime) -> Received {
    fixture.table.received(TENANT, position, until).await.unwrap()
}

#[tokio::test]
async fn reads_received_notifications_and_their_results_from_a_place_on() {
    let fixture = Fixture::new().await;
    let hour = hour_of(NOW);
    let first = ended(&fixture, 1, hour + Duration::minutes(1)).await;
    ended(&fixture, 2, hour + Duration::minutes(30)).await;
    ended(&fixture, 3, hour + Duration::HOUR).await;
    send(&fixture, &first).await;

    let begin = Rolled::begin(hour, NOW).counted_to;
    let part = received(&fixture, &begin, hour + Duration::minutes(20)).await;
    assert_eq!((part.notifications.len(), part.is_last), (1, true));
    let one = &part.notifications[0];
    assert_eq!((one.state, one.feedback, one.is_gap), (Some(State::Processed), Some(FeedbackState::Sent), false));
    assert_eq!(one.ended_at.unwrap() - one.received_at, Duration::seconds(2));
    assert_eq!(one.feedback_at.unwrap() - one.received_at, Duration::seconds(5));

    let rest = received(&fixture, &part.position, hour + Duration::HOUR).await;
    assert_eq!(rest.notifications.len(), 1, "the first is not read again, and the next hour's is not of this hour");
    assert!(received(&fixture, &rest.position, hour + Duration::HOUR).await.notifications.is_empty());
    assert_eq!(fixture.table.count_received(TENANT, hour).await.unwrap(), 2);
}

#[tokio::test]
async fn reads_an_hour_of_more_than_a_hundred_in_pages_each_once() {
    let fixture = Fixture::new().await;
    let hour = hour_of(NOW);
    for number in 1..=205 {
        ended(&fixture, number, hour + Duration::seconds(i64::try_from(number).unwrap())).await;
    }
    let (mut rollup, mut position) = (Rollup::default(), Rolled::begin(hour, NOW).counted_to);
    let mut pages = vec![];
    loop {
        let page = received(&fixture, &position, hour + Duration::HOUR).await;
        page.notifications.iter().for_each(|one| rollup.count(one));
        pages.push(page.notifications.len());
        position = page.position;
        if page.is_last {
            break;
        }
    }
    assert_eq!((pages, rollup.received), (vec![100, 100, 5], 205));
    assert_eq!(fixture.table.count_received(TENANT, hour).await.unwrap(), 205);
}

#[tokio::test]
async fn finds_the_next_received_notification_after_empty_days() {
    let fixture = Fixture::new().await;
    let at = NOW + Duration::hours(60);
    ended(&fixture, 1, at).await;
    let next = |from, until| fixture.table.next_received(TENANT, from, until);
    assert_eq!(next(NOW, at + Duration::HOUR).await.unwrap(), at);
    assert_eq!(next(NOW, at).await.unwrap(), at, "none before the end");
    let after = at + Duration::SECOND;
    assert_eq!(next(after, after + Duration::days(2)).await.unwrap(), after + Duration::days(2));
    let looked = next(after, after + Duration::days(90)).await.unwrap() - after;
    assert!((30..=31).contains(&looked.whole_days()), "{looked}");
}

#[tokio::test]
async fn sums_hours_over_tenants_without_naming_them() {
    let fixture = Fixture::new().await;
    let hour = hour_of(NOW);
    let n = ended(&fixture, 1, hour).await;
    let counted = received(&fixture, &Rolled::begin(hour, NOW).counted_to, NOW + Duration::HOUR).await;
    let mut rolled = Rolled::begin(hour, NOW);
    rolled.rollup.count(&counted.notifications[0]);
    for tenant in [TENANT, OTHER] {
        fixture.table.set_rolled(tenant, &rolled, NOW).await.unwrap();
    }
    let tenants = [TENANT.to_owned(), OTHER.to_owned(), "unheard".to_owned()];
    fixture.table.add_up(&tenants, hour, NOW).await.unwrap();
    fixture.table.add_up(&tenants, hour, NOW).await.unwrap();

    let all = fixture.table.rollups(None, hour, hour + Duration::HOUR).await.unwrap();
    assert_eq!((all.len(), all[0].rollup.received), (1, 2), "a second sum changes nothing");
    assert!(all[0].rollup.keys.is_empty());
    let own = fixture.table.rollups(Some(TENANT), hour, hour + Duration::HOUR).await.unwrap();
    assert_eq!(own, [rolled]);
    let key = format!("sales_order#{}", n.ledger_key().entity.key);
    assert_eq!(own[0].rollup.keys.get(&key), Some(&1));
    let before = fixture.table.rollups(Some(TENANT), hour - Duration::DAY, hour).await.unwrap();
    assert!(before.is_empty(), "the end is not in it");
}

#[tokio::test]
async fn records_the_position_of_the_counting_the_summary_and_the_missing_sums() {
    let fixture = Fixture::new().await;
    assert!(fixture.table.unsummed().await.unwrap().is_empty());
    assert_eq!(fixture.table.rolling(TENANT).await.unwrap(), None);
    assert_eq!(fixture.table.summary().await.unwrap(), None);
    let mut rolling = Rolling::begin(NOW);
    rolling.finish_hour(NOW + Duration::HOUR);
    fixture.table.set_rolling(TENANT, &rolling, NOW).await.unwrap();
    assert_eq!(fixture.table.rolling(TENANT).await.unwrap(), Some(rolling));
    let summary = Summary { counted_to: NOW, tenants: 3, silent: Some(1) };
    fixture.table.set_summary(&summary, NOW).await.unwrap();
    for hours in [BTreeSet::from([hour_of(NOW), hour_of(NOW) + Duration::HOUR]), BTreeSet::new()] {
        fixture.table.set_unsummed(&hours, NOW).await.unwrap();
        assert_eq!(fixture.table.unsummed().await.unwrap(), hours);
    }
    assert_eq!(fixture.table.summary().await.unwrap(), Some(summary));
}

#[tokio::test]
async fn an_erasure_finds_only_the_roll_ups_of_its_tenant() {
    let fixture = Fixture::new().await;
    let hour = hour_of(NOW);
    for tenant in [TENANT, OTHER] {
        fixture.table.set_rolled(tenant, &Rolled::begin(hour, NOW), NOW).await.unwrap();
        fixture.table.set_rolling(tenant, &Rolling::begin(NOW), NOW).await.unwrap();
    }
    fixture.table.add_up(&[TENANT.to_owned()], hour, NOW).await.unwrap();
    let kept = fixture.table.kept(TENANT, None).await.unwrap();
    assert_eq!(kept.keys.len(), 2);
    for key in &kept.keys {
        fixture.table.erase(key).await.unwrap();
    }
    assert_eq!(fixture.table.rolled(TENANT, hour).await.unwrap(), None);
    assert!(fixture.table.rolled(OTHER, hour).await.unwrap().is_some());
}

#[tokio::test]
async fn the_feed_shows_ended_and_open_notifications_in_order_of_receipt() {
    let fixture = Fixture::new().await;
    let start = NOW - Duration::HOUR;
    let first = ended(&fixture, 1, start).await;
    let second = ended(&fixture, 2, start + Duration::MINUTE).await;
    let third = ended(&fixture, 3, start + Duration::minutes(2)).await;
    send(&fixture, &second).await;
    let position = fixture.table.looked_through(TENANT, start).await.unwrap();
    let arrived = fixture.table.arrived(TENANT, &position, NOW).await.unwrap();
    let keys: Vec<_> = arrived.notifications.iter().map(|one| one.key.clone()).collect();
    assert_eq!(keys, [&first, &second, &third].map(Notification::ledger_key));
    let feedback: Vec<_> = arrived.notifications.iter().map(|one| one.feedback).collect();
    let [queued, sent] = [FeedbackState::Queued, FeedbackState::Sent].map(Some);
    assert_eq!(feedback, [queued, sent, queued]);
}
