//! Makes changes like a user of the ERP, each with its notification.

use serde_json::json;
use uuid::Uuid;

use crate::{
    catalogue::{self, Event, Kind},
    clock,
    collection::{Collection, Fields, STATUSES, text},
    dispatch, emit,
    message::{Change, Changed, Emit, Item},
    refusal::Refusal,
    world::{Company, Shared},
};

/// The results of a change, and its notification.
struct Outcome {
    key: Option<String>,
    resource: Option<Fields>,
    item: Item,
}

/// Applies the change that fits the event, then emits the event.
pub(crate) async fn change_and_emit(world: &Shared, tenant: Uuid, change: &Change) -> Result<Changed, Refusal> {
    let api_url = dispatch::api_url(world)?;
    let event = catalogue::find(&change.event)
        .ok_or_else(|| Refusal::bad_request(format!("The event '{}' is not in the catalogue.", change.event)))?;
    // Under one lock, so that the timestamps of notifications follow the order of the changes.
    let planned = world.company(tenant, |company| {
        let outcome = apply(company, event, change)?;
        let items = vec![outcome.item];
        let (ids, requests) = emit::plan(company, &Emit { items, sending: change.sending.clone() })?;
        Ok((outcome.key, outcome.resource, ids, requests))
    });
    let (key, resource, ids, requests) = planned??;
    let emitted = dispatch::dispatch(world, tenant, api_url, ids, requests, &change.sending).await;
    Ok(Changed { key, resource, emitted })
}

fn apply(company: &mut Company, event: &Event, change: &Change) -> Result<Outcome, Refusal> {
    let mut item = Item {
        event: event.id.to_owned(),
        parameter: change.parameter.clone(),
        source: change.source.clone(),
        user: change.user.clone(),
        ..Item::default()
    };
    let Some(collection) = event.collection else {
        return Ok(without_resource(company, event, change, item));
    };
    let key = match &change.key {
        Some(key) => key.clone(),
        None => collection.fresh_key(company.next_number()),
    };
    let exists = company.get(collection, &key).is_some();
    item.key = Some(key.clone());
    let resource = match event.kind {
        Kind::Created if exists => {
            let message = format!("{} {key} exists already.", collection.path());
            return Err(Refusal::conflict(message));
        }
        Kind::Deleted => {
            let body = company.delete(collection, &key)?;
            item.message = Some(format!("{} {key} deleted", collection.label(&body)));
            None
        }
        Kind::IdentityChanged => {
            ensure(company, collection, &key);
            Some(renumber(company, collection, &key, change, &mut item)?)
        }
        _ => {
            let edited = edit(company, event, collection, &key, change);
            Some(save(company, collection, &key, exists, edited)?)
        }
    };
    if collection.is_document() {
        item.status = resource.as_ref().map(|body| text(body, "status"));
    }
    if event.kind == Kind::Action {
        item.parameter.get_or_insert_with(|| "Send to integration".to_owned());
    }
    Ok(Outcome { key: item.key.clone(), resource, item })
}

fn ensure(company: &mut Company, collection: Collection, key: &str) {
    if company.get(collection, key).is_none() {
        company.put(collection, key, Fields::new());
    }
}

/// An action leaves an existing resource unchanged. Other events create or change it.
fn save(
    company: &mut Company,
    collection: Collection,
    key: &str,
    exists: bool,
    edited: Option<Fields>,
) -> Result<Fields, Refusal> {
    match (exists, edited) {
        (false, edited) => Ok(company.put(collection, key, edited.unwrap_or_default())),
        (true, Some(edited)) => company.patch(collection, key, edited),
        (true, None) => {
            let body = company.get(collection, key).cloned();
            body.ok_or_else(|| Refusal::not_found(format!("{key} was not found.")))
        }
    }
}

/// The fields that the event changes; the caller's fields override them. `None` if the event
/// changes none.
fn edit(company: &mut Company, event: &Event, collection: Collection, key: &str, change: &Change) -> Option<Fields> {
    let now = clock::written(clock::now());
    let current = company.get(collection, key);
    let mut fields = match event.kind {
        Kind::Action if change.set.is_empty() => return None,
        Kind::StatusChanged => {
            let status = change.status.clone();
            let status = status.unwrap_or_else(|| next_status(current).to_owned());
            Fields::from_iter([("status".to_owned(), status.into())])
        }
        Kind::ValueChanged => Fields::from_iter([(
            "values".to_owned(),
            json!([{"valueId": company.next_number().to_string(), "active": true}]),
        )]),
        Kind::TaskUpdated => Fields::from_iter([(
            "tasks".to_owned(),
            json!([{"taskID": "1", "description": "Task", "status": "Active", "changed": now}]),
        )]),
        Kind::BackgroundResponse => Fields::from_iter([
            ("status".to_owned(), "Finished".into()),
            ("statusCode".to_owned(), 200.into()),
            ("finishedUtc".to_owned(), now.into()),
            ("hasResponseContent".to_owned(), true.into()),
        ]),
        _ => Fields::new(),
    };
    if let Some(status) = &change.status {
        fields.insert("status".to_owned(), status.clone().into());
    }
    fields.extend(change.set.clone());
    Some(fields)
}

/// On hold, Open, Completed; a new document starts on hold.
fn next_status(current: Option<&Fields>) -> &'static str {
    let Some(current) = current else {
        return STATUSES[0];
    };
    let status = text(current, "status");
    let at = STATUSES.iter().position(|known| *known == status);
    let next = at.map_or(1, |at| at + 1).min(STATUSES.len() - 1);
    STATUSES[next]
}

/// The window shows the old and the new number
/// (docs/visma-net.md#webhook-notification-for-account).
fn renumber(
    company: &mut Company,
    collection: Collection,
    key: &str,
    change: &Change,
    item: &mut Item,
) -> Result<Fields, Refusal> {
    let fresh = || fresh_key(company, collection);
    let new_key = change.new_key.clone().unwrap_or_else(fresh);
    company.rename(collection, key, &new_key)?;
    item.message = Some(format!("Account number changed from {key} to {new_key}"));
    item.key = Some(new_key.clone());
    company.patch(collection, &new_key, change.set.clone())
}

fn fresh_key(company: &mut Company, collection: Collection) -> String {
    let number = company.next_number();
    collection.fresh_key(number)
}

/// First-time startup, and vouchers, which are identified by `refNumber`
/// (docs/visma-net-events.md#journal-transactions).
fn without_resource(company: &mut Company, event: &Event, change: &Change, mut item: Item) -> Outcome {
    if event.kind == Kind::Voucher {
        let fresh = || format!("V{}", company.next_number());
        let reference = change.key.clone().unwrap_or_else(fresh);
        item.extra.insert("refNumber".to_owned(), reference.clone().into());
        item.key = Some(reference);
    }
    item.extra.extend(change.set.clone());
    item.status = change.status.clone();
    Outcome { key: item.key.clone(), resource: None, item }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::NewTenant;

    fn applied(company: &mut Company, change: &Change) -> Outcome {
        let event = catalogue::find(&change.event).unwrap();
        apply(company, event, change).unwrap()
    }

    #[test]
    fn every_event_of_the_catalogue_can_be_applied() {
        for event in catalogue::events() {
            let mut company = Company::new(NewTenant::default());
            let collection = event.collection;
            if let (Kind::Deleted, Some(collection)) = (event.kind, collection) {
                company.put(collection, "SO/1", Fields::new());
            }
            let key = (event.kind == Kind::Deleted).then(|| "SO/1".to_owned());
            let change = Change { event: event.id.to_owned(), key, ..Change::default() };
            let outcome = applied(&mut company, &change);
            let gone = event.kind == Kind::Deleted || collection.is_none();
            assert_eq!(outcome.resource.is_none(), gone, "{}", event.id);
        }
    }

    #[test]
    fn a_document_moves_through_its_statuses() {
        let mut company = Company::new(NewTenant::default());
        let change = Change::new("AR_INVOICE_STATUS_CHANGED", "AR1");
        let statuses: Vec<_> = (0..4).map(|_| applied(&mut company, &change).item.status.unwrap()).collect();
        assert_eq!(statuses, ["On hold", "Open", "Completed", "Completed"]);
    }

    #[test]
    fn a_renumbered_account_keeps_its_id() {
        let mut company = Company::new(NewTenant::default());
        let before = company.put(Collection::Account, "1920", Fields::new());
        let change = Change { new_key: Some("1925".to_owned()), ..Change::new("ACCOUNT_IDENTITY_CHANGED", "1920") };
        let outcome = applied(&mut company, &change);
        assert_eq!((outcome.key.as_deref(), outcome.item.key.as_deref()), (Some("1925"), Some("1925")));
        let after = outcome.resource.unwrap();
        assert_eq!(after["accountID"], before["accountID"]);
        assert_eq!(after["accountCD"], "1925");
        assert!(company.get(Collection::Account, "1920").is_none());
        assert_eq!(outcome.item.message.unwrap(), "Account number changed from 1920 to 1925");
    }

    #[test]
    fn an_action_changes_nothing_and_carries_its_parameter() {
        let mut company = Company::new(NewTenant::default());
        let before = company.put(Collection::Customer, "C1", Fields::new());
        let outcome = applied(&mut company, &Change::new("CUSTOMER_ACTION_TRIGGERED", "C1"));
        assert_eq!(outcome.resource.unwrap(), before);
        assert_eq!(outcome.item.parameter.unwrap(), "Send to integration");
    }
}
