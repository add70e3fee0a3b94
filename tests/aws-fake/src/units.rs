//! DynamoDB's capacity units: those that the embedded DynamoDB reports, and otherwise those of the
//! documented rule.

use dynoxide::Item;
use dynoxide::types::{ConsumedCapacity, item_size, table_write_capacity_units};
use std::collections::BTreeMap;

/// By `table` and `table/index`, without zeros.
pub(crate) fn reported(capacity: &[ConsumedCapacity]) -> BTreeMap<String, f64> {
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
///
/// `attempted` is in bytes.
pub(crate) fn refused(table: &str, existing: Option<&Item>, attempted: usize) -> BTreeMap<String, f64> {
    BTreeMap::from([(table.to_owned(), table_write_capacity_units(existing.map(item_size), Some(attempted)))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynoxide::AttributeValue;

    fn item(bytes: usize) -> Item {
        Item::from([("a".to_owned(), AttributeValue::S("x".repeat(bytes - 1)))])
    }

    fn of(existing: Option<usize>, attempted: usize) -> f64 {
        refused("t", existing.map(item).as_ref(), attempted)["t"]
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
