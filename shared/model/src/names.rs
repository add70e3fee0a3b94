//! Names that can be part of a key or a URL unchanged.

/// Whether a tenant or a company has a valid name: 1 to 64 ASCII letters, digits, `-` and `_`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
