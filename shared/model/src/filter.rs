//! Selects notifications for an operator.

use crate::catalogue::Entity;
use crate::ledger::State;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// The longest span of a filter.
pub const LONGEST_SPAN: Duration = Duration::days(90);

/// Selects notifications received in `from..to` that match all other fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Of every known tenant when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Empty selects any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// The event's name in the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub to: OffsetDateTime,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFilter {
    #[error("`from` must be before `to`")]
    Empty,
    #[error("`from` and `to` may be at most 90 days apart")]
    TooWide,
}

impl Filter {
    /// # Errors
    /// The span is empty or too wide.
    pub fn check(&self) -> Result<(), InvalidFilter> {
        match self.to - self.from {
            span if span <= Duration::ZERO => Err(InvalidFilter::Empty),
            span if span > LONGEST_SPAN => Err(InvalidFilter::TooWide),
            _ => Ok(()),
        }
    }

    /// Whether it selects a notification of its tenants that was received in the span.
    #[must_use]
    pub fn fits(&self, state: State, entity: Entity, event: &str) -> bool {
        (self.states.is_empty() || self.states.contains(&state))
            && self.entity.is_none_or(|own| own == entity)
            && self.event.as_deref().is_none_or(|own| own == event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn filter() -> Filter {
        Filter {
            tenant: Some("t".into()),
            states: vec![State::Dead],
            entity: Some(Entity::Account),
            event: None,
            from: datetime!(2026-11-01 00:00 UTC),
            to: datetime!(2026-11-02 00:00 UTC),
        }
    }

    #[test]
    fn a_filter_selects_what_matches_all_its_fields() {
        let filter = filter();
        assert!(filter.fits(State::Dead, Entity::Account, "ACCOUNT_CHANGED"));
        assert!(!filter.fits(State::Processed, Entity::Account, "ACCOUNT_CHANGED"));
        assert!(!filter.fits(State::Dead, Entity::Customer, "CUSTOMER_CHANGED"));
        let by_event = Filter { event: Some("ACCOUNT_CREATED".into()), states: vec![], ..filter };
        assert!(!by_event.fits(State::Dead, Entity::Account, "ACCOUNT_CHANGED"));
        assert!(by_event.fits(State::Processed, Entity::Account, "ACCOUNT_CREATED"));
    }

    #[test]
    fn a_filter_of_all_tenants_is_read_as_it_was_written() {
        for filter in [filter(), Filter { tenant: None, ..filter() }] {
            let text = serde_json::to_string(&filter).unwrap();
            assert_eq!(text.contains("tenant"), filter.tenant.is_some(), "{text}");
            assert_eq!(serde_json::from_str::<Filter>(&text).unwrap(), filter);
        }
    }

    #[test]
    fn rejects_an_empty_or_reversed_span() {
        assert_eq!(filter().check(), Ok(()));
        assert_eq!(Filter { to: filter().from, ..filter() }.check(), Err(InvalidFilter::Empty));
        assert_eq!(Filter { to: datetime!(2027-11-02 00:00 UTC), ..filter() }.check(), Err(InvalidFilter::TooWide));
    }

    #[test]
    fn accepts_a_span_of_at_most_90_days() {
        let until = |to| Filter { to, ..filter() }.check();
        let longest = filter().from + LONGEST_SPAN;
        assert_eq!(until(longest), Ok(()));
        assert_eq!(until(longest + Duration::NANOSECOND), Err(InvalidFilter::TooWide));
        assert_eq!(until(filter().from - Duration::NANOSECOND), Err(InvalidFilter::Empty));
    }
}
