//! Answers DynamoDB's requests with an embedded DynamoDB, and always asks it for the cost.

use crate::calls::Tally;
use crate::server::Answer;
use crate::units;
use dynoxide::types::{ConsumedCapacity, item_size};
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

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
    Tally { units: units::reported(&capacity), ..Tally::default() }
}

fn refused(error: DynoxideError, table: &str, attempted: usize, wants_item: bool) -> Answer {
    let DynoxideError::ConditionalCheckFailedException(message, existing) = error else { return free(&error) };
    let units = units::refused(table, existing.as_ref(), attempted);
    let existing = existing.filter(|_| wants_item);
    let answer = free(&DynoxideError::ConditionalCheckFailedException(message, existing));
    Answer { tally: Tally { units, ..answer.tally }, ..answer }
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
