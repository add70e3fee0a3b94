//! Patterns over event names.

use crate::catalogue::{CATALOGUE, Entity, Kind};
use crate::nearest::nearest;

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
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }

    proptest! {
        #[test]
        fn a_pattern_covers_what_its_definition_says(pattern in "[ab*å]{0,7}", text in "[abå]{0,7}") {
            prop_assert_eq!(matches(&pattern, &text), is_covered(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
