//! Every status of the README's table.

use crate::support::{ACCOUNTS_SECRET, Call, Mood, TOKEN, World, settings};
use intake::Limits;
use serde_json::json;
use std::time::Duration;

const BODY: &[u8] = br#"{"notificationId":"00000000-0000-0000-0000-000000000001"}"#;

fn signed() -> Call {
    Call::signed(ACCOUNTS_SECRET, BODY)
}

#[tokio::test]
async fn accepts_a_signed_delivery_and_returns_its_id() {
    let world = World::new();
    let answer = world.accepts(signed()).await;
    assert_eq!(answer.json, json!({"accepted": true, "delivery": world.queue.delivery().meta.id}));
    assert_eq!(answer.headers["content-type"], "application/json");
}

#[tokio::test]
async fn health_needs_neither_settings_nor_queue() {
    let world = World::new();
    for path in ["/health", "/hooks/visma/erp", "/hooks/visma/nowhere"] {
        let answer = world.post(Call::new("GET", path)).await;
        assert_eq!((answer.status.as_u16(), answer.json), (200, json!({"status": "ok"})), "{path}");
        let answer = world.post(Call::new("HEAD", path)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{path}");
    }
    assert_eq!(world.settings.readings(), 0);
    assert!(world.queue.sent().is_empty());
}

#[tokio::test]
async fn other_methods_get_the_allowed_ones() {
    let world = World::new();
    let legacy = format!("/hooks/visma/legacy/{TOKEN}");
    for (path, methods, allow) in [
        ("/hooks/visma/erp", &["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"][..], "GET, HEAD, POST"),
        ("/health", &["POST", "PUT", "OPTIONS"], "GET, HEAD"),
        (&legacy, &["GET", "PUT", "OPTIONS"], "POST"),
        ("/hooks/visma/legacy/no-such-token", &["GET", "PUT", "OPTIONS"], "POST"),
    ] {
        for method in methods {
            let answer = world.refuses(Call::new(method, path), 405, "method_not_allowed").await;
            assert_eq!(answer.headers["allow"], allow, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_head_request_gets_no_body_even_when_it_is_refused() {
    let world = World::new();
    for (path, status) in [("/nowhere", 404), ("/hooks/visma/legacy/x", 405)] {
        let answer = world.post(Call::new("HEAD", path)).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (status, ""), "{path}");
    }
}

#[tokio::test]
async fn unknown_paths_routes_and_tokens_get_the_same_404() {
    let world = World::new();
    let mut answers = Vec::new();
    for path in [
        "/",
        "/hooks/visma/erp/more",
        "/hooks/visma/nowhere",
        "/hooks/visma/legacy",
        "/hooks/visma/legacy/no-such-token",
    ] {
        answers.push(world.refuses(signed().path(path), 404, "route_unknown").await.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[tokio::test]
async fn a_well_signed_body_is_accepted_whatever_its_declared_type() {
    let world = World::new();
    for media_type in [
        "text/plain; charset=utf-8",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json, text/html",
        "no type at all",
        "\u{e5}\u{7f}\0",
        "",
    ] {
        world.accepts(signed().header("content-type", media_type)).await;
        for forged in [signed().without("x-vwd-signature-v1"), Call::signed("wrong", BODY)] {
            let answer = world.post(forged.header("content-type", media_type)).await;
            assert_eq!(answer.status, 401, "{media_type}");
        }
    }
    world.accepts(signed().without("content-type")).await;
}

#[tokio::test]
async fn rejects_other_content_types_of_unsigned_bodies() {
    let world = World::new();
    let legacy = |media_type| Call::legacy(TOKEN, BODY).header("content-type", media_type);
    for media_type in ["text/json", "application/cloudevents+json; charset=utf-16", "text/plain; charset=utf-8", ""] {
        world.accepts(legacy(media_type)).await;
    }
    world.accepts(Call::legacy(TOKEN, BODY).without("content-type")).await;
    for media_type in ["application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"] {
        world.refuses(legacy(media_type), 415, "content_type_unsupported").await;
        let stranger = Call::legacy("another-token", BODY).header("content-type", media_type);
        world.refuses(stranger, 404, "route_unknown").await;
    }
}

#[tokio::test]
async fn rejects_compressed_bodies() {
    let world = World::new();
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";
    for encoding in ["gzip", "br", "zstd", "identity, gzip"] {
        for call in [Call::signed(ACCOUNTS_SECRET, gzip), Call::legacy(TOKEN, gzip)] {
            let call = call.header("content-encoding", encoding);
            world.refuses(call, 415, "content_encoding_unsupported").await;
        }
        let forged = Call::signed("wrong", gzip).header("content-encoding", encoding);
        world.refuses(forged, 401, "signature_mismatch").await;
        // A proxy has unpacked the body and left the header.
        world.accepts(signed().header("content-encoding", encoding)).await;
    }
    for encoding in ["identity", "", "utf-8"] {
        world.accepts(signed().header("content-encoding", encoding)).await;
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_too_large() {
    let world = World::with_limits(&settings(), Limits { max_body_bytes: BODY.len(), ..Limits::default() });
    world.accepts(signed()).await;
    let larger = [BODY, b" "].concat();
    world.refuses(Call::signed(ACCOUNTS_SECRET, &larger), 413, "body_too_large").await;
}

#[tokio::test]
async fn the_largest_body_is_accepted_and_fits_the_queue() {
    let world = World::new();
    world.accepts(Call::signed(ACCOUNTS_SECRET, &vec![b' '; 1_032_192])).await;
    assert!(world.queue.sent()[0].body.len() <= 1024 * 1024);
    assert_eq!(world.queue.delivery().body.len(), 1_032_192);
    world.refuses(Call::signed(ACCOUNTS_SECRET, &vec![b' '; 1_032_193]), 413, "body_too_large").await;
}

#[tokio::test]
async fn a_body_that_would_only_fit_the_queue_as_text_is_too_large_in_base64() {
    let world = World::new();
    world.accepts(Call::signed(ACCOUNTS_SECRET, &vec![0xff; 780_000])).await;
    world.refuses(Call::signed(ACCOUNTS_SECRET, &vec![0xff; 790_000]), 413, "body_too_large").await;
}

#[tokio::test]
async fn unreadable_settings_are_our_own_fault() {
    let world = World::new();
    world.settings.clear();
    world.refuses(signed(), 503, "settings_unavailable").await;
    world.refuses(signed().path("/hooks/visma/nowhere"), 503, "settings_unavailable").await;
    world.refuses(Call::legacy(TOKEN, BODY), 503, "settings_unavailable").await;
    world.settings.put(json!({"version": 2}));
    world.clock.advance(time::Duration::seconds(2));
    world.refuses(signed(), 503, "settings_unavailable").await;
    world.settings.put(settings());
    world.clock.advance(time::Duration::seconds(4));
    world.accepts(signed()).await;
}

#[tokio::test]
async fn a_thousand_starts_under_throttling_read_the_settings_once_each() {
    let (mut accepted, mut unavailable, mut readings) = (0, 0, 0);
    for number in 0..1000 {
        let world = World::new();
        if number % 2 == 0 {
            world.settings.clear();
        }
        for _ in 0..5 {
            let answer = world.post(signed()).await;
            if answer.status.as_u16() == 202 {
                accepted += 1;
            } else {
                answer.is_problem(503, "settings_unavailable");
                unavailable += 1;
            }
            // Within the first second of its life.
            world.clock.advance(time::Duration::milliseconds(200));
        }
        readings += world.settings.readings();
    }
    assert_eq!((accepted, unavailable, readings), (2500, 2500, 1000));
}

#[tokio::test]
async fn a_refusing_queue_is_our_own_fault() {
    let world = World::new();
    for mood in [Mood::Refuses, Mood::DeclaresInvalid] {
        world.queue.set_mood(mood);
        world.refuses(signed(), 503, "queue_unavailable").await;
        world.refuses(Call::legacy(TOKEN, BODY), 503, "queue_unavailable").await;
    }
    world.queue.set_mood(Mood::Takes);
    world.accepts(signed()).await;
}

#[tokio::test(start_paused = true)]
async fn waits_two_and_a_half_seconds_for_a_silent_queue() {
    let world = World::new();
    world.queue.set_mood(Mood::NeverAnswers);
    let start = tokio::time::Instant::now();
    world.refuses(signed(), 503, "queue_unavailable").await;
    assert_eq!(start.elapsed(), Duration::from_millis(2500));
}

#[tokio::test]
async fn a_panic_answers_503_and_breaks_nothing() {
    let world = World::new();
    world.queue.set_mood(Mood::Panics);
    world.refuses(signed(), 503, "internal").await;
    world.queue.set_mood(Mood::Takes);
    world.accepts(signed()).await;
}

fn with_source_ips(policy: &str) -> World {
    let mut settings = settings();
    settings["source_ips"] = json!({"policy": policy, "addresses": ["18.202.121.26", "2001:db8::1"]});
    World::with(&settings)
}

#[tokio::test]
async fn an_enforced_list_accepts_only_its_addresses() {
    let world = with_source_ips("enforce");
    for listed in ["18.202.121.26", "2001:db8::1", "::ffff:18.202.121.26"] {
        world.accepts(signed().source_ip(listed)).await;
    }
    for other in ["192.0.2.1", "2001:db8::2", "", "not an address"] {
        // The sender's own claim about its address does not count.
        let call = signed().source_ip(other).header("x-forwarded-for", "18.202.121.26");
        world.refuses(call, 403, "source_not_allowed").await;
    }
    let legacy = Call::legacy(TOKEN, BODY).source_ip("192.0.2.1");
    world.refuses(legacy, 403, "source_not_allowed").await;
}

#[tokio::test]
async fn a_list_that_is_not_enforced_accepts_every_address() {
    for policy in ["off", "warn"] {
        with_source_ips(policy).accepts(signed().source_ip("192.0.2.1")).await;
    }
}
