use super::*;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

/// A DynamoDB that gives these answers, and then repeats the last one.
async fn answering(answers: &[Value]) -> (Dynamo, MockServer) {
    let server = MockServer::start().await;
    for (n, answer) in answers.iter().enumerate() {
        let mock = Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200).set_body_json(answer));
        if n + 1 < answers.len() { mock.up_to_n_times(1) } else { mock }.mount(&server).await;
    }
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-north-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(server.uri());
    (Dynamo::new(Client::from_conf(config.build()), "table".to_owned()), server)
}

fn key(sk: &str) -> Value {
    json!({"pk": {"S": "p"}, "sk": {"S": sk}})
}

/// An answer with these items, and with unprocessed keys for those.
fn part(came: &[&str], left: &[&str]) -> Value {
    let came: Vec<Value> = came.iter().map(|sk| key(sk)).collect();
    let left: Vec<Value> = left.iter().map(|sk| key(sk)).collect();
    let unprocessed =
        if left.is_empty() { json!({}) } else { json!({"table": {"Keys": left, "ConsistentRead": true}}) };
    json!({"Responses": {"table": came}, "UnprocessedKeys": unprocessed})
}

async fn read(dynamo: &Dynamo, keys: &[&str]) -> Result<Vec<String>, StoreError> {
    let keys = keys.iter().map(|sk| ("p".to_owned(), (*sk).to_owned())).collect();
    let items = dynamo.get_many(keys, &["pk", "sk"], true).await?;
    Ok(items.iter().map(|item| item["sk"].as_s().unwrap().clone()).collect())
}

async fn asked(server: &MockServer) -> Vec<Vec<Value>> {
    let requests = server.received_requests().await.unwrap();
    let keys = |body: Value| body["RequestItems"]["table"]["Keys"].as_array().cloned().unwrap_or_default();
    requests.iter().map(|request| keys(request.body_json().unwrap())).collect()
}

#[tokio::test]
async fn requests_unprocessed_keys_again_and_keeps_what_came() {
    let (dynamo, server) =
        answering(&[part(&["1"], &["2", "3"]), part(&[], &["2", "3"]), part(&["3", "2"], &[])]).await;
    assert_eq!(read(&dynamo, &["1", "2", "3"]).await.unwrap(), ["1", "3", "2"]);
    let all = ["1", "2", "3"].map(key);
    assert_eq!(asked(&server).await, [all.to_vec(), all[1..].to_vec(), all[1..].to_vec()]);
}

#[tokio::test]
async fn every_part_is_progress_with_any_number_of_parts() {
    let names: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let parts: Vec<Value> = (0..names.len()).map(|n| part(&names[n..=n], &names[n + 1..])).collect();
    let (dynamo, _server) = answering(&parts).await;
    assert_eq!(read(&dynamo, &names).await.unwrap(), names);
}

#[tokio::test]
async fn a_table_that_returns_nothing_is_unavailable_after_some_attempts() {
    let (dynamo, server) = answering(&[part(&["1"], &["2"]), part(&[], &["2"])]).await;
    assert!(matches!(read(&dynamo, &["1", "2"]).await, Err(StoreError::Unavailable(_))));
    assert_eq!(asked(&server).await.len(), 1 + TRIES_IN_VAIN as usize);
}
