//! What a notification has to say for its entity to be known.

use crate::catalogue::Entity;

/// What identifies an entity. A notification that lacks it is parked as `unidentified`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identification {
    /// One visible number, name or id.
    Key,
    /// The order's type and its number, for example `SO/000123` (docs/visma-net.md#resources).
    TypeAndNumber,
    /// Nothing: the event is about the company as a whole.
    Company,
}

impl Entity {
    /// What a payload has to say for us to know which one it is about.
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
