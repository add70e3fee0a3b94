//! Maps calls on the wire to the permissions that they need.
//!
//! Follows the *Service Authorization Reference*: some batch operations have an action of their
//! own, others do not.

use crate::account::arn;
use crate::policy::{Context, LEADING_KEYS, Request, SECURE_TRANSPORT};
use repo_checks::{elements, entries};
use serde_json::Value;

/// Calls made with a role, by the function or by AWS itself, and the action that authorises each.
const OPERATIONS: [(&str, &str); 31] = [
    ("BatchGetItem", "dynamodb:BatchGetItem"),
    ("BatchWriteItem", "dynamodb:BatchWriteItem"),
    ("ConditionCheck", "dynamodb:ConditionCheckItem"),
    ("Delete", "dynamodb:DeleteItem"),
    ("DeleteItem", "dynamodb:DeleteItem"),
    ("GetItem", "dynamodb:GetItem"),
    ("Put", "dynamodb:PutItem"),
    ("PutItem", "dynamodb:PutItem"),
    ("Query", "dynamodb:Query"),
    ("Scan", "dynamodb:Scan"),
    ("Update", "dynamodb:UpdateItem"),
    ("UpdateItem", "dynamodb:UpdateItem"),
    ("PutEvents", "events:PutEvents"),
    ("Decrypt", "kms:Decrypt"),
    ("DescribeKey", "kms:DescribeKey"),
    ("GenerateDataKey", "kms:GenerateDataKey"),
    ("InvokeFunction", "lambda:InvokeFunction"),
    ("CreateLogStream", "logs:CreateLogStream"),
    ("PutLogEvents", "logs:PutLogEvents"),
    ("GetSecretValue", "secretsmanager:GetSecretValue"),
    ("ChangeMessageVisibility", "sqs:ChangeMessageVisibility"),
    ("ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
    ("DeleteMessage", "sqs:DeleteMessage"),
    ("DeleteMessageBatch", "sqs:DeleteMessage"),
    ("GetQueueAttributes", "sqs:GetQueueAttributes"),
    ("GetQueueUrl", "sqs:GetQueueUrl"),
    ("ReceiveMessage", "sqs:ReceiveMessage"),
    ("SendMessage", "sqs:SendMessage"),
    ("SendMessageBatch", "sqs:SendMessage"),
    ("PutTelemetryRecords", "xray:PutTelemetryRecords"),
    ("PutTraceSegments", "xray:PutTraceSegments"),
];
const TRANSACTION: &str = "TransactWriteItems";

/// # Panics
/// The operation is unknown.
pub(crate) fn action(operation: &str) -> &'static str {
    let known = OPERATIONS.iter().find(|(known, _)| *known == operation);
    known.unwrap_or_else(|| panic!("the action that authorises {operation} is unknown: tests/roles/src/call.rs")).1
}

/// The permissions that this call needs. A call on several tables, and a transaction, need several.
///
/// # Panics
/// The operation is unknown, or its request is malformed.
pub fn requests(operation: &str, body: &Value) -> Vec<Request> {
    if operation == TRANSACTION {
        // A transaction needs only what its operations need.
        let parts = elements(&body["TransactItems"]).into_iter().flat_map(entries);
        return parts.map(|(part, one)| of_item(part, one)).collect();
    }
    match operation {
        "BatchGetItem" => by_table(body, operation, |wanted| elements(&wanted["Keys"])),
        "BatchWriteItem" => by_table(body, operation, |writes| {
            let items = elements(writes).into_iter();
            let items = items.flat_map(|write| [&write["PutRequest"]["Item"], &write["DeleteRequest"]["Key"]]);
            items.filter(|item| !item.is_null()).collect()
        }),
        _ => match action(operation).split_once(':') {
            Some(("dynamodb", _)) => vec![of_item(operation, body)],
            Some(("sqs", _)) => vec![request(operation, &queue(body), None)],
            Some(("secretsmanager", _)) => vec![request(operation, &secret(body), None)],
            _ => panic!("no function is known to call {operation}"),
        },
    }
}

/// Leading keys are those of the call's items; a scan has none.
pub(crate) fn request(operation: &str, resource: &str, leading_keys: Option<Vec<String>>) -> Request {
    let mut context = Context::from([(SECURE_TRANSPORT.to_owned(), vec!["true".to_owned()])]);
    context.extend(leading_keys.map(|keys| (LEADING_KEYS.to_owned(), keys)));
    Request { action: action(operation).to_owned(), resource: resource.to_owned(), context }
}

fn by_table(body: &Value, operation: &str, items: impl Fn(&Value) -> Vec<&Value>) -> Vec<Request> {
    let tables = entries(&body["RequestItems"]);
    tables
        .map(|(name, asked)| request(operation, &table(name), Some(items(asked).into_iter().map(partition).collect())))
        .collect()
}

fn of_item(operation: &str, body: &Value) -> Request {
    let name = body["TableName"].as_str().unwrap_or_else(|| panic!("{operation} of no table"));
    let resource = match body["IndexName"].as_str() {
        Some(index) => format!("{}/index/{index}", table(name)),
        None => table(name),
    };
    let leading = match operation {
        "Scan" => None,
        "Query" => Some(queried(body)),
        _ => Some(partition(if body["Key"].is_null() { &body["Item"] } else { &body["Key"] })),
    };
    request(operation, &resource, leading.map(|key| vec![key]))
}

fn partition(item: &Value) -> String {
    item["pk"]["S"].as_str().unwrap_or_else(|| panic!("an item without its partition: {item}")).to_owned()
}

/// The partition of a query is its first comparison with `=`.
fn queried(body: &Value) -> String {
    let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
    let value = condition.split_once(" = ").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default();
    let value = body["ExpressionAttributeValues"][value]["S"].as_str();
    value.unwrap_or_else(|| panic!("a query of no partition: {condition}")).to_owned()
}

fn table(name: &str) -> String {
    arn("dynamodb", &format!("table/{name}"))
}

fn queue(body: &Value) -> String {
    let url = body["QueueUrl"].as_str().expect("every call of SQS here is about a queue");
    arn("sqs", url.rsplit('/').next().unwrap_or_default())
}

/// The secret, from its ARN or its name.
fn secret(body: &Value) -> String {
    let id = body["SecretId"].as_str().expect("a secret has a name");
    if id.starts_with("arn:") { id.to_owned() } else { arn("secretsmanager", &format!("secret:{id}")) }
}
