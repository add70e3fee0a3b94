//! The settings document in Secrets Manager, by its wire protocol.

use crate::server::{Asked, Server};
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::{Client, Config};
use serde_json::{Value, json};
use visma_webhooks::Exit;
use visma_webhooks::settings::{Documents, SecretsManager, Version};

fn action(asked: &Asked) -> &str {
    asked.headers["x-amz-target"].to_str().unwrap().trim_start_matches("secretsmanager.")
}

fn taken(asked: &Asked) -> (u16, Value) {
    match action(asked) {
        "PutSecretValue" => (200, json!({ "VersionId": "new" })),
        _ => (200, json!({})),
    }
}

/// The label has moved to this version before.
fn moved_to(current: &str, asked: &Asked) -> (u16, Value) {
    match action(asked) {
        "GetSecretValue" => (200, json!({ "VersionId": current, "SecretString": "{}" })),
        "PutSecretValue" => taken(asked),
        _ => {
            (400, json!({ "__type": "InvalidParameterException", "Message": format!("attached to version {current}") }))
        }
    }
}

fn documents(server: &Server) -> SecretsManager {
    let config = Config::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-north-1"));
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = config.endpoint_url(&server.url).credentials_provider(credentials).build();
    SecretsManager::new(Client::from_conf(config), "settings".into())
}

fn read() -> Version {
    Version { id: "old".into(), text: "{}".into() }
}

#[tokio::test]
async fn a_new_text_replaces_only_the_version_that_was_read() {
    let server = Server::start(taken).await;
    documents(&server).replace(&read(), "{\"version\":1}").await.unwrap();
    let asked = server.asked();
    assert_eq!(asked.iter().map(action).collect::<Vec<_>>(), ["PutSecretValue", "UpdateSecretVersionStage"]);
    let bodies: Vec<Value> = asked.iter().map(|asked| serde_json::from_str(&asked.body).unwrap()).collect();
    // Without its own label, Secrets Manager would make it the current one at once.
    assert_eq!(bodies[0]["VersionStages"], json!(["visma-webhooks"]));
    let moved = ["VersionStage", "MoveToVersionId", "RemoveFromVersionId"].map(|name| &bodies[1][name]);
    assert_eq!(moved, ["AWSCURRENT", "new", "old"]);
}

#[tokio::test]
async fn keeps_a_version_that_someone_else_wrote_meanwhile() {
    let server = Server::start(|asked| moved_to("other", asked)).await;
    let refused = documents(&server).replace(&read(), "{}").await.unwrap_err();
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.advice.contains("Run the command again"), "{}", refused.advice);
}

#[tokio::test]
async fn a_repeated_request_whose_first_answer_was_lost_has_replaced_the_text() {
    let server = Server::start(|asked| moved_to("new", asked)).await;
    assert!(documents(&server).replace(&read(), "{}").await.is_ok());
}
