//! Builds the dispatcher's bodies, headers and signatures from items
//! (docs/visma-net.md#delivery-request, docs/visma-net.md#bodies,
//! docs/visma-net.md#legacy-message).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use sha2::Sha256;
use uuid::Uuid;

use crate::{
    catalogue::{self, Event, Kind, Publisher},
    clock,
    collection::{self, Collection, Fields, text},
    dialect::{Dialect, Resent},
    message::{Channel, Emit, Item, Notification, Sending, Status},
    protocol::Subscription,
    refusal::Refusal,
    world::Company,
};

/// All characters except the unreserved ones of a URL.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One HTTP request, to be sent until it is accepted.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingRequest {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// The dialect of each attempt's own `x-vwd-webhook-timestamp`, if attempts have one.
    pub(crate) stamped: Option<Dialect>,
    /// The id of the subscription.
    pub(crate) subscription: Option<String>,
}

pub(crate) const WEBHOOK_TIMESTAMP: &str = "x-vwd-webhook-timestamp";

/// An item of the body, field by field as captured in docs/visma-net.md#legacy-message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_id: Option<Uuid>,
    context_id: &'a str,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative_resource_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    time_stamp: i64,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
}

/// Stores each item as a notification and builds the requests. Stores nothing unless all can be
/// sent.
pub(crate) fn plan(company: &mut Company, emit: &Emit) -> Result<(Vec<Uuid>, Vec<OutgoingRequest>), Refusal> {
    if emit.items.is_empty() {
        return Err(Refusal::bad_request("There is no item to send."));
    }
    if let Some(index) = emit.sending.order.iter().find(|index| **index >= emit.items.len()) {
        return Err(Refusal::bad_request(format!("There is no item {index}.")));
    }
    for item in &emit.items {
        route(company, &item.event, channel(item, &emit.sending), &emit.sending)?;
    }
    let mut notifications = Vec::with_capacity(emit.items.len());
    for item in &emit.items {
        let notification = describe(company, item, &emit.sending)?;
        company.remember(notification.clone());
        notifications.push(notification);
    }
    let ids = notifications.iter().map(|one| one.notification_id).collect();
    let in_order: Vec<&Notification> = match emit.sending.order.as_slice() {
        [] => notifications.iter().collect(),
        order => order.iter().map(|index| &notifications[*index]).collect(),
    };
    let requests = if emit.sending.batch {
        vec![pack(company, &in_order, &emit.sending)?]
    } else {
        let single = |one: &&Notification| pack(company, std::slice::from_ref(one), &emit.sending);
        in_order.iter().map(single).collect::<Result<_, _>>()?
    };
    Ok((ids, requests))
}

/// Builds the request for a notification that was sent before, unchanged except for its ids, if the
/// dialect says so. Only rows with status Sent can be resent
/// (docs/visma-net.md#webhook-notification-for-account).
pub(crate) fn plan_resend(company: &mut Company, id: Uuid, sending: &Sending) -> Result<OutgoingRequest, Refusal> {
    let known = company.notification(id);
    let mut again = known.cloned().ok_or_else(|| Refusal::not_found(format!("Notification {id} was not found.")))?;
    if again.status != Status::Sent {
        return Err(Refusal::conflict("Only a notification with status Sent can be resent."));
    }
    let (dialect, new) = (company.dialect.clone(), Uuid::new_v4());
    if matches!(dialect.resent, Resent::NewBodyId | Resent::NewId) {
        again.item = dialect.with_id(&again.item, new);
    }
    if matches!(dialect.resent, Resent::NewHeaderId | Resent::NewId) {
        again.notification_id = new;
    }
    let request = pack(company, &[&again], sending)?;
    let is_taken = match dialect.resent {
        Resent::Same => false,
        Resent::NewBodyId => !dialect.feedback_takes_header_id,
        Resent::NewHeaderId | Resent::NewId => true,
    };
    if is_taken {
        company.know_as(new, id);
    }
    Ok(OutgoingRequest { ids: vec![id], ..request })
}

fn channel(item: &Item, sending: &Sending) -> Channel {
    let legacy = catalogue::find(&item.event).is_some_and(|event| event.publisher == Publisher::Legacy);
    let usual = if legacy { Channel::Legacy } else { Channel::Dispatcher };
    sending.channel.unwrap_or(usual)
}

/// The window's row, with the item as it will be sent.
fn describe(company: &mut Company, item: &Item, sending: &Sending) -> Result<Notification, Refusal> {
    let event = catalogue::find(&item.event);
    let collection = event.and_then(|event| event.collection);
    let id = item.notification_id.unwrap_or_else(Uuid::new_v4);
    let ticks = match item.time_stamp {
        Some(ticks) => ticks,
        None => company.next_ticks(),
    };
    let key = item.key.clone().unwrap_or_default();
    let body = collection.and_then(|collection| company.get(collection, &key));
    let or = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    let source = or(&item.source, "User");
    Ok(Notification {
        notification_id: id,
        created_at: clock::now(),
        channel: channel(item, sending),
        event: item.event.clone(),
        entity: event.map_or_else(String::new, |event| event.entity.to_owned()),
        description: collection.zip(body).map(|(collection, body)| collection.label(body)).unwrap_or_default(),
        class: body.map(|body| text(body, "accountClass")).unwrap_or_default(),
        status: Status::Pending,
        success: false,
        user: or(&item.user, "admin"),
        message: or(&item.message, &message(event, &key)),
        item: wire(company, item, event, id, ticks, &source, sending)?,
        source,
        key,
        deliveries: Vec::new(),
        feedback: Vec::new(),
    })
}

fn message(event: Option<&Event>, key: &str) -> String {
    event.map_or_else(String::new, |event| format!("{} {key} {}", event.entity, event.name.to_lowercase()))
}

fn wire(
    company: &Company,
    item: &Item,
    event: Option<&Event>,
    id: Uuid,
    ticks: i64,
    source: &str,
    sending: &Sending,
) -> Result<String, Refusal> {
    let built = event.and_then(|event| event.collection).zip(item.key.as_deref());
    let relative =
        item.relative_resource_uri.clone().or_else(|| built.map(|(collection, key)| relative_uri(collection, key)));
    let dialect = &company.dialect;
    let (event_id, id) =
        (dialect.event(&item.event), if dialect.feedback_takes_header_id { Uuid::new_v4() } else { id });
    let ticks = dialect.ticks(ticks);
    let wire = Wire {
        notification_id: (!sending.omit_notification_id).then_some(id),
        context_id: &company.company_id,
        event: &event_id,
        resource_uri: relative.as_deref().map(resource_uri),
        relative_resource_uri: relative.as_deref(),
        status: item.status.as_deref(),
        time_stamp: ticks,
        source,
        parameter: item.parameter.as_deref(),
    };
    let unwritable = |error| Refusal::bad_request(format!("The item cannot be written: {error}"));
    let mut fields = collection::fields(serde_json::to_value(&wire).map_err(unwritable)?);
    if event.is_some_and(|event| event.kind == Kind::BackgroundResponse) {
        fields.extend(background(company, item));
    }
    fields.extend(item.extra.clone());
    let fields = dialect.write(fields, item.key.as_deref());
    serde_json::to_string(&fields).map_err(unwritable)
}

/// The content of the notice about a finished background operation
/// (docs/visma-net.md#background-results; its exact keys are unknown).
fn background(company: &Company, item: &Item) -> Fields {
    let id = item.key.clone().unwrap_or_default();
    let state = format!("https://api.finance.visma.net/v1/background/{id}");
    let status = company.get(Collection::Background, &id).and_then(|body| body.get("statusCode").cloned());
    Fields::from_iter([
        ("id".to_owned(), id.into()),
        ("statusCode".to_owned(), status.unwrap_or_else(|| 200.into())),
        ("contentLocation".to_owned(), format!("{state}/content").into()),
        ("stateLocation".to_owned(), state.into()),
    ])
}

fn relative_uri(collection: Collection, key: &str) -> String {
    let version = match collection {
        Collection::SalesOrderV3 => "v3",
        _ => "v1",
    };
    let segments = collection.segments(key);
    let key: Vec<_> = segments.map(|segment| utf8_percent_encode(segment, SEGMENT).to_string()).collect();
    format!("api/{version}/{}/{}", collection.served_path(), key.join("/"))
}

/// The old host's URL in messages, which no receiver may fetch (docs/visma-net.md#legacy-message).
fn resource_uri(relative: &str) -> String {
    if relative.starts_with("api/v3/") {
        format!("https://salesorder.visma.net/{relative}")
    } else {
        format!("https://integration.visma.net/API/controller/{relative}")
    }
}

/// The target of a delivery: a subscription, or none for the legacy channel.
fn route<'a>(
    company: &'a Company,
    event: &str,
    channel: Channel,
    sending: &Sending,
) -> Result<Option<&'a Subscription>, Refusal> {
    if channel == Channel::Legacy {
        return match company.legacy_token {
            Some(_) => Ok(None),
            None => Err(Refusal::conflict("The tenant has no legacy token.")),
        };
    }
    let mut subscriptions = company.subscriptions.iter().filter(|one| !company.is_disabled(&one.id));
    let found = match &sending.subscription {
        Some(id) => subscriptions.find(|one| one.id == *id),
        None => subscriptions
            .clone()
            .find(|one| one.event.as_deref() == Some(event))
            .or_else(|| subscriptions.find(|one| one.event.is_none())),
    };
    found.map(Some).ok_or_else(|| Refusal::conflict(format!("The tenant has no live subscription for {event}.")))
}

/// One request for these notifications. Its headers describe the first.
fn pack(company: &Company, notifications: &[&Notification], sending: &Sending) -> Result<OutgoingRequest, Refusal> {
    let first = notifications.first().ok_or_else(|| Refusal::bad_request("A delivery needs an item."))?;
    let subscription = route(company, &first.event, first.channel, sending)?;
    let items: Vec<_> = notifications.iter().map(|one| one.item.as_str()).collect();
    let single = items.len() == 1 && !sending.batch && first.channel == Channel::Dispatcher;
    let body = match &sending.body {
        Some(body) => body.clone(),
        None if single => items.concat(),
        None => format!("[{}]", items.join(",")),
    };
    let mut headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
    let path = match subscription {
        Some(subscription) => {
            let secret = sending.secret.as_ref().unwrap_or(&subscription.secret);
            headers.extend(vwd_headers(company, subscription, first));
            headers.insert("x-vwd-signature-v1".to_owned(), sign(secret, body.as_bytes()));
            format!("/hooks/visma/{}", subscription.route)
        }
        None => {
            let token = company.legacy_token.as_deref().unwrap_or_default();
            format!("/hooks/visma/legacy/{token}")
        }
    };
    for (name, value) in &sending.headers {
        match value {
            Some(value) => headers.insert(name.to_lowercase(), value.clone()),
            None => headers.remove(&name.to_lowercase()),
        };
    }
    Ok(OutgoingRequest {
        ids: notifications.iter().map(|one| one.notification_id).collect(),
        path,
        stamped: (subscription.is_some() && !overridden(sending, WEBHOOK_TIMESTAMP)).then(|| company.dialect.clone()),
        subscription: subscription.map(|subscription| subscription.id.clone()),
        headers,
        body,
    })
}

fn overridden(sending: &Sending, header: &str) -> bool {
    sending.headers.keys().any(|name| name.eq_ignore_ascii_case(header))
}

/// All headers except the signature and the time of sending.
fn vwd_headers(
    company: &Company,
    subscription: &Subscription,
    notification: &Notification,
) -> impl Iterator<Item = (String, String)> {
    let tenant = company.settings.tenant_id.to_string();
    let publisher = catalogue::find(&notification.event).map(|event| event.publisher);
    let application = match publisher {
        Some(Publisher::SalesOrderService) => "visma.net.erp.salesorderservice",
        Some(Publisher::JournalTransaction) => "journaltransaction",
        _ => "vismanetfinancials",
    };
    [
        ("x-vwd-event-id", company.dialect.event(&notification.event)),
        ("x-vwd-notification-id", notification.notification_id.to_string()),
        ("x-vwd-notification-timestamp", company.dialect.timestamp(notification.created_at)),
        ("x-vwd-subscription-id", subscription.id.clone()),
        ("x-vwd-group-id", tenant.clone()),
        ("x-vwd-tenant-id", tenant),
        ("x-vwd-application-id", application.to_owned()),
        ("x-vwd-application-version", "1.0".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
}

/// The value of `x-vwd-signature-v1`: padded base64 of HMAC-SHA256 over the raw body. The key is
/// the secret's UTF-8 bytes.
pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn makes_the_published_signatures() {
        assert_eq!(sign("test-secret", b"{}"), "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk=");
        let body = br#"[{"notificationId":"00000000-0000-0000-0000-000000000001","contextId":"1234567","event":"salesorder_changed"}]"#;
        assert_eq!(sign("test-secret", body), "+HjiJivf36BJBZ0BMmj7A8tU/Zt4CLyXcla8qUiDa/c=");
    }
}
