use super::*;
use futures::future::join_all;
use std::collections::HashMap;
use std::time::Duration;
use url::form_urlencoded;
use webhooks_visma::Stage;

#[tokio::test]
async fn the_token_request_has_visma_connects_form() {
    let bench = Bench::with_token().await;
    bench.on_account(account()).await;
    bench.fetch().await.unwrap();
    let request = bench.requests_to(TOKEN_PATH).await.remove(0);
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    let form: HashMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "client"),
        ("client_secret", "a secret & more"),
        ("scope", "a:read a:create"),
        ("tenant_id", "t-1"),
    ];
    assert_eq!(form, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let request = bench.requests_to(ACCOUNT_PATH).await.remove(0);
    assert_eq!(request.headers["authorization"], "Bearer token-1");
    assert!(request.headers["user-agent"].to_str().unwrap().starts_with("visma-net-webhooks/"));
}

#[tokio::test]
async fn callers_of_one_tenant_share_one_token_request() {
    let bench = Bench::with_token().await;
    bench.on_account(account()).await;
    for result in join_all((0..10).map(|_| bench.fetch())).await {
        result.unwrap();
    }
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 1);
    assert_eq!(bench.requests_to(ACCOUNT_PATH).await.len(), 10);
}

#[tokio::test]
async fn callers_of_one_tenant_share_one_failed_token_request_and_later_ones_try_again() {
    let bench = Bench::new().await;
    token_request().respond_with(status(503)).mount(&bench.server).await;
    for result in join_all((0..10).map(|_| bench.fetch())).await {
        assert_eq!(result.unwrap_err().to_string(), "token: unavailable (503)");
    }
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 1);
    bench.fetch().await.unwrap_err();
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 2);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_hold_up_the_others() {
    let bench = Bench::new().await;
    let slow = token("token-1").set_delay(Duration::from_secs(30));
    token_request().respond_with(slow).up_to_n_times(1).mount(&bench.server).await;
    token_request().respond_with(token("token-2")).mount(&bench.server).await;
    bench.on_account(account()).await;
    let mut first = Box::pin(bench.fetch());
    let mut rest = Box::pin(bench.fetch());
    let both_wait = async {
        while bench.requests_to(TOKEN_PATH).await.is_empty() {
            assert!(futures::poll!(&mut first).is_pending());
            assert!(futures::poll!(&mut rest).is_pending());
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), both_wait).await.unwrap();
    drop(first);
    rest.await.unwrap();
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_it_ends() {
    let bench = Bench::with_token().await;
    bench.on_account(account()).await;
    for (seconds, requests) in [(0, 1), (3539, 1), (1, 2), (3539, 2)] {
        bench.wait(seconds);
        bench.fetch().await.unwrap();
        assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), requests);
    }
}

#[tokio::test]
async fn each_tenant_and_each_client_has_a_token_of_its_own() {
    let mut bench = Bench::with_token().await;
    bench.on_account(account()).await;
    bench.fetch_for("t-1").await.unwrap();
    bench.fetch_for("t-2").await.unwrap();
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 2);
    bench.visma.client_id = "another".into();
    bench.fetch_for("t-1").await.unwrap();
    bench.fetch_for("t-1").await.unwrap();
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 3);
}

#[tokio::test]
async fn a_changed_client_secret_or_scope_takes_effect_with_the_next_call() {
    let mut bench = Bench::with_token().await;
    bench.on_account(account()).await;
    bench.fetch().await.unwrap();
    bench.visma.client_secret = "rotated".to_owned().into();
    bench.fetch().await.unwrap();
    bench.visma.scope = "a:read".into();
    for _ in 0..2 {
        bench.fetch().await.unwrap();
    }
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 3);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_its_users() {
    let bench = Bench::new().await;
    token_request().respond_with(token("token-1")).up_to_n_times(1).mount(&bench.server).await;
    token_request().respond_with(token("token-2")).mount(&bench.server).await;
    account_request_with("token-1").respond_with(status(401)).mount(&bench.server).await;
    account_request_with("token-2").respond_with(account()).mount(&bench.server).await;
    for result in join_all((0..5).map(|_| bench.fetch())).await {
        result.unwrap();
    }
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 2);
    assert_eq!(bench.requests_to(ACCOUNT_PATH).await.len(), 10);
}

fn is_refused(error: &VismaError) -> bool {
    matches!(error, VismaError::TokenRefused { stage: Stage::Resource, status: 401, after: Some(_) })
}

#[tokio::test]
async fn a_refused_new_token_fails_the_call_and_is_retried_later() {
    let bench = Bench::new().await;
    token_request().respond_with(token("token-1")).up_to_n_times(2).mount(&bench.server).await;
    token_request().respond_with(token("token-2")).mount(&bench.server).await;
    account_request_with("token-1").respond_with(status(401)).mount(&bench.server).await;
    account_request_with("token-2").respond_with(account()).mount(&bench.server).await;
    assert!(is_refused(&bench.fetch().await.unwrap_err()));
    bench.wait(4);
    assert!(is_refused(&bench.fetch().await.unwrap_err()), "without a request");
    assert_eq!((bench.requests_to(TOKEN_PATH).await.len(), bench.requests_to(ACCOUNT_PATH).await.len()), (2, 2));
    bench.wait(1);
    bench.fetch().await.unwrap();
}

/// Twenty callers at once, every five seconds, for this many seconds. Returns the last error.
async fn asked_for(bench: &Bench, seconds: i64) -> VismaError {
    let mut told = None;
    for _ in 0..=seconds / 5 {
        let mut all = join_all((0..20).map(|_| bench.fetch())).await;
        told = all.pop().map(Result::unwrap_err);
        bench.wait(5);
    }
    told.unwrap()
}

#[tokio::test]
async fn a_customer_tenant_is_reported_without_a_storm_of_token_requests() {
    let bench = Bench::with_token().await;
    bench.on_account(status(401)).await;
    assert!(is_refused(&asked_for(&bench, 290).await), "it may still be a disturbance");
    // One caller may hear of its refusal only after the renewal, and then asks once more.
    let requests = bench.requests_to(TOKEN_PATH).await.len();
    assert!((7..=8).contains(&requests), "a renewed one, and then ever less often: {requests}");
    let needed = VismaError::CompanyTenantNeeded { stage: Stage::Resource };
    assert_eq!(asked_for(&bench, 10).await, needed);
    let feedback = bench.send_feedback().await.unwrap_err();
    assert_eq!(feedback, VismaError::CompanyTenantNeeded { stage: Stage::Feedback });
    asked_for(&bench, 3600).await;
    assert!(bench.requests_to(TOKEN_PATH).await.len() <= 7 + 13, "one in five minutes");
}

#[tokio::test]
async fn an_accepted_tenant_recovers_within_five_minutes() {
    let bench = Bench::with_token().await;
    bench.on_account(status(401)).await;
    asked_for(&bench, 600).await;
    bench.server.reset().await;
    token_request().respond_with(token("token-2")).mount(&bench.server).await;
    bench.on_account(account()).await;
    bench.wait(300);
    bench.fetch().await.unwrap();
}

#[tokio::test]
async fn another_tenant_is_not_held_up_by_one_that_is_refused() {
    let bench = Bench::new().await;
    token_request_for("t-1").respond_with(token("token-1")).mount(&bench.server).await;
    token_request_for("t-2").respond_with(token("token-2")).mount(&bench.server).await;
    account_request_with("token-1").respond_with(status(401)).mount(&bench.server).await;
    account_request_with("token-2").respond_with(account()).mount(&bench.server).await;
    asked_for(&bench, 600).await;
    bench.fetch_for("t-2").await.unwrap();
}

#[tokio::test]
async fn both_apis_use_one_token() {
    let bench = Bench::with_token().await;
    bench.on_account(account()).await;
    Mock::given(path(ORDER_PATH)).respond_with(account()).mount(&bench.server).await;
    bench.fetch_order().await.unwrap();
    bench.fetch().await.unwrap();
    assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), 1);
}

/// It is unknown which answer a call gets without the scope of sales orders
/// (docs/visma-net.md#tokens).
#[tokio::test]
async fn sales_orders_that_refuse_each_token_disturb_no_call_to_the_other_api() {
    for code in [401, 403] {
        let bench = Bench::with_token().await;
        bench.on_account(account()).await;
        Mock::given(path(ORDER_PATH)).respond_with(status(code)).mount(&bench.server).await;
        let mut told = None;
        for _ in 0..60 {
            told = bench.fetch_order().await.err();
            bench.fetch().await.unwrap();
            bench.wait(5);
        }
        let stage = Stage::Resource;
        let (expected, tokens) = match code {
            401 => (VismaError::TokenRefused { stage, status: 401, after: Some(Duration::from_secs(20)) }, 7),
            _ => (VismaError::TenantNotApproved { stage }, 60),
        };
        assert_eq!(told, Some(expected));
        assert_eq!(bench.requests_to(TOKEN_PATH).await.len(), tokens, "{code}: none for the other API");
        assert_eq!(bench.requests_to(ACCOUNT_PATH).await.len(), 60, "{code}: each at the first try");
        if code == 401 {
            bench.wait(5);
            assert_eq!(bench.fetch_order().await.unwrap_err(), VismaError::SalesOrdersRefused { stage });
        }
    }
}

#[tokio::test]
async fn an_approval_given_later_takes_effect_with_the_next_call() {
    let bench = Bench::new().await;
    token_request().respond_with(token("token-1")).up_to_n_times(1).mount(&bench.server).await;
    token_request().respond_with(token("token-2")).mount(&bench.server).await;
    account_request_with("token-1").respond_with(status(403)).mount(&bench.server).await;
    account_request_with("token-2").respond_with(account()).mount(&bench.server).await;
    let error = bench.fetch().await.unwrap_err();
    assert_eq!(error, VismaError::TenantNotApproved { stage: Stage::Resource });
    bench.fetch().await.unwrap();
}

#[tokio::test]
async fn each_answer_of_visma_connect_has_its_own_error() {
    for (code, text) in [
        (400, "token: no valid token (400)"),
        (401, "token: no valid token (401)"),
        (403, "token: no valid token (403)"),
        (404, "token: no valid token (404)"),
        (429, "token: rate limited"),
        (500, "token: unavailable (500)"),
        (302, "token: unavailable (302)"),
        (200, "token: the answer cannot be read"),
    ] {
        let bench = Bench::new().await;
        token_request().respond_with(status(code)).mount(&bench.server).await;
        assert_eq!(bench.fetch().await.unwrap_err().to_string(), text);
        assert!(bench.requests_to(ACCOUNT_PATH).await.is_empty());
    }
}
