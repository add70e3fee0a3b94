use serde_json::json;

use crate::support::Stage;
use standin::{Collection, Endpoint, Fault, NewTenant};

#[tokio::test]
async fn a_token_opens_the_erp_of_its_tenant_until_revoked() {
    let stage = Stage::new().await;
    stage.tenant.put(Collection::Account, "1920", json!({})).await.unwrap();

    let (status, answer) = stage.ask_token(&[]).await;
    assert_eq!((status, &answer["token_type"], &answer["expires_in"]), (200, &json!("Bearer"), &json!(3600)));
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(stage.read(token, "/erp/v1/account/1920").await.status(), 200);

    let other = stage.control.create_tenant(NewTenant::default()).await.unwrap();
    let (_, answer) = stage.ask_token(&[("tenant_id", &other.id().to_string())]).await;
    let others = answer["access_token"].as_str().unwrap();
    assert_eq!(stage.read(others, "/erp/v1/account/1920").await.status(), 404);

    stage.tenant.revoke_tokens().await.unwrap();
    assert_eq!(stage.read(token, "/erp/v1/account/1920").await.status(), 401);
    assert_eq!(stage.read("nonsense", "/erp/v1/account/1920").await.status(), 401);
    assert_eq!(stage.read(&stage.token().await, "/erp/v1/account/1920").await.status(), 200);
    let calls = stage.tenant.calls().await.unwrap();
    assert_eq!((calls.of("token"), calls.answered("account", 401)), (2, 1));
}

#[tokio::test]
async fn wrong_requests_are_refused_by_their_oauth_error() {
    let stage = Stage::new().await;
    for (field, value, error) in [
        ("client_id", "somebody", "invalid_client"),
        ("client_secret", "guess", "invalid_client"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("scope", "everything", "invalid_scope"),
        ("tenant_id", "1234567", "invalid_tenant"),
        ("tenant_id", "00000000-0000-0000-0000-000000000009", "invalid_tenant"),
    ] {
        let refused = stage.ask_token(&[(field, value)]).await;
        assert_eq!(refused, (400, json!({"error": error})), "{field}={value}");
    }
}

#[tokio::test]
async fn a_token_expires_and_needs_the_scope() {
    let stage = Stage::with(NewTenant { token_lifetime_seconds: 0, ..NewTenant::default() }).await;
    assert_eq!(stage.read(&stage.token().await, "/erp/v1/account").await.status(), 401);

    let stage = Stage::new().await;
    let (_, answer) = stage.ask_token(&[("scope", "vismanet_erp_service_api:create")]).await;
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(stage.read(token, "/erp/v1/account").await.status(), 403);
}

#[tokio::test]
async fn token_faults_follow_the_script() {
    let stage = Stage::new().await;
    stage.tenant.set_faults(Endpoint::Token, &[Fault::status(500), Fault::Pass]).await.unwrap();
    assert_eq!(stage.ask_token(&[]).await.0, 500);
    assert_eq!(stage.ask_token(&[]).await.0, 200);
}

#[tokio::test]
async fn a_customer_tenant_gets_tokens_that_every_call_refuses() {
    let stage = Stage::with(NewTenant { is_customer: true, ..NewTenant::default() }).await;
    stage.tenant.put(Collection::Account, "1920", json!({})).await.unwrap();
    let refused = stage.read(&stage.token().await, "/erp/v1/account/1920").await;
    assert_eq!(refused.status(), 401);
    assert!(refused.headers().get("x-ratelimit-limit").is_none(), "it is refused before it counts");
    assert_eq!(refused.text().await.unwrap(), "");
    stage.tenant.set_customer(false).await.unwrap();
    assert_eq!(stage.read(&stage.token().await, "/erp/v1/account/1920").await.status(), 200);
}
