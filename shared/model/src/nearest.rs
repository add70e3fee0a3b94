//! Finds the names closest to a mistyped one.

use crate::sorted;

/// The closest names first, at most `most`. Leaves out names that have less than half in common
/// with it.
#[must_use]
pub fn nearest(text: &str, names: impl IntoIterator<Item = String>, most: usize) -> Vec<String> {
    let is_near = |far: usize, name: &str| 2 * far <= text.chars().count().max(name.chars().count());
    let all = names.into_iter().map(|name| (distance(text, &name), name));
    let mut near: Vec<(usize, String)> = sorted::by(all.filter(|(far, name)| is_near(*far, name)), Ord::cmp);
    near.dedup();
    near.truncate(most);
    near.into_iter().map(|(_, name)| name).collect()
}

/// Levenshtein's distance: letters to add, remove or replace.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (place, its) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *its);
            diagonal = row[place + 1];
            row[place + 1] = replaced.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_counts_added_removed_and_replaced_letters() {
        for (one, other, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("å", "a", 1)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_nearest_names_come_first_and_unlike_names_are_left_out() {
        let names = || ["account", "accounts", "shipment", "account"].map(str::to_owned);
        assert_eq!(nearest("acount", names(), 5), ["account", "accounts"]);
        assert_eq!(nearest("acount", names(), 1), ["account"]);
        assert!(nearest("voucher", names(), 5).is_empty());
    }
}
