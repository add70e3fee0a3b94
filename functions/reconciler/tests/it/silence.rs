//! Silent tenants and subscriptions, and the directory of tenants that a run writes for functions
//! that may not read the settings.

use crate::world::World;
use fixtures::{TENANT, TestHost, document};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::Duration;
use webhooks_model::{Origin, observed};
use webhooks_store::{Deliveries, KnownTenant, Observation, Observations};
use webhooks_telemetry::{Captured, subscriber_for_tests};

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";

async fn world() -> World {
    World::with_tenants(json!({"collections": [], "silence_hours": 24}), &[TENANT, OTHER]).await
}

#[tokio::test]
async fn a_tenant_that_stopped_sending_is_silent() {
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 24}), &[TENANT]).await;
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0), "it was heard of just now");
    world.host.advance(Duration::hours(25));
    assert_eq!(world.run().await.silent, Some(1));
    assert_eq!(world.emitted.values("SilentTenants"), [0, 1]);
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn a_found_change_does_not_end_the_silence() {
    let world = world().await;
    world.hear(TENANT, Origin::Webhook).await;
    world.host.advance(Duration::hours(25));
    world.hear(TENANT, Origin::Reconciliation).await;
    assert_eq!(world.run().await.silent, Some(1));
}

#[tokio::test]
async fn a_long_silence_stays_reported() {
    let world = world().await;
    world.hear(TENANT, Origin::Webhook).await;
    world.hear(OTHER, Origin::Webhook).await;
    for days in [2, 2, 3, 1, 1, 21] {
        world.host.advance(Duration::days(days));
        world.hear(OTHER, Origin::Webhook).await;
        assert_eq!(world.run().await.silent, Some(1), "{days} days later");
    }
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn a_tenant_that_never_sent_is_silent() {
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 24}), &[TENANT]).await;
    for (hours, silent) in [(0, 0), (24, 0), (1, 1), (24 * 14, 1)] {
        world.host.advance(Duration::hours(hours));
        assert_eq!(world.run().await.silent, Some(silent), "{hours} hours later");
    }
    world.hear(TENANT, Origin::Webhook).await;
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn a_run_without_time_for_the_silence_of_all_leaves_the_rest_to_the_next() {
    let tenants: Vec<String> = (0..4).map(|n| format!("5a0e6f0e-32b4-4b5a-9e0e-{n:012}")).collect();
    let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 24}), &tenants).await;
    assert_eq!(world.run().await.silent, Some(0));
    world.host.advance(Duration::hours(25));
    // A run of a minute counts all, and has time for the silence of three.
    world.cost.slow_down(&world.host, Duration::seconds(8));
    assert_eq!(world.run().await.silent, Some(3), "the fourth is as it was");
    assert_eq!(world.run().await.silent, Some(4), "the others are as they were");
    assert_eq!(world.emitted.values("SilentTenants"), [0, 3, 4]);
}

#[tokio::test]
async fn a_silence_of_weeks_may_be_allowed() {
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 24 * 20}), &[TENANT]).await;
    world.hear(TENANT, Origin::Webhook).await;
    for (days, silent) in [(12, 0), (8, 0), (1, 1)] {
        world.host.advance(Duration::days(days));
        assert_eq!(world.run().await.silent, Some(silent), "{days} days later");
    }
}

#[tokio::test]
async fn a_tenant_may_be_allowed_to_be_silent() {
    let quiet = |hours| json!([{"id": TENANT, "silence_hours": hours}, {"id": OTHER}]);
    let rules = json!({"collections": [], "silence_hours": 24});
    for (tenants, silent) in [(quiet(0), 1), (quiet(72), 1), (quiet(24), 2)] {
        let world = World::with_settings(rules.clone(), tenants).await;
        world.run().await;
        world.host.advance(Duration::hours(25));
        assert_eq!(world.run().await.silent, Some(silent));
    }
    let world = World::with_tenants(json!({"collections": [], "silence_hours": 0}), &[TENANT]).await;
    world.run().await;
    world.host.advance(Duration::days(30));
    assert_eq!(world.run().await.silent, Some(0));
}

#[tokio::test]
async fn a_run_for_one_tenant_says_nothing_about_silence() {
    let report = world().await.run_for(Some(TENANT)).await;
    assert_eq!((report.silent, report.silent_subscriptions), (None, None));
}

/// `all` is watched and `legacy` is not.
async fn with_subscription(hours_of_all: u16, own: Option<u16>) -> World {
    let mut settings = document();
    settings["reconciliation"] = json!({"collections": [], "silence_hours": hours_of_all});
    settings["subscriptions"][0]["silence_hours"] = own.map_or(Value::Null, Value::from);
    World::with_document(settings).await
}

/// The processor has noted a delivery of the subscription.
async fn deliver(world: &World, subscription: &str) {
    let (fact, at) = (observed::delivers(subscription).fact, world.now());
    let seen = Observation { fact, agrees: true, notifications: 1, first_seen: at, last_seen: at };
    world.table.table.observe(&seen).await.unwrap();
}

#[tokio::test]
async fn a_subscription_that_never_delivered_is_silent() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = with_subscription(24, None).await;
    for (hours, silent) in [(0, 0), (24, 0), (1, 1), (24 * 14, 1)] {
        world.host.advance(Duration::hours(hours));
        world.hear(TENANT, Origin::Webhook).await;
        let report = world.run().await;
        let both = (report.silent, report.silent_subscriptions);
        assert_eq!(both, (Some(0), Some(silent)), "{hours} hours later, while the tenant is heard of");
    }
    assert_eq!(world.emitted.values("SilentSubscriptions"), [0, 0, 1, 1]);
    let hours = told(&captured, "a subscription has never delivered anything", "silent_hours");
    assert_eq!(hours, [25, 25 + 24 * 14]);
    deliver(&world, "all").await;
    assert_eq!(world.run().await.silent_subscriptions, Some(0));
}

/// A number in each line with this message.
fn told(captured: &Captured, message: &str, number: &str) -> Vec<i64> {
    let lines = captured.lines().into_iter().filter(|line| line["message"] == message);
    lines.map(|line| line[number].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_subscription_that_delivered_once_may_be_quiet_for_ever() {
    let world = with_subscription(24, None).await;
    world.run().await;
    deliver(&world, "all").await;
    world.run().await;
    let remembered = world.table.table.subscriptions().await.unwrap();
    assert_eq!(remembered, BTreeMap::from([("all".to_owned(), Deliveries::Seen)]));

    let later = with_subscription(24, None).await;
    later.table.table.set_subscriptions(&remembered).await.unwrap();
    for days in [1, 30, 300] {
        later.host.advance(Duration::days(days));
        assert_eq!(later.run().await.silent_subscriptions, Some(0), "its fact is forgotten, and it is not");
    }
}

#[tokio::test]
async fn a_subscription_that_is_gone_from_the_settings_is_forgotten() {
    let world = with_subscription(24, None).await;
    let gone = BTreeMap::from([("gone".to_owned(), Deliveries::Awaited { since: world.now() - Duration::days(9) })]);
    world.table.table.set_subscriptions(&gone).await.unwrap();
    assert_eq!(world.run().await.silent_subscriptions, Some(0));
    let remembered = world.table.table.subscriptions().await.unwrap();
    assert_eq!(remembered, BTreeMap::from([("all".to_owned(), Deliveries::Awaited { since: world.now() })]));
}

#[tokio::test]
async fn a_subscription_can_have_a_longer_silence_limit() {
    for (of_all, own, silent) in
        [(24, Some(0), 0), (24, Some(72), 0), (72, Some(24), 1), (0, None, 0), (0, Some(24), 1)]
    {
        let world = with_subscription(of_all, own).await;
        world.run().await;
        world.host.advance(Duration::hours(25));
        assert_eq!(world.run().await.silent_subscriptions, Some(silent), "{of_all} {own:?}");
    }
}

/// `silence_hours` does not matter here, since each subscription has delivered.
async fn with_quiet_days(of_all: u16, own: Option<u16>) -> World {
    let mut settings = document();
    settings["reconciliation"] = json!({"collections": [], "quiet_days": of_all});
    settings["subscriptions"][0]["quiet_days"] = own.map_or(Value::Null, Value::from);
    World::with_document(settings).await
}

#[tokio::test]
async fn a_subscription_that_stopped_delivering_is_silent_after_its_quiet_days() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let world = with_quiet_days(30, None).await;
    deliver(&world, "all").await;
    for (days, silent) in [(0, 0), (30, 0), (1, 1), (300, 1)] {
        world.host.advance(Duration::days(days));
        world.hear(TENANT, Origin::Webhook).await;
        let report = world.run().await;
        let both = (report.silent, report.silent_subscriptions);
        assert_eq!(both, (Some(0), Some(silent)), "{days} days later, while the tenant is heard of");
    }
    assert_eq!(world.emitted.values("SilentSubscriptions"), [0, 0, 1, 1]);
    let days = told(&captured, "a subscription that delivered before is silent", "silent_days");
    assert_eq!(days, [31, 331]);
    deliver(&world, "all").await;
    assert_eq!(world.run().await.silent_subscriptions, Some(0));
}

#[tokio::test]
async fn a_subscription_can_have_its_own_quiet_days() {
    for (of_all, own, silent) in
        [(30, None, 1), (30, Some(0), 0), (30, Some(45), 0), (45, Some(30), 1), (0, None, 0), (0, Some(30), 1)]
    {
        let world = with_quiet_days(of_all, own).await;
        deliver(&world, "all").await;
        world.host.advance(Duration::days(31));
        assert_eq!(world.run().await.silent_subscriptions, Some(silent), "{of_all} {own:?}");
    }
}

#[tokio::test]
async fn quiet_days_count_from_the_last_delivery_or_from_the_first_look_if_it_is_not_known() {
    let quiet = |days| Deliveries::Quiet { since: TestHost::START - Duration::days(days) };
    for (quiet_days, is_noted, known, next, silent) in [
        (30, true, Deliveries::Seen, quiet(0), 0),
        (30, false, Deliveries::Seen, quiet(0), 0),
        (30, true, quiet(40), quiet(0), 0),
        (30, false, quiet(40), quiet(40), 1),
        (0, false, quiet(40), Deliveries::Seen, 0),
    ] {
        let world = with_quiet_days(quiet_days, None).await;
        let all = |deliveries| BTreeMap::from([("all".to_owned(), deliveries)]);
        world.table.table.set_subscriptions(&all(known)).await.unwrap();
        if is_noted {
            deliver(&world, "all").await;
        }
        assert_eq!(world.run().await.silent_subscriptions, Some(silent), "{known:?}");
        assert_eq!(world.table.table.subscriptions().await.unwrap(), all(next), "{known:?}");
    }
}

fn tenants() -> Value {
    json!([{"id": TENANT.to_uppercase(), "name": "Ål & Sønn", "company_id": "1234567"}, {"id": OTHER, "silence_hours": 0}])
}

async fn with_tenants(tenants: Value) -> World {
    World::with_settings(json!({"collections": [], "silence_hours": 24}), tenants).await
}

async fn directory(world: &World) -> Vec<KnownTenant> {
    world.table.table.directory(world.now()).await.unwrap()
}

#[tokio::test]
async fn writes_each_tenant_with_its_name_and_last_webhook() {
    let world = with_tenants(tenants()).await;
    world.hear(TENANT, Origin::Webhook).await;
    world.run().await;
    let named = KnownTenant {
        id: TENANT.into(),
        name: Some("Ål & Sønn".into()),
        company_id: Some("1234567".into()),
        heard_at: Some(world.now()),
        is_silent: false,
    };
    let bare = KnownTenant { id: OTHER.into(), name: None, company_id: None, heard_at: None, is_silent: false };
    assert_eq!(directory(&world).await, [named.clone(), bare]);

    world.host.advance(Duration::hours(25));
    world.run().await;
    assert_eq!(directory(&world).await[0], KnownTenant { is_silent: true, ..named });
}

#[tokio::test]
async fn a_tenant_with_unlimited_silence_has_its_last_webhook_too() {
    let world = with_tenants(tenants()).await;
    world.hear(OTHER, Origin::Webhook).await;
    world.run().await;
    let heard_at = Some(world.now());
    world.host.advance(Duration::days(20));
    world.run().await;
    assert_eq!(directory(&world).await[1].heard_at, heard_at, "it is not looked for, and not forgotten");
}

#[tokio::test]
async fn a_run_that_learns_nothing_new_reads_the_directory_and_writes_nothing() {
    let world = with_tenants(tenants()).await;
    world.hear(TENANT, Origin::Webhook).await;
    world.run().await;
    let before = directory(&world).await;
    world.host.advance(Duration::minutes(30));
    world.hear(TENANT, Origin::Webhook).await;
    world.run().await;
    assert_eq!(directory(&world).await, before, "half an hour is no news");
    world.host.advance(Duration::minutes(30));
    world.hear(TENANT, Origin::Webhook).await;
    world.run().await;
    assert_eq!(directory(&world).await[0].heard_at, Some(world.now()), "an hour is");
}

#[tokio::test]
async fn accepts_a_tenant_twice_in_the_settings() {
    let world = with_tenants(json!([{"id": TENANT, "name": "First"}, {"id": TENANT, "name": "Second"}])).await;
    world.run().await;
    let names: Vec<_> = directory(&world).await.into_iter().map(|one| one.name).collect();
    assert_eq!(names, [Some("First".to_owned())]);
}

#[tokio::test]
async fn a_run_for_one_tenant_leaves_the_directory_alone() {
    let world = with_tenants(tenants()).await;
    world.run_for(Some(TENANT)).await;
    assert!(directory(&world).await.is_empty());
}

#[tokio::test]
async fn a_run_whose_time_is_over_leaves_the_directory_to_the_next() {
    let world = with_tenants(tenants()).await;
    world.run_within(std::time::Duration::ZERO).await;
    assert!(directory(&world).await.is_empty());
    world.run().await;
    assert_eq!(directory(&world).await.len(), 2);
}
