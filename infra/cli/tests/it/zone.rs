//! `doctor` measures the ERP's clock.

use fixtures::{FakeErp, TENANT, TestHost, TestTable, meta, notification_of};
use serde_json::{Value, json};
use time::macros::{datetime, offset};
use time::{Duration, OffsetDateTime, UtcOffset};
use visma_webhooks::commands::check::{Check, Verdict};
use visma_webhooks::commands::doctor::{Observed, clocks, judged};
use webhooks_model::delivery::Meta;
use webhooks_model::{Origin, State, Zone};
use webhooks_settings::Settings;
use webhooks_store::{Answering, Change, Entry};

const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);

/// Accounts that changed in the last days, each with a webhook a few seconds later. The ERP's clock
/// has this offset.
struct World {
    table: TestTable,
    erp: FakeErp,
    offset: UtcOffset,
}

impl World {
    async fn new(offset: UtcOffset) -> Self {
        let world = Self { table: TestTable::new().await, erp: FakeErp::with_clock(&TestHost::default()), offset };
        for (number, days) in [("1920", 1), ("1921", 2), ("1930", 3)] {
            world.change(number, NOW - Duration::days(days), Origin::Webhook).await;
        }
        world
    }

    async fn change(&self, number: &str, at: OffsetDateTime, origin: Origin) {
        let account = json!({ "lastModifiedDateTime": shown(at, self.offset) });
        self.erp.put(&format!("v1/account/{number}"), &account.to_string());
        self.told(&json!({ "event": "ACCOUNT_CHANGED", "accountCd": number }), at, origin).await;
    }

    /// Adds orders that changed in the last days, with these times.
    async fn orders(&self, stamp: impl Fn(OffsetDateTime) -> String) {
        for days in 1..=3 {
            let (at, number) = (NOW - Duration::days(days), format!("00010{days}"));
            self.erp.put(&format!("api/v3/SalesOrders/SO/{number}"), &json!({ "lastModified": stamp(at) }).to_string());
            let body = json!({ "event": "SALESORDER_UPDATED", "type": "SO", "orderId": number });
            self.told(&body, at, Origin::Webhook).await;
        }
    }

    /// Adds a webhook about a change, a few seconds later.
    async fn told(&self, body: &Value, at: OffsetDateTime, origin: Origin) {
        let meta = Meta { origin, tenant: Some(TENANT.to_owned()), ..meta(at + Duration::seconds(4)) };
        let notification = &notification_of(meta, &body.to_string());
        let change = Change::Ended { state: State::Processed, answer: Answering::none() };
        self.table.table.record(&Entry { notification, change, now: at }).await.unwrap();
    }

    async fn check(&self, told: &str) -> Check {
        let mut checks = self.checks(told, "UTC").await;
        assert_eq!(checks.len(), 1, "no webhook told of an order");
        checks.remove(0)
    }

    async fn checks(&self, finance: &str, orders: &str) -> Vec<Check> {
        let mut document = fixtures::document();
        document["visma"]["erp_time_zone"] = json!(finance);
        document["visma"]["sales_order_time_zone"] = json!(orders);
        let settings = Settings::parse(&document.to_string()).unwrap();
        clocks(&self.table.table, &self.erp, &settings, TENANT, NOW).await
    }
}

/// The time that a clock with this offset shows.
fn shown(at: OffsetDateTime, offset: UtcOffset) -> String {
    let shown = at.to_offset(offset);
    let (hour, minute, second) = shown.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}.123", shown.date())
}

#[tokio::test]
async fn reports_a_wrong_zone_with_the_value_to_write() {
    for (erp, told, write) in [
        (offset!(+2), "UTC", "Europe/Oslo"),
        (offset!(UTC), "Europe/Oslo", "UTC"),
        (offset!(-4), "Europe/Oslo", "America/New_York"),
        (offset!(+9), "UTC", "Etc/GMT-9"),
    ] {
        let check = World::new(erp).await.check(told).await;
        assert_eq!(check.verdict, Verdict::Failed, "{check:?}");
        assert!(check.seen.contains("visma.erp_time_zone") && check.seen.contains(told), "{check:?}");
        assert!(check.advice.contains(&format!("\"erp_time_zone\": \"{write}\"")), "{check:?}");
        assert!(Zone::named(write).is_some());
    }
}

#[tokio::test]
async fn checks_the_clock_of_each_api_and_names_the_wrong_setting() {
    let world = World::new(offset!(+2)).await;
    world.orders(|at| shown(at, offset!(+9))).await;
    for (finance, orders, wrong) in [
        ("Europe/Oslo", "Asia/Tokyo", None),
        ("Europe/Oslo", "UTC", Some((1, "visma.sales_order_time_zone", "\"sales_order_time_zone\": \"Etc/GMT-9\""))),
        ("UTC", "Asia/Tokyo", Some((0, "visma.erp_time_zone", "\"erp_time_zone\": \"Europe/Oslo\""))),
    ] {
        let checks = world.checks(finance, orders).await;
        assert_eq!(checks.len(), 2, "{checks:?}");
        for (at, check) in checks.iter().enumerate() {
            match wrong.filter(|(wrong, ..)| *wrong == at) {
                None => assert_eq!(check.verdict, Verdict::Ok, "{check:?}"),
                Some((_, setting, write)) => {
                    assert_eq!(check.verdict, Verdict::Failed, "{check:?}");
                    assert!(check.seen.contains(setting) && check.advice.contains(write), "{check:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn orders_with_zoned_times_need_no_setting() {
    let world = World::new(offset!(UTC)).await;
    world.orders(|at| format!("{}Z", shown(at, offset!(UTC)))).await;
    let orders = world.checks("UTC", "Asia/Tokyo").await.remove(1);
    assert_eq!(orders.verdict, Verdict::Ok, "{orders:?}");
    assert!(orders.seen.contains("visma.sales_order_time_zone does not matter"), "{orders:?}");
}

#[tokio::test]
async fn accepts_a_right_zone() {
    for (erp, told) in [(offset!(UTC), "UTC"), (offset!(+2), "Europe/Oslo"), (offset!(-4), "America/New_York")] {
        let check = World::new(erp).await.check(told).await;
        assert_eq!((check.verdict, check.advice.as_str()), (Verdict::Ok, ""), "{check:?}");
    }
}

#[tokio::test]
async fn ignores_changes_found_without_a_webhook() {
    let world = World { table: TestTable::new().await, erp: FakeErp::default(), offset: offset!(+2) };
    assert_eq!(world.check("UTC").await.verdict, Verdict::Skipped);
    world.change("1920", NOW - Duration::HOUR, Origin::Reconciliation).await;
    assert_eq!(world.check("UTC").await.verdict, Verdict::Skipped);
    assert!(world.erp.fetched().is_empty());
}

#[test]
fn a_single_measurement_only_warns_and_the_majority_decides() {
    let at = |offset| Observed { offset, at: NOW };
    let verdict = |observed: &[Observed]| judged("clock".into(), "visma.erp_time_zone", Zone::UTC, observed).verdict;
    assert_eq!(verdict(&[at(offset!(+2))]), Verdict::Warning);
    assert_eq!(verdict(&[at(offset!(+2)), at(offset!(UTC))]), Verdict::Ok);
    assert_eq!(verdict(&[at(offset!(+2)), at(offset!(UTC)), at(offset!(+2))]), Verdict::Failed);
    assert_eq!(verdict(&[]), Verdict::Skipped);
}
