//! Sweeps the stand-in for Visma Net over HTTP: an ERP whose clock differs from ours, and one that
//! delivers nothing.

use fixtures::{FakeQueue, FakeSource, TestHost, TestTable, document, head_change};
use reconciler::{Ports, Reconciler};
use serde_json::json;
use standin::{
    CLIENT_ID, CLIENT_SECRET, Change, Dialect, NewTenant, Options, Retry, Sending, Server, Subscription, TenantClient,
};
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;
use webhooks_host::{Host, SystemHost};
use webhooks_metrics::{Emitted, Metrics, Service};
use webhooks_model::{Clock, Collection, Delivery, EntityId, LedgerKey, NotificationKey, Versions, Zone};
use webhooks_settings::Cache;
use webhooks_store::Dynamo;
use webhooks_visma::VismaClient;

const QUARTER: time::Duration = time::Duration::minutes(15);

struct Http;

impl Ports for Http {
    type Source = FakeSource;
    type Items = Dynamo;
    type Listing = VismaClient<TestHost>;
    type Queue = FakeQueue;
    type Host = TestHost;
}

/// A company with this clock, and a reconciler whose settings name that zone.
struct World {
    tenant: TenantClient,
    tenant_id: String,
    host: TestHost,
    table: TestTable,
    queue: FakeQueue,
    reconciler: Reconciler<Http>,
    server: Server,
}

impl World {
    async fn new(erp: &str, told: &str, now: OffsetDateTime) -> Self {
        let company = NewTenant { time_zone: Some(erp.to_owned()), ..NewTenant::default() };
        Self::of("account", company, ("erp_time_zone", told), now).await
    }

    async fn of(list: &str, company: NewTenant, (setting, told): (&str, &str), now: OffsetDateTime) -> Self {
        let server = Server::start(Options::default()).await.unwrap();
        let tenant_id = company.tenant_id.to_string();
        let tenant = server.client().create_tenant(company).await.unwrap();
        let (host, table, queue) = (TestHost::default(), TestTable::new().await, FakeQueue::default());
        host.advance(now - TestHost::START);
        let mut settings = document();
        settings["visma"] = json!({
            "connect_url": server.url(), "erp_url": format!("{}/erp", server.url()),
            "sales_order_url": format!("{}/salesorder", server.url()),
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
            "scope": "vismanet_erp_service_api:read visma.net.erp.salesorder:read",
            setting: told,
        });
        settings["tenants"] = json!([{ "id": tenant_id }]);
        settings["reconciliation"] = json!({ "collections": [list] });
        let reconciler = Reconciler {
            settings: Cache::new(FakeSource::new(settings), host.clone()),
            sweeps: table.table.clone(),
            listing: VismaClient::new(host.clone()).unwrap(),
            queue: queue.clone(),
            feedback: FakeQueue::default(),
            repairs: None,
            host: host.clone(),
            metrics: Metrics::new(Service::Reconciler, host.clone(), Emitted::default()),
        };
        Self { tenant, tenant_id, host, table, queue, reconciler, server }
    }

    /// The keys that the next sweep finds missing.
    async fn sweep(&self) -> Vec<String> {
        let before = self.queue.sent().len();
        let report = self.reconciler.run("r-1", Duration::from_secs(60), None, None).await.unwrap();
        assert_eq!((report.finished, report.unfinished), (1, 0));
        self.host.advance(QUARTER);
        let key = |sent: &fixtures::Sent| {
            let delivery = Delivery::from_message(&sent.body).unwrap();
            let item: serde_json::Value = serde_json::from_slice(&delivery.body).unwrap();
            item["entityId"].as_str().unwrap().to_owned()
        };
        self.queue.sent()[before..].iter().map(key).collect()
    }

    /// Records that the processor fetched the account when the clock of Oslo showed this.
    async fn fetched(&self, number: &str, shown: &str) {
        let resource = Clock::new(Zone::named("Europe/Oslo").unwrap(), self.host.now()).read(shown);
        let entity = EntityId { tenant: self.tenant_id.clone(), ..Collection::Account.entity_id("", number) };
        let key = LedgerKey { entity, notification: NotificationKey::new(shown.as_bytes(), "", None) };
        let change = head_change(key, Versions { resource, ..Versions::default() });
        self.table.table.advance(&change, self.host.now()).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_is_found_by_the_next_sweep_whatever_the_zone_of_the_erp() {
    for zone in ["UTC", "Europe/Oslo", "America/New_York"] {
        let world = World::new(zone, zone, SystemHost.now()).await;
        assert!(world.sweep().await.is_empty());
        world.tenant.put(standin::Collection::Account, "1920", json!({})).await.unwrap();
        assert_eq!(world.sweep().await, ["1920"], "{zone}");
    }
}

/// Endpoints of one API may have different clocks (docs/visma-net.md#times-and-zones).
#[tokio::test]
async fn a_change_is_found_at_an_endpoint_that_shows_utc_whatever_the_zone_of_the_others() {
    for zone in ["Europe/Oslo", "America/New_York"] {
        let world = World::new("UTC", zone, SystemHost.now()).await;
        assert!(world.sweep().await.is_empty());
        world.tenant.put(standin::Collection::Account, "1920", json!({})).await.unwrap();
        let mut found = world.sweep().await;
        // Read by a clock behind UTC, its time is still to come.
        world.host.advance(time::Duration::hours(5));
        found.extend(world.sweep().await);
        assert_eq!(found[0], "1920", "{zone}");
    }
}

#[tokio::test]
async fn a_sales_order_is_found_by_the_clock_of_its_own_api() {
    for (told, found) in [("Asia/Tokyo", vec!["SO/1"]), ("UTC", vec![])] {
        let now = SystemHost.now();
        let setting = ("sales_order_time_zone", told);
        let world = World::of("sales_order", NewTenant::default(), setting, now).await;
        assert!(world.sweep().await.is_empty());
        let shown = now + time::Duration::hours(9);
        let (hour, minute, second) = shown.to_hms();
        let shown = format!("{}T{hour:02}:{minute:02}:{second:02}.000", shown.date());
        let order = json!({ "lastModified": shown });
        world.tenant.put(standin::Collection::SalesOrderV3, "SO/1", order).await.unwrap();
        assert_eq!(world.sweep().await, found, "{told}");
    }
}

#[tokio::test]
async fn a_zone_too_far_west_finds_changes_late_without_losing_any() {
    let world = World::new("Asia/Tokyo", "UTC", SystemHost.now()).await;
    world.tenant.put(standin::Collection::Account, "1920", json!({})).await.unwrap();
    assert!(world.sweep().await.is_empty());
    world.host.advance(time::Duration::hours(9));
    assert_eq!(world.sweep().await, ["1920"]);
}

#[tokio::test]
async fn the_second_of_two_equal_hours_hides_no_change_and_reports_none_twice() {
    let world = World::new("Europe/Oslo", "Europe/Oslo", datetime!(2026-10-25 0:50:02 UTC)).await;
    let change = async |number: &str, shown: &str| {
        let stamp = json!({ "lastModifiedDateTime": shown });
        world.tenant.put(standin::Collection::Account, number, stamp).await.unwrap();
    };
    let (before, after) = ("2026-10-25T02:50:00.000", "2026-10-25T02:10:00.000");
    for number in ["1920", "1921", "1930"] {
        change(number, before).await;
        world.fetched(number, before).await;
    }
    world.host.advance(time::Duration::minutes(6));
    assert!(world.sweep().await.is_empty());
    // 01:11 UTC: two changes since, and a webhook for one of them.
    change("1920", after).await;
    change("1921", after).await;
    world.fetched("1920", after).await;
    world.host.advance(time::Duration::minutes(5));
    assert_eq!(world.sweep().await, ["1921"]);
    world.fetched("1921", after).await;
    for _ in 0..12 {
        assert!(world.sweep().await.is_empty());
    }
}

#[tokio::test]
async fn the_skipped_hour_hides_no_change() {
    let world = World::new("Europe/Oslo", "Europe/Oslo", datetime!(2026-03-29 0:56 UTC)).await;
    assert!(world.sweep().await.is_empty());
    for (number, shown) in [("1920", "2026-03-29T01:59:59.999"), ("1930", "2026-03-29T03:00:00.001")] {
        let stamp = json!({ "lastModifiedDateTime": shown });
        world.tenant.put(standin::Collection::Account, number, stamp).await.unwrap();
    }
    assert_eq!(world.sweep().await, ["1920", "1930"]);
}

/// It is unknown whether a 4xx ends a delivery, and whether failures disable a subscription
/// (docs/visma-net.md#answers-and-retries).
#[tokio::test]
async fn finds_what_was_refused_whether_or_not_it_is_sent_again() {
    for dialect in [
        Dialect::default(),
        Dialect { gives_up_at_4xx: true, ..Dialect::default() },
        Dialect { disables_after: Some(1), ..Dialect::default() },
    ] {
        let world = World::new("UTC", "UTC", SystemHost.now()).await;
        assert!(world.sweep().await.is_empty());
        // The stand-in itself receives nothing, and answers 404.
        world.server.client().set_api_url(world.server.url()).await.unwrap();
        let [id, secret, route] = ["s-1", "secret", "erp"].map(str::to_owned);
        world.tenant.set_subscriptions(&[Subscription { id, secret, route, event: None }]).await.unwrap();
        world.tenant.set_dialect(&dialect).await.unwrap();
        for number in ["1920", "1930"] {
            let sending = Sending { retry: Retry { base_ms: 1, ..Retry::default() }, ..Sending::default() };
            let change = Change { sending, ..Change::new("ACCOUNT_CHANGED", number) };
            // With a disabled subscription the account changes, and nothing is sent.
            let changed = world.tenant.change_and_emit(&change).await;
            assert!(!changed.is_ok_and(|changed| changed.emitted.all_delivered()));
        }
        assert_eq!(world.sweep().await, ["1920", "1930"], "{dialect:?}");
    }
}
