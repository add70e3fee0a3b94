//! The API's document: it is served as it is generated, and its examples are real. Schemathesis
//! checks the API against it with valid and invalid requests.

use crate::world::{World, processed, token};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use webhooks_host::Variables;
use webhooks_model::feedback::FeedbackState;

#[test]
fn the_served_document_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let served = serde_json::to_string_pretty(&operations::document()).unwrap() + "\n";
    if std::env::var_os("WRITE_OPENAPI").is_some() {
        std::fs::write(&path, &served).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == served, "WRITE_OPENAPI=1 cargo test -p operations writes functions/operations/openapi.json");
}

#[tokio::test]
async fn serves_exactly_the_paths_and_methods_of_the_document() {
    let world = World::new().await;
    let document = serde_json::to_value(operations::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete", "patch"] {
            let answer = world.ask(&method.to_uppercase(), path, Value::Null, None).await;
            let expected = if methods.get(method).is_some() { 401 } else { 405 };
            assert_eq!(answer.status.as_u16(), expected, "{method} {path}");
        }
    }
    let answer = world.get("/operations/v1/openapi.json").await;
    assert_eq!(answer.body, document);
    assert_eq!(world.get("/operations/v2/counts").await.problem(), (404, "not_found"));
}

#[test]
fn every_refusal_of_the_document_has_an_example() {
    let document = serde_json::to_value(operations::document()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let refusals =
                operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('4'));
            for (status, refusal) in refusals {
                let example = &refusal["content"]["application/problem+json"]["example"];
                assert!(example["code"].is_string() && example["detail"].is_string(), "{method} {path} {status}");
            }
        }
    }
}

#[tokio::test]
async fn every_example_is_the_real_answer() {
    let world = World::new().await;
    let document = serde_json::to_value(operations::document()).unwrap();
    let mut compared = 0;
    for (path, methods) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.contains('{')) {
        for (method, operation) in methods.as_object().unwrap() {
            let example = &operation["responses"]["4XX"]["content"]["application/problem+json"]["example"];
            if example["field"] != "colour" || path.contains("erasures") {
                continue;
            }
            let body = operation.get("requestBody").map(|_| json!({"colour": "red"}));
            let url = if body.is_some() { path.clone() } else { format!("{path}?colour=red") };
            let roles = token("visma-webhooks/read visma-webhooks/repair");
            let answer = world.ask(&method.to_uppercase(), &url, roles, body).await;
            assert_eq!(&answer.body, example, "{method} {path}");
            compared += 1;
        }
    }
    assert!(compared > 5);
}

const ROLES: &str = "visma-webhooks/read visma-webhooks/raw visma-webhooks/repair visma-webhooks/erase";

/// `cargo xtask test` installs schemathesis and sets `SCHEMATHESIS` to its path.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs schemathesis, which `cargo xtask test` brings"]
async fn schemathesis_finds_nothing() {
    let world = Arc::new(World::new().await);
    for number in 1..=3 {
        world.order(number, time::Duration::hours(1), processed(FeedbackState::Parked)).await;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(move |request: Request| hand_over(Arc::clone(&world), request));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut command = Command::new(Variables::of_process().text("SCHEMATHESIS").unwrap());
    command.args(["run", concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"), "--url", &format!("http://{address}")]);
    command.args(["--header", "Authorization: Bearer somebody", "--checks", "all", "--seed", "1"]);
    // References and cursors are opaque, so no pattern in the document can describe valid ones.
    command.args(["--exclude-checks", "positive_data_acceptance"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--no-color"]);
    // A directory for its own files.
    command.current_dir(std::env::temp_dir());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Acts as API Gateway, whose authoriser accepts every token.
async fn hand_over(world: Arc<World>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let authorizer = if parts.headers.contains_key("authorization") { token(ROLES) } else { Value::Null };
    let headers =
        parts.headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())));
    let headers = Value::Object(headers.collect::<Map<_, _>>());
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = (!body.is_empty()).then(|| String::from_utf8_lossy(&body).into_owned());
    let (answer, bytes) =
        world.hand_over(parts.method.as_str(), &parts.uri.to_string(), headers, authorizer, body).await;
    Response::from_parts(answer, Body::from(bytes))
}
