use crate::company;
use end_to_end::{Company, until};
use reqwest::StatusCode;
use serde_json::Value;
use standin::{Emit, Item, Retry, Sending};

async fn emit(company: &Company, event: &str, sending: Sending) -> standin::Emitted {
    company.visma.emit(&Emit { items: vec![Item::new(event, "1920")], sending }).await.unwrap()
}

#[tokio::test]
async fn a_wrong_signature_is_refused_and_leaves_no_trace() {
    let company = Company::new(company::BAD_SIGNATURE).await;
    let forged = Sending { secret: Some("not the secret".into()), retry: Retry::once(), ..Sending::default() };
    let emitted = emit(&company, "ACCOUNT_CHANGED", forged).await;
    let attempt = &emitted.deliveries[0].attempts[0];
    assert_eq!(attempt.status, Some(401));
    assert!(attempt.answer.as_deref().unwrap().contains("signature_mismatch"), "{attempt:?}");
    let after = emit(&company, "ACCOUNT_CHANGED", Sending::default()).await;
    company.answered(&after).await;
    assert_eq!(company.stack.records(&company.tenant).await.len(), 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_just_below_is_kept_whole() {
    let company = Company::new(company::OVERSIZE).await;
    let item = |length: usize, retry: Retry| {
        let mut item = Item::new("ACCOUNT_CHANGED", "1920");
        item.extra.insert("note".into(), Value::String("x".repeat(length)));
        Emit { items: vec![item], sending: Sending { retry, ..Sending::default() } }
    };
    let refused = company.visma.emit(&item(1_040_000, Retry::once())).await.unwrap();
    assert_eq!(refused.deliveries[0].status(), Some(413));
    let taken = company.visma.emit(&item(900_000, Retry::default())).await.unwrap();
    let record = company.answered(&taken).await;
    assert!(record.raw.is_empty(), "too long for one item of the table, so it is kept in parts");
}

#[tokio::test]
async fn a_signed_body_that_is_not_json_ends_as_unparseable_and_an_unknown_event_as_parked() {
    let company = Company::new(company::UNPARSEABLE).await;
    let sent = emit(&company, "ACCOUNT_CHANGED", Sending { body: Some("not json".into()), ..Sending::default() }).await;
    assert!(sent.all_delivered());
    until("the unparseable one", async || {
        let records = company.stack.records(&company.tenant).await;
        records.into_iter().find(|record| record.state == "unparseable" && record.raw == "not json")
    })
    .await;
    let unknown = emit(&company, "PAYROLL_RUN_FINISHED", Sending::default()).await;
    company.ended(unknown.notification_ids[0], "parked: unmapped", "").await;
}

#[tokio::test]
async fn every_refusal_is_a_problem_document_with_a_stable_code() {
    let stack = end_to_end::Stack::load().await;
    let post =
        |path: &str| stack.http.post(format!("{}{path}", stack.api_url)).header("content-type", "application/json");
    let requests = [
        (post("/hooks/visma/nowhere").body("{}"), StatusCode::NOT_FOUND, "route_unknown"),
        (post("/hooks/visma/legacy/not-the-token").body("[]"), StatusCode::NOT_FOUND, "route_unknown"),
        (post("/hooks/visma/erp").body("{}"), StatusCode::UNAUTHORIZED, "signature_missing"),
        (
            stack.http.put(format!("{}/hooks/visma/erp", stack.api_url)),
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
        ),
        (
            stack
                .http
                .post(format!("{}/hooks/visma/erp", stack.api_url))
                .header("content-type", "text/xml")
                .body("<a/>"),
            StatusCode::UNAUTHORIZED,
            "signature_missing",
        ),
    ];
    for (request, status, code) in requests {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{code}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{code}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code, "{problem}");
    }
    for path in ["/health", "/hooks/visma/erp"] {
        let answer = stack.http.get(format!("{}{path}", stack.api_url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}
