//! The path of an ERP resource, taken from a payload and made safe to join to a configured base URL.

use crate::catalogue::Entity;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;

const MAX_LENGTH: usize = 512;
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// First path segments that name a resource (reference 4.3), with the entity each belongs to.
const RESOURCES: &[(&str, Entity)] = &[
    ("account", Entity::Account),
    ("customer", Entity::Customer),
    ("employee", Entity::Employee),
    ("inventory", Entity::InventoryItem),
    ("supplier", Entity::Supplier),
    ("project", Entity::Project),
    ("projectbasic", Entity::Project),
    ("salesorder", Entity::SalesOrder),
    ("SalesOrders", Entity::SalesOrder),
    ("purchaseorder", Entity::PurchaseOrder),
    ("customerinvoice", Entity::CustomerInvoice),
    ("supplierinvoice", Entity::SupplierInvoice),
    ("shipment", Entity::Shipment),
    ("dimension", Entity::Dimension),
    ("segment", Entity::Segment),
    ("background", Entity::BackgroundOperation),
];

/// Which configured base URL a path is joined to (reference 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    Finance,
    SalesOrder,
}

/// A validated path such as `v1/account/1920`: relative, of a known resource, free of anything that could leave its base URL
/// (reference 8.3). No URL from a payload is ever kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePath {
    version: u8,
    resource: &'static str,
    entity: Entity,
    key: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourcePathError {
    #[error("the path is longer than {MAX_LENGTH} bytes")]
    TooLong,
    #[error("the path does not start with v1, v2 or v3")]
    Version,
    #[error("the path has a character or sequence that is not allowed")]
    Forbidden,
    #[error("the path does not name a known resource")]
    UnknownResource,
}

impl ResourcePath {
    /// # Errors
    /// Says which rule the text broke; never repeats the text, which is a stranger's.
    pub fn parse(text: &str) -> Result<Self, ResourcePathError> {
        if text.len() > MAX_LENGTH {
            return Err(ResourcePathError::TooLong);
        }
        let text = text.strip_prefix('/').unwrap_or(text);
        let text = text.strip_prefix("api/").unwrap_or(text);
        let mut segments = text.split('/');
        let version = match segments.next() {
            Some("v1") => 1,
            Some("v2") => 2,
            Some("v3") => 3,
            _ => return Err(ResourcePathError::Version),
        };
        let name = segments.next().ok_or(ResourcePathError::UnknownResource)?;
        let (resource, entity) = RESOURCES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .copied()
            .ok_or(ResourcePathError::UnknownResource)?;
        let key = segments.map(decode_segment).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { version, resource, entity, key })
    }

    /// The resource of `entity` under `key`, for payloads that carry a key but no path. `None` where the ERP has no such resource.
    pub fn for_entity(entity: Entity, key: &str) -> Option<Self> {
        let (resource, version) = match entity {
            Entity::SalesOrder => ("SalesOrders", 3),
            other => (RESOURCES.iter().find(|(_, e)| *e == other)?.0, 1),
        };
        let key: Vec<String> = key.split('/').map(str::to_owned).collect();
        key.iter().all(|segment| is_safe(segment)).then_some(Self { version, resource, entity, key })
    }

    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// The visible number of the entity, for example `1920` or `SO/000123`; `None` for a whole collection.
    pub fn key(&self) -> Option<String> {
        (!self.key.is_empty()).then(|| self.key.join("/"))
    }

    pub fn api(&self) -> Api {
        if self.version == 3 { Api::SalesOrder } else { Api::Finance }
    }
}

/// The path as it is joined to the base URL of [`ResourcePath::api`], percent-encoded.
impl fmt::Display for ResourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.api() == Api::SalesOrder {
            f.write_str("api/")?;
        }
        write!(f, "v{}/{}", self.version, self.resource)?;
        self.key.iter().try_for_each(|segment| write!(f, "/{}", utf8_percent_encode(segment, SEGMENT)))
    }
}

fn decode_segment(raw: &str) -> Result<String, ResourcePathError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " _.%~-".contains(c);
    if !raw.chars().all(plain) {
        return Err(ResourcePathError::Forbidden);
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| ResourcePathError::Forbidden)?;
    if is_safe(&decoded) { Ok(decoded.into_owned()) } else { Err(ResourcePathError::Forbidden) }
}

/// A decoded segment may not be empty, climb, split, or start anything that a URL parser reads as more than a path. A percent
/// sign left after decoding would be decoded a second time further on.
fn is_safe(segment: &str) -> bool {
    let forbidden = |c: char| c.is_control() || "/\\?#@:%".contains(c);
    !segment.trim().is_empty() && segment != "." && !segment.contains("..") && !segment.contains(forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_captured_legacy_path_loses_its_api_prefix() {
        let path = ResourcePath::parse("api/v1/salesorder/SO/000123").unwrap();
        assert_eq!(path.to_string(), "v1/salesorder/SO/000123");
        assert_eq!(path.key().as_deref(), Some("SO/000123"));
        assert_eq!(path.entity(), Entity::SalesOrder);
        assert_eq!(path.api(), Api::Finance);
    }

    #[test]
    fn version_three_sales_orders_live_on_their_own_host() {
        let path = ResourcePath::parse("api/v3/SalesOrders/SO/1").unwrap();
        assert_eq!((path.api(), path.to_string().as_str()), (Api::SalesOrder, "api/v3/SalesOrders/SO/1"));
        assert_eq!(ResourcePath::for_entity(Entity::SalesOrder, "SO/1"), Some(path));
    }

    #[test]
    fn letters_outside_ascii_survive_percent_encoding() {
        let path = ResourcePath::parse("v1/customer/%C3%85S%20AS").unwrap();
        assert_eq!(path.key().as_deref(), Some("ÅS AS"));
        assert_eq!(path.to_string(), "v1/customer/%C3%85S%20AS");
    }

    #[test]
    fn whatever_could_leave_the_base_url_is_refused() {
        for text in [
            "https://evil.example/v1/account/1",
            "//evil.example/v1/account/1",
            "v1/account/../../admin",
            "v1/account/%2e%2e/x",
            "v1/account/%2F%2Fevil",
            "v1/account/1?x=1",
            "v1/account/1#x",
            "v1/account/a@b",
            "v1/account/a:b",
            "v1/account//1",
            "v1/account/%252e%252e",
            "v1/account/1\r\nHost: x",
            "v1/account/%0d%0a",
            "v1/account/a\\b",
            "v4/account/1",
            "v1/metadata/1",
            "v1",
            "",
        ] {
            assert!(ResourcePath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_of_512_bytes_is_read_and_a_longer_one_is_not() {
        let path = |length: usize| format!("v1/account/{}", "9".repeat(length - "v1/account/".len()));
        assert!(ResourcePath::parse(&path(MAX_LENGTH)).is_ok());
        assert_eq!(ResourcePath::parse(&path(MAX_LENGTH + 1)), Err(ResourcePathError::TooLong));
    }

    #[test]
    fn a_key_that_is_no_plain_path_makes_no_path() {
        for key in ["", " ", ".", "..", "1//2", "a?b", "a%2fb", "1/..", "1\n"] {
            assert_eq!(ResourcePath::for_entity(Entity::Account, key), None, "{key}");
        }
        assert_eq!(ResourcePath::for_entity(Entity::Voucher, "1"), None);
        assert_eq!(ResourcePath::for_entity(Entity::Account, "19.20").unwrap().to_string(), "v1/account/19.20");
    }

    #[test]
    fn each_version_is_read_and_a_whole_collection_has_no_key() {
        for (text, shown) in [("/api/v1/account", "v1/account"), ("v2/Account", "v2/account")] {
            let path = ResourcePath::parse(text).unwrap();
            assert_eq!((path.key(), path.to_string().as_str()), (None, shown));
        }
    }

    proptest! {
        #[test]
        fn a_parsed_path_stays_below_its_base(text in "(api/)?v[123]/(account|SalesOrders|x)(/[A-Za-z0-9 _.%~@:?#-]{0,12}){0,4}") {
            if let Ok(path) = ResourcePath::parse(&text) {
                let shown = path.to_string();
                prop_assert!(!shown.contains("..") && !shown.contains("//") && !shown.contains(['?', '#', '@', ':']));
                prop_assert_eq!(ResourcePath::parse(&shown).unwrap(), path);
            }
        }
    }
}
