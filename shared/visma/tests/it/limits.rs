use super::*;
use std::time::Duration;
use webhooks_visma::{Fault, Quota, Quotas, Stage};

const OLD_ORDER_PATH: &str = "/erp/v1/salesorder/SO/1";

impl Bench {
    async fn fetch_old_order(&self) -> Result<Fetched, VismaError> {
        self.client.fetch(&self.visma, "t-1", &ResourcePath::parse("v1/salesorder/SO/1").unwrap()).await
    }
}

fn limited(stage: Stage, seconds: u64) -> VismaError {
    VismaError::RateLimited { stage, after: Some(Duration::from_secs(seconds)) }
}

#[tokio::test]
async fn a_rate_limited_tenant_waits_without_delaying_others() {
    let bench = Bench::new().await;
    for tenant in ["t-1", "t-2"] {
        token_request_for(tenant).respond_with(token(tenant)).mount(&bench.server).await;
    }
    let too_many = status(429).insert_header("retry-after", "30").insert_header("x-ratelimit-reset", "900");
    account_request_with("t-1").respond_with(too_many).up_to_n_times(1).mount(&bench.server).await;
    bench.on_account(account()).await;

    assert_eq!(bench.fetch_for("t-1").await.unwrap_err(), limited(Stage::Resource, 30));
    bench.wait(10);
    assert_eq!(bench.fetch_for("t-1").await.unwrap_err(), limited(Stage::Resource, 20));
    assert_eq!(bench.send_feedback().await.unwrap_err(), limited(Stage::Feedback, 20));
    assert_eq!(bench.fetch_old_order().await.unwrap_err(), limited(Stage::Resource, 20));
    assert_eq!(bench.requests_to(ACCOUNT_PATH).await.len(), 1);
    bench.fetch_for("t-2").await.unwrap();

    bench.wait(20);
    bench.fetch_for("t-1").await.unwrap();
}

#[tokio::test]
async fn keeps_a_wait_that_is_longer_than_a_message_can_be_hidden() {
    let bench = Bench::with_token().await;
    bench.on_account(status(429).insert_header("retry-after", "86400")).await;
    assert_eq!(bench.fetch().await.unwrap_err(), limited(Stage::Resource, 86_400));
    bench.wait(86_399);
    let error = bench.fetch().await.unwrap_err();
    assert!(matches!(error, VismaError::RateLimited { after: Some(left), .. } if left.as_secs() == 1), "{error:?}");
    assert_eq!(bench.requests_to(ACCOUNT_PATH).await.len(), 1);
}

#[tokio::test]
async fn waits_for_the_windows_end_without_a_retry_after() {
    let bench = Bench::with_token().await;
    bench.on_account(status(429).insert_header("x-ratelimit-reset", "900")).await;
    assert_eq!(bench.fetch().await.unwrap_err(), limited(Stage::Resource, 900));
}

#[tokio::test]
async fn a_retry_after_may_be_a_date() {
    let bench = Bench::with_token().await;
    bench.on_account(status(429).insert_header("retry-after", "Mon, 23 Nov 2026 12:02:00 GMT")).await;
    assert_eq!(bench.fetch().await.unwrap_err(), limited(Stage::Resource, 120));
}

#[tokio::test]
async fn a_refusal_that_says_when_to_return_is_a_used_up_quota() {
    let bench = Bench::with_token().await;
    let refusal = status(403).set_body_json(json!({"statusCode": 403, "message": "Out of call volume quota."}));
    bench.on_account(refusal.insert_header("retry-after", "600")).await;
    assert_eq!(bench.fetch().await.unwrap_err(), limited(Stage::Resource, 600));
    bench.wait(60);
    assert_eq!(bench.send_feedback().await.unwrap_err(), limited(Stage::Feedback, 540));
    assert_eq!((bench.requests_to(ACCOUNT_PATH).await.len(), bench.requests_to(TOKEN_PATH).await.len()), (1, 1));
}

#[tokio::test]
async fn old_sales_orders_have_a_window_of_their_own() {
    let bench = Bench::with_token().await;
    let counted = account().insert_header("x-ratelimit-remaining", "499").insert_header("x-ratelimit-reset", "600");
    bench.on_account(counted).await;
    let used_up = status(429).insert_header("x-ratelimit-remaining", "0").insert_header("x-ratelimit-reset", "3000");
    Mock::given(path(OLD_ORDER_PATH)).respond_with(used_up).mount(&bench.server).await;
    for _ in 0..2 {
        bench.fetch().await.unwrap();
        assert_eq!(bench.fetch_old_order().await.unwrap_err(), limited(Stage::Resource, 3000));
    }
    assert_eq!(bench.client.quota_left("t-1").map(|quota| quota.remaining), Some(499));
    assert_eq!((bench.requests_to(ACCOUNT_PATH).await.len(), bench.requests_to(OLD_ORDER_PATH).await.len()), (2, 1));
}

#[tokio::test]
async fn without_a_time_the_next_call_asks_again() {
    let bench = Bench::with_token().await;
    bench.on_account(status(429)).await;
    for calls in 1..=2 {
        let error = bench.fetch().await.unwrap_err();
        assert_eq!(error, VismaError::RateLimited { stage: Stage::Resource, after: None });
        assert_eq!(bench.requests_to(ACCOUNT_PATH).await.len(), calls);
    }
}

#[tokio::test]
async fn respects_the_rate_limit_of_tokens() {
    let bench = Bench::new().await;
    token_request().respond_with(status(429).insert_header("retry-after", "5")).mount(&bench.server).await;
    for _ in 0..2 {
        assert_eq!(bench.fetch().await.unwrap_err(), limited(Stage::Token, 5));
    }
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 1);
}

#[tokio::test]
async fn an_outage_may_say_when_to_return_and_closes_nothing() {
    let bench = Bench::with_token().await;
    bench.on_account(status(503).insert_header("retry-after", "40")).await;
    for calls in 1..=2 {
        let error = bench.fetch().await.unwrap_err();
        let after = Some(Duration::from_secs(40));
        assert_eq!(error, VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Status(503), after });
        assert_eq!(bench.requests_to(ACCOUNT_PATH).await.len(), calls);
    }
}

#[tokio::test]
async fn the_quota_is_that_of_the_tenants_last_answer_until_the_window_ends() {
    let bench = Bench::with_token().await;
    let counted = account().insert_header("x-ratelimit-remaining", "499").insert_header("x-ratelimit-reset", "600");
    let counted = counted.insert_header("x-ratelimit-limit", "500");
    bench.on_account(counted).await;
    assert_eq!(bench.client.quota_left("t-1"), None);
    bench.fetch().await.unwrap();
    bench.wait(100);
    let quota = Quota { limit: Some(500), remaining: 499, resets_in: Duration::from_secs(500) };
    assert_eq!(bench.client.quota_left("t-1"), Some(quota));
    assert_eq!(bench.client.quota_left("t-2"), None);
    bench.wait(500);
    assert_eq!(bench.client.quota_left("t-1"), None);
}
