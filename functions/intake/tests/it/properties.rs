//! No request causes a panic, and none without a valid signature is accepted.

use crate::support::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::future::Future;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn any_path() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/hooks/visma/erp".to_owned()),
        Just("/hooks/visma/sales".to_owned()),
        "/hooks/visma/legacy/[!-~&&[^#?/]]{1,40}",
        "/[!-~&&[^#?]]{0,40}",
    ]
}

/// Any text may be in an event, also headers that `http` libraries refuse.
fn any_header() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        Just("x-vwd-signature-v1".to_owned()),
        Just("x-vwd-subscription-id".to_owned()),
        Just("x-vwd-tenant-id".to_owned()),
        Just("content-type".to_owned()),
        Just("content-encoding".to_owned()),
        "[a-z][a-z0-9-]{0,20}",
        any::<String>(),
    ];
    let value = prop_oneof![
        any::<String>(),
        "[A-Za-z0-9+/]{43}=",
        Just("accounts".to_owned()),
        Just("application/json".to_owned()),
    ];
    (name, value)
}

fn any_method() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just("POST".to_owned()), 1 => "[A-Z]{1,10}"]
}

fn any_body() -> impl Strategy<Value = Value> {
    prop_oneof![any::<String>().prop_map(Value::from), Just(Value::Null)]
}

fn with_headers(mut event: Value, headers: Vec<(String, String)>) -> String {
    for (name, value) in headers {
        event["headers"][name] = value.into();
    }
    event.to_string()
}

proptest! {
    #[test]
    fn without_the_right_signature_nothing_reaches_the_queue(
        path in any_path(),
        method in any_method(),
        headers in vec(any_header(), 0..8),
        body in any_body(),
        is_base64: bool,
    ) {
        let mut event = Call::new(&method, &path).event();
        event["body"] = body;
        event["isBase64Encoded"] = json!(is_base64);
        let event = with_headers(event, headers);
        let world = World::new();
        let answer = block_on(world.handle(event));
        prop_assert!(world.queue.sent().is_empty());
        prop_assert_ne!(answer.status.as_u16(), 202);
        prop_assert_ne!(answer.json["code"].as_str(), Some("internal"));
    }

    #[test]
    fn with_the_right_signature_exactly_these_bytes_do(
        headers in vec(any_header(), 0..8),
        body in vec(any::<u8>(), 0..300),
    ) {
        let decisive = ["x-vwd-signature-v1", "x-vwd-subscription-id", "content-encoding"];
        let others = headers.into_iter().filter(|(name, _)| !decisive.contains(&name.to_lowercase().as_str())).collect();
        let event = with_headers(Call::signed(ACCOUNTS_SECRET, &body).event(), others);
        let world = World::new();
        let answer = block_on(world.handle(event));
        prop_assert_eq!(answer.status.as_u16(), 202);
        prop_assert_eq!(world.queue.delivery().body, body);
    }
}

proptest! {
    #[test]
    fn whatever_bytes_the_runtime_hands_over_they_are_answered(event in vec(any::<u8>(), 0..200)) {
        let answer = block_on(World::new().handle(&event));
        prop_assert!((400..500).contains(&answer.status.as_u16()));
    }
}
