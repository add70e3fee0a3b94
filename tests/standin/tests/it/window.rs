//! Feedback, and the accountant's window that shows it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Stage;
use standin::{Calls, Change, Collection, Endpoint, Fault, Item, NewTenant, RateBudget};

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

async fn page(stage: &Stage, query: &str) -> String {
    let url = format!("{}/{query}", stage.server.url());
    stage.http.get(url).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_row_shows_the_notification_and_its_feedback() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    stage.tenant.put(Collection::Account, "1920", json!({"description": "<Bank>"})).await.unwrap();
    let changed = stage.tenant.change_and_emit(&Change::new("ACCOUNT_CHANGED", "1920")).await.unwrap();
    let id = changed.emitted.notification_ids[0];
    let body = json!({"notificationId": id, "source": "webhooks", "description": "Booked & done.", "isSuccess": true});
    let url = format!("{}/erp/v1/webhooknotificationfeedback", stage.server.url());
    stage.http.post(url).bearer_auth(stage.token().await).json(&body).send().await.unwrap();

    let html = page(&stage, &format!("?tenant={}", stage.tenant.id())).await;
    let row = html.split("<tr id=").nth(1).unwrap();
    let cells: Vec<_> = row.split("<td").map(|cell| cell.split_once('>').unwrap().1).collect();
    assert_eq!(&cells[1..6], ["Account", "1920", "&lt;Bank&gt;", "BANK", "True"]);
    assert!(cells[6].starts_with("Entity updated"));
    assert_eq!(&cells[7..11], ["Sent", "User", "admin", "Account 1920 changed"]);
    assert_eq!(cells[11], "<div><b class=yes>Success</b>: Booked &amp; done. <small>webhooks</small></div>");

    let other = stage.control.create_tenant(NewTenant::default()).await.unwrap();
    assert!(!page(&stage, &format!("?tenant={}", other.id())).await.contains("<tr id="));
    assert!(page(&stage, "").await.contains("<tr id="));

    let button = format!("{}/tenants/{}/notifications/{id}/resend", stage.server.url(), stage.tenant.id());
    assert_eq!(stage.http.post(button).send().await.unwrap().status(), 303);
    let twice = async {
        while receiver.received().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), twice).await.unwrap();
}

#[tokio::test]
async fn a_reset_keeps_the_settings_only() {
    let (stage, _receiver) = Stage::with_receiver(&[]).await;
    let token = stage.token().await;
    stage.tenant.change_and_emit(&Change::new("ACCOUNT_CREATED", "1920")).await.unwrap();
    stage.tenant.reset().await.unwrap();

    assert!(stage.tenant.notifications().await.unwrap().is_empty());
    assert!(stage.tenant.list(Collection::Account).await.unwrap().is_empty());
    assert_eq!(stage.tenant.calls().await.unwrap(), Calls::default());
    assert_eq!(stage.read(&token, "/erp/v1/account").await.status(), 401);
    let changed = stage.tenant.change_and_emit(&Change::new("ACCOUNT_CREATED", "1920")).await.unwrap();
    assert!(changed.emitted.all_delivered());
    let again = stage.control.tenant(stage.tenant.id()).await.unwrap();
    assert_eq!(again.company_id(), stage.tenant.company_id());
    assert_eq!(stage.control.tenants().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_window_leads_to_the_receivers_console() {
    let (stage, _receiver) = Stage::with_receiver(&[]).await;
    stage.control.set_api_url("http://127.0.0.1:1/<api>").await.unwrap();
    let link = "<a href=\"http://127.0.0.1:1/&lt;api&gt;/operations/console\">";
    assert!(page(&stage, "").await.contains(link));
    stage.control.set_api_url("").await.unwrap();
    assert!(!page(&stage, "").await.contains("operations/console"), "its address is not known");
}
