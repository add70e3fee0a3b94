#![doc = include_str!("../README.md")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

const LENGTH: usize = 32;

/// The value of `x-vwd-signature-v1`: HMAC-SHA256 of the raw body
/// (docs/visma-net.md#delivery-request). Only `Display` shows it. Only [`Signature::is_by`]
/// compares it, in constant time:
///
/// ```compile_fail,E0369
/// # use webhooks_signature::Signature;
/// Signature::sign("secret", b"{}") == Signature::sign("secret", b"{}");
/// ```
#[derive(Clone, Copy)]
pub struct Signature([u8; LENGTH]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signature is the padded base64 of 32 bytes")]
pub struct MalformedSignature;

impl Signature {
    /// # Errors
    /// The header is not 32 bytes of standard base64 with padding.
    pub fn parse(header: &str) -> Result<Self, MalformedSignature> {
        let bytes = STANDARD.decode(header.trim()).map_err(|_| MalformedSignature)?;
        bytes.try_into().map(Self).map_err(|_| MalformedSignature)
    }

    /// The key is the secret's UTF-8 bytes exactly as the portal shows it, not base64-decoded.
    pub fn sign(secret: &str, body: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(body);
        Self(mac.finalize().into_bytes().into())
    }

    /// Whether `secret` made this signature of `body`. Compares in constant time. Always false for
    /// an empty secret.
    pub fn is_by(&self, secret: &str, body: &[u8]) -> bool {
        let matches = Self::sign(secret, body).0.ct_eq(&self.0);
        !secret.is_empty() && bool::from(matches)
    }
}

/// Writes the form of the header.
impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// Hides the value, since a log must not help to repeat a delivery.
impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[signature]")
    }
}

/// Compares two texts in a time that depends only on their lengths.
pub fn equal_in_constant_time(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The vectors of docs/visma-net.md#test-vectors.
    const VECTORS: [(&str, &str); 2] = [
        ("{}", "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="),
        (
            r#"[{"notificationId":"00000000-0000-0000-0000-000000000001","contextId":"1234567","event":"salesorder_changed"}]"#,
            "+HjiJivf36BJBZ0BMmj7A8tU/Zt4CLyXcla8qUiDa/c=",
        ),
    ];

    #[test]
    fn the_published_vectors_verify() {
        for (body, header) in VECTORS {
            assert_eq!(Signature::sign("test-secret", body.as_bytes()).to_string(), header);
            assert!(Signature::parse(header).unwrap().is_by("test-secret", body.as_bytes()));
        }
    }

    #[test]
    fn rejects_a_malformed_header() {
        for header in [
            "",
            "x",
            "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk",
            "AAAA",
            "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk=AAAA",
        ] {
            assert!(Signature::parse(header).is_err(), "{header}");
        }
    }

    #[test]
    fn texts_are_equal_only_when_every_byte_is() {
        for (one, other, expected) in [
            ("", "", true),
            ("token", "token", true),
            ("token", "tokem", false),
            ("token", "toke", false),
            ("", "t", false),
        ] {
            assert_eq!(equal_in_constant_time(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn an_empty_secret_verifies_nothing() {
        assert!(!Signature::sign("", b"{}").is_by("", b"{}"));
    }

    /// Keys of RFC 4231, test cases 2 and 7: one shorter than a block, and one longer, which is
    /// hashed first.
    #[test]
    fn a_key_of_any_length_makes_the_standard_hmac() {
        let hex = |signature: Signature| signature.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(Signature::sign("Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = "k".repeat(131);
        let hashed = sha2::Digest::finalize(<Sha256 as sha2::Digest>::new_with_prefix(&long));
        let mut mac = Hmac::<Sha256>::new_from_slice(&hashed).unwrap();
        mac.update(b"{}");
        assert_eq!(Signature::sign(&long, b"{}").0, <[u8; LENGTH]>::from(mac.finalize().into_bytes()));
    }

    #[test]
    fn a_signature_is_not_shown_by_mistake() {
        let signature = Signature::sign("test-secret", b"{}");
        assert_eq!(format!("{signature:?} {:?}", Some(signature)), "[signature] Some([signature])");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(secret in ".{1,40}", body: Vec<u8>, blanks in "[ \t]{0,3}") {
            let written = Signature::sign(&secret, &body).to_string();
            prop_assert_eq!(written.len(), 44);
            let header = format!("{blanks}{written}{blanks}");
            prop_assert!(Signature::parse(&header).unwrap().is_by(&secret, &body));
        }

        #[test]
        fn a_header_is_refused_or_is_the_one_way_to_write_32_bytes(header in "[A-Za-z0-9+/=_ -]{40,46}") {
            if let Ok(signature) = Signature::parse(&header) {
                prop_assert_eq!(signature.to_string(), header.trim());
            }
        }

        #[test]
        fn where_the_secret_ends_and_the_body_begins_counts(secret in "[a-z]{2,20}", body in "[a-z]{2,20}", at in 1..20_usize) {
            let text = format!("{secret}{body}");
            let (other_secret, other_body) = text.split_at(at.min(text.len() - 1));
            prop_assume!(other_secret != secret);
            prop_assert!(!Signature::sign(&secret, body.as_bytes()).is_by(other_secret, other_body.as_bytes()));
        }

        #[test]
        fn one_changed_bit_anywhere_is_noticed(secret in ".{1,40}", body in proptest::collection::vec(any::<u8>(), 1..200), at: usize, bit in 0..8u8) {
            let signature = Signature::sign(&secret, &body);
            prop_assert!(signature.is_by(&secret, &body));
            let mut altered = body.clone();
            altered[at % body.len()] ^= 1 << bit;
            prop_assert!(!signature.is_by(&secret, &altered));
            let mut forged = signature;
            forged.0[at % LENGTH] ^= 1 << bit;
            prop_assert!(!forged.is_by(&secret, &body));
            let other = format!("{secret}x");
            prop_assert!(!signature.is_by(&other, &body));
        }
    }
}
