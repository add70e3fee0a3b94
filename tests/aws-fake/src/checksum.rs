//! Checksums with which clients detect changed messages.

use md5::{Digest, Md5};
use serde_json::{Map, Value};

/// The checksum of a message's body.
pub(crate) fn of_body(body: &str) -> String {
    hex(&Md5::digest(body))
}

/// The checksum of message attributes, including system attributes, by AWS's rule. The names are in
/// order. Each attribute has its name, its data type, a byte for text (1) or bytes (2), and its
/// value. The length precedes each part in four bytes.
///
///
/// `None` without attributes, or with an attribute that is not text, since nothing here sends
/// bytes.
pub(crate) fn of_attributes(attributes: &Map<String, Value>) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    let mut digest = Md5::new();
    for (name, attribute) in sorted {
        part(&mut digest, name.as_bytes());
        part(&mut digest, attribute["DataType"].as_str()?.as_bytes());
        digest.update([1]);
        part(&mut digest, attribute["StringValue"].as_str()?.as_bytes());
    }
    Some(hex(&digest.finalize()))
}

fn part(digest: &mut Md5, bytes: &[u8]) {
    digest.update((bytes.len() as u32).to_be_bytes());
    digest.update(bytes);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bodys_checksum_matches_the_documented_example() {
        assert_eq!(of_body("This is a test message"), "fafb00f5732ab283681e124bf8747ed1");
    }
    /// Taken from the tests of other implementations, which copied it from AWS.
    #[test]
    fn an_attributes_checksum_matches_aws() {
        let attributes = json!({"timestamp": {"DataType": "Number", "StringValue": "1493147359900"}});
        let checksum = of_attributes(attributes.as_object().unwrap());
        assert_eq!(checksum.as_deref(), Some("235c5c510d26fb653d073faed50ae77c"));
        assert_eq!(of_attributes(&Map::new()), None);
    }
}
