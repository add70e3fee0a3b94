use crate::support::{Fixture, NOW, at, change, dying, order, repeating, with_status};
use time::Duration;
use time::macros::datetime;
use webhooks_model::{Clock, HeadChange, Stamp, Ticks, Versions, Zone};
use webhooks_store::{Advance, Head};

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
async fn the_newest_version_wins_in_any_order_of_arrival() {
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
async fn known_content_is_superseded_unless_the_entity_is_newer() {
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
    assert_eq!(advance(&fixture, &with_status(1, 10, "Open")).await, Advance::Advanced, "it is the same notification");
    assert_eq!(head(&fixture).await.unwrap().status.as_deref(), Some("Completed"));
    assert_eq!(advance(&fixture, &change(2, 15)).await, Advance::Superseded);
}

#[tokio::test]
async fn a_deletion_wins_at_the_same_moment_and_yields_to_a_later_creation() {
    let fixture = Fixture::new().await;
    let deletion = HeadChange { deleted: true, ..change(1, 10) };
    assert_eq!(advance(&fixture, &deletion).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &change(2, 10)).await, Advance::Superseded);
    assert!(head(&fixture).await.unwrap().deleted);
    assert_eq!(advance(&fixture, &change(3, 11)).await, Advance::Advanced);
    assert!(!head(&fixture).await.unwrap().deleted);
}

#[tokio::test]
async fn a_deletion_wins_at_the_moment_of_the_last_change() {
    let fixture = Fixture::new().await;
    advance(&fixture, &change(1, 10)).await;
    let deletion = HeadChange { deleted: true, ..change(2, 10) };
    assert_eq!(advance(&fixture, &deletion).await, Advance::Advanced);
    assert!(head(&fixture).await.unwrap().deleted);
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
async fn different_clocks_are_never_compared() {
    let fixture = Fixture::new().await;
    let by_resource = HeadChange {
        versions: Versions { resource: at(1_000_000).map(Stamp::from), ..Versions::default() },
        ..change(1, 0)
    };
    assert_eq!(advance(&fixture, &by_resource).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &change(2, 10)).await, Advance::Advanced);
    let both = |resource, body| HeadChange {
        versions: Versions { resource: at(resource).map(Stamp::from), body: at(body), received: None },
        ..change(3, 0)
    };
    assert_eq!(advance(&fixture, &both(1_000_000, 9)).await, Advance::Superseded);
    assert_eq!(advance(&fixture, &both(999_999, 11)).await, Advance::Superseded);
    assert_eq!(advance(&fixture, &both(1_000_001, 11)).await, Advance::Advanced);
}

/// A head written with this time by both clocks, before times were checked.
async fn written_at(time: time::OffsetDateTime) -> Fixture {
    let fixture = Fixture::new().await;
    let at = Ticks::from_datetime(time);
    let versions = Versions { resource: Some(at.into()), body: Some(at), received: None };
    assert_eq!(advance(&fixture, &HeadChange { versions, ..change(1, 0) }).await, Advance::Advanced);
    fixture
}

#[tokio::test]
async fn a_version_that_cannot_be_right_holds_no_change_back() {
    let two_days_ahead = NOW + Duration::days(2);
    for (time, expected) in [
        (datetime!(0001-01-01 0:00 UTC), Advance::Advanced),
        (two_days_ahead, Advance::Superseded),
        (two_days_ahead + Duration::MILLISECOND, Advance::Advanced),
        (datetime!(9999-12-31 23:59 UTC), Advance::Advanced),
    ] {
        let fixture = written_at(time).await;
        assert_eq!(advance(&fixture, &fetched(2, 10, 10)).await, expected, "{time}");
        assert_eq!(advance(&fixture, &fetched(3, 5, 5)).await, Advance::Superseded, "{time}: the order counts again");
    }
}

#[tokio::test]
async fn any_kind_of_change_replaces_a_version_that_cannot_be_right() {
    for next in [
        HeadChange { strictly_newer: true, ..fetched(2, 10, 10) },
        HeadChange { deleted: true, ..fetched(2, 10, 10) },
        in_october(2, "02:10", datetime!(2026-10-25 1:10:02 UTC)),
        fetched(1, 10, 10),
    ] {
        let fixture = written_at(NOW + Duration::days(3)).await;
        assert_eq!(advance(&fixture, &next).await, Advance::Advanced, "{next:?}");
        let head = fixture.item("HEAD").await;
        let version = next.versions.resource.unwrap().at().get().to_string();
        assert_eq!(head["version_resource"].as_n().unwrap(), &version, "{next:?}");
    }
}

fn fetched(id: u128, resource: i64, body: i64) -> HeadChange {
    let versions = Versions { resource: at(resource).map(Stamp::from), body: at(body), received: None };
    HeadChange { versions, ..change(id, 0) }
}

#[tokio::test]
async fn a_bodys_webhook_time_does_not_outrank_the_resource() {
    let fixture = Fixture::new().await;
    assert_eq!(advance(&fixture, &fetched(1, 100, 130)).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &fetched(2, 110, 120)).await, Advance::Advanced, "a newer state");
    let item = fixture.item("HEAD").await;
    let version = |clock: &str| item[&format!("version_{clock}")].as_n().unwrap().parse().ok().and_then(Ticks::new);
    assert_eq!((version("resource"), version("body")), (at(110), at(130)), "no clock is set back");
    assert_eq!(advance(&fixture, &fetched(3, 110, 125)).await, Advance::Superseded, "the state that is known");
    assert_eq!(advance(&fixture, &fetched(4, 105, 140)).await, Advance::Superseded, "an older state");
    let repeated = HeadChange { strictly_newer: true, ..fetched(5, 120, 125) };
    assert_eq!(advance(&fixture, &repeated).await, Advance::Advanced);
    let same_time = HeadChange { strictly_newer: true, ..fetched(6, 130, 130) };
    assert_eq!(advance(&fixture, &same_time).await, Advance::Superseded, "known content of that time");
}

#[tokio::test]
async fn a_head_that_changes_at_the_same_time_is_read_again() {
    let fixture = Fixture::new().await;
    advance(&fixture, &fetched(1, 100, 130)).await;
    // The repetition of the write meets a head that has changed since it was read.
    let advanced = repeating(&fixture).advance(&fetched(2, 110, 120), NOW).await;
    assert_eq!(advanced.unwrap(), Advance::Advanced);
    assert_eq!(
        head(&fixture).await.unwrap().notification,
        fetched(2, 110, 120).notification.as_str().to_owned().into()
    );
}

#[tokio::test]
async fn a_state_fetched_before_the_deletion_does_not_undo_it() {
    let fixture = Fixture::new().await;
    advance(&fixture, &fetched(1, 100, 100)).await;
    advance(&fixture, &HeadChange { deleted: true, ..change(2, 200) }).await;
    assert_eq!(advance(&fixture, &fetched(3, 150, 150)).await, Advance::Superseded);
    assert!(head(&fixture).await.unwrap().deleted);
}

/// A change fetched at this moment of the night in which Oslo's clocks are set back.
fn in_october(id: u128, shown: &str, now: time::OffsetDateTime) -> HeadChange {
    let clock = Clock::new(Zone::named("Europe/Oslo").unwrap(), now);
    let resource = clock.read(&format!("2026-10-25T{shown}:00.000"));
    HeadChange { versions: Versions { resource, ..Versions::default() }, ..change(id, 0) }
}

#[tokio::test]
async fn in_the_repeated_hour_the_state_fetched_last_wins() {
    let (first, second) = (datetime!(2026-10-25 0:50:02 UTC), datetime!(2026-10-25 1:10:02 UTC));
    let (before, after) = (|id| in_october(id, "02:50", first), |id| in_october(id, "02:10", second));
    let fixture = Fixture::new().await;
    assert_eq!(advance(&fixture, &before(1)).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &after(2)).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &before(3)).await, Advance::Superseded, "a slow attempt");
    assert_eq!(advance(&fixture, &after(4)).await, Advance::Advanced, "two notifications of one change");
    let repeated = |change| HeadChange { strictly_newer: true, ..change };
    assert_eq!(advance(&fixture, &repeated(after(5))).await, Advance::Superseded);
    let much_later = in_october(6, "02:10", second + Duration::DAY);
    assert_eq!(advance(&fixture, &repeated(much_later)).await, Advance::Superseded, "nothing has changed");
    let third = in_october(7, "02:20", datetime!(2026-10-25 1:20:02 UTC));
    assert_eq!(advance(&fixture, &repeated(third)).await, Advance::Advanced);
}

#[tokio::test]
async fn a_state_read_just_before_its_second_moment_hides_no_later_one() {
    let fixture = Fixture::new().await;
    // The first is read half a minute before the clock shows its time again, so it is taken for
    // the later hour.
    let first = in_october(1, "02:50", datetime!(2026-10-25 1:49:30 UTC));
    let next = in_october(2, "02:49", datetime!(2026-10-25 1:49:42 UTC));
    assert_eq!(advance(&fixture, &first).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &next).await, Advance::Advanced);
}

#[tokio::test]
async fn a_deletion_wins_over_a_state_of_the_repeated_hour() {
    let fixture = Fixture::new().await;
    let state = |id| in_october(id, "02:10", datetime!(2026-10-25 1:10:02 UTC));
    let deletion = |id| HeadChange { deleted: true, ..state(id) };
    assert_eq!(advance(&fixture, &state(1)).await, Advance::Advanced);
    let repeated = HeadChange { strictly_newer: true, ..deletion(2) };
    assert_eq!(advance(&fixture, &repeated).await, Advance::Superseded, "known content");
    assert_eq!(advance(&fixture, &deletion(3)).await, Advance::Advanced);
    assert_eq!(advance(&fixture, &deletion(4)).await, Advance::Advanced, "two notifications of one deletion");
    assert_eq!(advance(&fixture, &state(5)).await, Advance::Superseded);
}

/// A change that was not fetched, with this time in its body.
fn made(id: u128, shown: time::OffsetDateTime) -> HeadChange {
    let versions = Versions { body: Some(Ticks::from_datetime(shown)), ..Versions::default() };
    HeadChange { versions, ..change(id, 0) }
}

#[tokio::test]
async fn without_a_fetch_both_changes_of_a_repeated_hour_are_news() {
    let [before, after] = [datetime!(2026-10-25 2:50 UTC), datetime!(2026-10-25 2:10 UTC)];
    for deleted in [false, true] {
        let fixture = Fixture::new().await;
        advance(&fixture, &HeadChange { deleted, ..made(1, before) }).await;
        for _ in ["the first attempt", "and one more"] {
            assert_eq!(advance(&fixture, &made(2, after)).await, Advance::Advanced);
        }
        let head = head(&fixture).await.unwrap();
        let last = made(if deleted { 1 } else { 2 }, after).notification.as_str().to_owned();
        assert_eq!((head.deleted, head.notification), (deleted, Some(last)), "a deletion stays");
        let repeated = HeadChange { strictly_newer: true, ..made(3, after) };
        assert_eq!(advance(&fixture, &repeated).await, Advance::Superseded);
        assert_eq!(advance(&fixture, &made(4, after - Duration::HOUR * 2)).await, Advance::Superseded);
    }
}

#[tokio::test]
async fn a_time_ahead_of_utc_hides_no_change_by_another_clock() {
    let fixture = Fixture::new().await;
    let ahead = NOW + Duration::HOUR * 2;
    advance(&fixture, &made(1, ahead)).await;
    assert_eq!(advance(&fixture, &made(2, ahead - Duration::MINUTE)).await, Advance::Superseded, "the same clock");
    assert_eq!(advance(&fixture, &made(3, NOW)).await, Advance::Advanced);
}

#[tokio::test]
async fn the_resources_clock_decides_only_between_two_fetched_states() {
    let with_resource = |change: HeadChange, is_fetched: bool| {
        let resource = at(100).filter(|_| is_fetched).map(Stamp::from);
        HeadChange { versions: Versions { resource, ..change.versions }, ..change }
    };
    for (before, after, expected) in
        [(true, false, Advance::Advanced), (false, true, Advance::Advanced), (true, true, Advance::Superseded)]
    {
        let fixture = Fixture::new().await;
        advance(&fixture, &with_resource(made(1, NOW + Duration::HOUR * 2), before)).await;
        let other = with_resource(made(2, NOW), after);
        assert_eq!(advance(&fixture, &other).await, expected, "fetched: {before}, {after}");
    }
}

#[tokio::test]
async fn a_change_of_status_is_one_write() {
    let fixture = Fixture::new().await;
    let advanced = dying(1, &fixture).advance(&with_status(1, 10, "Open"), NOW).await;
    assert_eq!(advanced.unwrap(), Advance::Advanced);
}

#[tokio::test]
async fn an_unchanged_status_is_one_entry_and_the_timeline_is_bounded() {
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
async fn removes_repeated_statuses_from_the_head_in_groups() {
    let fixture = Fixture::new().await;
    let mut most = 0;
    for second in 1..=30 {
        advance(&fixture, &with_status(second, second as i64, "Open")).await;
        let item = fixture.item("HEAD").await;
        most = most.max(item.keys().filter(|name| name.starts_with("status_at#")).count());
    }
    assert_eq!(most, 9, "the first, and eight repetitions");
}

#[tokio::test]
async fn keeps_equal_statuses_with_another_in_between() {
    let fixture = Fixture::new().await;
    for (id, seconds, status) in [(1, 10, "Open"), (2, 30, "Open"), (3, 20, "On hold")] {
        advance(&fixture, &with_status(id, seconds, status)).await;
    }
    assert_eq!(statuses(&head(&fixture).await.unwrap()), ["Open", "On hold", "Open"]);
}
