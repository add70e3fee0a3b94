//! What only operators' work asks of DynamoDB: adding what nothing changes afterwards, deleting,
//! and reading everything.

use crate::attributes::Item;
use crate::error::StoreError;
use crate::item::Items;

pub trait Upkeep: Items {
    /// Adds an item whose keys are free. `false` when they are not.
    fn insert(&self, item: Item) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Deletes an item, if it is there.
    fn delete(&self, pk: &str, sk: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// One page of the whole table, `most` items at most, with these of their attributes, and the
    /// keys behind which the next begins.
    fn scan(
        &self,
        after: Option<Item>,
        most: i32,
        attributes: &[&str],
    ) -> impl Future<Output = Result<(Vec<Item>, Option<Item>), StoreError>> + Send;
}
