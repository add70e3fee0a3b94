//! Sorted lists, for the sake of size: the standard library's sort takes 7 KB of code for each type
//! of item, and this takes a tenth of it. It also sorts to collect a `BTreeMap` or a `BTreeSet`, but
//! not to extend one. The lists here are short, so moving their items costs nothing.

use std::cmp::Ordering;

/// All items in this order. Equal ones stay as they are.
pub fn by<T>(items: impl IntoIterator<Item = T>, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    first(usize::MAX, items, order)
}

/// The first `most` items in this order. Equal ones stay as they are.
pub fn first<T>(most: usize, items: impl IntoIterator<Item = T>, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut sorted: Vec<T> = vec![];
    for item in items {
        let at = sorted.partition_point(|before| order(before, &item).is_le());
        if at < most {
            sorted.truncate(most - 1);
            sorted.insert(at, item);
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(all in prop::collection::vec((0..9_u8, any::<u8>()), 0..40), most in 0..50_usize) {
            let mut expected = all.clone();
            expected.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(&by(all.clone(), |(one, _), (other, _)| one.cmp(other)), &expected);
            expected.truncate(most);
            prop_assert_eq!(first(most, all, |(one, _), (other, _)| one.cmp(other)), expected);
        }
    }
}
