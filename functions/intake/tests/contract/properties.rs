//! Whatever is sent: no panic gets out, and without the right signature nothing gets in.

use crate::support::*;
use lambda_http::http::{HeaderName, HeaderValue, Method};
use lambda_http::{Body, Request};
use proptest::collection::vec;
use proptest::prelude::*;
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

fn any_header() -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    let name = prop_oneof![
        Just("x-vwd-signature-v1".to_owned()),
        Just("x-vwd-subscription-id".to_owned()),
        Just("x-vwd-tenant-id".to_owned()),
        Just("content-type".to_owned()),
        Just("content-encoding".to_owned()),
        "[a-z][a-z0-9-]{0,20}",
    ];
    let value = prop_oneof![
        vec(any::<u8>(), 0..80),
        "[A-Za-z0-9+/]{43}=".prop_map(String::into_bytes),
        Just(b"accounts".to_vec()),
        Just(b"application/json".to_vec()),
    ];
    (name, value).prop_filter_map("not a header", |(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(&value).ok()?))
    })
}

fn any_method() -> impl Strategy<Value = Method> {
    prop_oneof![4 => Just(Method::POST), 1 => "[A-Z]{1,10}".prop_map(|method| method.parse().unwrap())]
}

fn any_body() -> impl Strategy<Value = Body> {
    prop_oneof![
        vec(any::<u8>(), 0..300).prop_map(Body::Binary),
        any::<String>().prop_map(Body::Text),
        Just(Body::Empty)
    ]
}

proptest! {
    #[test]
    fn without_the_right_signature_nothing_reaches_the_queue(
        path in any_path(),
        method in any_method(),
        headers in vec(any_header(), 0..8),
        body in any_body(),
    ) {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_default();
        for (name, value) in headers {
            request.headers_mut().append(name, value);
        }
        let world = World::new();
        let answer = block_on(world.handle(request));
        prop_assert!(world.queue.sent().is_empty());
        prop_assert_ne!(answer.status.as_u16(), 202);
        prop_assert_ne!(answer.json["code"].as_str(), Some("internal"));
    }

    #[test]
    fn with_the_right_signature_exactly_these_bytes_do(
        headers in vec(any_header(), 0..8),
        body in vec(any::<u8>(), 0..300),
    ) {
        let mut request = Call::signed(ACCOUNTS_SECRET, &body).request();
        let decisive = ["x-vwd-signature-v1", "x-vwd-subscription-id", "content-type", "content-encoding"];
        for (name, value) in headers.into_iter().filter(|(name, _)| !decisive.contains(&name.as_str())) {
            request.headers_mut().append(name, value);
        }
        let world = World::new();
        let answer = block_on(world.handle(request));
        prop_assert_eq!(answer.status.as_u16(), 202);
        prop_assert_eq!(world.queue.delivery().body, body);
    }
}
