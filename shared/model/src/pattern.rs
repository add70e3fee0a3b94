//! Patterns over the names of events.

use crate::catalogue::{Entity, Kind};

/// Whether `pattern` covers `{entity}.{kind}`. `*` stands for any text, also none.
#[must_use]
pub fn covers(pattern: &str, entity: Entity, kind: Kind) -> bool {
    matches(pattern, &format!("{entity}.{}", kind.as_str()))
}

/// Looks for each piece between two stars once, behind the piece before it: the first place leaves most room for the rest. So the time
/// is linear in both texts.
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

    /// The definition, in exponential time.
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
