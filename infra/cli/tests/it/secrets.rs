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

fn overtaken(asked: &Asked) -> (u16, Value) {
    match action(asked) {
        "PutSecretValue" => taken(asked),
        _ => (400, json!({ "__type": "InvalidParameterException", "Message": "attached to version other" })),
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
    let server = Server::start(overtaken).await;
    let refused = documents(&server).replace(&read(), "{}").await.unwrap_err();
    assert_eq!(refused.exit, Exit::Refused);
    assert!(refused.advice.contains("Run the command again"), "{}", refused.advice);
}
