//! Names and keys from outside that can be part of a table key or a URL.

/// The longest key of an entity, in bytes. A table key has more room, even with a tenant and an
/// entity's name.
const LONGEST_KEY: usize = 256;

/// Whether a tenant or a company has a valid name: 1 to 64 ASCII letters, digits, `-` and `_`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Whether an entity's key is short enough. A cut one would be another entity's.
pub(crate) fn fits(key: &str) -> bool {
    key.len() <= LONGEST_KEY
}
