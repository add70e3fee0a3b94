use crate::support::{Fixture, NOW, TENANT, at, change};
use time::Duration;
use webhooks_model::collection::{Collection, Listed};
use webhooks_model::{HeadChange, Versions};
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
    let by_resource = Versions { resource: at(100), ..Versions::default() };
    let by_body = Versions { body: at(100), ..Versions::default() };
    for (number, versions) in [("1", by_resource), ("2", by_body)] {
        let entity = Collection::SalesOrder.entity_id(TENANT, &format!("SO/{number}"));
        let change = HeadChange { entity, versions, ..change(1, 0) };
        fixture.table.advance(&change, NOW).await.unwrap();
    }
    let listed = |key: &str, seconds| Listed { key: key.into(), modified: at(seconds).unwrap() };
    let all =
        vec![listed("SO/1", 100), listed("SO/2", 100), listed("SO/1", 101), listed("SO/2", 101), listed("SO/3", 1)];
    let missing = fixture.table.missing(TENANT, Collection::SalesOrder, all).await.unwrap();
    assert_eq!(missing, [listed("SO/1", 101), listed("SO/2", 101), listed("SO/3", 1)]);
    let many: Vec<Listed> = (0..250).map(|n| listed(&format!("SO/9{n}"), 1)).collect();
    assert_eq!(fixture.table.missing(TENANT, Collection::SalesOrder, many).await.unwrap().len(), 250);
}
