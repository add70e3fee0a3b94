use crate::support::{Fixture, NOW, TENANT, noting, order};
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
    let (table, reads) = noting(&fixture);
    assert_eq!(table.named(Reference::of(&order(3).ledger_key(), NOW)).await.unwrap(), None);
    let expected = [None, None, Some(1_000), Some(1_000)];
    assert_eq!(reads.lock().unwrap().limits(), expected, "the tenant, its place, and the rest of two days");
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

#[tokio::test]
async fn only_the_newest_hundred_parked_notifications_make_their_tenants_known() {
    let fixture = Fixture::new().await;
    record(&fixture, "long-ago", 1, Duration::days(1)).await;
    for number in 1..=100 {
        record(&fixture, "lately", number, Duration::ZERO).await;
    }
    assert_eq!(fixture.table.tenants().await.unwrap(), ["lately", "unknown"]);
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
    assert!(other.seen_tenants().await.unwrap().is_empty(), "nothing of it is left");
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
    assert_eq!(pages.len(), 7);
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

#[tokio::test]
async fn a_request_reads_no_further_than_a_full_page_and_no_more_than_5000_entries() {
    let fixture = Fixture::new().await;
    record(&fixture, TENANT, 1, Duration::HOUR).await;
    let (table, reads) = noting(&fixture);
    let (tenants, from) = ([TENANT.to_owned()], NOW - Duration::hours(2));
    let one = SearchQuery { tenants: &tenants, from, to: NOW, after: None, most: 1 };
    assert_eq!(table.seek(&one, &|_: &LedgerKey| true).await.unwrap().records.len(), 1);
    assert_eq!(reads.lock().unwrap().pages.len(), 1);

    // A day with ever more entries, of which a read takes 250.
    let (_, mut day) = reads.lock().unwrap().pages.remove(0);
    day.items = vec![day.items[0].clone(); 250];
    day.scanned = 250;
    day.last_evaluated = day.items.first().cloned();
    reads.lock().unwrap().answer = Some(day);
    let page = table.seek(&one, &|_: &LedgerKey| false).await.unwrap();
    assert!(page.records.is_empty() && page.next.is_some());
    assert_eq!(reads.lock().unwrap().pages.len(), 20);
}

#[tokio::test]
async fn a_search_from_midnight_on_does_not_go_back_to_the_day_before() {
    let fixture = Fixture::new().await;
    // As many as one request reads.
    let tenants: Vec<String> = (0..100).map(|number| format!("t-{number:02}")).collect();
    let from = NOW - Duration::hours(12);
    let first = SearchQuery { tenants: &tenants, from, to: NOW, after: None, most: 1 };
    let page = fixture.table.seek(&first, &|_: &LedgerKey| true).await.unwrap();
    assert!(page.next.is_some());
    let rest = SearchQuery { tenants: &tenants, from, to: NOW, after: page.next.as_ref(), most: 1 };
    assert_eq!(fixture.table.seek(&rest, &|_: &LedgerKey| true).await.unwrap().next, None);
}
