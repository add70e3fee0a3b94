//! Tokens, and the ERP that they open.

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::Stage;
use standin::{Collection, Endpoint, Fault, Fields, Lists, NewTenant, Outage, RateBudget};

async fn keys(stage: &Stage, token: &str, path: &str, field: &str) -> Vec<String> {
    let response = stage.read(token, path).await;
    assert_eq!(response.status(), 200, "{path}");
    let list: Vec<Value> = response.json().await.unwrap();
    list.iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_collection_is_readable_with_its_etag() {
    let stage = Stage::new().await;
    let token = stage.token().await;
    for collection in Collection::ALL {
        stage.tenant.put(collection, "SO/1 a", json!({})).await.unwrap();
        let path = match collection {
            Collection::SalesOrderV3 => "/salesorder/api/v3/SalesOrders/SO/1%20a".to_owned(),
            Collection::SalesOrder => "/erp/v1/salesorder/SO/1%20a".to_owned(),
            Collection::Segment => "/erp/v1/dimension/SO/1%20a".to_owned(),
            other => format!("/erp/v1/{}/b64(U08vMSBh)", other.path()),
        };
        let response = stage.read(&token, &path).await;
        assert_eq!(response.status(), 200, "{path}");
        let etag = response.headers()["etag"].to_str().unwrap().to_owned();
        let body: Value = response.json().await.unwrap();
        let (modified, version) = match collection {
            Collection::SalesOrderV3 => ("lastModified", "version"),
            _ => ("lastModifiedDateTime", "timeStamp"),
        };
        assert_eq!(etag, format!("\"{}\"", body[version].as_str().unwrap()));
        assert!(body[modified].is_string());
        let other = path.replace("1%20a", "2%20a").replace("U08vMSBh", "U08vMiBh");
        assert_eq!(stage.read(&token, &other).await.status(), 404);
    }
    for nothing in ["/erp/v1/journal/1", "/erp/v1/segment/SO/1%20a"] {
        assert_eq!(stage.read(&token, nothing).await.status(), 404, "{nothing}");
    }
}

#[tokio::test]
async fn a_number_with_odd_characters_is_one_segment() {
    let stage = Stage::new().await;
    let token = stage.token().await;
    for (key, segment) in [
        ("ÅS 1", "%C3%85S%201"),
        ("A+B", "b64(QStC)"),
        ("1/2", "b64(MS8y)"),
        ("50%", "50%25"),
        ("19:20", "b64(MTk6MjA)"),
        ("(7)~#", "b64(KDcpfiM)"),
    ] {
        stage.tenant.put(Collection::Inventory, key, json!({})).await.unwrap();
        let response = stage.read(&token, &format!("/erp/v1/inventory/{segment}")).await;
        assert_eq!(response.status(), 200, "{key}");
        assert_eq!(response.json::<Value>().await.unwrap()["inventoryNumber"], key);
    }
    assert_eq!(stage.read(&token, "/erp/v1/inventory/1/2").await.status(), 404, "two segments");
    assert_eq!(stage.read(&token, "/erp/v1/inventory/1%2F2").await.status(), 400, "a reserved character");
    let keys = keys(&stage, &token, "/erp/v1/inventory?pageNumber=1&pageSize=10", "inventoryNumber").await;
    assert_eq!(keys, ["(7)~#", "1/2", "19:20", "50%", "A+B", "ÅS 1"], "a list holds them");
}

#[tokio::test]
async fn a_change_moves_the_etag_and_keeps_the_internal_number() {
    let stage = Stage::new().await;
    let first = stage.tenant.put(Collection::Inventory, "I1", json!({"stockItem": false})).await.unwrap();
    let second = stage.tenant.patch(Collection::Inventory, "I1", json!({"description": "Skis"})).await.unwrap();
    assert_eq!((&second["stockItem"], &second["description"]), (&json!(false), &json!("Skis")));
    assert_ne!(second["timeStamp"], first["timeStamp"]);
    let third = stage.tenant.put(Collection::Inventory, "I1", json!({})).await.unwrap();
    assert_eq!(third["inventoryId"], first["inventoryId"]);

    let token = stage.token().await;
    let path = format!("/erp/v1/inventory/internal/{}", first["inventoryId"]);
    assert_eq!(stage.read(&token, &path).await.json::<Value>().await.unwrap()["inventoryNumber"], "I1");
    stage.tenant.delete(Collection::Inventory, "I1").await.unwrap();
    assert_eq!(stage.read(&token, &path).await.status(), 404);
}

#[tokio::test]
async fn lists_filter_by_last_change_and_page_from_one() {
    let stage = Stage::with(NewTenant { max_page_size: 3, ..NewTenant::default() }).await;
    for day in 1..=5 {
        let fields = json!({"lastModifiedDateTime": format!("2026-11-0{day}T12:00:00.000")});
        stage.tenant.put(Collection::Customer, &format!("C{day}"), fields.clone()).await.unwrap();
        stage.tenant.put(Collection::Account, &format!("A{day}"), fields).await.unwrap();
    }
    let token = stage.token().await;
    let pages = |query: &str| format!("/erp/v1/customer?{query}");
    let number = "number";
    assert_eq!(keys(&stage, &token, &pages("pageNumber=1&pageSize=2"), number).await, ["C1", "C2"]);
    assert_eq!(keys(&stage, &token, &pages("pageNumber=3&pageSize=2"), number).await, ["C5"]);
    assert_eq!(keys(&stage, &token, &pages("pageNumber=1&pageSize=500"), number).await, ["C1", "C2", "C3"]);
    assert!(keys(&stage, &token, &pages("pageNumber=9&pageSize=2&other=1"), number).await.is_empty());

    let since = |condition: &str, date: &str| {
        format!("/erp/v1/account?lastModifiedDateTime={date}&lastModifiedDateTimeCondition={condition}")
    };
    let filtered = |condition, date| keys_of_accounts(&stage, &token, since(condition, date));
    assert_eq!(filtered("%3E", "2026-11-04").await, ["A4", "A5"]);
    assert_eq!(filtered("%3E", "2026-11-04T12:00:00").await, ["A5"]);
    assert_eq!(filtered("%3E%3D", "2026-11-04%2012:00:00.000").await, ["A4", "A5"]);
    assert_eq!(filtered("%3C", "2026-11-02T12:00:00").await, ["A1"]);
    assert_eq!(filtered("%3C%3D", "2026-11-02T12:00:00").await, ["A1", "A2"]);

    for wrong in [
        "/erp/v1/account?lastModifiedDateTime=2026-11-04".to_owned(),
        "/erp/v1/account?lastModifiedDateTimeCondition=%3E".to_owned(),
        since("%3D", "2026-11-04"),
        since("%3E", "04.11.2026"),
        pages(""),
        pages("pageNumber=1"),
        pages("pageNumber=0&pageSize=2"),
        pages("pageNumber=x&pageSize=2"),
    ] {
        assert_eq!(stage.read(&token, &wrong).await.status(), 400, "{wrong}");
    }
}

async fn keys_of_accounts(stage: &Stage, token: &str, path: String) -> Vec<String> {
    keys(stage, token, &path, "accountCD").await
}

#[tokio::test]
async fn lists_include_the_total() {
    let stage = Stage::new().await;
    for key in ["C1", "C2", "C3"] {
        stage.tenant.put(Collection::Customer, key, json!({})).await.unwrap();
    }
    let token = stage.token().await;
    let page = stage.read(&token, "/erp/v1/customer?pageNumber=2&pageSize=2").await;
    let page: Value = page.json().await.unwrap();
    assert_eq!(page[0]["metadata"], json!({"totalCount": 3, "maxPageSize": 1000}));
}

#[tokio::test]
async fn a_list_may_come_by_time_and_without_its_count() {
    let lists = Lists { by_time: true, counts: false, ..Lists::default() };
    let stage = Stage::with(NewTenant { lists, ..NewTenant::default() }).await;
    for (day, key) in ["C3", "C1", "C2"].into_iter().enumerate() {
        let fields = json!({"lastModifiedDateTime": format!("2026-11-0{}T12:00:00.000", day + 1)});
        stage.tenant.put(Collection::Customer, key, fields).await.unwrap();
    }
    let token = stage.token().await;
    let path = "/erp/v1/customer?pageNumber=1&pageSize=9";
    assert_eq!(keys(&stage, &token, path, "number").await, ["C3", "C1", "C2"]);
    let page: Value = stage.read(&token, path).await.json().await.unwrap();
    assert!(page[0].get("metadata").is_none());
}

#[tokio::test]
async fn the_window_of_calls_is_announced_and_then_closed() {
    let stage = Stage::new().await;
    stage.tenant.set_rate(RateBudget { limit: 2, window_seconds: 3600 }).await.unwrap();
    let token = stage.token().await;
    let mut remaining = Vec::new();
    for _ in 0..3 {
        let response = stage.read(&token, "/erp/v1/account/1").await;
        let headers = response.headers().clone();
        let number = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().parse::<u64>().unwrap());
        assert_eq!(number("x-ratelimit-limit"), Some(2));
        assert!((3590..=3600).contains(&number("x-ratelimit-reset").unwrap()));
        assert_eq!(headers["x-ratelimit-policy"], "4-fixed-window");
        assert_eq!(number("retry-after"), number("x-ratelimit-reset").filter(|_| response.status() == 429));
        remaining.push((response.status().as_u16(), number("x-ratelimit-remaining").unwrap()));
    }
    assert_eq!(remaining, [(404, 1), (404, 0), (429, 0)]);
    assert_eq!(stage.tenant.calls().await.unwrap().answered("account", 429), 1);
    let old_order = stage.read(&token, "/erp/v1/salesorder/SO/1").await;
    assert_eq!(old_order.status(), 404, "it has a window of its own");
    assert_eq!(old_order.headers()["x-ratelimit-remaining"], "1");
    assert_eq!(old_order.headers()["x-ratelimit-policy"], "8-fixed-window");

    stage.tenant.set_rate(RateBudget::default()).await.unwrap();
    assert_eq!(stage.read(&token, "/erp/v1/account/1").await.status(), 404);
}

#[tokio::test]
async fn faults_and_outages_end_on_request() {
    let stage = Stage::new().await;
    stage.tenant.put(Collection::Account, "1920", json!({})).await.unwrap();
    let token = stage.token().await;
    let path = "/erp/v1/account/1920";
    stage.tenant.set_faults(Endpoint::Resource, &[Fault::retry_after(429, 7), Fault::status(500)]).await.unwrap();

    stage.tenant.set_erp_outage(Some(Outage::Unavailable)).await.unwrap();
    assert_eq!(stage.read(&token, path).await.status(), 503);
    stage.tenant.set_erp_outage(Some(Outage::Dropped)).await.unwrap();
    let url = format!("{}{path}", stage.server.url());
    stage.http.get(url).bearer_auth(&token).send().await.unwrap_err();
    stage.tenant.set_erp_outage(None).await.unwrap();

    let limited = stage.read(&token, path).await;
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(stage.read(&token, path).await.status(), 500);
    assert_eq!(stage.read(&token, path).await.status(), 200);
    let calls = stage.tenant.calls().await.unwrap();
    assert_eq!((calls.of("account"), calls.answered("account", 503)), (5, 1));
}

#[tokio::test]
async fn a_company_stamps_and_filters_by_its_own_clock() {
    let stage = Stage::new().await;
    let token = stage.token().await;
    stage.tenant.set_time_zone(Some("Asia/Tokyo")).await.unwrap();
    assert!(stage.tenant.set_time_zone(Some("Tokyo")).await.is_err());
    let account = stage.tenant.put(Collection::Account, "1920", json!({})).await.unwrap();
    let order = stage.tenant.put(Collection::SalesOrderV3, "SO/1", json!({})).await.unwrap();
    let stamp = |body: &Fields, field: &str| {
        let local = body[field].as_str().unwrap().trim_end_matches('Z');
        OffsetDateTime::parse(&format!("{local}Z"), &Rfc3339).unwrap()
    };
    let in_utc = stamp(&order, "lastModified");
    let ahead = stamp(&account, "lastModifiedDateTime") - in_utc;
    assert_eq!((ahead.whole_seconds() + 60) / 3600, 9, "Tokyo, but V3 is UTC");
    for (hours, expected) in [(8, vec!["1920"]), (10, vec![])] {
        let since = (in_utc + time::Duration::hours(hours)).format(&Rfc3339).unwrap();
        let since = since.trim_end_matches('Z');
        let path = format!("/erp/v1/account?lastModifiedDateTime={since}&lastModifiedDateTimeCondition=%3E");
        assert_eq!(keys(&stage, &token, &path, "accountCD").await, expected);
    }
}

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
async fn sales_orders_of_version_three_have_scopes_of_their_own() {
    let stage = Stage::new().await;
    for (scope, statuses) in
        [("vismanet_erp_service_api:read", [200, 403]), ("visma.net.erp.salesorder:read", [403, 200])]
    {
        let (_, answer) = stage.ask_token(&[("scope", scope)]).await;
        let token = answer["access_token"].as_str().unwrap();
        for (path, status) in ["/erp/v1/account", "/salesorder/api/v3/SalesOrders"].into_iter().zip(statuses) {
            assert_eq!(stage.read(token, path).await.status(), status, "{path} with {scope}");
        }
    }
}

#[tokio::test]
async fn a_missing_scope_may_be_answered_401() {
    let stage = Stage::with(NewTenant { scope_status: 401, ..NewTenant::default() }).await;
    let (_, answer) = stage.ask_token(&[("scope", "vismanet_erp_service_api:read")]).await;
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(stage.read(token, "/salesorder/api/v3/SalesOrders").await.status(), 401);
    assert_eq!(stage.read(token, "/erp/v1/account").await.status(), 200, "the token is valid");
}

#[tokio::test]
async fn a_company_without_a_license_is_told_so_with_the_status_of_the_script() {
    let stage = Stage::new().await;
    let token = stage.token().await;
    for status in [200, 400, 403, 500] {
        stage.tenant.set_faults(Endpoint::Resource, &[Fault::NoLicense { status }]).await.unwrap();
        let refused = stage.read(&token, "/erp/v1/account").await;
        assert_eq!(refused.status(), status);
        assert_eq!(refused.json::<Value>().await.unwrap()["ExceptionFaultCode"], "12027");
        assert_eq!(stage.read(&token, "/erp/v1/account").await.status(), 200);
    }
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
