use super::*;
use webhooks_model::Entity;
use webhooks_visma::{Fault, Stage};

#[tokio::test]
async fn a_resource_is_found_below_the_base_of_its_api() {
    let bench = Bench::with_token().await;
    bench.on_account(account()).await;
    let Ok(Fetched::Found(resource)) = bench.fetch().await else { panic!("not found") };
    assert_eq!(resource.internal_id(Entity::Account), Some("77"));

    let order = ResourcePath::parse("api/v3/SalesOrders/SO/000123").unwrap();
    let found = Mock::given(method("GET")).and(path("/salesorder/api/v3/SalesOrders/SO/000123"));
    found.respond_with(account()).mount(&bench.server).await;
    assert!(matches!(bench.client.fetch(&bench.visma, "t-1", &order).await, Ok(Fetched::Found(_))));
}

#[tokio::test(start_paused = true)]
async fn opens_a_connection_within_three_seconds_although_the_server_is_silent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent: url::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let client = VismaClient::new(TestHost::default()).unwrap();
    let begun = tokio::time::Instant::now();
    client.connect(&[&silent]).await;
    assert!(begun.elapsed().as_secs() < 4, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn ignores_a_byte_order_mark_before_an_answer() {
    let bench = Bench::with_token().await;
    bench.on_account(status(200).set_body_string("\u{feff}{\"accountID\":77}")).await;
    let Ok(Fetched::Found(resource)) = bench.fetch().await else { panic!("not found") };
    assert_eq!(resource.internal_id(Entity::Account), Some("77"));
}

#[tokio::test]
async fn a_missing_resource_is_gone_and_no_error() {
    for body in ["", r#"{"message": "Account not found"}"#, r#"{"title": "Not Found", "status": 404}"#] {
        let bench = Bench::with_token().await;
        bench.on_account(status(404).set_body_string(body)).await;
        assert!(matches!(bench.fetch().await, Ok(Fetched::Gone)), "{body}");
    }
}

#[tokio::test]
async fn an_api_that_is_gone_does_not_say_that_a_resource_is() {
    let bench = Bench::with_token().await;
    bench.on_account(status(410).set_body_json(json!({"message": "This version has ended."}))).await;
    assert_eq!(bench.fetch().await.unwrap_err().to_string(), "resource: unexpected answer (410)");
}

#[tokio::test]
async fn the_result_of_a_background_call_is_gone_after_a_day() {
    let bench = Bench::with_token().await;
    let operation = "v1/background/5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a009";
    Mock::given(path(format!("/erp/{operation}"))).respond_with(status(410)).mount(&bench.server).await;
    let fetched = bench.client.fetch(&bench.visma, "t-1", &ResourcePath::parse(operation).unwrap()).await;
    assert!(matches!(fetched, Ok(Fetched::Gone)));
}

#[tokio::test]
async fn a_404_from_in_front_of_the_api_says_nothing_about_a_resource_or_a_feedback() {
    let page = "\r\n<!DOCTYPE html><html><title>404 Web Site not found</title></html>";
    for body in [r#"{ "statusCode": 404, "message": "Resource not found" }"#, page] {
        let bench = Bench::with_token().await;
        bench.on_account(status(404).set_body_string(body)).await;
        assert_eq!(bench.fetch().await.unwrap_err().to_string(), "resource: unavailable (404)", "{body}");
        Mock::given(path(FEEDBACK_PATH)).respond_with(status(404).set_body_string(body)).mount(&bench.server).await;
        assert_eq!(bench.send_feedback().await.unwrap_err().to_string(), "feedback: unavailable (404)", "{body}");
    }
}

#[tokio::test]
async fn each_answer_of_the_erp_has_its_own_error() {
    for (answer, text) in [
        (status(400), "resource: unexpected answer (400)"),
        (status(403), "resource: not approved by the tenant (403)"),
        (status(408), "resource: unavailable (408)"),
        (status(425), "resource: unavailable (425)"),
        (status(500), "resource: unavailable (500)"),
        (status(200), "resource: the answer cannot be read"),
        (status(204), "resource: the answer cannot be read"),
        (status(200).set_body_string("<html>"), "resource: the answer cannot be read"),
        (status(200).set_body_string("[]"), "resource: the answer cannot be read"),
        (status(200).set_body_json(json!({"ExceptionMessage": "x"})), "resource: the answer cannot be read"),
        (status(200).set_body_json(json!({"title": "x", "status": 404})), "resource: the answer cannot be read"),
        (status(200).set_body_json(json!({"message": "x"})), "resource: the answer cannot be read"),
        (status(200).set_body_bytes([b'"', 0xff, b'"']), "resource: the answer cannot be read"),
    ] {
        let bench = Bench::with_token().await;
        bench.on_account(answer).await;
        assert_eq!(bench.fetch().await.unwrap_err().to_string(), text);
    }
}

#[tokio::test]
async fn a_tenant_without_a_license_is_told_apart_whatever_the_status() {
    let faults = [json!("12027"), json!(12027)];
    let bench = Bench::with_token().await;
    bench.on_account(status(200).set_body_json(json!({"ExceptionFaultCode": "12027"}))).await;
    assert_eq!(bench.fetch().await.unwrap_err(), VismaError::NoLicense { stage: Stage::Resource });
    let each = |code| faults.iter().map(move |fault| (code, fault));
    for (code, fault) in [400, 403, 404, 500].into_iter().flat_map(each) {
        let problem = json!({"ExceptionType": "IPPException", "ExceptionMessage": "No license for this company.",
            "ExceptionFaultCode": fault, "ExceptionMessageID": "12027_1", "ExceptionDetails": ""});
        let bench = Bench::with_token().await;
        let answer = status(code).set_body_json(&problem);
        bench.on_account(answer.clone()).await;
        Mock::given(path(FEEDBACK_PATH)).respond_with(answer).mount(&bench.server).await;
        assert_eq!(bench.fetch().await.unwrap_err(), VismaError::NoLicense { stage: Stage::Resource }, "{code}");
        assert_eq!(bench.send_feedback().await, Err(VismaError::NoLicense { stage: Stage::Feedback }), "{code}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let bench = Bench::with_token().await;
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(8 * 1024 * 1024));
    bench.on_account(status(200).set_body_string(body)).await;
    let error = bench.fetch().await.unwrap_err();
    assert_eq!(error, VismaError::Unavailable { stage: Stage::Resource, fault: Fault::TooLarge, after: None });
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_not_followed() {
    let (bench, elsewhere) = (Bench::with_token().await, MockServer::start().await);
    bench.on_account(status(302).insert_header("location", elsewhere.uri().as_str())).await;
    assert_eq!(bench.fetch().await.unwrap_err().to_string(), "resource: unavailable (302)");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unreachable_server_is_unavailable() {
    let mut bench = Bench::with_token().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bench.visma.erp_url = format!("http://{closed}/erp").parse().unwrap();
    let error = bench.fetch().await.unwrap_err();
    assert_eq!(error, VismaError::Unavailable { stage: Stage::Resource, fault: Fault::Connection, after: None });
}

#[tokio::test]
async fn a_feedback_matches_the_schema_exactly() {
    for code in [200, 201, 202, 204] {
        let bench = Bench::with_token().await;
        Mock::given(path(FEEDBACK_PATH)).respond_with(status(code)).mount(&bench.server).await;
        bench.send_feedback().await.unwrap();
        let request = bench.requests_to(FEEDBACK_PATH).await.remove(0);
        assert_eq!(request.method.as_str(), "POST");
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(request.headers["authorization"], "Bearer token-1");
        let json = "{\"notificationId\":\"3fa85f64-5717-4562-b3fc-2c963f66afa6\",\"source\":\"User\",\
                    \"description\":\"Kontoen er på plass.\",\"isSuccess\":true}";
        assert_eq!(String::from_utf8(request.body).unwrap(), json);
    }
}

#[tokio::test]
async fn a_success_whose_body_says_otherwise_is_no_feedback_that_was_taken() {
    let license = json!({"ExceptionFaultCode": "12027"});
    for (answer, told) in [
        (status(200).set_body_json(json!({"message": "x"})), Some("feedback: refused (200)")),
        (status(202).set_body_json(json!({"title": "x", "status": 500})), Some("feedback: refused (202)")),
        (status(200).set_body_json(json!({"ExceptionMessage": "x"})), Some("feedback: refused (200)")),
        (status(200).set_body_string("\r\n<html>Sign in</html>"), Some("feedback: the answer cannot be read")),
        (status(200).set_body_string("x".repeat(65 * 1024)), Some("feedback: the answer is too large")),
        (status(200).set_body_string("OK"), None),
        (status(200).set_body_json(json!({})), None),
        (status(202).set_body_json(json!({"id": "7", "stateLocation": "x"})), None),
        (status(201).set_body_json(json!({"message": "Created."})), None),
    ] {
        let bench = Bench::with_token().await;
        Mock::given(path(FEEDBACK_PATH)).respond_with(answer).mount(&bench.server).await;
        assert_eq!(bench.send_feedback().await.err().map(|error| error.to_string()).as_deref(), told);
    }
    let bench = Bench::with_token().await;
    Mock::given(path(FEEDBACK_PATH)).respond_with(status(200).set_body_json(license)).mount(&bench.server).await;
    assert_eq!(bench.send_feedback().await, Err(VismaError::NoLicense { stage: Stage::Feedback }));
}

#[tokio::test]
async fn a_refused_feedback_differs_from_one_to_retry() {
    for (code, text) in [
        (400, "feedback: refused (400)"),
        (404, "feedback: refused (404)"),
        (409, "feedback: refused (409)"),
        (422, "feedback: refused (422)"),
        (401, "feedback: no valid token (401)"),
        (403, "feedback: not approved by the tenant (403)"),
        (429, "feedback: rate limited"),
        (307, "feedback: unavailable (307)"),
        (502, "feedback: unavailable (502)"),
    ] {
        let bench = Bench::with_token().await;
        Mock::given(path(FEEDBACK_PATH)).respond_with(status(code)).mount(&bench.server).await;
        let error = bench.send_feedback().await.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(matches!(error, VismaError::Refused { .. }), text.contains("refused"));
        assert_eq!(bench.requests_to(FEEDBACK_PATH).await.len(), if code == 401 { 2 } else { 1 });
    }
}
