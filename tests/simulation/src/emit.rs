//! Events at Visma Net: entities change, and the dispatcher delivers valid and invalid
//! notifications.

use crate::cargo::{Named, SENT, sort_key};
use crate::faults::Fault;
use crate::model::erp::{Delivery, Nature, STATUSES, Sent, TENANTS};
use crate::model::secrets::PATH_TOKEN;
use crate::model::size::LARGEST_BODY;
use crate::world::World;
use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;
use webhooks_model::{Entity, Ticks};

/// The name of the id in a body.
const ID: &str = "notificationId";
const DISPATCHER: &str = "/hooks/visma/erp";
const HOSTILE_URIS: [&str; 3] =
    ["https://evil.example/v1/salesorder/SO/1", "api/v1/salesorder/../../admin", "//evil.example/v1/account/1920"];

/// The store keeps a longer text in parts.
const LARGEST_PART: usize = 256 * 1024;
/// Sizes of bodies, in bytes, at which something changes. The last is refused.
const SIZES: [usize; 5] = [LARGEST_PART, LARGEST_PART + 1, LARGEST_BODY - 1, LARGEST_BODY, LARGEST_BODY + 1];
/// The most bytes of a body in a story.
const SHOWN: usize = 400;

/// An item of a body, and its expected result.
struct Item {
    body: Value,
    /// `None` if no answer about it is expected.
    id: Option<Uuid>,
    nature: Nature,
    record: Option<usize>,
}

impl World {
    pub(crate) fn something_changes(&mut self) {
        match self.choices.pick(&[6, 4, 3, 4, 2, 1, 1, 2, 2, 3, 2, 1, 1, 2, 2]) {
            0 => self.order_updated(),
            1 => self.deliver_one("ACCOUNT_CHANGED", Entity::Account),
            2 => self.legacy_array(),
            3 => self.action_triggered(),
            4 => self.order_deleted(),
            5 => self.malformed(),
            6 => self.deliver_one(SENT, Entity::Customer),
            7 => self.hostile(),
            8 => self.silently(),
            9 => self.resend(),
            10 => self.told_by_headers(),
            11 => self.account_renumbered(),
            12 => self.of_unknown_shape(),
            13 => self.array(),
            _ => self.several_under_one_id(),
        }
    }

    fn order_updated(&mut self) {
        self.deliver_one("SALESORDER_UPDATED", Entity::SalesOrder);
    }

    fn deliver_one(&mut self, event: &str, entity: Entity) {
        let Some(at) = self.changed(entity) else { return };
        let mut item = self.item(event, at);
        if let Some(size) = self.large_body() {
            item.body["note"] = "".into();
            let rest = size.saturating_sub(item.body.to_string().len());
            item.body["note"] = "x".repeat(rest).into();
        }
        self.dispatch(vec![item], false, Vec::new());
    }

    /// In a few runs, the size of the next body.
    fn large_body(&mut self) -> Option<usize> {
        let often = self.rates.of(Fault::LargeBody) * 4;
        self.choices.chance(often).then(|| SIZES[self.choices.below(SIZES.len())])
    }

    fn array(&mut self) {
        let entities = [Entity::SalesOrder, Entity::Customer, Entity::SalesOrder];
        let changed: Vec<usize> = entities.into_iter().filter_map(|entity| self.changed(entity)).collect();
        let items = changed.into_iter().map(|at| {
            let event =
                if self.erp.records[at].entity == Entity::Customer { "CUSTOMER_CHANGED" } else { "SALESORDER_UPDATED" };
            self.item(event, at)
        });
        let items: Vec<Item> = items.collect();
        // The header has the id of the first item.
        let id = items.first().and_then(|first| first.id);
        let headers = id.map(|id| ("x-vwd-notification-id", id.to_string())).into_iter().collect();
        self.dispatch(items, true, headers);
    }

    /// Several unsigned items of the legacy channel in one body, with or without ids. Sometimes one
    /// is not an object.
    fn legacy_array(&mut self) {
        let mut items = Vec::new();
        for (event, entity) in [("customer_changed", Entity::Customer), ("salesorder_changed", Entity::SalesOrder)] {
            let Some(at) = self.changed(entity) else { continue };
            let mut item = self.item(event, at);
            if self.choices.chance(500) {
                item.id = None;
                item.body.as_object_mut().expect("an object").remove(ID);
            }
            items.push(item);
        }
        if self.choices.chance(200) {
            let number = self.next_number();
            items.push(Item { body: number.into(), id: None, nature: Nature::Unparseable, record: None });
        }
        let body = self.remember(&items, true, Named::default());
        self.deliver(format!("/hooks/visma/legacy/{PATH_TOKEN}"), Vec::new(), body, false);
    }

    /// An array whose items have no ids. All of them came under the id of the header, and the first
    /// has the answer.
    fn several_under_one_id(&mut self) {
        let id = self.new_id();
        let (start, count) = (self.choices.below(3), 2 + self.choices.below(2));
        let tenant = self.choices.below(TENANTS.len());
        let mut items: Vec<Item> = Vec::new();
        for kind in (0..3).cycle().skip(start).take(count) {
            let entity = if kind == 0 { Entity::Customer } else { Entity::SalesOrder };
            let Some(at) = self.changed_of(entity, Some(tenant)) else { continue };
            let mut item = match kind {
                0 => self.item("CUSTOMER_CHANGED", at),
                1 => self.item("SALESORDER_UPDATED", at),
                _ => self.action(at),
            };
            item.body.as_object_mut().expect("an object").remove(ID);
            item.id = items.is_empty().then_some(id);
            items.push(item);
        }
        if items.is_empty() {
            return;
        }
        let headers = vec![("x-vwd-notification-id", id.to_string())];
        let keys = items.iter().map(|item| sort_key(item.body.to_string().as_bytes(), Named::by(&headers)));
        self.checks.shared.insert(id, keys.collect());
        self.dispatch(items, true, headers);
    }

    fn action_triggered(&mut self) {
        let Some(at) = self.changed(Entity::SalesOrder) else { return };
        let item = self.action(at);
        self.dispatch(vec![item], false, Vec::new());
    }

    fn action(&mut self, at: usize) -> Item {
        let mut item = self.item("SALESORDER_UI_CUSTOMACTION", at);
        let (parameter, nature) = match self.choices.pick(&[4, 1, 1, 1]) {
            0 => ("ship", Nature::Plain),
            1 => ("panic", Nature::Panics),
            2 => ("refuse", Nature::Refused),
            _ => ("person", Nature::NeedsPerson),
        };
        item.body["parameter"] = parameter.into();
        item.nature = nature;
        item
    }

    fn order_deleted(&mut self) {
        let Some(at) = self.changed(Entity::SalesOrder) else { return };
        self.erp.records[at].deleted = true;
        let item = Item { nature: Nature::Deletion, ..self.item("SALESORDER_DELETED", at) };
        self.dispatch(vec![item], false, Vec::new());
    }

    fn malformed(&mut self) {
        let mut body = format!("{{\"broken\": {}", self.next_number()).into_bytes();
        if let Some(size) = self.large_body() {
            body.resize(size, b'0');
        }
        let sent = Sent { nature: Nature::Unparseable, id: None, record: None };
        let headers = vec![("x-vwd-event-id", "SALESORDER_UPDATED".to_owned())];
        self.erp.sent.insert(sort_key(&body, Named::by(&headers)), sent);
        self.deliver(DISPATCHER.into(), headers, body, true);
    }

    fn hostile(&mut self) {
        let Some(at) = self.changed(Entity::SalesOrder) else { return };
        let mut item = self.item("SALESORDER_UPDATED", at);
        let key = self.erp.records[at].key.clone();
        let (order_type, number) = key.split_once('/').unwrap_or(("SO", "1"));
        item.body["relativeResourceUri"] = HOSTILE_URIS[self.choices.below(HOSTILE_URIS.len())].into();
        (item.body["orderType"], item.body["orderNumber"]) = (order_type.into(), number.into());
        item.nature = Nature::Unidentified;
        self.dispatch(vec![item], false, Vec::new());
    }

    /// A body with unknown names, so that it identifies no record.
    fn of_unknown_shape(&mut self) {
        let Some(at) = self.changed(Entity::Account) else { return };
        let mut item = self.item("ACCOUNT_UPDATED", at);
        let body = item.body.as_object_mut().expect("an object");
        let key = body.remove("relativeResourceUri");
        body.insert("konto".into(), key.unwrap_or_default());
        item.nature = Nature::Unidentified;
        self.dispatch(vec![item], false, Vec::new());
    }

    /// A change whose webhook is lost.
    fn silently(&mut self) {
        let entity = [Entity::Customer, Entity::SalesOrder, Entity::Account][self.choices.below(3)];
        self.changed(entity);
    }

    /// The accountant presses "Resend notification": the same content, under the same or another id
    /// in the header.
    fn resend(&mut self) {
        if self.erp.deliveries.is_empty() {
            return self.order_updated();
        }
        let at = self.choices.below(self.erp.deliveries.len());
        let mut again = self.erp.deliveries[at].clone();
        if !again.is_signed {
            return;
        }
        // The items of an array may have no other id.
        let names_items = again.body.starts_with(b"[") && !String::from_utf8_lossy(&again.body).contains(ID);
        if !names_items && self.choices.chance(300) {
            let id = self.new_id();
            let old = sort_key(&again.body, Named::by(&again.headers));
            let header = again.headers.iter_mut().find(|(name, _)| *name == "x-vwd-notification-id");
            let Some((_, value)) = header else { return };
            *value = id.to_string();
            let new = sort_key(&again.body, Named::by(&again.headers));
            if let Some(sent) = self.erp.sent.get(&old).filter(|_| old != new).cloned() {
                self.erp.sent.insert(new, Sent { id: sent.id.and(Some(id)), ..sent });
            }
        }
        again.tries = 0;
        again.next_try = Some(self.now);
        self.tell("visma net", || format!("resends delivery {at}"));
        self.erp.deliveries.push(again);
    }

    /// Event, tenant and id are only in headers, which are not signed.
    fn told_by_headers(&mut self) {
        let Some(at) = self.changed(Entity::Customer) else { return };
        let id = self.new_id();
        let mut item = self.item("", at);
        let body = item.body.as_object_mut().expect("an object");
        for name in ["event", "contextId", ID] {
            body.remove(name);
        }
        item.id = Some(id);
        let tenant = TENANTS[self.erp.records[at].tenant].0;
        let headers = vec![("x-vwd-event-id", "CUSTOMER_CHANGED".to_owned()), ("x-vwd-tenant-id", tenant.to_owned())];
        let headers = headers.into_iter().chain([("x-vwd-notification-id", id.to_string())]).collect();
        self.dispatch(vec![item], false, headers);
    }

    fn account_renumbered(&mut self) {
        let Some(at) = self.changed(Entity::Account) else { return };
        let number = self.erp.records[at].key.parse().unwrap_or(1920) + 1;
        self.erp.records[at].key = number.to_string();
        let item = self.item("ACCOUNT_IDENTITY_CHANGED", at);
        self.dispatch(vec![item], false, Vec::new());
    }

    /// Changes one of the entity's records. `None` if all are deleted.
    fn changed(&mut self, entity: Entity) -> Option<usize> {
        self.changed_of(entity, None)
    }

    /// The same for one tenant.
    fn changed_of(&mut self, entity: Entity, tenant: Option<usize>) -> Option<usize> {
        let of_entity = (0..self.erp.records.len()).filter(|at| {
            let record = &self.erp.records[*at];
            record.entity == entity && !record.deleted && tenant.is_none_or(|tenant| record.tenant == tenant)
        });
        let candidates: Vec<usize> = of_entity.collect();
        if candidates.is_empty() {
            return None;
        }
        let at = candidates[self.choices.below(candidates.len())];
        // Two changes never have the same time, so that content is never equal by chance.
        let last = self.erp.records.iter().filter_map(|record| record.modified).max();
        let modified = last.map_or(self.now, |last| self.now.max(last + Duration::milliseconds(1)));
        let record = &mut self.erp.records[at];
        record.modified = Some(modified);
        record.status = (record.status + 1) % STATUSES.len();
        let (key, tenant) = (record.key.clone(), record.tenant);
        self.tell("visma net", || format!("{entity} {key} of tenant {tenant} changes"));
        Some(at)
    }

    fn item(&mut self, event: &str, at: usize) -> Item {
        let id = self.new_id();
        let record = &self.erp.records[at];
        let body = json!({
            "notificationId": id, "contextId": TENANTS[record.tenant].1, "event": event,
            "relativeResourceUri": record.uri(), "status": STATUSES[record.status],
            "timeStamp": record.modified.map(|at| Ticks::from_datetime(at).get()), "source": "User",
        });
        let nature = if event == SENT { Nature::Unmapped } else { Nature::Plain };
        Item { body, id: Some(id), nature, record: Some(at) }
    }

    fn new_id(&mut self) -> Uuid {
        Uuid::from_u128(0xfeed_0000_0000_0000_0000 + u128::from(self.next_number()))
    }

    fn dispatch(&mut self, items: Vec<Item>, as_array: bool, headers: Vec<(&'static str, String)>) {
        let body = self.remember(&items, as_array, Named::by(&headers));
        self.deliver(DISPATCHER.into(), headers, body, true);
    }

    fn remember(&mut self, items: &[Item], as_array: bool, header: Named<'_>) -> Vec<u8> {
        let texts: Vec<String> = items.iter().map(|item| item.body.to_string()).collect();
        for (item, text) in items.iter().zip(&texts) {
            let Item { id, nature, record, .. } = *item;
            self.erp.sent.insert(sort_key(text.as_bytes(), header), Sent { nature, id, record });
        }
        if as_array { format!("[{}]", texts.join(",")).into_bytes() } else { texts.concat().into_bytes() }
    }

    fn deliver(&mut self, path: String, headers: Vec<(&'static str, String)>, body: Vec<u8>, is_signed: bool) {
        let next_try = Some(self.now);
        let at = self.erp.deliveries.len();
        self.tell("visma net", || {
            let (length, start) = (body.len(), &body[..body.len().min(SHOWN)]);
            format!("has delivery {at}, {length} bytes: {}", String::from_utf8_lossy(start))
        });
        self.erp.deliveries.push(Delivery { path, headers, body, is_signed, tries: 0, next_try });
    }

    /// A hostile path in a payload.
    pub(crate) fn hostile_uri(&self) -> Option<String> {
        let uri = |body: &[u8]| {
            serde_json::from_slice::<Value>(body).ok()?["relativeResourceUri"].as_str().map(str::to_owned)
        };
        let uris = self.erp.deliveries.iter().filter_map(|delivery| uri(&delivery.body));
        uris.into_iter().find(|uri| HOSTILE_URIS.contains(&uri.as_str()))
    }
}
