//! Decides when two deliveries are the same notification.

use crate::catalogue::normalise;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// Hex digits of the item's hash. They only have to distinguish the notifications of one entity,
/// and the table bills each started kilobyte.
const CONTENT_LENGTH: usize = 24;
/// Hex digits of the hash of the event's name.
const EVENT_LENGTH: usize = 8;
const HASH_LENGTH: usize = CONTENT_LENGTH + EVENT_LENGTH;
const MAX_ID_LENGTH: usize = 64;
const MAX_KEY_LENGTH: usize = HASH_LENGTH + 1 + MAX_ID_LENGTH;

/// `{24 hex digits of the item's SHA-256}{8 of the event's}.{id}`. The same id, content and event
/// make a duplicate. Any difference makes another notification. The content comes first, so that
/// one query by prefix finds the same content under other events and ids: a replay under altered
/// headers looks like that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NotificationKey(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a notification key is 32 hex digits, a dot, and an id of letters, digits and dashes")]
pub struct InvalidKey;

/// A sender's id from the body or a header, in a form that fits in a key. A UUID gets its usual
/// spelling. Other text of letters, digits and dashes becomes lower case. Everything else becomes a
/// hash, so that two ids stay different.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SenderId(String);

impl SenderId {
    /// `None` for an empty text, and for a UUID of zeros: .NET's default for an id that was never
    /// set.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if let Ok(uuid) = Uuid::try_parse(text) {
            return (!uuid.is_nil()).then(|| Self(uuid.to_string()));
        }
        let fits = text.len() <= MAX_ID_LENGTH && text.chars().all(is_id_char);
        // The prefix distinguishes the hash from a UUID.
        Some(Self(if fits { text.to_ascii_lowercase() } else { format!("h-{}", hex(text.as_bytes(), HASH_LENGTH)) }))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id for feedback, which Visma Net accepts only under a UUID
    /// (docs/visma-net.md#notification-feedback).
    pub fn uuid(&self) -> Option<Uuid> {
        Uuid::try_parse(&self.0).ok()
    }
}

impl From<Uuid> for SenderId {
    fn from(id: Uuid) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NotificationKey {
    /// `event` is the event's name in any spelling. `id` is the sender's, from the body or else
    /// from the header. Characters that do not fit in a key are left out.
    pub fn new(item: &[u8], event: &str, id: Option<&str>) -> Self {
        let mut key = hex(item, CONTENT_LENGTH);
        key.reserve(MAX_KEY_LENGTH - CONTENT_LENGTH);
        key.push_str(&hex(normalise(event).as_bytes(), EVENT_LENGTH));
        key.push('.');
        let id = id.unwrap_or_default().chars().filter(|c| is_id_char(*c)).take(MAX_ID_LENGTH);
        key.extend(id.map(|c| c.to_ascii_lowercase()));
        Self(key)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part from the content, 24 hex digits.
    pub fn content(&self) -> &str {
        &self.0[..CONTENT_LENGTH]
    }

    /// The part from the event, 8 hex digits.
    pub fn event(&self) -> &str {
        &self.0[CONTENT_LENGTH..HASH_LENGTH]
    }

    /// The sender's id, from the body or else from the header. Empty if there was none.
    pub fn id(&self) -> &str {
        &self.0[HASH_LENGTH + 1..]
    }

    /// A short form that distinguishes notifications of the same millisecond: 8 digits of the
    /// content's hash, the event's 8, and the last 12 characters of the id.
    pub fn brief(&self) -> String {
        let id = self.id();
        format!("{}{}{}", &self.0[..8], self.event(), &id[id.len().saturating_sub(12)..])
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
        let hex =
            content.len() == HASH_LENGTH && content.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex && text.len() <= MAX_KEY_LENGTH && id.chars().all(is_id_char) { Ok(Self(text)) } else { Err(InvalidKey) }
    }
}

impl From<NotificationKey> for String {
    fn from(key: NotificationKey) -> Self {
        key.0
    }
}

/// The first hex digits of a SHA-256.
fn hex(bytes: &[u8], digits: usize) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let digest = Sha256::digest(bytes);
    digest[..digits / 2].iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn is_id_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn content_event_and_id_all_count() {
        let key = NotificationKey::new(b"{}", "ACCOUNT_CHANGED", Some("A-1"));
        assert_eq!(key.as_str(), "44136fa355b3678a1146ad16a43cb840.a-1");
        assert_ne!(key, NotificationKey::new(b"{ }", "ACCOUNT_CHANGED", Some("A-1")));
        assert_ne!(key, NotificationKey::new(b"{}", "ACCOUNT_CREATED", Some("A-1")));
        assert_ne!(key, NotificationKey::new(b"{}", "ACCOUNT_CHANGED", Some("A-2")));
        let other = NotificationKey::new(b"{}", "account created", None);
        assert_eq!((key.content(), key.event() == other.event()), (other.content(), false));
    }

    #[test]
    fn an_event_is_the_same_in_every_spelling() {
        let of = |event| NotificationKey::new(b"{}", event, None);
        assert_eq!(of("Account Changed"), of("ACCOUNT_CHANGED"));
    }

    #[test]
    fn no_two_events_of_the_catalogue_have_one_hash() {
        let events: std::collections::HashSet<String> = crate::catalogue::CATALOGUE
            .iter()
            .map(|event| NotificationKey::new(b"{}", event.id, None).event().to_owned())
            .collect();
        assert_eq!(events.len(), crate::catalogue::CATALOGUE.len());
    }

    #[test]
    fn refuses_a_foreign_key() {
        for text in ["", "x", "44136fa3.a", "zz136fa355b3678a1146ad16f7e8649e.a-1"] {
            assert!(NotificationKey::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn cuts_an_id_to_the_greatest_length_of_a_key() {
        let key = |length| NotificationKey::new(b"{}", "", Some(&"a".repeat(length)));
        assert_eq!(key(MAX_ID_LENGTH + 1), key(MAX_ID_LENGTH));
        assert_eq!(NotificationKey::try_from(key(MAX_ID_LENGTH).to_string()), Ok(key(MAX_ID_LENGTH)));
        assert_eq!(NotificationKey::try_from(format!("{}a", key(MAX_ID_LENGTH))), Err(InvalidKey));
    }

    #[test]
    fn a_uuid_is_the_same_id_in_every_spelling() {
        let id = |text| SenderId::new(text).unwrap();
        let usual = "0d4c92f5-5d2c-4b39-9b9c-6d0a3e5a1f10";
        for text in [usual, "0D4C92F5-5D2C-4B39-9B9C-6D0A3E5A1F10", "{0d4c92f5-5d2c-4b39-9b9c-6d0a3e5a1f10}"] {
            assert_eq!((id(text).as_str(), id(text).uuid()), (usual, Uuid::try_parse(usual).ok()), "{text}");
        }
        assert_eq!((id(" Evt-17 ").as_str(), id("Evt-17").uuid()), ("evt-17", None));
        for none in [" ", "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}"] {
            assert_eq!(SenderId::new(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn two_ids_stay_two_whatever_they_are_made_of(one in "[a-c_/ å-]{1,70}", other in "[a-c_/ å-]{1,70}") {
            let id = |text: &str| SenderId::new(text).map(|id| NotificationKey::new(b"{}", "", Some(id.as_str())));
            prop_assert_eq!(id(&one) == id(&other), one.trim() == other.trim());
        }

        #[test]
        fn an_id_read_again_is_the_same(text in ".{0,80}") {
            if let Some(id) = SenderId::new(&text) {
                prop_assert_eq!(SenderId::new(id.as_str()), Some(id));
            }
        }

        #[test]
        fn every_key_we_make_is_one_we_accept(item: Vec<u8>, event in ".{0,20}", id in ".{0,80}") {
            let key = NotificationKey::new(&item, &event, Some(&id));
            prop_assert_eq!(NotificationKey::try_from(key.to_string()).unwrap(), key);
        }

        #[test]
        fn two_are_the_same_when_content_event_and_id_are_and_only_then(
            one in "[ab]{0,2}", other in "[ab]{0,2}", event in "[xX_]{0,2}", other_event in "[xX_]{0,2}",
            id in "[aAb-]{0,2}", other_id in "[aAb-]{0,2}",
        ) {
            let first = NotificationKey::new(one.as_bytes(), &event, Some(&id));
            let second = NotificationKey::new(other.as_bytes(), &other_event, Some(&other_id));
            let same_event = normalise(&event) == normalise(&other_event);
            prop_assert_eq!(first == second, one == other && same_event && id.eq_ignore_ascii_case(&other_id));
            // A query by prefix finds content under other events and ids.
            prop_assert_eq!(second.as_str().starts_with(first.content()), one == other);
        }
    }
}
