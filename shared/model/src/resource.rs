//! What is read out of a fetched ERP resource. Everything else in it is passed on untouched.

use crate::catalogue::Entity;
use crate::fields::Fields;
use crate::ticks::Ticks;
use serde_json::value::RawValue;

/// A resource as the ERP answered it.
#[derive(Debug, Clone)]
pub struct Resource {
    json: Box<RawValue>,
}

#[derive(Debug, thiserror::Error)]
#[error("the resource is no JSON object")]
pub struct NotAnObject;

impl Resource {
    /// # Errors
    /// The ERP answered something other than a JSON object.
    pub fn parse(json: &str) -> Result<Self, NotAnObject> {
        if Fields::parse(json).is_none() {
            return Err(NotAnObject);
        }
        let json = serde_json::from_str(json).map_err(|_| NotAnObject)?;
        Ok(Self { json })
    }

    pub fn json(&self) -> &RawValue {
        &self.json
    }

    /// `lastModifiedDateTime`, or `lastModified` of version 3: the resource's version.
    pub fn modified(&self) -> Option<Ticks> {
        Ticks::parse_round_trip(&self.fields().text(&["lastModifiedDateTime", "lastModified"])?)
    }

    pub fn status(&self) -> Option<String> {
        self.fields().text(&["status"])
    }

    /// The ERP's own stable id of the entity (reference 4.3).
    pub fn internal_id(&self, entity: Entity) -> Option<String> {
        let name = match entity {
            Entity::Account => "accountID",
            Entity::InventoryItem => "inventoryId",
            _ => "internalId",
        };
        self.fields().text(&[name])
    }

    /// What one event name hides: a stock or a non-stock item, a cash account or not (reference 3.1, 3.2).
    pub fn detail(&self, entity: Entity) -> Option<&'static str> {
        let fields = self.fields();
        match entity {
            Entity::InventoryItem => {
                fields.boolean("stockItem").map(|stock| if stock { "stock_item" } else { "non_stock_item" })
            }
            Entity::Account => fields.boolean("cashAccount").filter(|cash| *cash).map(|_| "cash_account"),
            _ => None,
        }
    }

    fn fields(&self) -> Fields<'_> {
        Fields::parse(self.json.get()).expect("checked when it was parsed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_shows_its_stable_id_its_version_and_whether_it_is_a_cash_account() {
        let account = Resource::parse(
            r#"{"accountID": 77, "accountCD": "1920", "cashAccount": true, "lastModifiedDateTime": "2026-11-23T12:00:00.123"}"#,
        )
        .unwrap();
        assert_eq!(account.internal_id(Entity::Account).as_deref(), Some("77"));
        assert_eq!(account.detail(Entity::Account), Some("cash_account"));
        assert_eq!(account.modified(), Ticks::parse_round_trip("2026-11-23T12:00:00.123Z"));
    }

    #[test]
    fn a_document_shows_its_status_where_it_has_one() {
        let status = |json| Resource::parse(json).unwrap().status();
        assert_eq!(status(r#"{"status": "On hold"}"#).as_deref(), Some("On hold"));
        assert_eq!(status("{}"), None);
    }

    #[test]
    fn the_stable_id_is_read_under_the_name_that_its_entity_gives_it() {
        let ids = Resource::parse(r#"{"accountID": 1, "inventoryId": 2, "internalId": 3}"#).unwrap();
        for (entity, id) in [(Entity::Account, "1"), (Entity::InventoryItem, "2"), (Entity::Customer, "3")] {
            assert_eq!(ids.internal_id(entity).as_deref(), Some(id), "{entity}");
        }
    }

    #[test]
    fn stock_and_non_stock_items_are_told_apart() {
        let detail = |json| Resource::parse(json).unwrap().detail(Entity::InventoryItem);
        assert_eq!(detail(r#"{"stockItem": true}"#), Some("stock_item"));
        assert_eq!(detail(r#"{"stockItem": false}"#), Some("non_stock_item"));
        assert_eq!(detail("{}"), None);
    }

    #[test]
    fn anything_but_an_object_is_refused() {
        assert!(Resource::parse("[]").is_err() && Resource::parse("<html>").is_err() && Resource::parse("").is_err());
    }
}
