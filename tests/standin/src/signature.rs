//! The dispatcher's signature (docs/visma-net.md#delivery-request).

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of `x-vwd-signature-v1`: padded base64 of HMAC-SHA256 over the raw body. The key is
/// the secret's UTF-8 bytes.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn makes_the_published_signatures() {
        assert_eq!(sign("test-secret", b"{}"), "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk=");
        let body = br#"[{"notificationId":"00000000-0000-0000-0000-000000000001","contextId":"1234567","event":"salesorder_changed"}]"#;
        assert_eq!(sign("test-secret", body), "+HjiJivf36BJBZ0BMmj7A8tU/Zt4CLyXcla8qUiDa/c=");
    }
}
