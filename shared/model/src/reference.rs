//! A notification's short name, for people to copy and send to each other.

use crate::ledger::LedgerKey;
use sha2::{Digest, Sha256};
use std::fmt;
use time::OffsetDateTime;

/// Crockford's base 32. It leaves out I, L, O and U, which look like other characters.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 26;
/// The bits after the time of receipt.
const TENANT: u32 = 28;
const CONTENT: u32 = 16;
const CHECK: u32 = 36;
const REST: u32 = TENANT + CONTENT + CHECK;

/// 26 characters, like a ULID, so that names sort by the time of receipt. They hold the time in
/// milliseconds (48 bits), then the first bits of three hashes: of the tenant (28), of the content
/// in the key (16), and of the whole key (36). Time, tenant and content locate it in the table's
/// feed; the last hash distinguishes it from others at that place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(u128);

impl Reference {
    #[must_use]
    pub fn of(key: &LedgerKey, received_at: OffsetDateTime) -> Self {
        let millis = u128::try_from(received_at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        let content = key.notification.content().get(..4).and_then(|digits| u128::from_str_radix(digits, 16).ok());
        let whole = format!("{}#{}", key.entity, key.notification);
        let tenant = first_bits(&key.entity.tenant, TENANT) << (CONTENT + CHECK);
        let rest = tenant | (content.unwrap_or_default() << CHECK) | first_bits(&whole, CHECK);
        Self((millis << REST) | rest)
    }

    /// Reads either case, and the letters that look like digits. `None` if it is not such a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != LENGTH {
            return None;
        }
        let digits = text.bytes().map(|character| {
            let character = match character.to_ascii_uppercase() {
                b'I' | b'L' => b'1',
                b'O' => b'0',
                other => other,
            };
            ALPHABET.iter().position(|one| *one == character).and_then(|digit| u128::try_from(digit).ok())
        });
        let digits = digits.collect::<Option<Vec<_>>>()?;
        // 26 digits have two bits more than needed.
        let fits = digits.first().is_some_and(|first| *first < 8);
        let reference = Self(digits.into_iter().fold(0, |value, digit| (value << 5) | digit));
        (fits && reference.time().is_some()).then_some(reference)
    }

    /// The time of receipt, to the millisecond.
    #[must_use]
    pub fn received_at(self) -> OffsetDateTime {
        self.time().unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn time(self) -> Option<OffsetDateTime> {
        let nanos = i128::try_from(self.0 >> REST).ok()?.checked_mul(1_000_000)?;
        OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()
    }

    /// The digits of its tenant, as in [`tenant_digits`].
    #[must_use]
    pub fn tenant(self) -> String {
        digits_of_tenant(self.0 >> (CONTENT + CHECK))
    }

    /// The first digits of its key.
    #[must_use]
    pub fn content(self) -> String {
        format!("{:04x}", (self.0 >> CHECK) & ((1 << CONTENT) - 1))
    }

    /// Whether this is the name of that record, whatever its time of receipt.
    #[must_use]
    pub fn is_of(self, key: &LedgerKey) -> bool {
        Self::of(key, self.received_at()) == self
    }
}

/// The digits of a tenant in a short name.
#[must_use]
pub fn tenant_digits(tenant: &str) -> String {
    digits_of_tenant(first_bits(tenant, TENANT))
}

fn digits_of_tenant(bits: u128) -> String {
    format!("{:07x}", bits & ((1 << TENANT) - 1))
}

/// The first bits of a SHA-256.
fn first_bits(text: &str, bits: u32) -> u128 {
    let digest = Sha256::digest(text.as_bytes());
    let first = digest[..8].iter().fold(0_u128, |value, byte| (value << 8) | u128::from(*byte));
    first >> (64 - bits)
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..LENGTH).rev().try_for_each(|place| {
            let digit = usize::try_from((self.0 >> (5 * place)) & 31).unwrap_or_default();
            write!(f, "{}", char::from(ALPHABET[digit]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entity, EntityId, NotificationKey};
    use proptest::prelude::*;
    use time::Duration;
    use time::macros::datetime;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00:00.25 UTC);

    fn key(tenant: &str, number: &str, body: &str) -> LedgerKey {
        let entity = EntityId { tenant: tenant.into(), entity: Entity::Customer, key: number.into() };
        LedgerKey { entity, notification: NotificationKey::new(body.as_bytes(), "CUSTOMER_UPDATED", Some("a-1")) }
    }

    #[test]
    fn a_name_has_26_characters_for_time_tenant_and_content() {
        let key = key("t-1", "C1013", "{}");
        let reference = Reference::of(&key, NOON);
        assert_eq!(reference.to_string().len(), 26);
        assert_eq!((reference.received_at(), reference.tenant()), (NOON, tenant_digits("t-1")));
        assert!(key.notification.content().starts_with(&reference.content()));
        assert!(reference.is_of(&key));
        assert_eq!(tenant_digits("t-1"), "46e9bc3", "the first digits of its SHA-256");
        // A ULID of that moment has the same digits.
        assert!(reference.to_string().starts_with("01M844DZQT"), "{reference}");
    }

    #[test]
    fn two_records_have_two_names() {
        let one = Reference::of(&key("t-1", "C1013", "{}"), NOON);
        for other in [key("t-2", "C1013", "{}"), key("t-1", "C1014", "{}"), key("t-1", "C1013", "{ }")] {
            assert_ne!(one, Reference::of(&other, NOON), "{other:?}");
            assert!(!one.is_of(&other), "{other:?}");
        }
        let later = Reference::of(&key("t-1", "C1013", "{}"), NOON + Duration::milliseconds(1));
        assert!(later.to_string() > one.to_string() && later.is_of(&key("t-1", "C1013", "{}")));
    }

    #[test]
    fn reads_a_name_in_any_spelling_and_nothing_else() {
        let reference = Reference::of(&key("t-1", "C1013", "{}"), NOON);
        let text = reference.to_string();
        for spelt in [text.to_lowercase(), text.replace('0', "o").replace('1', "l")] {
            assert_eq!(Reference::parse(&spelt), Some(reference), "{spelt}");
        }
        let others = ["", "C1013", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"].map(str::to_owned);
        for other in others.into_iter().chain([text[1..].to_owned(), format!("{}U", &text[1..])]) {
            assert_eq!(Reference::parse(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(tenant in "[a-z0-9-]{1,40}", number in ".{1,20}", body: String, millis in 0_i64..4_000_000_000_000) {
            let key = key(&tenant, &number, &body);
            let reference = Reference::of(&key, OffsetDateTime::UNIX_EPOCH + Duration::milliseconds(millis));
            prop_assert_eq!(Reference::parse(&reference.to_string()), Some(reference));
        }

        #[test]
        fn no_text_does_harm(text in ".{0,40}") {
            let _ = Reference::parse(&text);
        }
    }
}
