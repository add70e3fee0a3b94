#![doc = include_str!("../README.md")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

const LENGTH: usize = 32;

/// What `x-vwd-signature-v1` holds: HMAC-SHA256 of the raw body (reference 1.2).
#[derive(Debug, Clone, Copy)]
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

    /// Whether `secret` made this signature of `body`. The comparison takes the same time wherever it differs. An empty secret
    /// made nothing.
    pub fn is_by(&self, secret: &str, body: &[u8]) -> bool {
        let matches = Self::sign(secret, body).0.ct_eq(&self.0);
        !secret.is_empty() && bool::from(matches)
    }
}

/// The header's form.
impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// Compares two texts in a time that depends on their lengths alone.
pub fn equal_in_constant_time(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reference 7.
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
    fn a_header_of_another_form_is_refused() {
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
    fn an_empty_secret_lets_nobody_in() {
        assert!(!Signature::sign("", b"{}").is_by("", b"{}"));
    }

    proptest! {
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
