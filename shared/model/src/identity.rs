//! What makes two deliveries the same notification.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Hex digits of the content's hash, half of SHA-256's. They only tell apart what one entity's notifications hold, and each costs a byte
/// of a table that counts whole kilobytes.
const CONTENT_LENGTH: usize = 32;
const MAX_ID_LENGTH: usize = 64;
const MAX_KEY_LENGTH: usize = CONTENT_LENGTH + 1 + MAX_ID_LENGTH;

/// `{first 32 hex digits of the item's SHA-256}.{id}`. The same id with the same content is a duplicate; the same id with new content is
/// a new delivery of it. The content comes first, so one key-prefix query finds the same content under other ids, which is what
/// a replay under altered headers looks like.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NotificationKey(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a notification key is 32 hex digits, a dot, and an id of letters, digits and dashes")]
pub struct InvalidKey;

impl NotificationKey {
    /// `id` is the body's UUID or else the header's id; characters that could not stand in a key are left out.
    pub fn new(item: &[u8], id: Option<&str>) -> Self {
        let digest = Sha256::digest(item);
        let mut key = String::with_capacity(MAX_KEY_LENGTH);
        for byte in &digest[..CONTENT_LENGTH / 2] {
            let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
            key.extend([digit(byte >> 4), digit(byte & 15)]);
        }
        key.push('.');
        let id = id.unwrap_or_default().chars().filter(|c| is_id_char(*c)).take(MAX_ID_LENGTH);
        key.extend(id.map(|c| c.to_ascii_lowercase()));
        Self(key)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that depends on the content alone, 32 hex digits.
    pub fn content(&self) -> &str {
        &self.0[..CONTENT_LENGTH]
    }

    /// The part behind the content: the body's id or else the header's, and empty if there was none.
    pub fn id(&self) -> &str {
        &self.0[CONTENT_LENGTH + 1..]
    }

    /// Enough to tell apart what arrives in the same millisecond: 16 digits of the content's hash and the id's last 12 characters.
    pub fn brief(&self) -> String {
        let id = self.id();
        format!("{}{}", &self.0[..16], &id[id.len().saturating_sub(12)..])
    }
}

impl fmt::Display for NotificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for NotificationKey {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        let (content, id) = text.split_once('.').ok_or(InvalidKey)?;
        let hex = content.len() == CONTENT_LENGTH
            && content.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex && text.len() <= MAX_KEY_LENGTH && id.chars().all(is_id_char) { Ok(Self(text)) } else { Err(InvalidKey) }
    }
}

impl From<NotificationKey> for String {
    fn from(key: NotificationKey) -> Self {
        key.0
    }
}

fn is_id_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn content_and_id_both_count() {
        let key = NotificationKey::new(b"{}", Some("A-1"));
        assert_eq!(key.as_str(), "44136fa355b3678a1146ad16f7e8649e.a-1");
        assert_ne!(key, NotificationKey::new(b"{ }", Some("A-1")));
        assert_ne!(key, NotificationKey::new(b"{}", Some("A-2")));
        assert_eq!(key.content(), NotificationKey::new(b"{}", None).content());
    }

    #[test]
    fn a_foreign_key_is_refused() {
        for text in ["", "x", "44136fa3.a", "zz136fa355b3678a1146ad16f7e8649e.a-1"] {
            assert!(NotificationKey::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_is_cut_to_the_longest_that_a_key_may_have() {
        let key = |length| NotificationKey::new(b"{}", Some(&"a".repeat(length)));
        assert_eq!(key(MAX_ID_LENGTH + 1), key(MAX_ID_LENGTH));
        assert_eq!(NotificationKey::try_from(key(MAX_ID_LENGTH).to_string()), Ok(key(MAX_ID_LENGTH)));
        assert_eq!(NotificationKey::try_from(format!("{}a", key(MAX_ID_LENGTH))), Err(InvalidKey));
    }

    proptest! {
        #[test]
        fn every_key_we_make_is_one_we_accept(item: Vec<u8>, id in ".{0,80}") {
            let key = NotificationKey::new(&item, Some(&id));
            prop_assert_eq!(NotificationKey::try_from(key.to_string()).unwrap(), key);
        }

        #[test]
        fn two_are_the_same_when_content_and_id_are_and_only_then(
            one in "[ab]{0,2}", other in "[ab]{0,2}", id in "[aAb-]{0,2}", other_id in "[aAb-]{0,2}",
        ) {
            let (first, second) =
                (NotificationKey::new(one.as_bytes(), Some(&id)), NotificationKey::new(other.as_bytes(), Some(&other_id)));
            prop_assert_eq!(first == second, one == other && id.eq_ignore_ascii_case(&other_id));
            // Content under other ids is found by the key's beginning.
            let begins = second.as_str().starts_with(&format!("{}.", first.content()));
            prop_assert_eq!(begins, one == other);
        }
    }
}
