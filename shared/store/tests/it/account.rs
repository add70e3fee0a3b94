//! The numbers of accounts, which may change.

use crate::support::{Fixture, NOW, account, at, change, dying};
use time::Duration;
use webhooks_model::{HeadChange, Stamp, Ticks, Versions};

async fn advance(fixture: &Fixture, change: &HeadChange) {
    fixture.table.advance(change, NOW).await.unwrap();
}

/// A change of account 77, fetched under this number.
fn numbered(number: &str, seconds: i64) -> HeadChange {
    let versions = Versions { resource: at(seconds).map(Stamp::from), ..Versions::default() };
    HeadChange { entity: account(number), versions, internal_id: Some("77".into()), ..change(1, 0) }
}

async fn account_head(fixture: &Fixture, number: &str) -> (Option<String>, Option<String>) {
    let head = fixture.table.head_of(&account(number)).await.unwrap().unwrap_or_default();
    (head.previous_key, head.renumbered_to)
}

#[tokio::test]
async fn a_renumbered_account_is_found_under_both_numbers() {
    let fixture = Fixture::new().await;
    let (none, some) = (|| None, |number: &str| Some(number.to_owned()));
    advance(&fixture, &numbered("1920", 1)).await;
    advance(&fixture, &numbered("1920", 2)).await;
    assert_eq!(account_head(&fixture, "1920").await, (none(), none()));
    for _ in ["the first attempt", "and one more"] {
        advance(&fixture, &numbered("1921", 3)).await;
        assert_eq!(account_head(&fixture, "1920").await, (none(), some("1921")));
        assert_eq!(account_head(&fixture, "1921").await, (some("1920"), none()));
    }
    advance(&fixture, &numbered("1920", 2)).await;
    assert_eq!(account_head(&fixture, "1920").await, (none(), some("1921")), "an older change has no effect");
}

#[tokio::test]
async fn an_account_can_take_its_former_number_again() {
    let fixture = Fixture::new().await;
    for (number, seconds) in [("1920", 1), ("1921", 2), ("1920", 3), ("1920", 4)] {
        advance(&fixture, &numbered(number, seconds)).await;
    }
    assert_eq!(account_head(&fixture, "1920").await, (Some("1921".into()), None));
    assert_eq!(account_head(&fixture, "1921").await, (Some("1920".into()), Some("1920".into())));
    advance(&fixture, &numbered("1922", 5)).await;
    assert_eq!(account_head(&fixture, "1922").await, (Some("1920".into()), None));
}

#[tokio::test]
async fn an_account_numbered_at_a_time_that_cannot_be_right_is_followed_again() {
    let fixture = Fixture::new().await;
    let resource = Some(Ticks::from_datetime(NOW + Duration::days(3)).into());
    let versions = Versions { resource, ..Versions::default() };
    advance(&fixture, &HeadChange { versions, ..numbered("1920", 1) }).await;
    advance(&fixture, &numbered("1921", 2)).await;
    assert_eq!(account_head(&fixture, "1921").await, (Some("1920".into()), None));
    advance(&fixture, &numbered("1922", 3)).await;
    assert_eq!(account_head(&fixture, "1922").await, (Some("1921".into()), None));
}

#[tokio::test]
async fn a_number_taken_by_another_account_leads_to_that_account() {
    let fixture = Fixture::new().await;
    advance(&fixture, &numbered("1920", 1)).await;
    advance(&fixture, &HeadChange { internal_id: Some("78".into()), ..numbered("1920", 2) }).await;
    advance(&fixture, &HeadChange { internal_id: Some("78".into()), ..numbered("1930", 3) }).await;
    assert_eq!(account_head(&fixture, "1930").await, (Some("1920".into()), None));
}

#[tokio::test]
async fn the_next_attempt_repairs_a_crash_at_any_request() {
    let mut deaths = 0;
    loop {
        let fixture = Fixture::new().await;
        advance(&fixture, &numbered("1920", 1)).await;
        let survived = dying(deaths, &fixture).advance(&numbered("1921", 2), NOW).await.is_ok();
        advance(&fixture, &numbered("1921", 2)).await;
        assert_eq!(account_head(&fixture, "1920").await, (None, Some("1921".into())), "dead after {deaths}");
        assert_eq!(account_head(&fixture, "1921").await, (Some("1920".into()), None), "dead after {deaths}");
        if survived {
            break;
        }
        deaths += 1;
    }
    assert_eq!(deaths, 5, "requests of a change that renumbers");
}

#[tokio::test]
async fn an_account_that_keeps_changing_stays_known_by_its_number() {
    let fixture = Fixture::new().await;
    let changes_after = async |days: i64| {
        let change = numbered("1920", days * 86_400);
        fixture.table.advance(&change, NOW + Duration::days(days)).await.unwrap();
        fixture.item("NUMBER").await["expires_at"].as_n().unwrap().parse::<i64>().unwrap()
    };
    let first = changes_after(0).await;
    assert_eq!(changes_after(1).await, first, "not with each change, since it costs a write");
    let retention = first - NOW.unix_timestamp();
    let half = retention / 86_400 / 2 + 1;
    assert_eq!(changes_after(half).await, first + half * 86_400);
}
