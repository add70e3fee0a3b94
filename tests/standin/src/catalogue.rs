//! The events of docs/visma-net-events.md. They come from the facts and not from the product's
//! catalogue, so a mistake in that catalogue shows.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::collection::Collection;

const PAGE: &str = include_str!("../../../docs/visma-net-events.md");

/// What happened, according to the event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Created,
    Updated,
    /// Created or updated.
    Changed,
    Deleted,
    /// The visible number changed, the internal id did not.
    IdentityChanged,
    StatusChanged,
    /// A customised action was used.
    Action,
    ValueChanged,
    TaskUpdated,
    Completed,
    BackgroundResponse,
    Voucher,
}

/// The publisher of an event in the portal (docs/visma-net.md#subscriptions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Publisher {
    #[serde(rename = "vismanetfinancials-publisher")]
    Financial,
    #[serde(rename = "visma.net.erp.salesorderservice-publisher")]
    SalesOrderService,
    /// Its technical name is unknown.
    #[serde(rename = "journaltransaction")]
    JournalTransaction,
    /// integration.visma.net, not a publisher of the portal.
    #[serde(rename = "legacy")]
    Legacy,
}

/// One entry of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The assumed value of `x-vwd-event-id`.
    pub id: &'static str,
    pub entity: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    pub publisher: Publisher,
    /// The collection of its resource, if it has one.
    pub collection: Option<Collection>,
}

static EVENTS: LazyLock<Vec<Event>> = LazyLock::new(|| PAGE.split("\n## ").flat_map(section).collect());

/// The events of one section. Its heading names their publisher.
fn section(text: &'static str) -> Vec<Event> {
    let publisher = match text.lines().next() {
        Some("Visma Net Financial") => Publisher::Financial,
        Some("Sales Order service") => Publisher::SalesOrderService,
        Some("Journal transactions") => Publisher::JournalTransaction,
        Some("Legacy webhooks") => Publisher::Legacy,
        _ => return vec![],
    };
    text.lines().filter_map(|line| event(line, publisher)).collect()
}

/// The event of a table's row; `None` for other lines.
fn event(line: &'static str, publisher: Publisher) -> Option<Event> {
    let cells: Vec<&'static str> = line.split('|').map(str::trim).collect();
    let [_, id, entity, name, kind, resource, _] = cells[..] else { return None };
    let id = id.strip_prefix('`')?.strip_suffix('`')?;
    let Ok(kind) = serde_json::from_value::<Kind>(kind.into()) else {
        panic!("tests/standin/src/catalogue.rs: add the kind {kind:?} of {id} to Kind");
    };
    let collection = if entity == "Segment" { Some(Collection::Segment) } else { Collection::of_path(resource) };
    let is_served = collection.is_some() || resource.is_empty();
    assert!(is_served, "tests/standin/src/collection.rs: serve the resource {resource:?} of {id}");
    Some(Event { id, entity, name, kind, publisher, collection })
}

/// All events, publisher by publisher.
pub fn events() -> impl Iterator<Item = &'static Event> {
    EVENTS.iter()
}

/// The event with exactly this id. Ids of the dispatcher and of legacy messages differ only in
/// case.
pub fn find(id: &str) -> Option<&'static Event> {
    events().find(|event| event.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn sends_every_event_of_the_page_and_none_twice() {
        let rows = PAGE.lines().filter(|line| line.starts_with("| `")).count();
        assert!(rows > 50, "{rows}");
        let ids: BTreeSet<_> = events().map(|event| event.id).collect();
        assert_eq!((ids.len(), events().count()), (rows, rows));
    }

    #[test]
    fn an_event_has_the_publisher_of_its_section_and_what_its_row_says() {
        let event = |id| find(id).map(|event| (event.publisher, event.kind, event.collection));
        for (id, publisher, kind, collection) in [
            ("SALES_ORDER_CHANGED", Publisher::Financial, Kind::Changed, Some(Collection::SalesOrder)),
            ("SALESORDER_UPDATED", Publisher::SalesOrderService, Kind::Updated, Some(Collection::SalesOrderV3)),
            ("VOUCHER_RECEIVED", Publisher::JournalTransaction, Kind::Voucher, None),
            ("salesorder_changed", Publisher::Legacy, Kind::StatusChanged, Some(Collection::SalesOrder)),
        ] {
            assert_eq!(event(id), Some((publisher, kind, collection)), "{id}");
        }
    }
}
