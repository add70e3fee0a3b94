use super::*;
use serde_json::{Value, json};
use time::macros::datetime;
use webhooks_signature::Signature;

fn document() -> Value {
    json!({
        "version": 1,
        "visma": {
            "connect_url": "https://connect.visma.com", "erp_url": "https://api.finance.visma.net",
            "sales_order_url": "https://salesorder.visma.net",
            "client_id": "c", "client_secret": "canary-client-secret", "scope": "s",
        },
        "subscriptions": [
            { "id": "accounts", "route": "erp", "event": "ACCOUNT_CHANGED", "tenants": ["T-1"], "secrets": [
                { "id": "old", "value": "canary-old", "expires_at": "2026-11-01T00:00:00Z" },
                { "id": "new", "value": "canary-new" },
            ] },
            { "id": "legacy", "route": "legacy", "channel": "legacy", "path_token": "0123456789abcdef0123456789abcdef" },
        ],
        "tenants": [{ "id": "T-1", "company_id": "1234567" }],
        "routes": [{ "events": "sales_order.*", "feedback": "deferred", "fetch": false }],
        "event_aliases": { "konto_endret": "ACCOUNT_CHANGED" },
        "fields": [{ "events": "account.*", "key": ["/konto/nr", ["/a", "/b"]] }],
    })
}

fn with(pointer: &str, value: Value) -> Result<Settings, Invalid> {
    let mut document = document();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(map) => drop(map.insert(name.to_owned(), value)),
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    Settings::parse(&document.to_string())
}

/// The code and the path of the mistake.
fn told(result: Result<Settings, Invalid>) -> (&'static str, String) {
    let invalid = result.unwrap_err();
    (invalid.code.name(), invalid.at)
}

/// Asserts that a document with this value is refused with this code, at this path.
fn refuses(pointer: &str, value: Value, code: &str, at: &str) {
    assert_eq!(told(with(pointer, value.clone())), (code, at.to_owned()), "{pointer}: {value}");
}

#[test]
fn the_readmes_example_is_valid() {
    let readme = include_str!("../README.md");
    let json = readme.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let json = json.replace("at least 32 characters", "0123456789abcdef0123456789abcdef");
    Settings::parse(&json).unwrap();
}

#[test]
fn accepts_a_readable_name_for_a_tenant() {
    assert_eq!(
        with("/tenants/0/name", json!("Ål & Sønn AS")).unwrap().tenants[0].name.as_deref(),
        Some("Ål & Sønn AS")
    );
    assert_eq!(Settings::parse(&document().to_string()).unwrap().tenants[0].name, None);
    assert!(with("/tenants/0/name", json!("å".repeat(100))).is_ok());
    for name in ["", " Ål", "Ål ", "Å\u{1b}[2Jl", &"å".repeat(101)] {
        refuses("/tenants/0/name", json!(name), "name_invalid", "tenants[0].name");
    }
}

#[test]
fn every_live_secret_verifies_and_an_expired_one_does_not() {
    let settings = Settings::parse(&document().to_string()).unwrap();
    let accounts = settings.subscription("accounts").unwrap();
    let (before, after) = (datetime!(2026-10-31 00:00 UTC), datetime!(2026-11-02 00:00 UTC));
    let verifies = |secret, at| accounts.signer(&Signature::sign(secret, b"{}"), b"{}", at).is_some();
    assert!(verifies("canary-old", before) && verifies("canary-new", before));
    assert!(!verifies("canary-old", after) && verifies("canary-new", after));
}

#[test]
fn a_secret_ends_at_the_moment_that_it_names() {
    let settings = Settings::parse(&document().to_string()).unwrap();
    let accounts = settings.subscription("accounts").unwrap();
    let (old, end) = (Signature::sign("canary-old", b"{}"), datetime!(2026-11-01 00:00 UTC));
    assert!(accounts.signer(&old, b"{}", end - time::Duration::NANOSECOND).is_some());
    assert!(accounts.signer(&old, b"{}", end).is_none());
}

#[test]
fn a_subscription_serves_the_tenants_it_names() {
    let settings = Settings::parse(&document().to_string()).unwrap();
    let accounts = settings.subscription("accounts").unwrap();
    assert!(accounts.serves("t-1") && !accounts.serves("t-2"));
    assert_eq!(accounts.sole_tenant(), Some("T-1"));
    let legacy = settings.subscription("legacy").unwrap();
    assert!(legacy.serves("anyone") && legacy.sole_tenant().is_none());
    assert!(legacy.has_path_token("0123456789abcdef0123456789abcdef") && !legacy.has_path_token(""));
}

#[test]
fn routes_aliases_companies_and_fields_are_looked_up() {
    let settings = Settings::parse(&document().to_string()).unwrap();
    assert_eq!(settings.fields().len(), 1);
    assert!(!settings.route(Entity::SalesOrder, Kind::Created).fetch);
    assert_eq!(settings.route(Entity::Account, Kind::Created), Route::default());
    let alias = |name| settings.event_alias(name).unwrap().id;
    assert_eq!(["konto_endret", "Konto-Endret"].map(alias), ["ACCOUNT_CHANGED"; 2]);
    assert_eq!(["1234567", "7654321"].map(|own| settings.tenant_of_company(own)), [Some("t-1".to_owned()), None]);
}

#[test]
fn rejects_a_document_that_would_accept_any_request() {
    refuses("/subscriptions/0/secrets", json!([]), "secret_missing", "subscriptions[0].secrets");
    let empty = json!({"id": "x", "value": ""});
    refuses("/subscriptions/0/secrets/1", empty, "secret_empty", "subscriptions[0].secrets[1].value");
    refuses("/subscriptions/1/path_token", json!("short"), "path_token_short", "subscriptions[1].path_token");
    refuses("/subscriptions/1/path_token", Value::Null, "path_token_missing", "subscriptions[1].path_token");
    let token = json!("0123456789abcdef0123456789abcdef");
    refuses("/subscriptions/0/path_token", token, "path_token_unwanted", "subscriptions[0].path_token");
}

#[test]
fn a_host_is_written_in_ascii() {
    for url in ["https://bücher.example", "https://Bücher.example", "https://B%C3%9Ccher.example", "http:/Rѝ"] {
        refuses("/visma/erp_url", json!(url), "url_invalid", "visma.erp_url");
    }
    assert!(with("/visma/erp_url", json!("https://XN--bcher-kva.example")).is_ok());
}

#[test]
fn names_the_place_of_a_mistake() {
    for id in ["accounts", "ACCOUNTS"] {
        refuses("/subscriptions/1/id", json!(id), "id_twice", "subscriptions[1].id");
    }
    let same = json!([{"id": "t-1", "company_id": "1234567"}, {"id": "t-2", "company_id": "1234567"}]);
    refuses("/tenants", same, "id_twice", "tenants[1].company_id");
    refuses("/version", json!(2), "version_unknown", "version");
    for url in
        ["http://api.finance.visma.net", "ftp://127.0.0.1", "https://x/?a=b", "http://localhost.evil.example", "x"]
    {
        refuses("/visma/erp_url", json!(url), "url_invalid", "visma.erp_url");
    }
    for url in ["https://x/#a", "https://user@x", "https://:canary@x", "http://10.0.0.1", "http://[::2]"] {
        refuses("/visma/erp_url", json!(url), "url_invalid", "visma.erp_url");
    }
    assert!(with("/visma/erp_url", json!("http://127.0.0.1:5000/erp")).is_ok());
    assert!(with("/visma/erp_url", json!("http://[::1]:5000/erp")).is_ok());
    refuses("/event_aliases/Old", json!("NO_SUCH_EVENT"), "event_unknown", "event_aliases.Old");
    refuses("/event_aliases/Konto Endret", json!("ACCOUNT_DELETED"), "field_twice", "event_aliases.konto_endret");
    refuses("/subscriptions/0/route", json!("a/b"), "route_invalid", "subscriptions[0].route");
    refuses("/fields/0/status", json!(["/a", "status"]), "pointer_invalid", "fields[0].status[1]");
    refuses("/fields/0/events", json!("acount.*"), "events_unknown", "fields[0].events");
    refuses("/fields/0/event", json!(["/a"]), "events_too_narrow", "fields[0].event");
    for tenant in ["", "t -1", "t#1", "unknown", &"t".repeat(65)] {
        refuses("/tenants/0/id", json!(tenant), "tenant_invalid", "tenants[0].id");
        refuses("/subscriptions/0/tenants", json!(["*", tenant]), "tenant_invalid", "subscriptions[0].tenants[1]");
    }
}

#[test]
fn a_route_has_at_most_256_secrets_in_all_its_subscriptions() {
    let secrets = |count: usize| vec![json!({"id": "x", "value": "y"}); count];
    let parsed = |own: usize, other: usize, route: &str| {
        let one = json!({"id": "one", "route": "erp", "secrets": secrets(own)});
        with("/subscriptions", json!([one, {"id": "two", "route": route, "secrets": secrets(other)}]))
    };
    assert!(parsed(200, 56, "erp").is_ok() && parsed(256, 256, "other").is_ok());
    for (own, other, at) in [(200, 57, 1), (257, 1, 0)] {
        let expected = ("secrets_too_many", format!("subscriptions[{at}].secrets"));
        assert_eq!(told(parsed(own, other, "erp")), expected);
    }
}

#[test]
fn names_a_missing_unknown_or_mistyped_field() {
    refuses("/visma", json!({}), "field_missing", "visma.connect_url");
    refuses("/subscriptions/0/secrets/1", json!({"id": "x"}), "field_missing", "subscriptions[0].secrets[1].value");
    assert_eq!(told(Settings::parse("{}")), ("field_missing", "version".to_owned()));
    refuses("/subscriptions/0/rute", json!("typo"), "field_unknown", "subscriptions[0].rute");
    refuses("/fields/0/kye", json!(["/no"]), "field_unknown", "fields[0].kye");
    assert_eq!(told(Settings::parse(r#"{"version":1,"version":1}"#)), ("field_twice", "version".to_owned()));
    refuses("/visma/scope", json!(5), "field_type", "visma.scope");
    refuses("/subscriptions/0/secrets/0", json!("x"), "field_type", "subscriptions[0].secrets[0]");
    refuses("/reconciliation", json!({"grace_minutes": 70_000}), "field_type", "reconciliation.grace_minutes");
    assert_eq!(told(Settings::parse("5")), ("field_type", "document".to_owned()));
    refuses("/source_ips", json!({"policy": "loud"}), "value_unknown", "source_ips.policy");
    let list = json!({"collections": ["account", "acount"]});
    refuses("/reconciliation", list, "value_unknown", "reconciliation.collections[1]");
    let end = json!({"id": "x", "value": "y", "expires_at": "tomorrow"});
    refuses("/subscriptions/0/secrets/0", end, "value_invalid", "subscriptions[0].secrets[0].expires_at");
    refuses("/source_ips", json!({"addresses": ["::1", "here"]}), "value_invalid", "source_ips.addresses[1]");
    refuses("/fields/0/key/1", json!(5), "value_invalid", "fields[0].key[1]");
}

#[test]
fn refuses_a_list_in_place_of_any_object() {
    let urls = ["https://connect.visma.com", "https://api.finance.visma.net", "https://salesorder.visma.net"];
    // Each list has the values of the fields, in their order.
    for (pointer, list, at) in [
        ("/visma", json!([urls[0], urls[1], urls[2], "c", "canary", "s"]), "visma"),
        ("/subscriptions/0", json!(["a", "erp", "dispatcher", null, null, [["b", "c"]]]), "subscriptions[0]"),
        ("/subscriptions/0/secrets/1", json!(["new", "canary"]), "subscriptions[0].secrets[1]"),
        ("/tenants/0", json!(["T-1", "Nordfjord", "1234567"]), "tenants[0]"),
        ("/routes/0", json!(["sales_order.*", false]), "routes[0]"),
        ("/fields/0", json!(["account.*"]), "fields[0]"),
        ("/event_aliases", json!([]), "event_aliases"),
        ("/source_ips", json!(["off"]), "source_ips"),
        ("/reconciliation", json!([["account"], 10]), "reconciliation"),
    ] {
        refuses(pointer, list, "field_type", at);
        let told = with(pointer, json!([])).unwrap_err().to_string();
        assert!(told.starts_with(&format!("field_type: {at}: must be an object (line 1, column ")), "{told}");
    }
    let whole = json!([1, document()["visma"]]).to_string();
    assert_eq!(told(Settings::parse(&whole)), ("field_type", "document".to_owned()));
}

#[test]
fn invalid_json_is_reported_with_line_and_column() {
    let told = |text: &str| Settings::parse(text).unwrap_err().to_string();
    let words = |at: &str, column| format!("not_json: {at}: is not JSON at line 1, column {column}; correct it there");
    assert_eq!(told(""), words("document", 0));
    assert_eq!(told(r#"{"version": }"#), words("version", 13));
    let trailing = format!("{} x", document());
    assert_eq!(told(&trailing), words("document", trailing.len()));
}

#[test]
fn a_mistake_is_reported_with_code_path_and_advice() {
    let shown = |result: Result<Settings, Invalid>| result.unwrap_err().to_string();
    assert_eq!(shown(with("/version", json!(2))), "version_unknown: version: must be 1");
    let expected = "value_unknown: visma.feedback_id: must be `body_first` or `header_first` (line 1, column ";
    let unknown = shown(with("/visma/feedback_id", json!("any")));
    assert!(unknown.starts_with(expected), "{unknown}");
    let object = shown(with("/tenants/0", json!("T-1")));
    assert!(object.starts_with("field_type: tenants[0]: must be an object (line 1, column "), "{object}");
}

#[test]
fn the_readme_lists_each_code_once_and_no_other() {
    let readme = include_str!("../README.md");
    let section = readme.split("## Codes").nth(1).unwrap().split("\n## ").next().unwrap();
    let listed: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(code, _)| code).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(listed, codes);
}

#[test]
fn a_time_zone_comes_from_the_iana_database_and_defaults_to_utc() {
    let zone = |settings: Settings, api| settings.zone(api).name();
    assert_eq!(zone(Settings::parse(&document().to_string()).unwrap(), Api::Finance), "UTC");
    let oslo = || with("/visma/erp_time_zone", json!("Europe/Oslo")).unwrap();
    assert_eq!((zone(oslo(), Api::Finance), zone(oslo(), Api::SalesOrder)), ("Europe/Oslo", "UTC"));
    let orders = || with("/visma/sales_order_time_zone", json!("Europe/Oslo")).unwrap();
    assert_eq!((zone(orders(), Api::Finance), zone(orders(), Api::SalesOrder)), ("UTC", "Europe/Oslo"));
    for name in ["", "Oslo", "+02:00", "Africa/Casablanca", "Europe/Oslo "] {
        for (field, api) in [("erp_time_zone", Api::Finance), ("sales_order_time_zone", Api::SalesOrder)] {
            refuses(&format!("/visma/{field}"), json!(name), "time_zone_unknown", Visma::zone_setting(api));
        }
    }
}

#[test]
fn a_deadline_is_bounded_and_named() {
    for (hours, fits) in [(1, true), (336, true), (0, false), (337, false), (u32::MAX, false)] {
        let settings = with("/routes/0/deadline_hours", json!(hours));
        match settings {
            Ok(settings) => {
                assert!(fits, "{hours}");
                let deadline = settings.route(Entity::SalesOrder, Kind::Created).deadline();
                assert_eq!(deadline.as_secs(), u64::from(hours) * 60 * 60);
            }
            Err(error) => {
                assert!(!fits, "{hours}");
                let words = "number_out_of_range: routes[0].deadline_hours: must be from 1 to 336";
                assert_eq!(error.to_string(), words);
            }
        }
    }
}

#[test]
fn rejects_a_secret_copied_with_invisible_characters() {
    let good = "canary-0123456789abcdef0123456789abcdef";
    for wrong in [" {}", "{} ", "{}\n", "\t{}", "\u{feff}{}", "{}\u{feff}", "\u{a0}{}", "{}\u{200b}", "{}\r\n"] {
        let wrong = wrong.replace("{}", good);
        for (pointer, value, name) in [
            ("/visma/client_secret", json!(wrong), "visma.client_secret"),
            ("/subscriptions/0/secrets/1", json!({"id": "new", "value": wrong}), "subscriptions[0].secrets[1].value"),
            ("/subscriptions/1/path_token", json!(wrong), "subscriptions[1].path_token"),
        ] {
            let told = with(pointer, value).unwrap_err().to_string();
            let words = "begins or ends with white space or a byte order mark; paste it without";
            assert_eq!(told, format!("secret_padded: {name}: {words}"));
        }
    }
    assert!(with("/subscriptions/0/secrets/1", json!({"id": "new", "value": "with a blank inside"})).is_ok());
}

#[test]
fn rejects_a_path_token_that_no_url_can_match() {
    let token =
        |odd: &str| with("/subscriptions/1/path_token", json!(format!("0123456789abcdef{odd}0123456789abcdef")));
    for odd in ["/", "?", "#", "%", "%2F", "a b", "å", "\\", "+", "\u{0}", "\u{feff}"] {
        let told = token(odd).unwrap_err().to_string();
        let words = "path_token_invalid: subscriptions[1].path_token: must be of letters, digits, -, ., _ and ~";
        assert!(told.starts_with(words) && !told.contains("0123"), "{odd}: {told}");
    }
    assert!(token("A-z._~9").is_ok());
}

#[test]
fn rejects_two_subscriptions_with_one_path_token() {
    let one = document()["subscriptions"][1].clone();
    let mut other = one.clone();
    other["id"] = json!("legacy-2");
    let told = with("/subscriptions", json!([one, other])).unwrap_err().to_string();
    assert_eq!(told, "path_token_twice: subscriptions[1].path_token: is given twice; give each its own");
}

#[test]
fn nothing_secret_is_ever_shown() {
    let settings = Settings::parse(&document().to_string()).unwrap();
    let shown = format!("{settings:?}");
    assert!(shown.contains("[secret]") && !shown.contains("canary") && !shown.contains("0123456789abcdef"), "{shown}");
    let secret = "canary-0123456789abcdef0123456789abcdef";
    let mut mistakes = vec![];
    for place in ["/version", "/subscriptions", "/max_items", "/source_ips", "/fields/0/key", "/visma/erp_url"] {
        mistakes.push(with(place, json!(secret)).unwrap_err());
    }
    for place in ["/subscriptions/0/secrets/0", "/subscriptions/0/channel", "/visma/feedback_id", "/tenants/0"] {
        mistakes.push(with(place, json!(secret)).unwrap_err());
    }
    for parent in ["", "/visma", "/subscriptions/0", "/event_aliases"] {
        mistakes.push(with(&format!("{parent}/{secret}"), json!("x")).unwrap_err());
    }
    for mistake in mistakes {
        assert!(!format!("{mistake} {mistake:?}").contains("canary"), "{mistake}");
    }
    refuses(&format!("/visma/{secret}"), json!("x"), "field_unknown", "visma.?");
    for (name, is_shown) in [("a".repeat(31), true), ("a".repeat(32), false), ("secret1".to_owned(), false)] {
        let at = format!("visma.{}", if is_shown { name.as_str() } else { "?" });
        refuses(&format!("/visma/{name}"), json!("x"), "field_unknown", &at);
    }
}

#[test]
fn a_secret_shared_by_two_events_or_tenants_proves_neither() {
    let shares = |second: Value| {
        let mut document = document();
        document["subscriptions"].as_array_mut().unwrap().push(second);
        let settings = Settings::parse(&document.to_string()).unwrap();
        ["accounts", "second"].map(|id| settings.subscription(id).unwrap().shares_secret)
    };
    let second = |event: &str, tenants: Value, secret: &str| {
        let secrets = json!([{ "id": "s", "value": secret }]);
        json!({ "id": "second", "route": "other", "event": event, "tenants": tenants, "secrets": secrets })
    };
    assert_eq!(shares(second("ACCOUNT_DELETED", json!(["T-1"]), "canary-new")), [true, true]);
    assert_eq!(shares(second("ACCOUNT_CHANGED", json!(["*"]), "canary-new")), [true, true]);
    assert_eq!(shares(second("ACCOUNT_DELETED", json!(["T-1"]), "canary-own")), [false, false]);
    assert_eq!(shares(second("account changed", json!(["t-1"]), "canary-new")), [false, false]);
}

#[test]
fn a_tenants_own_language_overrides_the_default_english() {
    let languages = |visma: Option<&str>, tenant: Option<&str>| {
        let mut document = document();
        document["tenants"][0]["language"] = json!(tenant);
        if let Some(visma) = visma {
            document["visma"]["language"] = json!(visma);
        }
        let settings = Settings::parse(&document.to_string()).unwrap();
        [Some("t-1"), Some("T-1"), Some("t-2"), None].map(|tenant| settings.language(tenant))
    };
    assert_eq!(languages(None, None), [Language::En; 4]);
    assert_eq!(languages(Some("nb"), None), [Language::Nb; 4]);
    assert_eq!(languages(Some("nb"), Some("sv")), [Language::Sv, Language::Sv, Language::Nb, Language::Nb]);
    refuses("/visma/language", json!("no"), "value_unknown", "visma.language");
    refuses("/visma/language", json!("NB"), "value_unknown", "visma.language");
    refuses("/tenants/0/language", json!("de"), "value_unknown", "tenants[0].language");
    let words = "value_unknown: visma.language: must be one of `en`, `nb`, `sv`, `da`, `nl`, `fi` (line 1, column ";
    let told = with("/visma/language", json!("de")).unwrap_err().to_string();
    assert!(told.starts_with(words), "{told}");
}

#[test]
fn the_number_of_items_of_a_body_is_bounded() {
    assert_eq!(Settings::parse(&document().to_string()).unwrap().max_items(), 5_000);
    for good in [1, 100_000] {
        assert_eq!(with("/max_items", json!(good)).unwrap().max_items(), good);
    }
    for bad in [0, 100_001] {
        let refused = with("/max_items", json!(bad)).unwrap_err();
        assert_eq!(refused.to_string(), "number_out_of_range: max_items: must be from 1 to 100000");
    }
    assert!(with("/max_items", json!(-1)).is_err());
}
