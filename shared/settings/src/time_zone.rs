//! The zone of an API's times that have none of their own.

use serde::{Deserialize, Deserializer};
use webhooks_model::Zone;

/// `None` stands for an unknown name, so that the check can name the field.
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

/// UTC. A zone too far west finds changes late; one too far east loses them.
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
