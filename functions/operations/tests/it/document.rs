use crate::world::{World, token};
use serde_json::{Value, json};
use std::path::Path;

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
