use crate::support::{Fixture, NOW, TENANT};
use std::collections::HashMap;
use time::Duration;
use webhooks_model::Collection;
use webhooks_store::{KnownTenant, Watermark};

fn tenant(id: &str, name: Option<&str>) -> KnownTenant {
    let name = name.map(str::to_owned);
    KnownTenant { id: id.into(), name, company_id: Some("1234567".into()), heard_at: Some(NOW), is_silent: false }
}

#[tokio::test]
async fn the_directory_has_the_last_entry_of_each_tenant() {
    let fixture = Fixture::new().await;
    let (first, second) = (tenant("t-1", Some("Ål & Sønn")), tenant("t-2", Some("Other")));
    for one in [&second, &first] {
        fixture.table.set_tenant(one, NOW).await.unwrap();
    }
    assert_eq!(fixture.table.directory(NOW).await.unwrap(), [first, second], "by id");
    let bare = KnownTenant { company_id: None, heard_at: None, is_silent: true, ..tenant("t-1", None) };
    fixture.table.set_tenant(&bare, NOW).await.unwrap();
    assert_eq!(fixture.table.directory(NOW).await.unwrap()[0], bare, "what is gone from the settings is gone from it");
}

#[tokio::test]
async fn finds_the_recorded_ones_of_many_tenants() {
    let fixture = Fixture::new().await;
    let ids: Vec<String> = (0..120).map(|at| format!("t-{at}")).collect();
    for at in [3, 119] {
        fixture.table.set_tenant(&tenant(&ids[at], None), NOW).await.unwrap();
    }
    let known = fixture.table.known_tenants(&ids, NOW).await.unwrap();
    let expected = [3, 119].map(|at: usize| (ids[at].clone(), tenant(&ids[at], None)));
    assert_eq!(known, HashMap::from(expected));
}

#[tokio::test]
async fn an_entry_lasts_for_the_retention_and_is_renewed_before_its_end() {
    let fixture = Fixture::new().await;
    fixture.table.set_tenant(&tenant("t-1", None), NOW).await.unwrap();
    let ids = ["t-1".to_owned()];
    for (days, is_kept, is_shown) in [(45, true, true), (46, false, true), (91, false, false)] {
        let now = NOW + Duration::days(days);
        let known = fixture.table.known_tenants(&ids, now).await.unwrap();
        let shown = fixture.table.directory(now).await.unwrap();
        assert_eq!((known.len() == 1, shown.len() == 1), (is_kept, is_shown), "{days} days later");
    }
}

#[tokio::test]
async fn an_erasure_finds_the_watermarks_of_a_tenant_that_the_settings_have_in_upper_case() {
    let fixture = Fixture::new().await;
    let swept = Watermark { swept_to: NOW, page_size: None, unfinished: None };
    fixture.table.set_watermark("T-1", Collection::Customer, &swept, NOW).await.unwrap();
    let kept = fixture.table.kept("t-1", None).await.unwrap();
    assert_eq!((kept.keys.len(), kept.times[0].received, kept.times[0].written), (1, None, Some(NOW)));
}

#[tokio::test]
async fn an_erasure_removes_only_its_tenant_from_the_directory() {
    let fixture = Fixture::new().await;
    for id in [TENANT, &format!("{TENANT}9")] {
        fixture.table.set_tenant(&tenant(id, None), NOW).await.unwrap();
    }
    let kept = fixture.table.kept(TENANT, None).await.unwrap();
    assert_eq!(kept.keys, [("tenants".to_owned(), TENANT.to_owned())]);
    fixture.table.erase(&kept.keys[0]).await.unwrap();
    let left: Vec<String> = fixture.table.directory(NOW).await.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(left, [format!("{TENANT}9")]);
}
