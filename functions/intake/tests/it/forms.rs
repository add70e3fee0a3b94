//! Genuine deliveries in unusual forms that were seen elsewhere. Each form has made a receiver lose
//! deliveries.

use crate::support::*;
use serde_json::{Value, json};

const BODY: &[u8] = br#"{"event":"ACCOUNT_CHANGED","entityId":"1920"}"#;
const SIGNATURE: &str = "x-vwd-signature-v1";

fn signed() -> Call {
    Call::signed(ACCOUNTS_SECRET, BODY)
}

async fn accepts_event(world: &World, event: impl AsRef<[u8]>) {
    let before = world.queue.sent().len();
    let answer = world.handle(event).await;
    assert_eq!((answer.status.as_u16(), world.queue.sent().len()), (202, before + 1), "{answer:?}");
}

#[tokio::test]
async fn accepts_a_delivery_without_its_malformed_header() {
    for (name, value) in [
        ("cloudfront-is-smarttv-viewer", "false\n"),
        ("x-odd", "a\u{7f}b"),
        ("x-nul", "a\0b"),
        ("cf-ipcity", "Torrej\u{f3}n de Ardoz"),
        ("cloudfront-viewer-city", "Troms\u{f8}"),
        ("x odd", "1"),
        ("", "1"),
        ("x:y", "1"),
        ("x-vwd-tenant-id", "\u{c5}s & Co AS, B\u{e6}rum"),
        ("cookie", "a=\n"),
        ("host", "exa mple<"),
        ("content-type", "\n"),
    ] {
        let world = World::new();
        world.accepts(signed().header(name, value).header("x-fine", "1")).await;
        let delivery = world.queue.delivery();
        assert_eq!(delivery.body, BODY);
        let headers = delivery.meta.headers;
        assert_eq!((headers.get(name), headers["x-fine"].as_str()), (None, "1"), "{name}");
        assert!(headers.contains_key(SIGNATURE), "{name}");
    }
}

#[tokio::test]
async fn ignores_an_odd_host_query_or_cookie() {
    let world = World::new();
    for odd in ["", "exa mple<", "example:99999", "a=<b>", "%zz&a=\u{7f}", "\0"] {
        let mut event = signed().event();
        event["rawQueryString"] = json!(odd);
        event["queryStringParameters"] = json!({"a": odd, odd: null});
        event["cookies"] = json!([odd, 5, null]);
        event["requestContext"]["domainName"] = json!(odd);
        event["requestContext"]["authorizer"] = json!([odd]);
        accepts_event(&world, event.to_string()).await;
    }
}

#[tokio::test]
async fn ignores_a_header_that_is_not_text() {
    let world = World::new();
    let event = signed().header("user-agent", "Beno~t").event().to_string();
    let raw: Vec<u8> = event.bytes().map(|byte| if byte == b'~' { 0xee } else { byte }).collect();
    accepts_event(&world, raw).await;
    for odd in ["\\ud83d", "\n"] {
        accepts_event(&world, event.replace('~', odd)).await;
    }
}

#[tokio::test]
async fn an_event_that_is_not_json_is_answered_and_the_next_one_is_taken() {
    let world = World::new();
    let event = signed().header("user-agent", "Beno~t").event().to_string();
    for broken in [event.replace('~', "\\xEE"), event[..100].to_owned(), String::new()] {
        world.handle(broken).await.is_problem(400, "event_unreadable");
    }
    assert_eq!(world.emitted.count("Rejected event_unreadable"), 3);
    world.accepts(signed()).await;
}

#[tokio::test]
async fn rejects_a_body_with_invalid_base64() {
    let world = World::new();
    for body in ["{}", "L1k", "====", "\u{e5}\u{e5}\u{e5}\u{e5}"] {
        let mut event = signed().event();
        (event["body"], event["isBase64Encoded"]) = (json!(body), json!(true));
        world.handle(event.to_string()).await.is_problem(400, "body_not_base64");
        event["rawPath"] = json!("/nowhere");
        world.handle(event.to_string()).await.is_problem(404, "route_unknown");
    }
    assert!(world.queue.sent().is_empty());
}

#[tokio::test]
async fn ignores_extra_slashes_stages_and_mappings_in_a_path() {
    let world = World::new();
    let legacy = Call::legacy(TOKEN, BODY);
    for call in [
        signed().path("/hooks/visma/erp/"),
        signed().path("//hooks/visma/erp"),
        signed().path("/hooks//visma/erp//"),
        legacy.clone().path(&format!("/hooks/visma/legacy/{TOKEN}/")),
    ] {
        world.accepts(call).await;
    }
    for (path, stage, proxy) in [
        ("/prod/hooks/visma/erp", "prod", Value::Null),
        ("/hooks/hooks/visma/erp", "hooks", Value::Null),
        ("/erp/hooks/visma/erp", "$default", json!({"proxy": "visma/erp"})),
        ("/a/b/hooks/visma/erp/", "$default", json!({"proxy": "visma/erp"})),
        ("/erp/hooks/visma/erp", "prod", json!({"proxy": "visma/erp"})),
    ] {
        let mut event = signed().path(path).event();
        event["requestContext"]["stage"] = json!(stage);
        event["pathParameters"] = proxy;
        accepts_event(&world, event.to_string()).await;
    }
}

#[tokio::test]
async fn an_unknown_prefix_is_not_found_and_counted() {
    let world = World::new();
    for call in [
        signed().path("/erp/hooks/visma/erp"),
        signed().path("/hooks/x/hooks/visma/erp"),
        Call::legacy(TOKEN, BODY).path(&format!("/erp/hooks/visma/legacy/{TOKEN}")),
    ] {
        world.refuses(call, 404, "prefix_unknown").await;
    }
    assert_eq!(world.emitted.count("Rejected prefix_unknown"), 3);
    world.refuses(signed().path("/erp/other"), 404, "route_unknown").await;
}

#[tokio::test]
async fn a_signature_outside_ascii_is_malformed() {
    let world = World::new();
    for odd in ["\u{e9}", "\u{fffd}", "\u{7f}", "\0"] {
        let malformed = format!("{}{odd}", "A".repeat(43));
        world.refuses(signed().header(SIGNATURE, &malformed), 401, "signature_malformed").await;
    }
}

#[tokio::test]
async fn ignores_only_blanks_around_a_signature() {
    let world = World::new();
    let good = sign(ACCOUNTS_SECRET, BODY);
    for blank in [format!(" {good}"), format!("{good} "), format!("\t{good}\r\n")] {
        world.accepts(signed().header(SIGNATURE, &blank)).await;
    }
    for other in [format!("sha256={good}"), format!("{good},{good}"), format!("v1 {good}"), good.replace('=', "")] {
        world.refuses(signed().header(SIGNATURE, &other), 401, "signature_malformed").await;
    }
}

#[tokio::test]
async fn text_beyond_ascii_arrives_byte_for_byte_as_text_and_as_base64() {
    for (body, signature) in [
        (
            r#"{"notificationId":"00000000-0000-0000-0000-0000000000a1","event":"CUSTOMER_CHANGED","entityId":"10001","message":"Pål ₹ മലയാളം 🚒"}"#,
            "2pij11CM/g/wAsZoND9Ddapsr1F+6SP/HDvFv1oN5p4=",
        ),
        (
            r#"{"notificationId":"00000000-0000-0000-0000-0000000000a1","event":"CUSTOMER_CHANGED","entityId":"10001","message":"P\u00e5l \u20b9 \ud83d\ude92"}"#,
            "Zyp4+H4y76mgi5o9lmiuArdoOfHXib5WVhO1zg03S7Y=",
        ),
        (
            "{\"event\":\"ACCOUNT_CHANGED\",\"entityId\":\"1920\",\"message\":\"\u{2028}\u{2028}\u{2028}\u{2028}724812-22\"}",
            "nuksDaziD+Pi3gkDtuyKnkdwC0pUrdpRVT4EDSF3/kw=",
        ),
        ("{\"event\":\"ACCOUNT_CHANGED\",\"entityId\":\"1920\"}\r\n", "c2iz2xMEximyNJ95ajsG9AR9wCX6yAC/7Fb7E7zVYyg="),
        (
            "\u{feff}{\"event\":\"ACCOUNT_CHANGED\",\"entityId\":\"1920\"}",
            "NWW1/Yh88vKETKvlrlVnaN6J2JRGwmaIFFRIg3IeSuw=",
        ),
    ] {
        let call = signed().body(body.as_bytes()).header(SIGNATURE, signature);
        let world = World::new();
        world.accepts(call.clone()).await;
        assert_eq!(world.queue.delivery().body, body.as_bytes());
        let mut event = call.event();
        (event["body"], event["isBase64Encoded"]) = (json!(base64(body.as_bytes())), json!(true));
        accepts_event(&world, event.to_string()).await;
        let sent = world.queue.sent();
        let body_of = |at: usize| sent[at].body.split_once('\n').map(|(_, body)| body.to_owned());
        assert_eq!(body_of(0), body_of(1), "both travel as text");
        assert_eq!(body_of(0).as_deref(), Some(body));
    }
}

#[tokio::test]
async fn an_invalid_tenant_shares_the_group_of_unknown() {
    let world = World::new();
    let long = "a".repeat(200);
    for tenant in ["Ås & Co AS, Bærum", &long, "a b", "\n"] {
        world.accepts(signed().header("x-vwd-tenant-id", tenant)).await;
        assert_eq!(world.queue.sent().pop().unwrap().group.as_deref(), Some("unknown"), "{tenant}");
    }
}

#[tokio::test]
async fn each_of_a_thousand_throttled_starts_answers_after_one_reading() {
    let mut statuses = [0, 0];
    for number in 0..1000 {
        let world = World::new();
        let is_refused = number % 2 == 0;
        if is_refused {
            world.settings.clear();
        }
        let answer = world.post(signed()).await;
        assert_eq!(world.settings.readings(), 1, "a start reads once, whether or not it is refused");
        if is_refused {
            answer.is_problem(503, "settings_unavailable");
            world.settings.put(settings());
            world.clock.advance(time::Duration::seconds(31));
        }
        statuses[usize::from(is_refused)] += 1;
        world.accepts(signed()).await;
    }
    assert_eq!(statuses, [500, 500]);
}
