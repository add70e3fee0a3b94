//! Edits change one place of the settings document and keep everything else.

use serde_json::{Value, json};
use time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;
use visma_webhooks::Exit;
use visma_webhooks::settings::edit::{self, NewSecret, NewSubscription};
use webhooks_model::Channel;
use webhooks_settings::Settings;
use webhooks_signature::Signature;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// Handwritten: members in an unusual order, spaces, an escape, an odd number.
const DOCUMENT: &str = r#"{
  "version": 1,
  "visma": { "scope":"s", "connect_url": "https://connect.example", "erp_url":"https://erp.example",
    "sales_order_url": "https://orders.example", "client_id": "c\u00e5", "client_secret": "canary-client" },
  "subscriptions": [
    {
      "route": "erp", "id": "accounts",
      "secrets": [
        { "id": "old", "value": "canary-old" }
      ],
      "tenants": ["*"]
    },
    { "id": "legacy", "route": "legacy", "channel": "legacy", "path_token": "canary-0123456789abcdef0123456789" }
  ],
  "reconciliation": {"max_gaps":   1000}
}
"#;

fn secret(id: &str) -> NewSecret {
    NewSecret { id: id.to_owned(), value: "canary-new".to_owned() }
}

fn new(id: &str, channel: Channel) -> NewSubscription {
    let secret = NewSecret { id: "first".into(), value: "canary-0123456789-0123456789-0123456789".into() };
    NewSubscription { id: id.into(), route: "erp".into(), channel, event: None, tenants: vec!["*".into()], secret }
}

fn value(document: &str) -> Value {
    serde_json::from_str(document).unwrap()
}

/// The lines of one that the other lacks.
fn changed_lines<'a>(one: &'a str, other: &str) -> Vec<&'a str> {
    one.lines().filter(|line| !other.lines().any(|same| same == *line)).map(str::trim).collect()
}

#[test]
fn refuses_a_document_longer_than_secrets_manager_takes() {
    let length = |blanks: usize| {
        let document = format!("{DOCUMENT}{}", " ".repeat(blanks));
        edit::add(&document, &new("more", Channel::Dispatcher)).map(|text| text.len())
    };
    let room = 65_536 - length(0).unwrap();
    assert_eq!(length(room), Ok(65_536));
    let refused = length(room + 1).unwrap_err();
    assert!(refused.exit == Exit::Refused && refused.what.contains("65537 bytes"), "{refused}");
}

#[test]
fn rotating_changes_only_the_lines_of_the_secrets() {
    let text = edit::rotate(DOCUMENT, "accounts", &secret("new"), NOW + Duration::days(1)).unwrap();
    assert_eq!(
        changed_lines(&text, DOCUMENT),
        [
            r#"{ "id": "old", "value": "canary-old", "expires_at": "2026-11-24T12:00:00Z" },"#,
            r#"{"id":"new","value":"canary-new"}"#,
        ]
    );
    assert_eq!(changed_lines(DOCUMENT, &text), [r#"{ "id": "old", "value": "canary-old" }"#]);
}

#[test]
fn both_secrets_verify_until_the_overlap_ends_and_then_only_the_new_one() {
    let text = edit::rotate(DOCUMENT, "accounts", &secret("new"), NOW + Duration::days(1)).unwrap();
    let settings = Settings::parse(&text).unwrap();
    let verifies = |secret: &str, at| {
        settings.subscription("accounts").unwrap().signer(&Signature::sign(secret, b"{}"), b"{}", at).is_some()
    };
    for (at, old) in [(NOW, true), (NOW + Duration::hours(23), true), (NOW + Duration::hours(25), false)] {
        assert_eq!((verifies("canary-old", at), verifies("canary-new", at)), (old, true), "{at}");
    }
}

#[test]
fn rotating_never_makes_an_old_secret_live_longer() {
    let once = edit::rotate(DOCUMENT, "accounts", &secret("second"), NOW + Duration::hours(1)).unwrap();
    let twice = edit::rotate(&once, "accounts", &secret("third"), NOW + Duration::days(7)).unwrap();
    let secrets = value(&twice)["subscriptions"][0]["secrets"].clone();
    let ends: Vec<&Value> = secrets.as_array().unwrap().iter().map(|secret| &secret["expires_at"]).collect();
    assert_eq!(ends, [&json!("2026-11-23T13:00:00Z"), &json!("2026-11-30T12:00:00Z"), &Value::Null]);
}

#[test]
fn adds_a_subscription_after_the_others_and_keeps_the_rest() {
    let add = NewSubscription { event: Some("CUSTOMER_UPDATED".into()), ..new("customers", Channel::Dispatcher) };
    let text = edit::add(DOCUMENT, &add).unwrap();
    let at = DOCUMENT.find("}\n  ],\n  \"reconciliation\"").unwrap() + 1;
    assert_eq!(&text[..at], &DOCUMENT[..at]);
    assert!(text.ends_with(&DOCUMENT[at..]));
    let settings = Settings::parse(&text).unwrap();
    let added = settings.subscription("customers").unwrap();
    assert_eq!((added.event.as_deref(), added.secrets.len()), (Some("CUSTOMER_UPDATED"), 1));
}

#[test]
fn adds_the_first_subscription_to_a_missing_or_empty_list() {
    for list in ["", r#", "subscriptions": []"#, r#", "subscriptions": [ ]"#] {
        let visma = value(DOCUMENT)["visma"].to_string();
        let document = format!(r#"{{"version":1,"visma":{visma}{list}}}"#);
        let text = edit::add(&document, &new("first", Channel::Dispatcher)).unwrap();
        assert_eq!(Settings::parse(&text).unwrap().subscriptions.len(), 1, "{list}");
    }
}

#[test]
fn a_legacy_subscription_gets_a_path_token_instead_of_secrets() {
    let text = edit::add(DOCUMENT, &new("older", Channel::Legacy)).unwrap();
    let added = &value(&text)["subscriptions"][2];
    assert_eq!(added["path_token"], "canary-0123456789-0123456789-0123456789");
    assert_eq!(added.get("secrets"), None);
}

#[test]
fn refuses_a_taken_id_and_an_invalid_route() {
    let taken = edit::add(DOCUMENT, &new("accounts", Channel::Dispatcher)).unwrap_err();
    assert_eq!(taken.exit, Exit::Refused);
    let route = NewSubscription { route: "a/b".into(), ..new("x", Channel::Dispatcher) };
    let refused = edit::add(DOCUMENT, &route).unwrap_err();
    assert!(refused.what.contains("route_invalid: subscriptions[2].route: must be of letters"), "{refused}");
}

#[test]
fn a_disabled_subscription_accepts_no_deliveries_at_once() {
    let text = edit::disable(DOCUMENT, "accounts", NOW, "unused").unwrap();
    let settings = Settings::parse(&text).unwrap();
    let own = settings.subscription("accounts").unwrap();
    let old = Signature::sign("canary-old", b"{}");
    let before = NOW - Duration::SECOND;
    assert!(own.signer(&old, b"{}", NOW).is_none() && own.signer(&old, b"{}", before).is_some());
    assert_eq!(
        edit::disable(&text, "accounts", NOW + Duration::DAY, "unused").unwrap(),
        text,
        "ends stay where they are"
    );
}

#[test]
fn a_disabled_legacy_subscription_gets_an_unknown_token() {
    let unknown = "x".repeat(43);
    let text = edit::disable(DOCUMENT, "legacy", NOW, &unknown).unwrap();
    let settings = Settings::parse(&text).unwrap();
    let own = settings.subscription("legacy").unwrap();
    assert!(!own.has_path_token("canary-0123456789abcdef0123456789") && own.has_path_token(&unknown));
}

#[test]
fn refuses_to_rotate_a_legacy_subscription() {
    assert_eq!(edit::rotate(DOCUMENT, "legacy", &secret("new"), NOW).unwrap_err().exit, Exit::Refused);
}

#[test]
fn enabling_restores_the_last_secret_and_keeps_the_rest() {
    let rotated = edit::rotate(DOCUMENT, "accounts", &secret("new"), NOW + Duration::hours(1)).unwrap();
    let disabled = edit::disable(&rotated, "accounts", NOW, "unused").unwrap();
    let text = edit::enable(&disabled, "accounts", NOW).unwrap();
    let settings = Settings::parse(&text).unwrap();
    let own = settings.subscription("accounts").unwrap();
    let later = NOW + Duration::days(1);
    assert!(own.signer(&Signature::sign("canary-new", b"{}"), b"{}", later).is_some());
    assert!(own.signer(&Signature::sign("canary-old", b"{}"), b"{}", later).is_none());
    assert_eq!(changed_lines(&text, &disabled).len(), 1, "{text}");
    assert_eq!(edit::enable(DOCUMENT, "legacy", NOW).unwrap_err().exit, Exit::Refused);
}

#[test]
fn removing_a_subscription_keeps_every_other_byte() {
    let text = edit::remove(DOCUMENT, "legacy", NOW).unwrap();
    let from = DOCUMENT.find(",\n    { \"id\": \"legacy\"").unwrap();
    let to = DOCUMENT.find("\n  ],\n  \"reconciliation\"").unwrap();
    assert_eq!(text, format!("{}{}", &DOCUMENT[..from], &DOCUMENT[to..]));
    assert_eq!(edit::remove(DOCUMENT, "accounts", NOW).unwrap_err().exit, Exit::Refused, "it is live");
    let disabled = edit::disable(DOCUMENT, "accounts", NOW, "unused").unwrap();
    let text = edit::remove(&disabled, "accounts", NOW).unwrap();
    assert_eq!(value(&text)["subscriptions"].as_array().unwrap().len(), 1);
    let none = edit::remove(&text, "legacy", NOW).unwrap();
    assert_eq!(value(&none)["subscriptions"], json!([]));
    assert!(none.ends_with("\"reconciliation\": {\"max_gaps\":   1000}\n}\n"), "{none}");
}

#[test]
fn an_unknown_subscription_is_not_found() {
    assert_eq!(edit::enable(DOCUMENT, "nobody", NOW).unwrap_err().exit, Exit::NotFound);
    assert_eq!(edit::remove(DOCUMENT, "nobody", NOW).unwrap_err().exit, Exit::NotFound);
    assert_eq!(edit::rotate(DOCUMENT, "nobody", &secret("new"), NOW).unwrap_err().exit, Exit::NotFound);
    assert_eq!(edit::disable(DOCUMENT, "nobody", NOW, "x").unwrap_err().exit, Exit::NotFound);
}

#[test]
fn refuses_an_invalid_document_with_code_and_path() {
    for (document, why) in [
        ("", "not_json: document: "),
        ("[]", "field_type: document: "),
        ("{}", "field_missing: version: "),
        (r#"{"version": 2}"#, "field_missing: visma: "),
    ] {
        let refused = edit::add(document, &new("x", Channel::Dispatcher)).unwrap_err();
        assert!(refused.exit == Exit::Refused && refused.what.contains(why), "{document}: {refused}");
        assert_eq!(edit::rotate(document, "x", &secret("n"), NOW).unwrap_err().exit, Exit::Refused, "{document}");
        assert_eq!(edit::disable(document, "x", NOW, "n").unwrap_err().exit, Exit::Refused, "{document}");
    }
}

#[test]
fn names_a_secret_by_the_date_and_a_number_if_taken() {
    assert_eq!(edit::unused_secret_id(DOCUMENT, "accounts", NOW).unwrap(), "2026-11-23");
    let text = edit::rotate(DOCUMENT, "accounts", &secret("2026-11-23"), NOW + Duration::DAY).unwrap();
    assert_eq!(edit::unused_secret_id(&text, "accounts", NOW).unwrap(), "2026-11-23-2");
}

#[test]
fn the_difference_shows_names_and_ends_but_no_secret() {
    let text = edit::rotate(DOCUMENT, "accounts", &secret("new"), NOW + Duration::DAY).unwrap();
    let text = edit::add(&text, &new("older", Channel::Legacy)).unwrap();
    let diff = edit::redacted_diff(DOCUMENT, &text);
    assert!(diff.contains(r#"+           "expires_at": "2026-11-24T12:00:00Z""#), "{diff}");
    assert!(diff.contains(r#"+           "id": "new","#), "{diff}");
    assert!(!diff.contains("canary"), "{diff}");
}
