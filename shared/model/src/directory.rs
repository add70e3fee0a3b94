//! The settings that reading a payload needs.

use crate::catalogue::EventType;
use crate::mapping::FieldRule;
use crate::resource_path::Api;
use crate::zone::Zone;

/// A captured item has about 300 bytes (docs/visma-net.md#legacy-message), so 1 MiB holds 3,500 of
/// them.
pub const DEFAULT_MAX_ITEMS: usize = 5_000;

/// Facts from the settings that no payload has.
pub trait Directory {
    /// The event for a name that the catalogue does not have.
    fn event_alias(&self, name: &str) -> Option<&'static EventType>;
    /// The tenant with this company number (`contextId`).
    fn tenant_of_company(&self, company: &str) -> Option<String>;
    /// The zone of an API's times that have none of their own.
    fn zone(&self, _api: Api) -> Zone {
        Zone::UTC
    }
    /// Where payloads have their fields, besides the built-in names.
    fn fields(&self) -> &[FieldRule] {
        &[]
    }
    /// The most notifications in one body. A larger body is kept as one notification.
    fn max_items(&self) -> usize {
        DEFAULT_MAX_ITEMS
    }
}

/// Settings without any content.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDirectory;

impl Directory for NoDirectory {
    fn event_alias(&self, _: &str) -> Option<&'static EventType> {
        None
    }

    fn tenant_of_company(&self, _: &str) -> Option<String> {
        None
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalogue;

    pub(crate) const TENANT: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a001";

    /// Settings with one alias and one company.
    pub(crate) struct OneCompany;

    impl Directory for OneCompany {
        fn event_alias(&self, name: &str) -> Option<&'static EventType> {
            (name == "konto_endret").then(|| catalogue::find("ACCOUNT_CHANGED").unwrap())
        }

        fn tenant_of_company(&self, company: &str) -> Option<String> {
            (company == "1234567").then(|| TENANT.to_owned())
        }

        fn zone(&self, api: Api) -> Zone {
            if api == Api::Finance { Zone::named("Europe/Oslo").unwrap() } else { Zone::UTC }
        }
    }

    /// Settings that allow this many items.
    pub(crate) struct AtMost(pub(crate) usize);

    impl Directory for AtMost {
        fn event_alias(&self, _: &str) -> Option<&'static EventType> {
            None
        }

        fn tenant_of_company(&self, _: &str) -> Option<String> {
            None
        }

        fn max_items(&self) -> usize {
            self.0
        }
    }
}
