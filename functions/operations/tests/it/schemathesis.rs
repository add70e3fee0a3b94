//! Schemathesis checks the API against its document with valid and invalid requests.

use crate::world::{World, processed, token};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use serde_json::{Map, Value};
use std::process::Command;
use std::sync::Arc;
use webhooks_host::Variables;
use webhooks_model::feedback::FeedbackState;

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
