use std::time::Duration;

use serde_json::json;

use crate::support::Stage;
use standin::{Calls, Change, Collection, NewTenant};

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
    tokio::time::timeout(Duration::from_secs(10), twice).await.unwrap();
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
