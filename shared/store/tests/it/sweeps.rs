use crate::support::{Fixture, NOW, TENANT, at, change};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use webhooks_model::collection::{Collection, Listed};
use webhooks_model::{Clock, HeadChange, Stamp, Versions, Zone};
use webhooks_store::{Ledger, Sweeps, Unfinished, Watermark};

#[tokio::test]
async fn a_watermark_is_remembered_and_never_moves_back() {
    let fixture = Fixture::new().await;
    let table = &fixture.table;
    assert_eq!(table.watermark(TENANT, Collection::Customer).await.unwrap(), None);
    let rest = Unfinished { until: NOW, page: 3, seen: 300 };
    let unfinished = Watermark { swept_to: NOW - Duration::HOUR, unfinished: Some(rest) };
    table.set_watermark(TENANT, Collection::Customer, &unfinished, NOW).await.unwrap();
    assert_eq!(table.watermark(TENANT, Collection::Customer).await.unwrap(), Some(unfinished));
    let done = Watermark { swept_to: NOW, unfinished: None };
    table.set_watermark(TENANT, Collection::Customer, &done, NOW).await.unwrap();
    table.set_watermark(TENANT, Collection::Customer, &unfinished, NOW).await.unwrap();
    assert_eq!(table.watermark(TENANT, Collection::Customer).await.unwrap(), Some(done));
    assert_eq!(table.watermark(TENANT, Collection::Account).await.unwrap(), None);
}

#[tokio::test]
async fn the_beginning_of_a_silence_is_remembered() {
    let fixture = Fixture::new().await;
    let table = &fixture.table;
    let (day, later) = (NOW + Duration::DAY, NOW + Duration::DAY * 2);
    assert_eq!(table.silent_since(TENANT, None, NOW).await.unwrap(), NOW, "never heard of, and first looked for now");
    assert_eq!(table.silent_since(TENANT, None, day).await.unwrap(), NOW);
    assert_eq!(table.silent_since(TENANT, Some(day), later).await.unwrap(), day);
    assert_eq!(table.silent_since(TENANT, None, later).await.unwrap(), day, "also where the feed knows of it no more");
    assert_eq!(table.silent_since("another", None, later).await.unwrap(), later);
}

#[tokio::test]
async fn what_a_head_has_reached_by_either_clock_is_not_missing() {
    let fixture = Fixture::new().await;
    let by_resource = Versions { resource: at(100).map(Stamp::from), ..Versions::default() };
    let by_body = Versions { body: at(100), ..Versions::default() };
    for (number, versions) in [("1", by_resource), ("2", by_body)] {
        let entity = Collection::SalesOrder.entity_id(TENANT, &format!("SO/{number}"));
        let change = HeadChange { entity, versions, ..change(1, 0) };
        fixture.table.advance(&change, NOW).await.unwrap();
    }
    let listed = |key: &str, seconds| Listed { key: key.into(), modified: at(seconds).unwrap().into() };
    let all =
        vec![listed("SO/1", 100), listed("SO/2", 100), listed("SO/1", 101), listed("SO/2", 101), listed("SO/3", 1)];
    let missing = fixture.table.missing(TENANT, Collection::SalesOrder, all, true).await.unwrap();
    assert_eq!(missing, [listed("SO/1", 101), listed("SO/2", 101), listed("SO/3", 1)]);
    let many: Vec<Listed> = (0..250).map(|n| listed(&format!("SO/9{n}"), 1)).collect();
    assert_eq!(fixture.table.missing(TENANT, Collection::SalesOrder, many, true).await.unwrap().len(), 250);
}

/// The only account, changed at `resource` by the ERP's clock; its webhook was made at `body`.
async fn known(resource: Stamp, body: Option<i64>) -> Fixture {
    let fixture = Fixture::new().await;
    let versions = Versions { resource: Some(resource), body: body.and_then(at), received: None };
    let entity = Collection::Account.entity_id(TENANT, "1920");
    fixture.table.advance(&HeadChange { entity, versions, ..change(1, 0) }, NOW).await.unwrap();
    fixture
}

async fn is_missing(fixture: &Fixture, modified: Stamp, fetched: bool) -> bool {
    let listed = vec![Listed { key: "1920".into(), modified }];
    !fixture.table.missing(TENANT, Collection::Account, listed, fetched).await.unwrap().is_empty()
}

#[tokio::test]
async fn a_change_before_the_webhook_of_the_last_one_was_made_is_missing() {
    let stamp = |seconds| Stamp::from(at(seconds).unwrap());
    let fixture = known(stamp(100), Some(130)).await;
    assert!(is_missing(&fixture, stamp(110), true).await);
    assert!(!is_missing(&fixture, stamp(100), true).await);
    assert!(!is_missing(&fixture, stamp(110), false).await, "where nothing is fetched, only the body tells");
}

#[tokio::test]
async fn a_change_in_the_hour_that_comes_twice_is_missing_once() {
    let oslo = |shown: &str, now: OffsetDateTime| {
        let clock = Clock::new(Zone::named("Europe/Oslo").unwrap(), now);
        clock.read(&format!("2026-10-25T{shown}:00.000")).unwrap()
    };
    let (first, sweep) = (datetime!(2026-10-25 0:50 UTC), datetime!(2026-10-25 1:15 UTC));
    let fixture = known(oslo("02:50", first), None).await;
    assert!(!is_missing(&fixture, oslo("02:50", sweep + Duration::HOUR), true).await, "it is the one that is known");
    assert!(is_missing(&fixture, oslo("02:10", sweep), true).await, "it has changed since, and shows less");
    let fixture = known(oslo("02:10", sweep), None).await;
    assert!(!is_missing(&fixture, oslo("02:10", sweep), true).await);
    assert!(!is_missing(&fixture, oslo("02:10", sweep + Duration::DAY), true).await);
}
