//! The requests of the store to DynamoDB. All conditions are built above these traits, so that a
//! fake gets the real ones.

use crate::attributes::Item;
use crate::error::StoreError;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use std::time::Duration;

/// The most pages of an answer that is kept: 20 MB.
pub(crate) const MOST_KEPT: usize = 20;
/// The most pages of an answer of which little is kept, such as the number of items: 200 MB.
pub(crate) const MOST_READ: usize = 200;
/// The most keys of a BatchGetItem.
const KEYS_PER_READ: usize = 100;
/// The most answers in a row that leave every key unprocessed.
const TRIES_IN_VAIN: u32 = 4;
/// The first pause before unprocessed keys are requested again. It doubles each time that all of
/// them are left: 0.7 s in total.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// The requests. Expressions are in DynamoDB's own syntax with placeholders.
pub trait Items: Send + Sync {
    /// Applies the update if the condition holds. Returns the item before the update if it is
    /// wanted, or an empty one otherwise or if there was none. `None` if the condition did not
    /// hold. This is the only kind of write.
    fn update(&self, write: Write) -> impl Future<Output = Result<Option<Item>, StoreError>> + Send;

    /// A consistent read of the item under `pk` and `sk`.
    fn get(&self, pk: &str, sk: &str) -> impl Future<Output = Result<Option<Item>, StoreError>> + Send;

    /// One BatchGetItem: the items under these keys, as `(pk, sk)`, at most 100, with these
    /// attributes.
    fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> impl Future<Output = Result<BatchPage, StoreError>> + Send;

    /// One page. A read of the table is consistent; an index may lag behind.
    fn query_page(&self, query: &Query) -> impl Future<Output = Result<QueryPage, StoreError>> + Send;

    /// The items under all these keys, in as many requests as DynamoDB needs. DynamoDB refuses a
    /// request that names a key twice. A query of an index may return an item twice, if it moves
    /// within the index meanwhile.
    fn get_many(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> impl Future<Output = Result<Vec<Item>, StoreError>> + Send {
        async move {
            let (mut keys, mut found) = (keys.into_iter(), vec![]);
            while keys.len() > 0 {
                let mut some: Vec<(String, String)> = Vec::with_capacity(keys.len().min(KEYS_PER_READ));
                for key in keys.by_ref().take(KEYS_PER_READ) {
                    if !some.contains(&key) {
                        some.push(key);
                    }
                }
                found.extend(processed(self, some, attributes, consistent).await?);
            }
            Ok(found)
        }
    }

    /// The items of a query, in several pages if need be. So there are fewer items than the limit
    /// only at the end. An answer of more than 20 pages is an error.
    fn query(&self, query: Query) -> impl Future<Output = Result<Vec<Item>, StoreError>> + Send {
        async move {
            let mut found = vec![];
            self.for_each_page(query, MOST_KEPT, |items| found.extend(items)).await?;
            Ok(found)
        }
    }

    /// Hands on the items of a query, page by page. More than `most` pages are an error, since a
    /// part of the answer would look like the whole. DynamoDB ends a page after 1 MB of whole items,
    /// whatever the projection, and a page may be empty although others follow.
    fn for_each_page(
        &self,
        mut query: Query,
        most: usize,
        mut take: impl FnMut(Vec<Item>) + Send,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async move {
            for _ in 0..most {
                let page = self.query_page(&query).await?;
                take(page.items);
                query.limit = query.limit.map(|limit| limit - page.scanned);
                query.after = page.last_evaluated;
                if query.after.is_none() || query.limit.is_some_and(|limit| limit <= 0) {
                    return Ok(());
                }
            }
            Err(StoreError::TooMuch(most))
        }
    }
}

/// The requests for the work of operators: adding items that never change, deleting, and reading the
/// whole table.
pub trait Upkeep: Items {
    /// Adds an item. `false` if there is an item with these keys already.
    fn insert(&self, item: Item) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes an item, if it exists.
    fn delete(&self, pk: &str, sk: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// One page of the whole table, at most `most` items, with these attributes, and the keys after
    /// which the next page begins.
    fn scan(
        &self,
        after: Option<Item>,
        most: i32,
        attributes: &[&str],
    ) -> impl Future<Output = Result<(Vec<Item>, Option<Item>), StoreError>> + Send;
}

/// Reads a hundred keys at most, none of them twice, until DynamoDB leaves none unprocessed.
async fn processed<I: Items + ?Sized>(
    items: &I,
    mut left: Vec<(String, String)>,
    attributes: &[&str],
    consistent: bool,
) -> Result<Vec<Item>, StoreError> {
    let (mut found, mut in_vain) = (vec![], 0);
    loop {
        let wanted = left.len();
        let batch = items.get_batch(left, attributes, consistent).await?;
        found.extend(batch.items);
        left = batch.unprocessed;
        if left.is_empty() {
            return Ok(found);
        }
        in_vain = if left.len() >= wanted { in_vain + 1 } else { 0 };
        if in_vain >= TRIES_IN_VAIN {
            return Err(StoreError::Unavailable("throttled".into()));
        }
        tokio::time::sleep(FIRST_WAIT * 2_u32.pow(in_vain)).await;
    }
}

/// The answer to one BatchGetItem.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchPage {
    pub items: Vec<Item>,
    /// The keys that DynamoDB left, since all would be too much at once or too fast.
    pub unprocessed: Vec<(String, String)>,
}

/// One page of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryPage {
    pub items: Vec<Item>,
    /// The number of items that were read, before the filter.
    pub scanned: i32,
    /// The keys after which the next page begins; `None` at the end.
    pub last_evaluated: Option<Item>,
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
