//! What holds if the document, a tenant or a subscription does not say.

use super::*;
use serde_json::{Value, json};

fn with(tenant: Value) -> Result<Settings, Invalid> {
    let mut document = fixtures::document();
    document["tenants"] = json!([tenant]);
    Settings::parse(&document.to_string())
}

#[test]
fn what_a_document_leaves_out_has_a_default() {
    let mut document = fixtures::document();
    document["visma"].as_object_mut().unwrap().remove("application_name");
    let settings = Settings::parse(&document.to_string()).unwrap();
    assert_eq!(settings.visma.application_name, "webhooks");
    let rules = &settings.reconciliation;
    assert_eq!((rules.overlap(), rules.grace()), (Duration::minutes(10), Duration::minutes(5)));
    assert_eq!((rules.first_lookback(), rules.stuck_after()), (Duration::hours(24), Duration::hours(26)));
}

#[test]
fn a_tenants_own_silence_limit_overrides_the_default() {
    let allowed = |tenant: Value| {
        let settings = with(tenant).unwrap();
        settings.silence(&settings.tenants[0]).map(Duration::whole_hours)
    };
    assert_eq!(allowed(json!({"id": "t-1"})), Some(72));
    assert_eq!(allowed(json!({"id": "t-1", "silence_hours": 240})), Some(240));
    assert_eq!(allowed(json!({"id": "t-1", "silence_hours": 0})), None);
    assert!(with(json!({"id": "t-1", "silence_hours": "long"})).is_err());
}

#[test]
fn a_subscription_can_have_its_own_silence_limit_or_none() {
    let allowed = |hours: Option<u16>| {
        let mut settings = with(json!({"id": "t-1"})).unwrap();
        settings.subscriptions[0].silence_hours = hours;
        settings.first_silence(&settings.subscriptions[0]).map(Duration::whole_hours)
    };
    assert_eq!([None, Some(2400), Some(0)].map(allowed), [Some(72), Some(2400), None]);
}

#[test]
fn a_subscription_may_be_quiet_for_ever_unless_its_days_are_limited() {
    let allowed = |(of_all, own): (Option<u16>, Option<u16>)| {
        let mut document = fixtures::document();
        document["reconciliation"] = of_all.map_or_else(|| json!({}), |days| json!({ "quiet_days": days }));
        document["subscriptions"][0]["quiet_days"] = json!(own);
        let settings = Settings::parse(&document.to_string()).unwrap();
        settings.later_silence(&settings.subscriptions[0]).map(Duration::whole_days)
    };
    let cases = [(None, None), (Some(30), None), (Some(30), Some(0)), (Some(30), Some(45)), (None, Some(45))];
    assert_eq!(cases.map(allowed), [None, Some(30), None, Some(45), Some(45)]);
}
