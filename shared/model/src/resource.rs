//! What is read out of a fetched ERP resource. Everything else in it is passed on untouched.

use crate::catalogue::Entity;
use crate::clock::{Clock, Stamp};
use crate::fields::Fields;
use serde_json::value::RawValue;

/// A resource as the ERP answered it, read once: such answers are long.
#[derive(Debug, Clone)]
pub struct Resource {
    json: Box<RawValue>,
    modified: Option<Stamp>,
    status: Option<String>,
    ids: Ids,
    is_stock: Option<bool>,
    is_cash: Option<bool>,
}

/// Where a resource says when it was last changed: version 1, and version 3.
const MODIFIED: [&str; 2] = ["lastModifiedDateTime", "lastModified"];

/// The ERP's own stable id (reference 4.3), under the name that an entity gives it.
#[derive(Debug, Clone)]
struct Ids {
    account: Option<String>,
    inventory_item: Option<String>,
    other: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("the resource is no JSON object")]
pub struct NotAnObject;

impl Resource {
    /// Times without a zone are read by `clock`.
    ///
    /// # Errors
    /// The ERP answered something other than a JSON object.
    pub fn parse(json: &str, clock: &Clock) -> Result<Self, NotAnObject> {
        let fields = Fields::parse(json).ok_or(NotAnObject)?;
        Ok(Self {
            json: serde_json::from_str(json).map_err(|_| NotAnObject)?,
            modified: fields.text(&MODIFIED).and_then(|text| clock.read(&text)),
            status: fields.text(&["status"]),
            ids: Ids {
                account: fields.text(&["accountID"]),
                inventory_item: fields.text(&["inventoryId"]),
                other: fields.text(&["internalId"]),
            },
            is_stock: fields.boolean("stockItem"),
            is_cash: fields.boolean("cashAccount"),
        })
    }

    pub fn json(&self) -> &RawValue {
        &self.json
    }

    /// `lastModifiedDateTime`, or `lastModified` of version 3: the resource's version.
    pub fn modified(&self) -> Option<Stamp> {
        self.modified
    }

    /// The same as the ERP wrote it, to measure its clock by.
    pub fn modified_text(&self) -> Option<String> {
        Fields::parse(self.json.get())?.text(&MODIFIED)
    }

    pub fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }

    /// The ERP's own stable id of the entity (reference 4.3).
    pub fn internal_id(&self, entity: Entity) -> Option<&str> {
        match entity {
            Entity::Account => self.ids.account.as_deref(),
            Entity::InventoryItem => self.ids.inventory_item.as_deref(),
            _ => self.ids.other.as_deref(),
        }
    }

    /// What one event name hides: a stock or a non-stock item, a cash account or not (reference 3.1, 3.2).
    pub fn detail(&self, entity: Entity) -> Option<&'static str> {
        match entity {
            Entity::InventoryItem => self.is_stock.map(|stock| if stock { "stock_item" } else { "non_stock_item" }),
            Entity::Account => self.is_cash.filter(|cash| *cash).map(|_| "cash_account"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticks::Ticks;
    use crate::zone::Zone;
    use time::macros::datetime;

    fn parse(json: &str) -> Result<Resource, NotAnObject> {
        Resource::parse(json, &Clock::new(Zone::UTC, datetime!(2026-11-23 12:00 UTC)))
    }

    #[test]
    fn an_account_shows_its_stable_id_its_version_and_whether_it_is_a_cash_account() {
        let account = parse(
            r#"{"accountID": 77, "accountCD": "1920", "cashAccount": true, "lastModifiedDateTime": "2026-11-23T12:00:00.123"}"#,
        )
        .unwrap();
        assert_eq!(account.internal_id(Entity::Account), Some("77"));
        assert_eq!(account.detail(Entity::Account), Some("cash_account"));
        assert_eq!(
            account.modified().map(Stamp::at),
            Some(Ticks::from_datetime(datetime!(2026-11-23 12:00:00.123 UTC)))
        );
    }

    #[test]
    fn a_document_shows_its_status_where_it_has_one() {
        let of = |json| parse(json).unwrap();
        assert_eq!(of(r#"{"status": "On hold"}"#).status(), Some("On hold"));
        assert_eq!(of("{}").status(), None);
    }

    #[test]
    fn the_stable_id_is_read_under_the_name_that_its_entity_gives_it() {
        let ids = parse(r#"{"accountID": 1, "inventoryId": 2, "internalId": 3}"#).unwrap();
        for (entity, id) in [(Entity::Account, "1"), (Entity::InventoryItem, "2"), (Entity::Customer, "3")] {
            assert_eq!(ids.internal_id(entity), Some(id), "{entity}");
        }
    }

    #[test]
    fn stock_and_non_stock_items_are_told_apart() {
        let detail = |json| parse(json).unwrap().detail(Entity::InventoryItem);
        assert_eq!(detail(r#"{"stockItem": true}"#), Some("stock_item"));
        assert_eq!(detail(r#"{"stockItem": false}"#), Some("non_stock_item"));
        assert_eq!(detail("{}"), None);
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        assert!(parse("[]").is_err() && parse("<html>").is_err() && parse("").is_err());
    }
}
