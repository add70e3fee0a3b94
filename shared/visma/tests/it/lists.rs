use super::*;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use std::sync::{Arc, Mutex};
use time::macros::datetime;
use webhooks_model::collection::{Collection, Page};
use webhooks_model::walk::Window;
use webhooks_visma::{Answer, Exchange, Fault, Listing, Request, Stage};
use wiremock::matchers::query_param;

const ORDERS_PATH: &str = "/salesorder/api/v3/SalesOrders";

impl Bench {
    async fn on_orders(&self, answer: ResponseTemplate) {
        Mock::given(method("GET")).and(path(ORDERS_PATH)).respond_with(answer).mount(&self.server).await;
    }

    async fn list_orders(&self) -> Result<Page, VismaError> {
        let since = datetime!(2026-11-23 11:00 UTC);
        self.client.list(&self.visma, "t-1", Collection::SalesOrder, since, Window::first(100)).await
    }
}

fn problem(code: u16, parameter: &str) -> ResponseTemplate {
    let body = json!({
        "type": "https://tools.ietf.org/html/rfc9110", "title": "Bad Request", "status": code,
        "detail": "canary: Ola Nordmann", "errors": {parameter: ["The field must be between 1 and 50. canary"]},
    });
    status(code).set_body_raw(body.to_string(), "application/problem+json")
}

#[tokio::test]
async fn asks_for_sales_orders_sorted_by_last_change() {
    let bench = Bench::with_token().await;
    let list = json!({"value": [{"type": "SO", "orderId": "1", "lastModified": "2026-11-23T12:00:00Z"}], "nextPage": null, "totalCount": 1});
    Mock::given(path(ORDERS_PATH))
        .and(query_param("orderBy", "lastModified asc"))
        .and(query_param("modifiedSince", "2026-11-23T11:00:00.000Z"))
        .respond_with(status(200).set_body_json(list))
        .mount(&bench.server)
        .await;
    let page = bench.list_orders().await.unwrap();
    assert_eq!((page.rows[0].key(), page.total, page.more), (Some("SO/1"), Some(1), Some(false)));
}

#[tokio::test]
async fn reports_a_refused_parameter_without_the_answers_text() {
    for (answer, text) in [
        (problem(400, "pageSize"), "list: the parameter pageSize is refused (400), at most 50 is taken"),
        (problem(400, "PageSize"), "list: the parameter pageSize is refused (400), at most 50 is taken"),
        (problem(400, "customerId"), "list: unexpected answer (400)"),
        (
            status(400).set_body_json(json!({"message": "orderBy canary"})),
            "list: the parameter orderBy is refused (400)",
        ),
        (status(400).set_body_string("canary pageSize"), "list: unexpected answer (400)"),
        (problem(409, "pageSize"), "list: unexpected answer (409)"),
        (problem(412, "pageSize"), "list: unexpected answer (412)"),
        (problem(428, "pageSize"), "list: unexpected answer (428)"),
    ] {
        let bench = Bench::with_token().await;
        bench.on_orders(answer).await;
        let error = bench.list_orders().await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn a_list_of_a_tenant_without_a_license_says_so_whatever_the_status() {
    for code in [200, 400, 403, 409, 500] {
        let bench = Bench::with_token().await;
        bench.on_orders(status(code).set_body_json(json!({"ExceptionFaultCode": "12027"}))).await;
        assert_eq!(bench.list_orders().await.unwrap_err(), VismaError::NoLicense { stage: Stage::List }, "{code}");
    }
}

#[tokio::test]
async fn a_list_without_content_has_no_rows() {
    let bench = Bench::with_token().await;
    bench.on_orders(status(204)).await;
    assert_eq!(bench.list_orders().await, Ok(Page::default()));
}

#[tokio::test]
async fn a_list_of_another_shape_cannot_be_read() {
    for body in [json!({}), json!({"value": {}}), json!("x")] {
        let bench = Bench::with_token().await;
        bench.on_orders(status(200).set_body_json(body)).await;
        let expected = VismaError::Unavailable { stage: Stage::List, fault: Fault::Unreadable, after: None };
        assert_eq!(bench.list_orders().await.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn the_row_version_may_stand_in_the_header_alone() {
    let bench = Bench::with_token().await;
    bench.on_account(account().insert_header("etag", "\"AAAAAAAB4kA=\"")).await;
    let Ok(Fetched::Found(resource)) = bench.fetch().await else { panic!("not found") };
    assert_eq!(resource.revision().etag.as_deref(), Some("AAAAAAAB4kA="));
}

/// Remembers how long each request would wait, in seconds.
#[derive(Clone, Default)]
struct Patience(Arc<Mutex<Vec<u64>>>);

struct AnyAnswer(HeaderMap);

impl Exchange for Patience {
    type Answer = AnyAnswer;

    async fn send(&self, request: Request<'_>) -> Result<AnyAnswer, Fault> {
        self.0.lock().unwrap().push(request.timeout.as_secs());
        Ok(AnyAnswer(HeaderMap::new()))
    }
}

impl Answer for AnyAnswer {
    fn status(&self) -> StatusCode {
        StatusCode::OK
    }

    fn headers(&self) -> &HeaderMap {
        &self.0
    }

    async fn body(self, _: usize) -> Result<Vec<u8>, Fault> {
        Ok(json!({"access_token": "token", "expires_in": 3600, "value": []}).to_string().into_bytes())
    }
}

#[tokio::test]
async fn a_list_may_take_longer_than_other_calls() {
    let patience = Patience::default();
    let client = VismaClient::over(patience.clone(), TestHost::default());
    let own = visma("https://erp.example");
    client.fetch(&own, "t-1", &ResourcePath::parse("v1/account/1920").unwrap()).await.unwrap();
    client.send_feedback(&own, "t-1", &feedback()).await.unwrap();
    let since = datetime!(2026-11-23 11:00 UTC);
    client.list(&own, "t-1", Collection::SalesOrder, since, Window::first(100)).await.unwrap();
    assert_eq!(*patience.0.lock().unwrap(), [10, 10, 10, 60], "the token's request is the first");
}
