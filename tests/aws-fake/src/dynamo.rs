//! Answers DynamoDB's requests with an embedded DynamoDB that has the template's table. It always
//! asks for the cost: the embedded DynamoDB reports the capacity units, and otherwise the
//! documented rule gives them.

use crate::calls::Tally;
use crate::server::Answer;
use dynoxide::types::{ConsumedCapacity, item_size, table_write_capacity_units};
use dynoxide::{Database, DynoxideError, Item};
use repo_checks::Template;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The table's name, which the template leaves to CloudFormation.
pub const TABLE: &str = "webhooks";

const ASKED: &str = "INDEXES";
const OLD_ITEM: &str = "ALL_OLD";

/// The cost is in both cases.
type Metered = Result<Answer, Answer>;

/// Runs an operation whose answer has its cost.
macro_rules! metered {
    // With `flatten` if the answer has the cost of several tables.
    ($database:expr, $body:expr, $operation:ident $(, $flatten:ident)?) => {{
        let mut request = decode($body)?;
        let asked = ask(&mut request);
        let mut answer = $database.$operation(request).map_err(|error| free(&error))?;
        let tally = told(answer.consumed_capacity.iter()$(.$flatten())?);
        keep_if(asked, &mut answer.consumed_capacity);
        encode(&answer, tally)
    }};
    // A write with a condition.
    ($database:expr, $body:expr, $operation:ident, attempted |$it:ident: &$kind:ty| $size:expr) => {{
        let mut request: $kind = decode($body)?;
        let asked = ask(&mut request);
        let wants_item = request.return_values_on_condition_check_failure.replace(OLD_ITEM.to_owned());
        let $it = &request;
        let (table, attempted) = ($it.table_name.clone(), $size);
        let mut answer = $database
            .$operation(request)
            .map_err(|error| refused(error, &table, attempted, wants_item.as_deref() == Some(OLD_ITEM)))?;
        let tally = told(answer.consumed_capacity.iter());
        keep_if(asked, &mut answer.consumed_capacity);
        encode(&answer, tally)
    }};
}

/// An embedded DynamoDB with the template's table, its keys and its indexes.
pub(crate) fn create() -> Database {
    let database = Database::memory().expect("an empty database");
    let template = Template::read("template.yaml");
    let tables = template.resources("AWS::DynamoDB::Table");
    let [(_, table)] = tables.as_slice() else { panic!("the template has one table") };
    let request = creation(table);
    let request = serde_json::from_value(request).unwrap_or_else(|error| panic!("the template's table: {error}"));
    database.create_table(request).unwrap_or_else(|error| panic!("the template's table: {error}"));
    database
}

/// CloudFormation and DynamoDB use the same names for it.
fn creation(table: &Value) -> Value {
    json!({
        "TableName": TABLE,
        "BillingMode": table["BillingMode"],
        "AttributeDefinitions": table["AttributeDefinitions"],
        "KeySchema": table["KeySchema"],
        "GlobalSecondaryIndexes": table["GlobalSecondaryIndexes"],
    })
}

pub(crate) fn answer(database: &Database, operation: &str, body: &[u8]) -> Answer {
    metered(database, operation, body).unwrap_or_else(|refused| refused)
}

fn metered(database: &Database, operation: &str, body: &[u8]) -> Metered {
    use dynoxide::actions::{delete_item::DeleteItemRequest, put_item::PutItemRequest, update_item::UpdateItemRequest};
    match operation {
        "GetItem" => metered!(database, body, get_item),
        "BatchGetItem" => metered!(database, body, batch_get_item, flatten),
        "Query" => metered!(database, body, query),
        "Scan" => metered!(database, body, scan),
        "PutItem" => {
            metered!(database, body, put_item, attempted |request: &PutItemRequest| item_size(&request.item))
        }
        // The resulting item is unknown, so the request's size stands for it.
        "UpdateItem" => metered!(database, body, update_item, attempted |request: &UpdateItemRequest| {
            let names = request.expression_attribute_names.iter().flat_map(|names| names.values()).map(String::len);
            let values = request.expression_attribute_values.as_ref().map_or(0, item_size);
            item_size(&request.key) + names.sum::<usize>() + values
        }),
        "DeleteItem" => {
            metered!(database, body, delete_item, attempted |request: &DeleteItemRequest| item_size(&request.key))
        }
        "BatchWriteItem" => metered!(database, body, batch_write_item, flatten),
        "TransactGetItems" => metered!(database, body, transact_get_items, flatten),
        "TransactWriteItems" => metered!(database, body, transact_write_items, flatten),
        "CreateTable" => encode(&database.create_table(decode(body)?).map_err(|error| free(&error))?, Tally::default()),
        "DescribeTable" => {
            encode(&database.describe_table(decode(body)?).map_err(|error| free(&error))?, Tally::default())
        }
        _ => Err(free(&DynoxideError::UnsupportedCapability(operation.to_owned()))),
    }
}

trait Costs {
    fn mode(&mut self) -> &mut Option<String>;
}

macro_rules! costs {
    ($($module:ident :: $request:ident),*) => {$(
        impl Costs for dynoxide::actions::$module::$request {
            fn mode(&mut self) -> &mut Option<String> {
                &mut self.return_consumed_capacity
            }
        }
    )*};
}

costs!(
    get_item::GetItemRequest,
    batch_get_item::BatchGetItemRequest,
    query::QueryRequest,
    scan::ScanRequest,
    put_item::PutItemRequest,
    update_item::UpdateItemRequest,
    delete_item::DeleteItemRequest,
    batch_write_item::BatchWriteItemRequest,
    transact_get_items::TransactGetItemsRequest,
    transact_write_items::TransactWriteItemsRequest
);

/// Asks for the cost. Returns whether the client had asked, too.
fn ask(request: &mut impl Costs) -> bool {
    request.mode().replace(ASKED.to_owned()).is_some_and(|mode| mode != "NONE")
}

fn keep_if<T>(asked: bool, capacity: &mut Option<T>) {
    if !asked {
        *capacity = None;
    }
}

fn told<'a>(capacity: impl Iterator<Item = &'a ConsumedCapacity>) -> Tally {
    let capacity: Vec<_> = capacity.cloned().collect();
    Tally { units: reported(&capacity), ..Tally::default() }
}

fn refused(error: DynoxideError, table: &str, attempted: usize, wants_item: bool) -> Answer {
    let DynoxideError::ConditionalCheckFailedException(message, existing) = error else { return free(&error) };
    let units = units_of_refused(table, existing.as_ref(), attempted);
    let existing = existing.filter(|_| wants_item);
    let answer = free(&DynoxideError::ConditionalCheckFailedException(message, existing));
    Answer { tally: Tally { units, ..answer.tally }, ..answer }
}

/// By `table` and `table/index`, without zeros.
fn reported(capacity: &[ConsumedCapacity]) -> BTreeMap<String, f64> {
    let mut units = BTreeMap::new();
    for one in capacity {
        let table = one.table_name.as_str();
        let of_table = one.table.as_ref().map_or(one.capacity_units, |detail| detail.capacity_units);
        *units.entry(table.to_owned()).or_default() += of_table;
        let indexes = [&one.global_secondary_indexes, &one.local_secondary_indexes];
        for (index, detail) in indexes.into_iter().flatten().flatten() {
            *units.entry(format!("{table}/{index}")).or_default() += detail.capacity_units;
        }
    }
    units.retain(|_, units| *units != 0.0);
    units
}

/// The units of a write whose condition did not hold. "If a ConditionExpression evaluates to false
/// during a conditional write, DynamoDB still consumes write capacity from the table", by the
/// larger of the existing item and the attempted one (Amazon DynamoDB Developer Guide, *Read and
/// write operations*). The write touches no index, and DynamoDB's answer does not show its cost.
///
/// `attempted` is in bytes.
fn units_of_refused(table: &str, existing: Option<&Item>, attempted: usize) -> BTreeMap<String, f64> {
    BTreeMap::from([(table.to_owned(), table_write_capacity_units(existing.map(item_size), Some(attempted)))])
}

fn free(error: &DynoxideError) -> Answer {
    let tally = Tally { refused: 1, ..Tally::default() };
    Answer { status: error.status_code(), body: error.to_json(), tally, query_code: None }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    // The embedded DynamoDB marks the errors that it finds while reading.
    serde_json::from_slice(body).map_err(|error| {
        let message = error.to_string();
        free(&match message.strip_prefix("VALIDATION:") {
            Some(message) => DynoxideError::ValidationException(message.to_owned()),
            None => DynoxideError::SerializationException(message),
        })
    })
}

fn encode(answer: &impl Serialize, tally: Tally) -> Metered {
    Ok(Answer::done(serde_json::to_string(answer).expect("an answer always serialises"), tally))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynoxide::AttributeValue;

    fn item(bytes: usize) -> Item {
        Item::from([("a".to_owned(), AttributeValue::S("x".repeat(bytes - 1)))])
    }

    fn of(existing: Option<usize>, attempted: usize) -> f64 {
        units_of_refused("t", existing.map(item).as_ref(), attempted)["t"]
    }

    #[test]
    fn a_refused_write_costs_the_larger_of_the_two_items() {
        assert_eq!(of(None, 0), 1.0);
        assert_eq!(of(None, 1025), 2.0);
        assert_eq!(of(Some(1024), 10), 1.0);
        assert_eq!(of(Some(1025), 10), 2.0);
        // The guide's own example: an item of 300 KB, and an attempt of 310 KB.
        assert_eq!(of(Some(300 * 1024), 310 * 1024), 310.0);
    }
}
