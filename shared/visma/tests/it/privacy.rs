use super::*;
use webhooks_telemetry::{Captured, subscriber_for_tests};

const CANARY: &str = "canary";

/// A bench whose texts are all canaries where they could leak. It answers `code` to each call after
/// the token.
async fn bench_of_canaries(token_code: u16, code: u16) -> Bench {
    let mut bench = Bench::new().await;
    let mut visma = serde_json::json!({
        "connect_url": bench.server.uri(), "erp_url": bench.server.uri(), "sales_order_url": bench.server.uri(),
    });
    for name in ["client_id", "client_secret", "scope"] {
        visma[name] = format!("{CANARY}-{name}").into();
    }
    bench.visma = serde_json::from_value(visma).unwrap();
    let answer = serde_json::json!({"access_token": "canary-token", "error": "canary"});
    let given = status(token_code).set_body_json(answer).insert_header("x-canary", "canary");
    token_request().respond_with(given).mount(&bench.server).await;
    let refusal = status(code).set_body_string("canary").insert_header("location", "https://canary.example/");
    Mock::given(wiremock::matchers::any()).respond_with(refusal).mount(&bench.server).await;
    bench
}

#[tokio::test]
async fn errors_and_logs_show_no_text_from_outside() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let path = ResourcePath::parse("v1/customer/canary-key").unwrap();
    let feedback = Feedback { source: "canary-source", description: "canary-description", ..feedback() };
    let mut shown = String::new();
    for (token_code, code) in [
        (200, 200),
        (200, 302),
        (200, 400),
        (200, 401),
        (200, 403),
        (200, 429),
        (200, 503),
        (400, 0),
        (500, 0),
        (429, 0),
    ] {
        let bench = bench_of_canaries(token_code, code.max(200)).await;
        let fetched = bench.client.fetch(&bench.visma, "canary-tenant", &path).await.err();
        let sent = bench.client.send_feedback(&bench.visma, "canary-tenant", &feedback).await.err();
        assert!(fetched.is_some());
        for error in fetched.into_iter().chain(sent) {
            shown += &format!("{error} {error:?} {:?}\n", error.next());
        }
    }
    let bench = bench_of_canaries(200, 200).await;
    let mut visma = bench.visma.clone();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    visma.erp_url = format!("http://{closed}/canary").parse().unwrap();
    let unreachable = bench.client.fetch(&visma, "canary-tenant", &path).await.unwrap_err();
    shown += &format!("{unreachable} {unreachable:?}");

    assert!(!shown.contains(CANARY), "{shown}");
    assert!(captured.text().contains("answered"), "nothing was logged");
    assert!(!captured.text().contains(CANARY), "{}", captured.text());
}

#[tokio::test]
async fn the_clients_debug_shows_no_token() {
    let bench = bench_of_canaries(200, 404).await;
    bench.fetch().await.unwrap();
    assert!(!format!("{:?}", bench.client).contains("canary-token"));
}
