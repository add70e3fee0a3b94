//! Requests to DynamoDB for the work of operators: adding items that never change, deleting, and
//! reading the whole table.

use crate::attributes::Item;
use crate::error::StoreError;
use crate::item::Items;

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
