//! What the store asks of DynamoDB. Every condition is made above this line, so that whatever stands in for it meets the real ones.

use crate::attributes::Item;
use crate::error::StoreError;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// The requests that there are. Expressions are DynamoDB's own text with placeholders.
pub trait Items: Send + Sync {
    /// Applies the update if the condition holds, and returns the item as it was before where that is wanted, and nothing in it otherwise
    /// or where there was none. `None` when the condition did not hold. The only kind of write.
    fn update(&self, write: Write) -> impl Future<Output = Result<Option<Item>, StoreError>> + Send;

    /// A consistent read of the item under `pk` and `sk`.
    fn get(&self, pk: &str, sk: &str) -> impl Future<Output = Result<Option<Item>, StoreError>> + Send;

    /// The items under these keys, as `(pk, sk)`, at most 100, with these of their attributes.
    fn get_many(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> impl Future<Output = Result<Vec<Item>, StoreError>> + Send;

    /// One page. Of the table the read is consistent; an index may lag behind.
    fn query(&self, query: Query) -> impl Future<Output = Result<Vec<Item>, StoreError>> + Send;
}

#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    pub pk: String,
    pub sk: String,
    pub update: String,
    pub condition: Option<String>,
    pub names: HashMap<String, String>,
    pub values: HashMap<String, AttributeValue>,
    /// Whether the item is wanted as it was: it costs no read.
    pub returns_old: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// `None` for the table itself.
    pub index: Option<&'static str>,
    pub key_condition: &'static str,
    pub filter: Option<&'static str>,
    pub projection: Option<&'static str>,
    pub names: HashMap<String, String>,
    pub values: HashMap<String, AttributeValue>,
    pub newest_first: bool,
    /// How many items are looked at, before the filter.
    pub limit: Option<i32>,
    /// The keys of the item behind which it begins, of the table and of the index. That item need not be there any more.
    pub after: Option<Item>,
}

impl Query {
    pub(crate) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.insert(placeholder.to_owned(), name.to_owned());
        self
    }

    pub(crate) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }
}
