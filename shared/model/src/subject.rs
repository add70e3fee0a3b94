//! Finds the entity of a payload. It never guesses: an unidentified payload gets a reason.

use crate::entity::{Entity, Identification};
use crate::fields::Fields;
use crate::ledger::Reason;
use crate::resource_path::ResourcePath;
use crate::text::fits;
use uuid::Uuid;

/// The entity of a payload, as far as it is identified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) key: Option<String>,
    pub(crate) path: Option<ResourcePath>,
    /// Why it cannot be acted on: `Unidentified`, `InvalidPath` or `KeyTooLong`.
    pub(crate) unusable: Option<Reason>,
}

impl Subject {
    /// Takes the key that the settings point to, then the payload's path, then the fields with an
    /// entity's number.
    pub(crate) fn of(entity: Entity, fields: &Fields<'_>, mapped: Option<String>) -> Self {
        if matches!(entity, Entity::Unmapped | Entity::Unparseable) {
            return Self { key: mapped.or_else(|| key_of(entity, fields)).filter(|key| fits(key)), ..Self::default() };
        }
        match (path_of(entity, fields), mapped) {
            (Ok(Some(path)), Some(mapped)) if path.key().as_ref() == Some(&mapped) => {
                Self::new(Some(mapped), Some(path), entity)
            }
            (_, Some(mapped)) => Self::named(entity, Some(mapped)),
            (path, None) => Self::unmapped(entity, fields, path),
        }
    }

    fn unmapped(entity: Entity, fields: &Fields<'_>, path: Result<Option<ResourcePath>, Reason>) -> Self {
        match path {
            Err(reason) => Self::unusable(reason),
            Ok(Some(path)) if path.key().is_some() => Self::new(path.key(), Some(path), entity),
            Ok(_) => Self::named(entity, key_of(entity, fields)),
        }
    }

    fn named(entity: Entity, key: Option<String>) -> Self {
        let path = key.as_deref().and_then(|key| ResourcePath::for_entity(entity, key));
        // A key that cannot be fetched is not one of the ERP's. A long one has a reason of its own.
        let is_strange = key.as_deref().is_some_and(fits) && path.is_none() && ResourcePath::has_resource(entity);
        if is_strange { Self::unusable(Reason::Unidentified) } else { Self::new(key, path, entity) }
    }

    fn new(key: Option<String>, path: Option<ResourcePath>, entity: Entity) -> Self {
        match key {
            Some(key) if !fits(&key) => Self::unusable(Reason::KeyTooLong),
            None if entity.identification() != Identification::Company => Self::unusable(Reason::Unidentified),
            key => Self { key, path, unusable: None },
        }
    }

    fn unusable(reason: Reason) -> Self {
        Self { unusable: Some(reason), ..Self::default() }
    }
}

/// The path, or else that of a URL (docs/visma-net.md#legacy-message,
/// docs/visma-net.md#background-results).
///
/// # Errors
/// The path does not name a resource of the entity. If the ERP has no such resource, the path is
/// ignored, and so is a URL of something else.
fn path_of(entity: Entity, fields: &Fields<'_>) -> Result<Option<ResourcePath>, Reason> {
    if !ResourcePath::has_resource(entity) {
        return Ok(None);
    }
    let read = |text: &str| ResourcePath::parse(text).ok().and_then(|path| path.about(entity));
    let urls = ["resourceUri", "stateLocation", "contentLocation"].into_iter();
    match fields.text(&["relativeResourceUri", "resourcePath"]) {
        Some(text) => read(&text).map(Some).ok_or(Reason::InvalidPath),
        None => Ok(urls.filter_map(|name| fields.text(&[name])).find_map(|url| read(path_in(&url)?))),
    }
}

/// The path of a URL, from its version on. Its host is never asked.
fn path_in(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let versions = ["/v1/", "/v2/", "/v3/"].into_iter();
    let start = versions.filter_map(|version| rest.find(version)).min()?;
    Some(&rest[start + 1..])
}

fn key_of(entity: Entity, fields: &Fields<'_>) -> Option<String> {
    let general = ["entityId", "number", "refNbr", "refNumber", "id"];
    let key = fields.text(entity.key_fields()).or_else(|| {
        let numbers = general.iter().filter_map(|name| fields.text(&[name]));
        // A UUID identifies a record or the notification; people see other numbers.
        numbers.into_iter().find(|number| entity == Entity::BackgroundOperation || Uuid::try_parse(number).is_err())
    })?;
    let before = match entity {
        Entity::SalesOrder => fields.text(&["orderType", "type"]),
        Entity::Segment => fields.text(&["dimensionId"]),
        _ => None,
    };
    Some(match before {
        Some(before) => format!("{before}/{key}"),
        None => key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::CATALOGUE;
    use proptest::prelude::*;
    use serde_json::json;

    fn subject(entity: Entity, body: &serde_json::Value) -> Subject {
        Subject::of(entity, &Fields::parse(&body.to_string()).unwrap(), None)
    }

    fn key(entity: Entity, body: &serde_json::Value) -> Result<String, Reason> {
        let subject = subject(entity, body);
        subject.key.ok_or_else(|| subject.unusable.unwrap_or(Reason::Bug))
    }

    #[test]
    fn an_event_of_an_entity_is_unidentified_without_a_key() {
        for event in CATALOGUE {
            let found = subject(event.entity, &json!({}));
            let expected = (event.entity != Entity::Company).then_some(Reason::Unidentified);
            assert_eq!((found.key, found.path, found.unusable), (None, None, expected), "{}", event.id);
        }
    }

    #[test]
    fn a_body_with_names_that_we_do_not_know_is_unidentified() {
        for body in [
            json!({"tableIdentifier": "Order", "customerNo": 0, "primaryKeys": [{"OrderNo": 9_223_372_036_854_775_807_i64}]}),
            json!({"konto": "1920"}),
            json!({"accountCd": null, "number": "", "id": {}}),
        ] {
            assert_eq!(key(Entity::Account, &body), Err(Reason::Unidentified), "{body}");
        }
    }

    #[test]
    fn an_unusable_path_is_reported_and_not_ignored() {
        for path in [
            "api/v1/customer/5",
            "https://evil.example/v1/account/1",
            "v1/account/../background/1",
            "v9/account/1",
            "v1/account/1?x=1",
            "v1/customer/internal/5",
        ] {
            let body = json!({"relativeResourceUri": path, "accountCd": "1920"});
            assert_eq!(key(Entity::Account, &body), Err(Reason::InvalidPath), "{path}");
        }
    }

    #[test]
    fn a_path_to_a_whole_list_leaves_the_key_to_the_fields() {
        let body = |account| json!({"relativeResourceUri": "api/v1/account", "accountCd": account});
        assert_eq!(key(Entity::Account, &body("1920")).as_deref(), Ok("1920"));
        assert_eq!(key(Entity::Account, &body("")), Err(Reason::Unidentified));
    }

    #[test]
    fn a_url_names_an_entity_by_its_path_only() {
        let operation = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
        let (order, account) = (Entity::SalesOrder, Entity::Account);
        let result = |rest: &str| format!("https://api.finance.visma.net/v1/background/{operation}{rest}");
        for (entity, name, url, expected) in [
            (
                account,
                "resourceUri",
                "https://integration.visma.net/API/controller/api/v1/account/1920".to_owned(),
                "1920",
            ),
            (order, "resourceUri", "https://salesorder.visma.net/api/v3/SalesOrders/SO/1".to_owned(), "SO/1"),
            (Entity::BackgroundOperation, "stateLocation", result(""), operation),
            (Entity::BackgroundOperation, "contentLocation", result("/content"), operation),
        ] {
            let mut body = json!({"reference": "ours", "id": 77});
            body[name] = json!(url);
            let found = subject(entity, &body);
            assert_eq!((found.key.as_deref(), found.unusable), (Some(expected), None), "{url}");
            assert!(found.path.is_some_and(|path| !path.to_string().contains("visma.net")));
        }
        for url in ["https://x.example/v1/customer/5", "https://x.example/v1/account/1?x=1", "v1/account/1", "x://v9/"]
        {
            let body = json!({"resourceUri": url, "accountCd": "1920"});
            assert_eq!(key(account, &body).as_deref(), Ok("1920"), "{url}");
        }
    }

    #[test]
    fn an_order_needs_its_type() {
        assert_eq!(key(Entity::SalesOrder, &json!({"type": "SO", "orderId": "1/2"})).as_deref(), Ok("SO/1/2"));
        assert_eq!(key(Entity::SalesOrder, &json!({"orderId": "000101"})), Err(Reason::Unidentified));
        let path = json!({"relativeResourceUri": "api/v1/salesorder/000101", "type": "SO", "orderId": "000101"});
        assert_eq!(key(Entity::SalesOrder, &path).as_deref(), Ok("SO/000101"));
    }

    #[test]
    fn a_segment_needs_its_dimension() {
        let segment = |body| key(Entity::Segment, &body);
        assert_eq!(segment(json!({"dimensionId": "SUBACCOUNT", "segmentId": 7})).as_deref(), Ok("SUBACCOUNT/7"));
        assert_eq!(segment(json!({"segmentId": 7})), Err(Reason::Unidentified));
        let path = |path: &str| json!({"relativeResourceUri": path});
        assert_eq!(segment(path("api/v1/dimension/SUBACCOUNT/7/A1")).as_deref(), Ok("SUBACCOUNT/7"));
        assert_eq!(segment(path("api/v1/dimension/SUBACCOUNT")), Err(Reason::Unidentified));
    }

    #[test]
    fn a_uuid_is_not_a_number() {
        let uuid = "3fa85f64-5717-4562-b3fc-2c963f66afa6";
        assert_eq!(key(Entity::Account, &json!({"id": uuid})), Err(Reason::Unidentified));
        assert_eq!(key(Entity::Account, &json!({"entityId": uuid, "id": 1920})).as_deref(), Ok("1920"));
        assert_eq!(key(Entity::BackgroundOperation, &json!({"id": uuid})).as_deref(), Ok(uuid));
    }

    #[test]
    fn an_entity_without_a_resource_is_identified_by_its_number() {
        let found = subject(Entity::Voucher, &json!({"refNumber": "B-7", "relativeResourceUri": "v2/voucher/7"}));
        assert_eq!(found, Subject { key: Some("B-7".into()), path: None, unusable: None });
    }

    #[test]
    fn a_key_of_256_bytes_is_kept_and_a_longer_one_is_reported() {
        let number = |length| json!({"accountCd": "9".repeat(length)});
        assert_eq!(key(Entity::Account, &number(256)), Ok("9".repeat(256)));
        assert_eq!(key(Entity::Account, &number(257)), Err(Reason::KeyTooLong));
        let path = |length: usize| json!({"relativeResourceUri": format!("v1/account/{}", "9".repeat(length))});
        assert_eq!(key(Entity::Account, &path(256)), Ok("9".repeat(256)));
        assert_eq!(key(Entity::Account, &path(257)), Err(Reason::KeyTooLong));
    }

    proptest! {
        #[test]
        fn a_key_is_the_same_in_a_field_and_in_a_path(number in "[A-ZÅÄÖa-z0-9+%/:()~#][A-ZÅÄÖa-zåß京0-9 +%/:()~#.-]{0,30}[A-Z0-9]") {
            let in_field = subject(Entity::InventoryItem, &json!({"inventoryNumber": number}));
            if let Some(path) = &in_field.path {
                let in_path = subject(Entity::InventoryItem, &json!({"relativeResourceUri": format!("api/{path}")}));
                prop_assert_eq!(&in_path.key, &Some(number));
                prop_assert_eq!(in_path, in_field);
            } else {
                prop_assert!(number.contains('.') || number.contains('%'), "{}", number);
            }
        }
    }
}
