//! The zone of an API's times that name none.

use serde::{Deserialize, Deserializer};
use webhooks_model::Zone;

/// `None` is a name that no zone has. It is kept, so that the check can name the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeZone(Option<Zone>);

impl TimeZone {
    pub(crate) fn is_known(self) -> bool {
        self.0.is_some()
    }

    pub fn zone(self) -> Zone {
        self.0.unwrap_or_default()
    }
}

/// UTC: a wrong zone to the west of the API's finds changes late, and one to the east loses them.
impl Default for TimeZone {
    fn default() -> Self {
        Self(Some(Zone::UTC))
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Zone::named(&String::deserialize(deserializer)?)))
    }
}
