use crate::support::{Fixture, NOW, TENANT, at, change, noting, order};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use webhooks_model::collection::{Collection, Listed};
use webhooks_model::walk::Walk;
use webhooks_model::{Clock, HeadChange, Notification, Origin, Reason, Revision, Stamp, Ticks, Versions, Zone};
use webhooks_store::{Advance, Change, Compared, Entry, Place, Unfinished, Watermark};

#[tokio::test]
async fn records_a_watermark_that_never_moves_back() {
    let fixture = Fixture::new().await;
    let table = &fixture.table;
    assert_eq!(table.watermark(TENANT, Collection::Customer).await.unwrap(), None);
    let rest = Unfinished { until: NOW, walk: Walk::new(50) };
    let unfinished = Watermark { swept_to: NOW - Duration::HOUR, page_size: Some(50), unfinished: Some(rest) };
    table.set_watermark(TENANT, Collection::Customer, &unfinished, NOW).await.unwrap();
    assert_eq!(table.watermark(TENANT, Collection::Customer).await.unwrap().as_ref(), Some(&unfinished));
    let done = Watermark { swept_to: NOW, page_size: None, unfinished: None };
    table.set_watermark(TENANT, Collection::Customer, &done, NOW).await.unwrap();
    table.set_watermark(TENANT, Collection::Customer, &unfinished, NOW).await.unwrap();
    assert_eq!(table.watermark(TENANT, Collection::Customer).await.unwrap(), Some(done));
    assert_eq!(table.watermark(TENANT, Collection::Account).await.unwrap(), None);
}

#[tokio::test]
async fn records_where_a_run_ended_and_names_no_tenant() {
    let fixture = Fixture::new().await;
    let tenants = [TENANT, "Another", "a third"];
    assert_eq!(fixture.table.place(&tenants).await.unwrap(), Place::default());
    let list = Some((TENANT.to_owned(), Collection::Supplier));
    let (another, third) = (Some("Another".to_owned()), Some("a third".to_owned()));
    let place = Place { list, feed: another.clone(), hours: third, silence: another };
    fixture.table.set_place(&place, NOW).await.unwrap();
    assert_eq!(fixture.table.place(&tenants).await.unwrap(), place);
    let gone = fixture.table.place(&tenants[1..]).await.unwrap();
    assert_eq!(gone, Place { list: None, ..place });
    let kept = fixture.item("PLACE").await["place"].as_s().unwrap().to_lowercase();
    assert!(tenants.iter().all(|tenant| !kept.contains(&tenant.to_lowercase())), "{kept}");
}

#[tokio::test]
async fn records_the_start_of_a_silence() {
    let fixture = Fixture::new().await;
    let table = &fixture.table;
    let (day, later) = (NOW + Duration::DAY, NOW + Duration::DAY * 2);
    assert_eq!(
        table.silent_since(TENANT, None, NOW).await.unwrap(),
        NOW,
        "never heard of, and checked for the first time"
    );
    assert_eq!(table.silent_since(TENANT, None, day).await.unwrap(), NOW);
    assert_eq!(table.silent_since(TENANT, Some(day), later).await.unwrap(), day);
    assert_eq!(table.silent_since(TENANT, None, later).await.unwrap(), day, "also after the feed has expired");
    assert_eq!(table.silent_since("another", None, later).await.unwrap(), later);
}

#[tokio::test]
async fn hears_a_tenant_behind_many_changes_that_were_found() {
    let fixture = Fixture::new().await;
    let heard = NOW - Duration::HOUR;
    // The last of two webhooks, and 60 changes after it.
    for number in -1..=60 {
        let origin = if number > 0 { Origin::Reconciliation } else { Origin::Webhook };
        let n = Notification { origin, received_at: heard + Duration::seconds(number), ..order((2 + number) as u128) };
        let entry = Entry { notification: &n, change: Change::Parked(Reason::Unmapped), now: NOW };
        assert!(fixture.table.record(&entry).await.unwrap());
    }
    let (table, reads) = noting(&fixture);
    assert_eq!(table.last_heard(TENANT, NOW, 0).await.unwrap(), Some(heard));
    assert_eq!(reads.lock().unwrap().limits(), [Some(50), None], "whole pages only behind the newest");
}

#[tokio::test]
async fn looks_back_for_a_webhook_as_many_days_as_asked() {
    let fixture = Fixture::new().await;
    let n = Notification { received_at: NOW - Duration::days(2), ..order(1) };
    let entry = Entry { notification: &n, change: Change::Parked(Reason::Unmapped), now: NOW };
    assert!(fixture.table.record(&entry).await.unwrap());
    for (days, heard) in [(1, None), (2, Some(n.received_at))] {
        assert_eq!(fixture.table.last_heard(TENANT, NOW, days).await.unwrap(), heard, "{days}");
    }
}

fn listed(key: &str, seconds: i64) -> Listed {
    Listed { key: key.into(), modified: at(seconds).unwrap().into(), revision: Revision::default() }
}

async fn compare(fixture: &Fixture, listed: Vec<Listed>) -> Compared {
    fixture.table.compare(TENANT, Collection::SalesOrder, listed, true, NOW).await.unwrap()
}

#[tokio::test]
async fn a_row_that_a_head_has_by_either_clock_is_not_missing() {
    let fixture = Fixture::new().await;
    let by_resource = Versions { resource: at(100).map(Stamp::from), ..Versions::default() };
    let by_body = Versions { body: at(100), ..Versions::default() };
    for (number, versions) in [("1", by_resource), ("2", by_body)] {
        let entity = Collection::SalesOrder.entity_id(TENANT, &format!("SO/{number}"));
        let change = HeadChange { entity, versions, ..change(1, 0) };
        fixture.table.advance(&change, NOW).await.unwrap();
    }
    let all =
        vec![listed("SO/1", 100), listed("SO/2", 100), listed("SO/1", 101), listed("SO/2", 101), listed("SO/3", 1)];
    let missing = compare(&fixture, all).await.missing;
    assert_eq!(missing, [listed("SO/1", 101), listed("SO/2", 101), listed("SO/3", 1)]);
    let many: Vec<Listed> = (0..250).map(|n| listed(&format!("SO/9{n}"), 1)).collect();
    assert_eq!(compare(&fixture, many).await.missing.len(), 250);
}

fn revision(etag: &str, content: &str) -> Revision {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Revision { etag: some(etag), content: some(content) }
}

/// A change of SO/1, fetched as this revision at this time.
fn fetched(id: u128, seconds: i64, revision: Revision) -> HeadChange {
    let versions = Versions { resource: at(seconds).map(Stamp::from), ..Versions::default() };
    HeadChange { versions, revision, ..change(id, 0) }
}

#[tokio::test]
async fn a_row_with_only_a_new_time_is_not_missing() {
    let fixture = Fixture::new().await;
    fixture.table.advance(&fetched(1, 100, revision("e", "c")), NOW).await.unwrap();
    let of = |etag: &str, content: &str| Listed { revision: revision(etag, content), ..listed("SO/1", 200) };
    for (row, is_touched) in [
        (of("e", "c"), true),
        (of("e", "other"), true),
        (of("other", "c"), true),
        (of("e", ""), true),
        (of("", "c"), true),
        (of("other", "other"), false),
        (of("", ""), false),
    ] {
        let compared = compare(&fixture, vec![row.clone()]).await;
        let expected = if is_touched { (0, 1) } else { (1, 0) };
        assert_eq!((compared.missing.len(), compared.touched), expected, "{row:?}");
    }
}

#[tokio::test]
async fn a_gone_or_unfetched_entity_is_not_known_by_its_revision() {
    let fixture = Fixture::new().await;
    let row = || vec![Listed { revision: revision("e", "c"), ..listed("SO/1", 900) }];
    let deletion = HeadChange { deleted: true, ..fetched(1, 100, revision("e", "c")) };
    fixture.table.advance(&deletion, NOW).await.unwrap();
    assert_eq!(compare(&fixture, row()).await.missing.len(), 1);
    fixture.table.advance(&fetched(2, 200, revision("e", "c")), NOW).await.unwrap();
    assert_eq!(compare(&fixture, row()).await.touched, 1);
    fixture.table.advance(&fetched(3, 300, Revision::default()), NOW).await.unwrap();
    assert_eq!(compare(&fixture, row()).await.missing.len(), 1);
}

#[tokio::test]
async fn a_swept_change_with_known_content_is_superseded() {
    let fixture = Fixture::new().await;
    let advance = async |change: &HeadChange| fixture.table.advance(change, NOW).await.unwrap();
    let revised = |content: &str| revision(&format!("new-{content}"), content);
    let swept = |id, seconds, content| HeadChange { was_swept: true, ..fetched(id, seconds, revised(content)) };
    assert_eq!(advance(&fetched(1, 100, revision("e", "c"))).await, Advance::Advanced);
    assert_eq!(advance(&fetched(2, 200, revision("e", "c"))).await, Advance::Advanced, "a webhook is news");
    assert_eq!(advance(&swept(3, 300, "c")).await, Advance::Superseded);
    assert_eq!(advance(&swept(3, 300, "c")).await, Advance::Advanced, "an attempt that died before its event");
    assert_eq!(advance(&swept(4, 400, "other")).await, Advance::Advanced);
}

/// A table with one account, changed at `resource` by the ERP's clock. Its webhook was made at
/// `body`.
async fn known(resource: Stamp, body: Option<i64>) -> Fixture {
    let fixture = Fixture::new().await;
    let versions = Versions { resource: Some(resource), body: body.and_then(at), received: None };
    let entity = Collection::Account.entity_id(TENANT, "1920");
    fixture.table.advance(&HeadChange { entity, versions, ..change(1, 0) }, NOW).await.unwrap();
    fixture
}

async fn is_missing(fixture: &Fixture, modified: Stamp, fetched: bool) -> bool {
    let listed = vec![Listed { key: "1920".into(), modified, revision: Revision::default() }];
    !fixture.table.compare(TENANT, Collection::Account, listed, fetched, NOW).await.unwrap().missing.is_empty()
}

#[tokio::test]
async fn a_change_before_the_webhook_of_the_last_one_was_made_is_missing() {
    let stamp = |seconds| Stamp::from(at(seconds).unwrap());
    let fixture = known(stamp(100), Some(130)).await;
    assert!(is_missing(&fixture, stamp(110), true).await);
    assert!(!is_missing(&fixture, stamp(100), true).await);
    assert!(!is_missing(&fixture, stamp(110), false).await, "without a fetch, only the body has a time");
}

/// A table with one account, written now, whose body has a time this far ahead.
async fn ahead_by(ahead: Duration) -> Fixture {
    let fixture = Fixture::new().await;
    let versions = Versions { body: Some(Ticks::from_datetime(NOW + ahead)), ..Versions::default() };
    let entity = Collection::Account.entity_id(TENANT, "1920");
    fixture.table.advance(&HeadChange { entity, versions, ..change(1, 0) }, NOW).await.unwrap();
    fixture
}

#[tokio::test]
async fn a_body_may_be_ahead_by_as_much_as_clocks_differ() {
    let row = Ticks::from_datetime(NOW + Duration::MINUTE);
    for (ahead, expected) in [(Duration::MINUTE, false), (Duration::MINUTE + Duration::SECOND, true)] {
        let fixture = ahead_by(ahead).await;
        assert_eq!(is_missing(&fixture, row.into(), true).await, expected, "{ahead}");
    }
}

#[tokio::test]
async fn a_local_time_in_a_body_hides_no_change_after_the_head_was_written() {
    for hours in 0..=2 {
        let fixture = ahead_by(Duration::hours(hours)).await;
        for fetched in [true, false] {
            for (later, expected) in [(Duration::ZERO, false), (Duration::SECOND, true)] {
                let row = Ticks::from_datetime(NOW + later).into();
                assert_eq!(is_missing(&fixture, row, fetched).await, expected, "{hours}, {later}, fetched: {fetched}");
            }
        }
    }
}

#[tokio::test]
async fn a_change_in_the_repeated_hour_is_missing_once() {
    let oslo = |shown: &str, now: OffsetDateTime| {
        let clock = Clock::new(Zone::named("Europe/Oslo").unwrap(), now);
        clock.read(&format!("2026-10-25T{shown}:00.000")).unwrap()
    };
    let (first, sweep) = (datetime!(2026-10-25 0:50 UTC), datetime!(2026-10-25 1:15 UTC));
    let fixture = known(oslo("02:50", first), None).await;
    assert!(!is_missing(&fixture, oslo("02:50", sweep + Duration::HOUR), true).await, "the head has this change");
    assert!(is_missing(&fixture, oslo("02:10", sweep), true).await, "it has changed since, with an earlier local time");
    let fixture = known(oslo("02:10", sweep), None).await;
    assert!(!is_missing(&fixture, oslo("02:10", sweep), true).await);
    assert!(!is_missing(&fixture, oslo("02:10", sweep + Duration::DAY), true).await);
}

#[tokio::test]
async fn a_row_is_missing_if_its_heads_version_cannot_be_right() {
    let row = Stamp::from(at(100).unwrap());
    for (ahead, missing) in [(Duration::days(2), false), (Duration::days(3), true)] {
        let fixture = known(Ticks::from_datetime(NOW + ahead).into(), None).await;
        for fetched in [true, false] {
            assert_eq!(is_missing(&fixture, row, fetched).await, missing, "{ahead}, fetched: {fetched}");
        }
    }
}
