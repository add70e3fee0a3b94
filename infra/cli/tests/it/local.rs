//! `--local` finds the stack of `cargo xtask up` and gets a token from it.

use crate::server::Server;
use serde_json::json;
use std::fs;
use std::path::PathBuf;
use visma_webhooks::{Exit, Local};

/// An empty folder for this test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The description that `cargo xtask up` writes.
fn describe(endpoint: &str) -> String {
    json!({
        "endpoint_url": endpoint, "region": "eu-north-1", "api_url": format!("{endpoint}/_aws/execute-api/a/$default"),
        "standin_url": "http://127.0.0.1:2", "stack_name": "webhooks", "ministack_log": "log", "calls": null,
        "outputs": { "ApiUrl": "a.execute-api.localhost", "TableName": "table", "OperationsRepairClient": "id:canary" },
    })
    .to_string()
}

#[test]
fn finds_the_nearest_description_upwards_and_uses_its_address() {
    let root = folder("local-found");
    let below = root.join("infra/cli");
    fs::create_dir_all(&below).unwrap();
    fs::create_dir_all(root.join(".local/up")).unwrap();
    fs::write(root.join(".local/up/stack.json"), describe("http://127.0.0.1:1")).unwrap();
    let local = Local::find(None, &below).unwrap();
    assert_eq!((local.stack_name.as_str(), local.region.as_str()), ("webhooks", "eu-north-1"));
    assert_eq!(local.outputs()["ApiUrl"], "http://127.0.0.1:1/_aws/execute-api/a/$default");
    assert_eq!(local.outputs()["TableName"], "table");
}

#[test]
fn rejects_a_missing_or_empty_description() {
    let root = folder("local-missing");
    fs::write(root.join("stack.json"), "{}").unwrap();
    for named in ["stack.json", "other.json"] {
        let failure = Local::find(Some(root.join(named)), &root).unwrap_err();
        assert!(failure.exit == Exit::NotFound && failure.advice.contains("cargo xtask up"), "{failure}");
    }
}

#[tokio::test]
async fn gets_a_token_with_the_requested_roles_from_the_local_user_pool() {
    let server = Server::start(|_| (200, json!({ "access_token": "tok" }))).await;
    let root = folder("local-token");
    fs::write(root.join("stack.json"), describe(&server.url)).unwrap();
    let local = Local::find(Some(root.join("stack.json")), &root).unwrap();
    assert_eq!(local.token("Repair", &["read", "repair"]).await.unwrap(), "tok");
    let asked = server.asked().remove(0);
    assert_eq!(asked.line, "POST /oauth2/token");
    assert_eq!(asked.body, "grant_type=client_credentials&scope=visma-webhooks%2Fread+visma-webhooks%2Frepair");
    assert_eq!(asked.headers["authorization"], "Basic aWQ6Y2FuYXJ5");
    assert_eq!(local.token("Erase", &["read", "erase"]).await.unwrap_err().exit, Exit::NotFound);
}

#[tokio::test]
async fn reports_a_stopped_stack_with_the_command_to_start_one() {
    let root = folder("local-ended");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(root.join("stack.json"), describe(&format!("http://{closed}"))).unwrap();
    let local = Local::find(Some(root.join("stack.json")), &root).unwrap();
    let failure = local.token("Repair", &["read"]).await.unwrap_err();
    assert!(failure.what.contains("does not answer") && failure.advice.contains("cargo xtask up"), "{failure}");
}
