use crate::support::{Fixture, NOW, TENANT, order};
use time::Duration;
use webhooks_model::rollup::Rolling;
use webhooks_model::{LedgerKey, Notification, Reason, Reference};
use webhooks_store::{Change, Entry, Erasure, SearchPage, SearchQuery, Table};

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

async fn record(fixture: &Fixture, tenant: &str, number: u128, age: Duration) -> Notification {
    let n = Notification { received_at: NOW - age, tenant: Some(tenant.to_owned()), ..order(number) };
    let change = Change::Parked(Reason::Unmapped);
    assert!(fixture.table.record(&Entry { notification: &n, change, now: NOW }).await.unwrap());
    n
}

/// The store of another process.
fn other_process(fixture: &Fixture) -> Table {
    Table::new(fixture.client.clone(), fixture.name.clone(), Duration::days(90))
}

#[tokio::test]
async fn a_short_reference_leads_only_to_its_record() {
    let fixture = Fixture::new().await;
    let n = record(&fixture, TENANT, 1, Duration::ZERO).await;
    record(&fixture, TENANT, 2, Duration::ZERO).await;
    record(&fixture, OTHER, 1, Duration::ZERO).await;
    for tenant in [TENANT, OTHER] {
        fixture.table.know(tenant, NOW).await.unwrap();
    }
    let reference = Reference::of(&n.ledger_key(), n.received_at);
    for store in [&fixture.table, &other_process(&fixture)] {
        assert_eq!(store.named(reference).await.unwrap(), Some(n.ledger_key()));
        let never = Reference::of(&order(3).ledger_key(), NOW);
        assert_eq!(store.named(never).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_reference_still_works_after_the_notification_came_again() {
    // On the same day, and on the next.
    for age in [Duration::hours(1), Duration::hours(13)] {
        let fixture = Fixture::new().await;
        let n = record(&fixture, TENANT, 1, age).await;
        fixture.table.know(TENANT, NOW).await.unwrap();
        record(&fixture, TENANT, 1, Duration::ZERO).await;
        let found = fixture.table.named(Reference::of(&n.ledger_key(), n.received_at)).await.unwrap();
        assert_eq!(found, Some(n.ledger_key()), "{age}");
    }
}

#[tokio::test]
async fn a_tenant_is_known_if_it_is_counted_shown_or_recently_parked() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.table.tenants().await.unwrap(), ["unknown"]);
    fixture.table.set_rolling("counted", &Rolling::begin(NOW), NOW).await.unwrap();
    fixture.table.know("shown", NOW).await.unwrap();
    record(&fixture, "not-served", 1, Duration::ZERO).await;
    assert_eq!(fixture.table.tenants().await.unwrap(), ["counted", "not-served", "shown", "unknown"]);
    let rolling = fixture.table.rolling("counted").await.unwrap();
    fixture.table.know("counted", NOW).await.unwrap();
    assert_eq!(fixture.table.rolling("counted").await.unwrap(), rolling, "the counting keeps its position");
}

/// An erasure deletes the mark, and a process writes it only once.
#[tokio::test]
async fn other_processes_read_what_one_shows_of_an_erased_tenant() {
    let fixture = Fixture::new().await;
    fixture.table.know(TENANT, NOW).await.unwrap();
    let erasure = Erasure { tenant: TENANT.to_owned(), of_before: NOW };
    fixture.table.set_erasure(&erasure, NOW).await.unwrap();
    for key in fixture.table.kept(TENANT, None).await.unwrap().keys {
        fixture.table.erase(&key).await.unwrap();
    }
    let other = other_process(&fixture);
    assert_eq!(other.tenants().await.unwrap(), [TENANT, "unknown"]);
    let n = record(&fixture, TENANT, 1, Duration::ZERO).await;
    fixture.table.know(TENANT, NOW).await.unwrap();
    let reference = Reference::of(&n.ledger_key(), n.received_at);
    assert_eq!(other.named(reference).await.unwrap(), Some(n.ledger_key()));
    let of_another = Notification { tenant: Some(OTHER.to_owned()), ..order(1) };
    let never = Reference::of(&of_another.ledger_key(), NOW);
    assert_eq!(other.named(never).await.unwrap(), None);
}

async fn seek(
    fixture: &Fixture,
    tenants: &[&str],
    most: usize,
    fits: impl Fn(&LedgerKey) -> bool + Send + Sync,
) -> Vec<SearchPage> {
    let mut tenants: Vec<String> = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
    tenants.sort();
    let mut pages: Vec<SearchPage> = vec![];
    loop {
        let after = pages.last().and_then(|page| page.next.clone());
        let (from, to) = (NOW - Duration::days(30), NOW + Duration::MINUTE);
        let seek = SearchQuery { tenants: &tenants, from, to, after: after.as_ref(), most };
        pages.push(fixture.table.seek(&seek, &fits).await.unwrap());
        assert!(pages.len() < 50, "a search without an end");
        if pages.last().is_some_and(|page| page.next.is_none()) {
            return pages;
        }
    }
}

#[tokio::test]
async fn finds_every_match_once_with_any_page_size() {
    let fixture = Fixture::new().await;
    for number in 1_u128..=9 {
        let tenant = if number % 2 == 0 { TENANT } else { OTHER };
        record(&fixture, tenant, number, Duration::hours(i64::try_from(number).unwrap() * 9)).await;
    }
    for most in [1, 2, 3, 50] {
        let pages = seek(&fixture, &[OTHER, "nobody", TENANT], most, |_| true).await;
        let mut found: Vec<_> = pages.iter().flat_map(|page| &page.records).map(|one| one.key.clone()).collect();
        assert!(pages.iter().all(|page| page.records.len() <= most));
        found.sort_by_key(|key| key.notification.to_string());
        found.dedup();
        assert_eq!(found.len(), 9, "{most} a page");
    }
    let pages = seek(&fixture, &[TENANT], 50, |key| key.notification == order(4).key).await;
    assert_eq!(pages.iter().map(|page| page.records.len()).sum::<usize>(), 1);
    assert_eq!(pages.last().unwrap().searched_to, NOW - Duration::days(30));
}

#[tokio::test]
async fn a_request_reads_a_bounded_part_and_returns_how_far_it_came() {
    let fixture = Fixture::new().await;
    let oldest = record(&fixture, "t-07", 1, Duration::days(29)).await;
    let tenants: Vec<String> = (0..20).map(|number| format!("t-{number:02}")).collect();
    let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
    let pages = seek(&fixture, &tenants, 50, |key| *key == oldest.ledger_key()).await;
    // 20 tenants of 31 days, 100 reads a page.
    assert!((6..=8).contains(&pages.len()), "{}", pages.len());
    assert!(pages.is_sorted_by(|one, next| one.searched_to > next.searched_to), "{pages:?}");
    assert_eq!(pages.iter().map(|page| page.records.len()).sum::<usize>(), 1);
}

#[tokio::test]
async fn a_long_day_of_one_tenant_hides_no_other_tenant() {
    let fixture = Fixture::new().await;
    for number in 1_u128..=260 {
        record(&fixture, "busy", number, Duration::ZERO).await;
    }
    let n = record(&fixture, "quiet", 1, Duration::ZERO).await;
    let pages = seek(&fixture, &["busy", "quiet"], 100, |_| true).await;
    let mut found: Vec<_> = pages.iter().flat_map(|page| &page.records).map(|one| one.key.clone()).collect();
    assert!(found.contains(&n.ledger_key()));
    assert_eq!(found.len(), 261);
    found.sort_by_key(|key| (key.entity.to_string(), key.notification.to_string()));
    found.dedup();
    assert_eq!(found.len(), 261, "each once");
}
