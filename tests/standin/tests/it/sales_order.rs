use serde_json::{Value, json};

use crate::support::Stage;
use standin::{Collection, Lists, NewTenant};

const ALL: &str = "/salesorder/api/v3/SalesOrders";

/// Orders CS/1, SO/1, SO/2 and SO/3, changed on the first four days of a month.
async fn stage(lists: Lists) -> (Stage, String) {
    let stage = Stage::with(NewTenant { lists, ..NewTenant::default() }).await;
    for (day, key) in ["CS/1", "SO/1", "SO/2", "SO/3"].into_iter().enumerate() {
        let fields = json!({"lastModified": format!("2026-11-0{}T12:00:00.000Z", day + 1)});
        stage.tenant.put(Collection::SalesOrderV3, key, fields).await.unwrap();
    }
    let token = stage.token().await;
    (stage, token)
}

async fn read(stage: &Stage, token: &str, query: &str) -> (u16, Value) {
    let response = stage.read(token, &format!("{ALL}{query}")).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn ids(stage: &Stage, token: &str, query: &str) -> Vec<String> {
    let (status, list) = read(stage, token, query).await;
    assert_eq!(status, 200, "{query}");
    list["value"].as_array().unwrap().iter().map(|row| row["orderId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_is_an_envelope_and_pages_from_zero() {
    let (stage, token) = stage(Lists::default()).await;
    assert_eq!(ids(&stage, &token, "").await, ["1", "1", "2", "3"]);
    let (_, first) = read(&stage, &token, "?pageIndex=0&pageSize=3").await;
    assert_eq!((first["value"].as_array().unwrap().len(), &first["totalCount"]), (3, &json!(4)));
    assert!(first["nextPage"].is_string());
    let (_, last) = read(&stage, &token, "?pageIndex=1&pageSize=3").await;
    assert_eq!((last["value"].as_array().unwrap().len(), &last["nextPage"]), (1, &Value::Null));
    assert_eq!(ids(&stage, &token, "/SO?pageIndex=1&pageSize=2").await, ["3"]);
    let empty = json!({"value": [], "nextPage": null, "totalCount": 0});
    assert_eq!(read(&stage, &token, "?modifiedSince=2027-01-01").await, (200, empty));
}

#[tokio::test]
async fn modified_since_is_utc_unless_it_has_an_offset() {
    let (stage, token) = stage(Lists::default()).await;
    for since in ["2026-11-03T12:00:00", "2026-11-03T12:00:00Z", "2026-11-03T13:00:00%2B01:00", "2026-11-03"] {
        assert_eq!(ids(&stage, &token, &format!("?modifiedSince={since}")).await, ["2", "3"], "{since}");
    }
}

#[tokio::test]
async fn orders_come_in_the_requested_order() {
    let (stage, token) = stage(Lists::default()).await;
    stage.tenant.patch(Collection::SalesOrderV3, "SO/1", json!({"amount": 1})).await.unwrap();
    assert_eq!(ids(&stage, &token, "/SO?orderBy=lastModified%20asc").await, ["2", "3", "1"]);
    assert_eq!(ids(&stage, &token, "/SO?orderBy=orderId%20desc").await, ["3", "2", "1"]);
}

#[tokio::test]
async fn a_wrong_parameter_is_a_problem_that_names_it() {
    let (stage, token) = stage(Lists::default()).await;
    for (query, name) in [
        ("?pageSize=101", "pageSize"),
        ("?pageSize=0", "pageSize"),
        ("?orderBy=date", "orderBy"),
        ("?orderBy=lastModified%20up", "orderBy"),
        ("?modifiedSince=yesterday", "modifiedSince"),
    ] {
        let response = stage.read(&token, &format!("{ALL}{query}")).await;
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["status"], 400, "{query}");
        assert!(problem["errors"][name][0].is_string(), "{problem}");
    }
}

#[tokio::test]
async fn a_list_may_be_bare_and_a_page_may_be_cut() {
    let (stage, token) = stage(Lists { bare: true, cuts: true, largest: 3, ..Lists::default() }).await;
    let (_, list) = read(&stage, &token, "?pageSize=100").await;
    assert_eq!(list.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_status_of_one_order_is_an_object_and_that_of_a_row_is_text() {
    let (stage, token) = stage(Lists::default()).await;
    stage.tenant.patch(Collection::SalesOrderV3, "SO/1", json!({"status": "Open", "hold": true})).await.unwrap();
    let order = read(&stage, &token, "/SO/1").await.1;
    assert_eq!(order["status"], json!({"description": "Open", "cancelled": false, "hold": true}));
    assert!(order["version"].is_string() && order["lastModified"].as_str().unwrap().ends_with('Z'));
    let row = &read(&stage, &token, "/SO").await.1["value"][0];
    assert_eq!(row["status"], "Open");
    assert!(row.get("version").is_none() && row["lastModified"].is_string());
}

#[tokio::test]
async fn a_write_needs_the_current_version() {
    let (stage, token) = stage(Lists::default()).await;
    let change = async |tag: Option<&str>, status: &str| {
        let request = stage.http.patch(format!("{}{ALL}/SO/1", stage.server.url())).bearer_auth(&token);
        let request = tag.into_iter().fold(request, |request, tag| request.header("if-match", tag));
        request.json(&json!({"status": status})).send().await.unwrap()
    };
    assert_eq!(change(None, "Open").await.status(), 428);
    assert_eq!(change(Some("\"old\""), "Open").await.status(), 412);
    let known = stage.read(&token, &format!("{ALL}/SO/1")).await.headers()["etag"].to_str().unwrap().to_owned();
    let changed = change(Some(&known), "Completed").await;
    assert_eq!(changed.status(), 204);
    assert_eq!(change(Some(&known), "Open").await.status(), 412);
    let tag = changed.headers()["etag"].to_str().unwrap();
    assert_eq!(change(Some(tag), "Open").await.status(), 409);
}
