use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Stage;
use standin::{Endpoint, Fault, Item, RateBudget};

async fn post(stage: &Stage, token: &str, body: &Value) -> reqwest::Result<reqwest::Response> {
    let url = format!("{}/erp/v1/webhooknotificationfeedback", stage.server.url());
    stage.http.post(url).bearer_auth(token).json(body).send().await
}

async fn sent(stage: &Stage) -> Uuid {
    stage.tenant.emit_one(Item::new("ACCOUNT_CHANGED", "1920")).await.unwrap().notification_ids[0]
}

fn body(id: impl ToString) -> Value {
    json!({"notificationId": id.to_string(), "source": "User", "description": "Booked.", "isSuccess": true})
}

#[tokio::test]
async fn feedback_is_taken_for_known_notifications_only() {
    let (stage, _receiver) = Stage::with_receiver(&[]).await;
    let (id, token) = (sent(&stage).await, stage.token().await);

    let created = post(&stage, &token, &body(id)).await.unwrap();
    assert_eq!(created.status(), 201);
    assert!(created.headers().contains_key("x-ratelimit-remaining"));
    assert_eq!(created.json::<Value>().await.unwrap(), json!({}));
    for (wrong, status) in [(body(Uuid::new_v4()), 404), (body("17"), 400), (json!({}), 400), (json!([1]), 400)] {
        assert_eq!(post(&stage, &token, &wrong).await.unwrap().status(), status, "{wrong}");
    }
    assert_eq!(post(&stage, "nonsense", &body(id)).await.unwrap().status(), 401);
    let (_, answer) = stage.ask_token(&[("scope", "vismanet_erp_service_api:read")]).await;
    let reader = answer["access_token"].as_str().unwrap();
    assert_eq!(post(&stage, reader, &body(id)).await.unwrap().status(), 403);

    let taken = stage.tenant.feedback().await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].notification_id, taken[0].is_success), (id, Some(true)));
    assert_eq!(stage.tenant.notifications().await.unwrap()[0].feedback, taken);
}

#[tokio::test]
async fn the_script_is_used_up_one_answer_per_call() {
    let (stage, _receiver) = Stage::with_receiver(&[]).await;
    let (id, token) = (sent(&stage).await, stage.token().await);
    let script =
        [Fault::retry_after(503, 3), Fault::Drop, Fault::Lost, Fault::Slow { milliseconds: 50 }, Fault::status(404)];
    stage.tenant.set_faults(Endpoint::Feedback, &script).await.unwrap();
    let taken = async || stage.tenant.feedback().await.unwrap().len();

    let unavailable = post(&stage, &token, &body(id)).await.unwrap();
    assert_eq!((unavailable.status().as_u16(), unavailable.headers()["retry-after"].to_str().unwrap()), (503, "3"));
    post(&stage, &token, &body(id)).await.unwrap_err();
    assert_eq!(taken().await, 0);
    post(&stage, &token, &body(id)).await.unwrap_err();
    assert_eq!(taken().await, 1, "a lost answer's feedback is taken");
    let start = Instant::now();
    assert_eq!(post(&stage, &token, &body(id)).await.unwrap().status(), 201);
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(post(&stage, &token, &body(id)).await.unwrap().status(), 404);
    assert_eq!(post(&stage, &token, &body(id)).await.unwrap().status(), 201);
    assert_eq!(taken().await, 3);
    assert_eq!(stage.tenant.calls().await.unwrap().of("feedback"), 6);
}

#[tokio::test]
async fn feedback_shares_the_tenants_budget() {
    let (stage, _receiver) = Stage::with_receiver(&[]).await;
    let (id, token) = (sent(&stage).await, stage.token().await);
    stage.tenant.set_rate(RateBudget { limit: 1, window_seconds: 60 }).await.unwrap();
    assert_eq!(stage.read(&token, "/erp/v1/account").await.status(), 200);
    assert_eq!(post(&stage, &token, &body(id)).await.unwrap().status(), 429);
    assert!(stage.tenant.feedback().await.unwrap().is_empty());
}
