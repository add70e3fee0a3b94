//! Patterns over the names of events.

use crate::catalogue::{Entity, Kind};

/// Whether `pattern` covers `{entity}.{kind}`. `*` stands for any text, also none.
#[must_use]
pub fn covers(pattern: &str, entity: Entity, kind: Kind) -> bool {
    matches(pattern, &format!("{entity}.{}", kind.as_str()))
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => match text.strip_prefix(head) {
            None => false,
            Some(text) => (0..=text.len()).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..])),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
