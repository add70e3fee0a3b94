//! Patterns over event names.

use crate::catalogue::{CATALOGUE, Entity, Kind};
use crate::sorted;

/// The number of patterns to suggest for one that matches nothing.
const OFFERED: usize = 3;

/// Whether `pattern` matches `{entity}.{kind}`. `*` stands for any text, also an empty one.
#[must_use]
pub fn covers(pattern: &str, entity: Entity, kind: Kind) -> bool {
    matches(pattern, &format!("{entity}.{}", kind.as_str()))
}

/// Whether `pattern` can match an event: one of the catalogue, an unknown one, or an unreadable
/// body.
#[must_use]
pub fn covers_something(pattern: &str) -> bool {
    let unknown = [Entity::Unmapped, Entity::Unparseable].map(|entity| (entity, Kind::Unknown));
    let known = CATALOGUE.iter().map(|event| (event.entity, event.kind));
    known.chain(unknown).any(|(entity, kind)| covers(pattern, entity, kind))
}

/// The patterns most like this one that match something.
#[must_use]
pub fn alike(pattern: &str) -> Vec<String> {
    let each = |entity: Entity, kind: Kind| [format!("{entity}.*"), format!("{entity}.{kind}")];
    nearest(pattern, CATALOGUE.iter().flat_map(|event| each(event.entity, event.kind)), OFFERED)
}

/// Looks for each piece between two stars once, after the piece before it: the first match leaves
/// the most room for the rest. So the time is linear in both texts.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail)) else { return false };
    middle.split('*').all(|piece| {
        let Some((_, behind)) = text.split_once(piece) else { return false };
        text = behind;
        true
    })
}

/// The closest names first, at most `most`. Leaves out names that have less than half in common
/// with it.
fn nearest(text: &str, names: impl IntoIterator<Item = String>, most: usize) -> Vec<String> {
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
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    /// The definition as code, in exponential time.
    fn is_covered(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|at| is_covered(rest, &text[at..])),
            [first, rest @ ..] => text.first() == Some(first) && is_covered(rest, &text[1..]),
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, expected) in [
            ("*", true),
            ("sales_order.*", true),
            ("*.status_changed", true),
            ("sales_order.status_changed", true),
            ("sales*changed", true),
            ("sales_order", false),
            ("account.*", false),
            ("*.created", false),
        ] {
            assert_eq!(covers(pattern, Entity::SalesOrder, Kind::StatusChanged), expected, "{pattern}");
        }
    }

    #[test]
    fn suggests_others_for_a_pattern_that_matches_nothing() {
        for pattern in ["*", "sales_order.*", "*.status_changed", "unmapped.*", "unparseable.unknown"] {
            assert!(covers_something(pattern), "{pattern}");
        }
        for (pattern, offered) in
            [("sales_orders.*", "sales_order.*"), ("acount.changed", "account.changed"), ("customer", "customer.*")]
        {
            assert!(!covers_something(pattern), "{pattern}");
            assert_eq!(alike(pattern)[0], offered);
        }
        assert!(alike("x").is_empty());
    }

    #[test]
    fn many_stars_and_long_texts_are_matched_in_linear_time() {
        let many = 200_000;
        let text = "a".repeat(many);
        let begun = Instant::now();
        for (pattern, expected) in [
            ("*".repeat(many) + "x", false),
            ("*".repeat(many) + "a", true),
            ("a*".repeat(many / 2) + "b", false),
            ("*a".repeat(many), true),
            ("*a".repeat(many + 1), false),
            (format!("*{}b*", "a".repeat(many / 2)), false),
        ] {
            assert_eq!(matches(&pattern, &text), expected, "{}", &pattern[..8]);
        }
        assert!(!covers("********x", Entity::SalesOrder, Kind::StatusChanged));
        // Quadratic time takes minutes.
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }

    proptest! {
        #[test]
        fn a_pattern_covers_what_its_definition_says(pattern in "[ab*å]{0,7}", text in "[abå]{0,7}") {
            prop_assert_eq!(matches(&pattern, &text), is_covered(pattern.as_bytes(), text.as_bytes()));
        }
    }

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
