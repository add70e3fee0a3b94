//! The table of the template.

use dynoxide::Database;
use repo_checks::Template;
use serde_json::{Value, json};

/// The table's name, which the template leaves to CloudFormation.
pub const NAME: &str = "webhooks";

/// An embedded DynamoDB with the template's table, its keys and its indexes.
pub(crate) fn create() -> Database {
    let database = Database::memory().expect("an empty database");
    let template = Template::read("template.yaml");
    let tables = template.resources("AWS::DynamoDB::Table");
    let [(_, table)] = tables.as_slice() else { panic!("the template has one table") };
    let request = request(table);
    let request = serde_json::from_value(request).unwrap_or_else(|error| panic!("the template's table: {error}"));
    database.create_table(request).unwrap_or_else(|error| panic!("the template's table: {error}"));
    database
}

/// CloudFormation and DynamoDB use the same names for it.
fn request(table: &Value) -> Value {
    json!({
        "TableName": NAME,
        "BillingMode": table["BillingMode"],
        "AttributeDefinitions": table["AttributeDefinitions"],
        "KeySchema": table["KeySchema"],
        "GlobalSecondaryIndexes": table["GlobalSecondaryIndexes"],
    })
}
