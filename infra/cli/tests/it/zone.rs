//! `doctor` measures the ERP's clock.

use fixtures::{FakeErp, TENANT, TestHost, TestTable};
use serde_json::json;
use time::macros::{datetime, offset};
use time::{Duration, OffsetDateTime, UtcOffset};
use visma_webhooks::commands::check::{Check, Verdict};
use visma_webhooks::commands::doctor::{Observed, clock, judged};
use webhooks_model::delivery::Meta;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Channel, Delivery, Notification, Origin, State, Zone};
use webhooks_settings::Settings;
use webhooks_store::{Answering, Change, Entry, Ledger};

const NOW: OffsetDateTime = datetime!(2026-07-01 12:00 UTC);

/// Accounts that changed in the last days. Their webhooks took a few seconds, and the ERP's clock has
/// this offset.
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
        let shown = at.to_offset(self.offset);
        let (hour, minute, second) = shown.to_hms();
        let stamp = format!("{}T{hour:02}:{minute:02}:{second:02}.123", shown.date());
        self.erp.put(&format!("v1/account/{number}"), &json!({ "lastModifiedDateTime": stamp }).to_string());
        let meta = Meta {
            id: uuid::Uuid::nil(),
            channel: Channel::Dispatcher,
            origin,
            subscription: "all".into(),
            event: None,
            tenant: Some(TENANT.to_owned()),
            shared_secret: false,
            replays: None,
            answer_role: Default::default(),
            received_at: at + Duration::seconds(4),
            sent_from: None,
            headers: std::collections::BTreeMap::new(),
        };
        let body = json!({ "event": "ACCOUNT_CHANGED", "accountCd": number }).to_string();
        let delivery = Delivery { meta, body: body.clone().into_bytes() };
        let notification = &Notification::read(&delivery, &body, &NoDirectory);
        let change = Change::Ended { state: State::Processed, answer: Answering::none() };
        self.table.table.record(&Entry { notification, change, now: at }).await.unwrap();
    }

    async fn check(&self, told: &str) -> Check {
        let mut document = fixtures::document();
        document["visma"]["erp_time_zone"] = json!(told);
        let settings = Settings::parse(&document.to_string()).unwrap();
        clock(&self.table.table, &self.erp, &settings, TENANT, NOW).await
    }
}

#[tokio::test]
async fn a_zone_that_is_wrong_is_told_with_what_to_write() {
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
async fn a_zone_that_is_right_is_well() {
    for (erp, told) in [(offset!(UTC), "UTC"), (offset!(+2), "Europe/Oslo"), (offset!(-4), "America/New_York")] {
        let check = World::new(erp).await.check(told).await;
        assert_eq!((check.verdict, check.advice.as_str()), (Verdict::Ok, ""), "{check:?}");
    }
}

#[tokio::test]
async fn what_was_found_without_a_webhook_measures_nothing() {
    let world = World { table: TestTable::new().await, erp: FakeErp::default(), offset: offset!(+2) };
    assert_eq!(world.check("UTC").await.verdict, Verdict::Skipped);
    world.change("1920", NOW - Duration::HOUR, Origin::Reconciliation).await;
    assert_eq!(world.check("UTC").await.verdict, Verdict::Skipped);
    assert!(world.erp.fetched().is_empty());
}

#[test]
fn one_measurement_alone_warns_and_the_most_decide() {
    let at = |offset| Observed { offset, at: NOW };
    let verdict = |observed: &[Observed]| judged("clock".into(), Zone::UTC, observed).verdict;
    assert_eq!(verdict(&[at(offset!(+2))]), Verdict::Warning);
    assert_eq!(verdict(&[at(offset!(+2)), at(offset!(UTC))]), Verdict::Ok);
    assert_eq!(verdict(&[at(offset!(+2)), at(offset!(UTC)), at(offset!(+2))]), Verdict::Failed);
    assert_eq!(verdict(&[]), Verdict::Skipped);
}
