//! The limits of DynamoDB, SQS and intake, and how DynamoDB counts the size of an item: names and texts in
//! bytes of UTF-8, numbers by their digits, and lists and maps with what they hold.

use aws_sdk_dynamodb::types::AttributeValue;
use webhooks_store::Item;

/// The largest item: 400 KB.
pub(crate) const LARGEST_ITEM: usize = 400 * 1024;
/// A page of a query or a scan ends at 1 MB.
pub(crate) const LARGEST_PAGE: usize = 1024 * 1024;
/// The largest message of SQS: 1 MiB.
pub(crate) const LARGEST_MESSAGE: usize = 1024 * 1024;
/// The largest body that intake accepts unless it is told otherwise, as its README says.
pub(crate) const LARGEST_BODY: usize = 1_032_192;
/// What a list or a map takes, and what each of its members takes.
const COLLECTION: usize = 3;
const MEMBER: usize = 1;

pub(crate) fn size_of(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

fn of_value(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.trim_start_matches('-').len().div_ceil(2) + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(list) => COLLECTION + list.iter().map(|one| MEMBER + of_value(one)).sum::<usize>(),
        AttributeValue::M(map) => COLLECTION + map.len() * MEMBER + size_of(map),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        other => panic!("the store has no such attribute: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_the_size_that_dynamodb_counts() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let line = AttributeValue::M(Item::from([("at".to_owned(), text("noon"))]));
        for (value, expected) in [
            (text("å"), 2),
            (AttributeValue::N("1234".into()), 3),
            (AttributeValue::Bool(true), 1),
            (line.clone(), 3 + 1 + 2 + 4),
            (AttributeValue::L(vec![line]), 3 + 1 + 10),
        ] {
            assert_eq!(size_of(&Item::from([("né".to_owned(), value.clone())])), 3 + expected, "{value:?}");
        }
    }
}
