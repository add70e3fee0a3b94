//! The fields that identify an entity.

use crate::catalogue::Entity;

/// The fields that identify an entity. A notification without them is parked as `unidentified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identification {
    /// One visible number, name or id.
    Key,
    /// The order's type and its number, for example `SO/000123` (docs/visma-net.md#resources).
    TypeAndNumber,
    /// None: the event is about the whole company.
    Company,
}

impl Entity {
    /// The fields that a payload must have to identify its entity.
    pub fn identification(self) -> Identification {
        match self {
            Self::Company => Identification::Company,
            Self::SalesOrder => Identification::TypeAndNumber,
            _ => Identification::Key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CATALOGUE;

    #[test]
    fn only_an_event_about_the_company_needs_no_key() {
        let without: Vec<_> =
            CATALOGUE.iter().filter(|e| e.entity.identification() == Identification::Company).collect();
        assert_eq!(without.iter().map(|event| event.id).collect::<Vec<_>>(), ["FIRST_TIME_STARTUP_COMPLETED"]);
    }
}
