//! What reading a payload needs of the settings.

use crate::catalogue::EventType;
use crate::mapping::FieldRule;
use crate::resource_path::Api;
use crate::zone::Zone;

/// An item as it was captured has some 300 bytes (docs/visma-net.md#legacy-message), so 1 MiB holds
/// 3,500 of them.
pub const DEFAULT_MAX_ITEMS: usize = 5_000;

/// What the settings know and a payload does not say.
pub trait Directory {
    /// The event that a name means here, beyond the catalogue's own names.
    fn event_alias(&self, name: &str) -> Option<&'static EventType>;
    /// The tenant whose company number (`contextId`) this is.
    fn tenant_of_company(&self, company: &str) -> Option<String>;
    /// The zone of an API's times that name none.
    fn zone(&self, _api: Api) -> Zone {
        Zone::UTC
    }
    /// Where payloads have their fields, beyond the built-in names.
    fn fields(&self) -> &[FieldRule] {
        &[]
    }
    /// How many notifications one body may hold. A body of more is kept as one.
    fn max_items(&self) -> usize {
        DEFAULT_MAX_ITEMS
    }
}

/// Settings that know nothing.
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

    /// Settings that allow so many items.
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
