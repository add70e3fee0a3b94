//! Reads a fetched ERP resource. The fields that are not read here are passed on unchanged.

use crate::catalogue::Entity;
use crate::clock::{Clock, Stamp};
use crate::fields::Fields;
use crate::revision::{self, Revision};
use crate::text::{LONGEST_TEXT, cut};
use serde_json::value::RawValue;

/// The longest stable id, in bytes. A longer one is left out: an account's is part of a table key,
/// and a cut one could be another entity's.
const LONGEST_ID: usize = 64;

/// A resource from the ERP. It is parsed once, since such answers are long.
#[derive(Debug, Clone)]
pub struct Resource {
    json: Box<RawValue>,
    modified: Option<Stamp>,
    revision: Revision,
    status: Option<String>,
    ids: Ids,
    is_stock: Option<bool>,
    is_cash: Option<bool>,
}

/// The ERP's own stable id (docs/visma-net.md#resources), and the name of its field.
#[derive(Debug, Clone)]
struct Ids {
    account: Option<String>,
    inventory_item: Option<String>,
    other: Option<String>,
}

#[derive(Debug, thiserror::Error)]
#[error("the answer is no JSON object, or an error")]
pub struct NotAResource;

impl Resource {
    /// `clock` reads times without a zone.
    ///
    /// # Errors
    /// The ERP's answer is not a JSON object, or it is an error, which confirms nothing.
    pub fn parse(json: &str, clock: &Clock) -> Result<Self, NotAResource> {
        let fields = Fields::parse(json).filter(|fields| !is_error(fields)).ok_or(NotAResource)?;
        let id = |name: &str| fields.text(&[name]).filter(|id| id.len() <= LONGEST_ID);
        Ok(Self {
            json: serde_json::from_str(json).map_err(|_| NotAResource)?,
            modified: revision::modified(&fields, clock),
            revision: Revision::read(&fields),
            status: status(&fields),
            ids: Ids { account: id("accountID"), inventory_item: id("inventoryId"), other: id("internalId") },
            is_stock: fields.boolean("stockItem"),
            is_cash: fields.boolean("cashAccount"),
        })
    }

    pub fn json(&self) -> &RawValue {
        &self.json
    }

    /// The resource's version: `lastModifiedDateTime`, or `lastModified` of version 3. `None` if it
    /// cannot be right.
    pub fn modified(&self) -> Option<Stamp> {
        self.modified
    }

    /// The same as text, to measure the ERP's clock.
    pub fn modified_text(&self) -> Option<String> {
        revision::modified_text(&Fields::parse(self.json.get())?)
    }

    /// Adds the ETag header of the answer, for a body without a row version.
    #[must_use]
    pub fn or_etag(self, header: &str) -> Self {
        Self { revision: self.revision.or_etag(header), ..self }
    }

    /// Shows whether anything but the time of modification changed.
    pub fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The status as text. For a version 3 order it is the description. `(cancelled)` or `(hold)`
    /// follows if the order is so and the description does not say it. A long description is cut and
    /// marked.
    pub fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }

    /// The ERP's own stable id of the entity (docs/visma-net.md#resources).
    pub fn internal_id(&self, entity: Entity) -> Option<&str> {
        match entity {
            Entity::Account => self.ids.account.as_deref(),
            Entity::InventoryItem => self.ids.inventory_item.as_deref(),
            _ => self.ids.other.as_deref(),
        }
    }

    /// The difference that an event's name hides: a stock or a non-stock item, a cash account or
    /// not (docs/visma-net.md#notification-types, docs/visma-net.md#windows-in-the-erp).
    pub fn detail(&self, entity: Entity) -> Option<&'static str> {
        match entity {
            Entity::InventoryItem => self.is_stock.map(|stock| if stock { "stock_item" } else { "non_stock_item" }),
            Entity::Account => self.is_cash.filter(|cash| *cash).map(|_| "cash_account"),
            _ => None,
        }
    }
}

/// Whether an answer is an error in a form of the ERP, whatever its status.
pub fn says_error(json: &str) -> bool {
    Fields::parse(json).is_some_and(|fields| is_error(&fields))
}

/// The forms of an error (docs/visma-net.md#errors): of the old gateway, ProblemDetails, and a
/// message alone.
fn is_error(fields: &Fields<'_>) -> bool {
    let has = |name: &str| fields.raw(name).is_some();
    let is_failure = |status: String| status.parse::<u16>().is_ok_and(|code| (400..600).contains(&code));
    ["ExceptionType", "ExceptionMessage", "ExceptionFaultCode"].into_iter().any(has)
        || (has("title") && fields.text(&["status"]).is_some_and(is_failure))
        || (has("message") && fields.iter().count() == 1)
}

/// A text, or version 3's `{description, cancelled, hold}`
/// (docs/visma-net.md#sales-orders-version-3).
fn status(fields: &Fields<'_>) -> Option<String> {
    let object = fields.raw("status").and_then(|raw| Fields::parse(raw.get()));
    let described = object.as_ref().and_then(|object| object.text(&["description"]));
    let description = cut(&described.or_else(|| fields.text(&["status"])).unwrap_or_default(), LONGEST_TEXT);
    let is_set = |flag: &str| object.as_ref().and_then(|object| object.boolean(flag)).unwrap_or_default();
    let is_news = |flag: &&str| is_set(flag) && !description.to_ascii_lowercase().contains(*flag);
    let flags: Vec<&str> = ["cancelled", "hold"].into_iter().filter(is_news).collect();
    let flags = if flags.is_empty() { String::new() } else { format!("({})", flags.join(", ")) };
    let status = format!("{description} {flags}").trim().to_owned();
    (!status.is_empty()).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ticks::Ticks;
    use crate::zone::Zone;
    use serde_json::json;
    use time::macros::datetime;

    fn parse(json: &str) -> Result<Resource, NotAResource> {
        Resource::parse(json, &Clock::new(Zone::UTC, datetime!(2026-11-28 12:00 UTC)))
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
    fn a_version_three_orders_status_adds_cancelled_or_hold() {
        let of = |status: &str| parse(&format!(r#"{{"status": {status}}}"#)).unwrap().status().map(str::to_owned);
        for (status, expected) in [
            (r#"{"description": "Open", "cancelled": false, "hold": false}"#, Some("Open")),
            (r#"{"description": "Open", "cancelled": false, "hold": true}"#, Some("Open (hold)")),
            (r#"{"description": "Open", "cancelled": true, "hold": true}"#, Some("Open (cancelled, hold)")),
            (r#"{"description": "On Hold", "cancelled": false, "hold": true}"#, Some("On Hold")),
            (r#"{"description": "Cancelled", "cancelled": true}"#, Some("Cancelled")),
            (r#"{"description": null, "hold": true}"#, Some("(hold)")),
            (r#"{"description": "", "hold": false}"#, None),
            (r#"{"value": "Open"}"#, Some("Open")),
            ("{}", None),
            ("null", None),
            (r#"["Open"]"#, None),
        ] {
            assert_eq!(of(status).as_deref(), expected, "{status}");
        }
    }

    #[test]
    fn a_long_status_is_cut_and_keeps_what_else_the_order_is() {
        let status = |json: serde_json::Value| parse(&json.to_string()).unwrap().status().map(str::to_owned);
        let (long, cut) = ("å".repeat(500_000), format!("{}…", "å".repeat(LONGEST_TEXT - 1)));
        assert_eq!(status(json!({"status": long})), Some(cut.clone()));
        assert_eq!(status(json!({"status": {"description": long, "hold": true}})), Some(format!("{cut} (hold)")));
    }

    #[test]
    fn an_order_of_version_three_shows_its_time_and_its_row_version() {
        let order = parse(
            r#"{"type": "SO", "orderId": "000101", "lastModified": "2026-11-28T09:00:00.123Z", "version": "AAAAAAAB4kA="}"#,
        )
        .unwrap();
        assert_eq!(order.modified().map(Stamp::at), Some(Ticks::from_datetime(datetime!(2026-11-28 9:00:00.123 UTC))));
        assert_eq!(order.revision().etag.as_deref(), Some("AAAAAAAB4kA="));
    }

    #[test]
    fn reads_the_stable_id_under_each_entitys_own_name() {
        let ids = parse(r#"{"accountID": 1, "inventoryId": 2, "internalId": 3}"#).unwrap();
        for (entity, id) in [(Entity::Account, "1"), (Entity::InventoryItem, "2"), (Entity::Customer, "3")] {
            assert_eq!(ids.internal_id(entity), Some(id), "{entity}");
        }
    }

    #[test]
    fn leaves_out_a_stable_id_that_is_too_long_for_a_table_key() {
        let id = |length| parse(&json!({"accountID": "7".repeat(length)}).to_string()).unwrap().ids.account;
        assert_eq!((id(64), id(65)), (Some("7".repeat(64)), None));
    }

    #[test]
    fn distinguishes_stock_from_non_stock_items() {
        let detail = |json| parse(json).unwrap().detail(Entity::InventoryItem);
        assert_eq!(detail(r#"{"stockItem": true}"#), Some("stock_item"));
        assert_eq!(detail(r#"{"stockItem": false}"#), Some("non_stock_item"));
        assert_eq!(detail("{}"), None);
    }

    #[test]
    fn an_error_in_a_form_of_the_erp_is_no_resource() {
        for error in [
            json!({"ExceptionType": "IPPException", "ExceptionMessage": "No license for this company."}),
            json!({"ExceptionFaultCode": 12027}),
            json!({"type": "about:blank", "title": "Not Found", "status": 404}),
            json!({"message": "An error has occurred."}),
        ] {
            assert!(parse(&error.to_string()).is_err() && says_error(&error.to_string()), "{error}");
        }
        for resource in [
            json!({"number": "1", "message": "Pay soon."}),
            json!({"number": "1", "title": "Manager", "status": "Active"}),
            json!({"type": "SO", "orderId": "1", "status": {"description": "Open"}}),
        ] {
            assert!(parse(&resource.to_string()).is_ok() && !says_error(&resource.to_string()), "{resource}");
        }
    }

    #[test]
    fn rejects_anything_but_an_object() {
        assert!(parse("[]").is_err() && parse("<html>").is_err() && parse("").is_err());
    }
}
