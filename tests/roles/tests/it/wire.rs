//! Maps calls to permissions, by the *Service Authorization Reference*.

use roles::requests;
use serde_json::{Value, json};

/// Actions, resources without region and account, and leading keys.
fn asked(operation: &str, body: &Value) -> Vec<(String, String, Vec<String>)> {
    let told = requests(operation, body).into_iter().map(|request| {
        let resource = request.resource.splitn(6, ':').last().unwrap_or_default().to_owned();
        let keys = request.context.get("dynamodb:leadingkeys").cloned().unwrap_or_default();
        (request.action, resource, keys)
    });
    told.collect()
}

fn one(action: &str, resource: &str, keys: &[&str]) -> Vec<(String, String, Vec<String>)> {
    vec![(action.to_owned(), resource.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect())]
}

#[test]
fn a_batch_of_messages_is_authorised_like_a_single_one() {
    let queue = json!({"QueueUrl": "https://sqs.eu-north-1.amazonaws.com/000000000000/q"});
    for (operation, action) in [
        ("SendMessage", "sqs:SendMessage"),
        ("SendMessageBatch", "sqs:SendMessage"),
        ("DeleteMessageBatch", "sqs:DeleteMessage"),
        ("ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
    ] {
        assert_eq!(asked(operation, &queue), one(action, "q", &[]));
    }
}

#[test]
fn a_batch_of_items_has_its_own_action_and_all_keys() {
    let key = |pk: &str| json!({"pk": {"S": pk}, "sk": {"S": "1"}});
    let read = json!({"RequestItems": {"t": {"Keys": [key("a"), key("b")]}}});
    assert_eq!(asked("BatchGetItem", &read), one("dynamodb:BatchGetItem", "table/t", &["a", "b"]));
    let written =
        json!({"RequestItems": {"t": [{"PutRequest": {"Item": key("a")}}, {"DeleteRequest": {"Key": key("b")}}]}});
    assert_eq!(asked("BatchWriteItem", &written), one("dynamodb:BatchWriteItem", "table/t", &["a", "b"]));
}

#[test]
fn a_transaction_is_authorised_by_its_parts() {
    let key = json!({"pk": {"S": "a"}});
    let parts = json!({"TransactItems": [
        {"Put": {"TableName": "t", "Item": key}}, {"Update": {"TableName": "t", "Key": key}},
        {"Delete": {"TableName": "t", "Key": key}}, {"ConditionCheck": {"TableName": "t", "Key": key}},
    ]});
    let actions = ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"];
    let expected: Vec<_> =
        actions.iter().flat_map(|name| one(&format!("dynamodb:{name}"), "table/t", &["a"])).collect();
    assert_eq!(asked("TransactWriteItems", &parts), expected);
}

#[test]
fn an_index_is_a_resource_and_its_partition_the_leading_key() {
    let mut query = json!({
        "TableName": "t", "KeyConditionExpression": "pk = :pk AND begins_with(sk, :s)",
        "ExpressionAttributeValues": {":pk": {"S": "audit"}, ":s": {"S": "N"}},
    });
    assert_eq!(asked("Query", &query), one("dynamodb:Query", "table/t", &["audit"]));
    query["IndexName"] = json!("feed");
    assert_eq!(asked("Query", &query), one("dynamodb:Query", "table/t/index/feed", &["audit"]));
}

#[test]
fn a_scan_has_no_leading_key() {
    assert_eq!(asked("Scan", &json!({"TableName": "t"})), one("dynamodb:Scan", "table/t", &[]));
}

#[test]
fn finds_a_secret_by_arn_and_name() {
    let arn = "arn:aws:secretsmanager:eu-north-1:000000000000:secret:s";
    for id in ["s", arn] {
        assert_eq!(
            asked("GetSecretValue", &json!({"SecretId": id})),
            one("secretsmanager:GetSecretValue", "secret:s", &[])
        );
    }
}

#[test]
#[should_panic(expected = "the action that authorises PurgeQueue is unknown")]
fn rejects_unknown_operations() {
    requests("PurgeQueue", &json!({}));
}
