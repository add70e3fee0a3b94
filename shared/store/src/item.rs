//! The requests of the store to DynamoDB. All conditions are built above this trait, so that a fake
//! gets the real ones.

use crate::attributes::Item;
use crate::error::StoreError;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

/// The requests. Expressions are in DynamoDB's own syntax with placeholders.
pub trait Items: Send + Sync {
    /// Applies the update if the condition holds. Returns the item before the update if it is
    /// wanted, or an empty one otherwise or if there was none. `None` if the condition did not
    /// hold. This is the only kind of write.
    fn update(&self, write: Write) -> impl Future<Output = Result<Option<Item>, StoreError>> + Send;

    /// A consistent read of the item under `pk` and `sk`.
    fn get(&self, pk: &str, sk: &str) -> impl Future<Output = Result<Option<Item>, StoreError>> + Send;

    /// The items under these keys, as `(pk, sk)`, at most 100, with these attributes.
    fn get_many(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> impl Future<Output = Result<Vec<Item>, StoreError>> + Send;

    /// One page. A read of the table is consistent; an index may lag behind.
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
    /// Whether to return the item before the update. This costs no read.
    pub returns_old: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// The index; `None` for the table itself.
    pub index: Option<&'static str>,
    pub key_condition: &'static str,
    pub filter: Option<&'static str>,
    pub projection: Option<&'static str>,
    pub names: HashMap<String, String>,
    pub values: HashMap<String, AttributeValue>,
    pub newest_first: bool,
    /// The most items to read, before the filter.
    pub limit: Option<i32>,
    /// The keys, of the table and of the index, of the item after which the page begins. The item
    /// may be deleted by then.
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
