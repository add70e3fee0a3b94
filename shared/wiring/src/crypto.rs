//! The cryptography that TLS with AWS needs.
//!
//! What rustls offers by default has more: ChaCha20, X25519, Ed25519, and the signing of a client
//! that proves who it is. AWS needs none of it, and it was 4 % of a function's archive.

use ring::rand::{SecureRandom as _, SystemRandom};
use rustls::crypto::ring::{cipher_suite, kx_group};
use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::{Error, SignatureScheme};
use std::sync::Arc;
use webpki::ring as signed;

/// AES-GCM by keys agreed upon with P-256 or P-384, for TLS 1.3 and 1.2. Every service of AWS knows
/// it, and each processor of Lambda has instructions for it.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        kx_groups: vec![kx_group::SECP256R1, kx_group::SECP384R1],
        signature_verification_algorithms: SIGNATURES,
        secure_random: &System,
        key_provider: &NoKeys,
    }
}

/// How a server's certificate and those above it may be signed. The roots of Amazon use RSA and the
/// two curves. The others are for the machine's roots.
const SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        signed::ECDSA_P256_SHA256,
        signed::ECDSA_P256_SHA384,
        signed::ECDSA_P384_SHA256,
        signed::ECDSA_P384_SHA384,
        signed::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        signed::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        signed::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        signed::RSA_PKCS1_2048_8192_SHA256,
        signed::RSA_PKCS1_2048_8192_SHA384,
        signed::RSA_PKCS1_2048_8192_SHA512,
        signed::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        signed::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        signed::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    ],
    // TLS 1.2 names the hash alone, so there a scheme stands for both curves.
    mapping: &[
        (SignatureScheme::ECDSA_NISTP384_SHA384, &[signed::ECDSA_P384_SHA384, signed::ECDSA_P256_SHA384]),
        (SignatureScheme::ECDSA_NISTP256_SHA256, &[signed::ECDSA_P256_SHA256, signed::ECDSA_P384_SHA256]),
        (SignatureScheme::RSA_PSS_SHA512, &[signed::RSA_PSS_2048_8192_SHA512_LEGACY_KEY]),
        (SignatureScheme::RSA_PSS_SHA384, &[signed::RSA_PSS_2048_8192_SHA384_LEGACY_KEY]),
        (SignatureScheme::RSA_PSS_SHA256, &[signed::RSA_PSS_2048_8192_SHA256_LEGACY_KEY]),
        (SignatureScheme::RSA_PKCS1_SHA512, &[signed::RSA_PKCS1_2048_8192_SHA512]),
        (SignatureScheme::RSA_PKCS1_SHA384, &[signed::RSA_PKCS1_2048_8192_SHA384]),
        (SignatureScheme::RSA_PKCS1_SHA256, &[signed::RSA_PKCS1_2048_8192_SHA256]),
    ],
};

#[derive(Debug)]
struct System;

impl SecureRandom for System {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        SystemRandom::new().fill(buffer).map_err(|_| GetRandomFailed)
    }
}

/// A client of AWS signs its requests, and has no certificate of its own.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("clients of AWS have no certificates".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::crypto::ring::default_provider;

    #[test]
    fn knows_all_that_the_usual_provider_knows_but_chacha20_x25519_and_ed25519() {
        let (ours, usual) = (provider(), default_provider());
        let missing = |ours: Vec<String>, usual: Vec<String>| -> Vec<String> {
            usual.into_iter().filter(|one| !ours.contains(one)).collect()
        };
        let suites =
            |of: &CryptoProvider| of.cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
        let groups = |of: &CryptoProvider| of.kx_groups.iter().map(|group| format!("{:?}", group.name())).collect();
        let signatures = |of: &CryptoProvider| {
            let schemes = of.signature_verification_algorithms.supported_schemes();
            schemes.iter().map(|scheme| format!("{scheme:?}")).collect()
        };
        let without_chacha20: Vec<String> = missing(suites(&ours), suites(&usual));
        assert!(without_chacha20.iter().all(|suite| suite.contains("CHACHA20")), "{without_chacha20:?}");
        assert_eq!(missing(groups(&ours), groups(&usual)), ["X25519"]);
        assert_eq!(missing(signatures(&ours), signatures(&usual)), ["ED25519"]);
        let algorithms = |of: CryptoProvider| of.signature_verification_algorithms.all.len();
        assert_eq!(algorithms(ours) + 1, algorithms(usual));
    }

    /// TLS 1.3 verifies with the first algorithm of a scheme only.
    #[test]
    fn verifies_each_scheme_with_the_algorithms_of_the_usual_provider() {
        let verifiers = |of: &CryptoProvider| {
            let mapping = of.signature_verification_algorithms.mapping.iter();
            let known = mapping.filter(|(scheme, _)| *scheme != SignatureScheme::ED25519);
            let ids = known.map(|(scheme, algorithms)| {
                let ids = algorithms.iter().map(|one| (one.public_key_alg_id(), one.signature_alg_id()));
                (*scheme, ids.collect::<Vec<_>>())
            });
            ids.collect::<Vec<_>>()
        };
        assert_eq!(verifiers(&provider()), verifiers(&default_provider()));
    }
}
