//! The path of an ERP resource from a payload, checked so that it is safe to join to a configured
//! base URL.

use crate::entity::{Entity, Identification};
use crate::text::fits;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::ops::RangeInclusive;

/// Fits a key of 256 bytes with every byte percent-encoded.
const MAX_LENGTH: usize = 1024;
/// Everything except the characters that RFC 3986 says not to encode.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Versions 1 and 2 refuse a segment with one of these. They take it as `b64(...)`
/// (docs/visma-net.md#resources).
const REFUSED: [char; 15] = [':', '/', '?', '#', '[', ']', '@', '&', '*', '+', ';', '%', '\\', '<', '>'];
const BASE64: &str = "b64(";
/// The segment before a stable id in place of a visible number (docs/visma-net.md#resources).
const INTERNAL: &str = "internal";

/// The number of path segments that make an entity's key. Further segments are about a part of it.
/// A version 1 order may also be named without its type; then it is not identified. The number of a
/// supplier's invoice has its type before it, unless it is a standard invoice.
fn key_segments(entity: Entity) -> RangeInclusive<usize> {
    match (entity, entity.identification()) {
        (Entity::SupplierInvoice, _) => 1..=2,
        (_, Identification::Pair) => 2..=2,
        (_, Identification::Key | Identification::Company) => 1..=1,
    }
}

/// The configured base URL of a path (docs/visma-net.md#base-urls).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    Finance,
    SalesOrder,
}

/// A validated path such as `v1/account/1920`: relative, of a known resource, and unable to leave
/// its base URL (docs/visma-net.md#legacy-message). URLs from a payload are never kept. It names an
/// entity or a whole collection: of `v1/project/P1/tasks/10` it keeps `v1/project/P1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourcePath {
    version: u8,
    resource: &'static str,
    entity: Entity,
    /// The decoded parts. Empty for a collection.
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
    #[error("the path names the entity by its internal id")]
    InternalId,
}

impl ResourcePath {
    /// # Errors
    /// The rule that the text broke. The error never repeats the text, which comes from outside.
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
        let (resource, entity) = named(name, segments.clone().count()).ok_or(ResourcePathError::UnknownResource)?;
        let mut key = segments.map(|raw| decode_segment(raw, version)).collect::<Result<Vec<_>, _>>()?;
        if is_internal(&key) {
            return Err(ResourcePathError::InternalId);
        }
        key.truncate(*key_segments(entity).end());
        Ok(Self { version, resource, entity, key })
    }

    /// The resource of `entity` with this `key`, for payloads with a key but no path. `None` if the
    /// ERP has no such resource, or if the key is too long or cannot be part of a path.
    pub fn for_entity(entity: Entity, key: &str) -> Option<Self> {
        // Checked first, since the time of `is_safe` may grow with the square of the length.
        let resource = *entity.resources().first().filter(|_| fits(key))?;
        let version = if entity == Entity::SalesOrder { 3 } else { 1 };
        let key: Vec<String> = key.splitn(*key_segments(entity).end(), '/').map(str::to_owned).collect();
        let is_whole = key_segments(entity).contains(&key.len()) && !is_internal(&key);
        (is_whole && key.iter().all(|segment| is_safe(segment))).then_some(Self { version, resource, entity, key })
    }

    /// The path for a notification about `entity`; `None` if it names another one. The path of a
    /// segment also names its dimension.
    pub(crate) fn about(self, entity: Entity) -> Option<Self> {
        let Self { version, resource, mut key, .. } = self;
        key.truncate(*key_segments(entity).end());
        entity.resources().contains(&resource).then_some(Self { version, resource, entity, key })
    }

    /// Whether the ERP has a resource for this kind of entity.
    pub fn has_resource(entity: Entity) -> bool {
        !entity.resources().is_empty()
    }

    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// The visible number of the entity, for example `1920` or `SO/000123`; `None` for a whole
    /// collection, and for an order without its type.
    pub fn key(&self) -> Option<String> {
        key_segments(self.entity).contains(&self.key.len()).then(|| self.key.join("/"))
    }

    pub fn api(&self) -> Api {
        if self.version == 3 { Api::SalesOrder } else { Api::Finance }
    }
}

/// The encoded path to join to the base URL of [`ResourcePath::api`].
impl fmt::Display for ResourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.api() == Api::SalesOrder {
            f.write_str("api/")?;
        }
        write!(f, "v{}/{}", self.version, self.resource)?;
        self.key.iter().try_for_each(|segment| match self.api() {
            Api::Finance if segment.contains(REFUSED) || segment.starts_with(BASE64) => {
                write!(f, "/{BASE64}{})", URL_SAFE_NO_PAD.encode(segment))
            }
            Api::Finance | Api::SalesOrder => write!(f, "/{}", utf8_percent_encode(segment, SEGMENT)),
        })
    }
}

/// The resource with this name in any case, and the entity that a key of so many segments names.
fn named(name: &str, segments: usize) -> Option<(&'static str, Entity)> {
    let mut all = Entity::ALL.into_iter().filter_map(|entity| {
        let resource = entity.resources().iter().find(|resource| resource.eq_ignore_ascii_case(name))?;
        Some((*resource, entity))
    });
    let first = all.next()?;
    // A segment is below its dimension.
    Some(all.find(|(_, entity)| *key_segments(*entity).start() <= segments).unwrap_or(first))
}

/// Whether a stable id follows in place of a visible number.
fn is_internal(key: &[String]) -> bool {
    key.len() > 1 && key[0].eq_ignore_ascii_case(INTERNAL)
}

/// A payload may contain a key as it is, percent-encoded, or as `b64(...)`. A question mark always
/// begins a query, and some readers take a backslash for a slash, so neither is allowed unencoded.
fn decode_segment(raw: &str, version: u8) -> Result<String, ResourcePathError> {
    if raw.contains(['?', '\\']) {
        return Err(ResourcePathError::Forbidden);
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| ResourcePathError::Forbidden)?;
    let encoded = decoded.strip_prefix(BASE64).and_then(|rest| rest.strip_suffix(')')).filter(|_| version < 3);
    let key = encoded.and_then(|text| String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok());
    let key = key.unwrap_or_else(|| decoded.into_owned());
    if is_safe(&key) { Ok(key) } else { Err(ResourcePathError::Forbidden) }
}

/// Whether a key may be a segment of a path. It is percent-encoded, so it cannot leave its place;
/// but `.` and `..` mean another place even when they are encoded, and a server may decode more
/// than once.
fn is_safe(key: &str) -> bool {
    let mut text = key.to_owned();
    loop {
        let climbs = text.split(['/', '\\']).any(|part| part == "." || part == "..");
        if climbs || text.trim().is_empty() || text.contains(char::is_control) {
            return false;
        }
        match percent_decode_str(&text).decode_utf8() {
            Ok(decoded) if decoded != text => text = decoded.into_owned(),
            _ => return true,
        }
    }
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
    fn a_segment_is_below_its_dimension() {
        let segment = ResourcePath::for_entity(Entity::Segment, "SUBACCOUNT/7").unwrap();
        assert_eq!(segment.to_string(), "v1/dimension/SUBACCOUNT/7");
        for path in ["v1/dimension/SUBACCOUNT/7", "v1/dimension/SUBACCOUNT/7/A1"] {
            assert_eq!(ResourcePath::parse(path).as_ref(), Ok(&segment));
        }
        let dimension = ResourcePath::parse("v1/dimension/SUBACCOUNT").unwrap();
        assert_eq!(segment.about(dimension.entity()).as_ref(), Some(&dimension));
        assert_eq!(dimension.about(Entity::Segment).unwrap().key(), None);
        assert_eq!(ResourcePath::for_entity(Entity::Segment, "7"), None);
    }

    #[test]
    fn the_type_of_a_suppliers_invoice_is_not_its_number() {
        for (path, key) in
            [("v1/supplierInvoice/000123", "000123"), ("v1/supplierInvoice/DebitAdj/000123", "DebitAdj/000123")]
        {
            let parsed = ResourcePath::parse(path).unwrap();
            assert_eq!(parsed.key().as_deref(), Some(key));
            assert_eq!(ResourcePath::for_entity(Entity::SupplierInvoice, key), Some(parsed));
        }
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
    fn refuses_a_path_that_could_leave_the_base_url() {
        for text in [
            "https://evil.example/v1/account/1",
            "//evil.example/v1/account/1",
            "v1/account/../../admin",
            "v1/account/%2e%2e/x",
            "v1/account/.%2E",
            "v1/account/%2e",
            "v1/account/a%2F..%2Fb",
            "v1/account/a%5C..",
            "v1/account/1?x=1",
            "v1/account//1",
            "v1/account/%20",
            "v1/account/%252e%252e",
            "v1/account/%25252e%25252e",
            "v1/account/a%252F%252e%252e",
            "v1/account/1\r\nHost: x",
            "v1/account/%0d%0a",
            "v1/account/%250a",
            "v1/account/a\\b",
            "v1/account/%ff",
            "v1/account/b64(Li4)",
            "v4/account/1",
            "v1/metadata/1",
            "v1",
            "",
        ] {
            assert!(ResourcePath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_every_key_that_the_erp_allows() {
        for (text, key, shown) in [
            ("api/v1/customer/ÅS 1", "ÅS 1", "v1/customer/%C3%85S%201"),
            ("api/v1/inventory/A+B", "A+B", "v1/inventory/b64(QStC)"),
            ("api/v1/inventory/1%2F2", "1/2", "v1/inventory/b64(MS8y)"),
            ("api/v1/inventory/%2F%2Fevil", "//evil", "v1/inventory/b64(Ly9ldmls)"),
            ("api/v1/account/19:20", "19:20", "v1/account/b64(MTk6MjA)"),
            ("api/v1/account/a@b", "a@b", "v1/account/b64(YUBi)"),
            ("api/v1/supplier/(7)~#%", "(7)~#%", "v1/supplier/b64(KDcpfiMl)"),
            ("api/v1/supplier/50%25", "50%", "v1/supplier/b64(NTAl)"),
            ("api/v1/supplier/a%3Fb", "a?b", "v1/supplier/b64(YT9i)"),
            ("api/v1/supplier/a..b", "a..b", "v1/supplier/a..b"),
            ("api/v1/inventory/b64(Oi8_I1tdQCYqKzs)", ":/?#[]@&*+;", "v1/inventory/b64(Oi8_I1tdQCYqKzs)"),
            ("api/v1/inventory/b64(", "b64(", "v1/inventory/b64(YjY0KA)"),
            ("api/v3/SalesOrders/SO/1:2", "SO/1:2", "api/v3/SalesOrders/SO/1%3A2"),
            ("api/v3/SalesOrders/SO/b64(MS8y)", "SO/b64(MS8y)", "api/v3/SalesOrders/SO/b64%28MS8y%29"),
        ] {
            let path = ResourcePath::parse(text).unwrap();
            assert_eq!((path.key().as_deref(), path.to_string().as_str()), (Some(key), shown), "{text}");
        }
    }

    #[test]
    fn a_path_to_a_part_is_about_the_whole() {
        for (text, key, shown) in [
            ("v1/project/P1/tasks/10", "P1", "v1/project/P1"),
            ("v1/salesorder/SO/000123/lines/1", "SO/000123", "v1/salesorder/SO/000123"),
        ] {
            let path = ResourcePath::parse(text).unwrap();
            assert_eq!((path.key().as_deref(), path.to_string().as_str()), (Some(key), shown), "{text}");
        }
    }

    #[test]
    fn an_internal_id_is_not_a_visible_number() {
        assert_eq!(ResourcePath::parse("v1/customer/internal/5"), Err(ResourcePathError::InternalId));
        assert_eq!(ResourcePath::parse("v1/customer/internal").unwrap().key().as_deref(), Some("internal"));
    }

    #[test]
    fn an_order_without_its_type_is_not_identified() {
        assert_eq!(ResourcePath::parse("v1/salesorder/000123").unwrap().key(), None);
        assert_eq!(ResourcePath::for_entity(Entity::SalesOrder, "000123"), None);
    }

    #[test]
    fn reads_a_path_of_at_most_1024_bytes() {
        let path = |length: usize| format!("v1/account/{}", "9".repeat(length - "v1/account/".len()));
        assert!(ResourcePath::parse(&path(MAX_LENGTH)).is_ok());
        assert_eq!(ResourcePath::parse(&path(MAX_LENGTH + 1)), Err(ResourcePathError::TooLong));
    }

    #[test]
    fn makes_no_path_of_a_key_that_means_another_place_or_is_too_long() {
        for key in ["", " ", ".", "..", "1/..", "%2e%2e", "1\n"] {
            assert_eq!(ResourcePath::for_entity(Entity::Account, key), None, "{key}");
        }
        assert_eq!(ResourcePath::for_entity(Entity::Account, &"9".repeat(257)), None);
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
        fn a_parsed_path_stays_below_its_base(text in "(api/)?v[123]/(account|SalesOrders|x)(/[A-Za-z0-9 _.%~@:?#å\\\\-]{0,12}){0,4}") {
            if let Ok(path) = ResourcePath::parse(&text) {
                let base = url::Url::parse("https://erp.example/base/").unwrap();
                let joined = base.join(&path.to_string()).unwrap();
                let below = format!("/base/{path}");
                prop_assert_eq!(joined.path(), below.as_str());
                prop_assert_eq!((joined.query(), joined.fragment(), joined.host_str()), (None, None, Some("erp.example")));
                prop_assert_eq!(ResourcePath::parse(&path.to_string()).unwrap(), path);
            }
        }

        #[test]
        fn a_key_survives_its_path(entity in prop::sample::select(vec![Entity::Customer, Entity::InventoryItem, Entity::Account]), key in "[\\PC]{1,40}|[ +%/:()~#.\\\\A-Zå0-9]{1,12}") {
            if let Some(path) = ResourcePath::for_entity(entity, &key) {
                prop_assert_eq!(path.key(), Some(key.clone()));
                prop_assert_eq!(ResourcePath::parse(&path.to_string()).unwrap().key(), Some(key));
            } else {
                // Refuses only what is empty or means another place.
                prop_assert!(key.trim().is_empty() || key.contains('.') || key.contains('%') || key.contains(char::is_control), "{}", key);
            }
        }

        #[test]
        fn an_order_survives_its_path(order_type in "[A-Z]{2}", number in "[ +%/:()~#A-Zå0-9]{1,12}") {
            let key = format!("{order_type}/{number}");
            if let Some(path) = ResourcePath::for_entity(Entity::SalesOrder, &key) {
                prop_assert_eq!(ResourcePath::parse(&path.to_string()).unwrap().key(), Some(key));
            }
        }
    }
}
