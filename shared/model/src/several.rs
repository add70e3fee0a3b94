//! All notifications of a delivery: which items are equal, whose id the header has, and which one is
//! answered under an id that they share.

use crate::delivery::{AnswerRole, Delivery, MalformedMessage};
use crate::directory::Directory;
use crate::entity::Entity;
use crate::identity::NotificationKey;
use crate::items::Items;
use crate::notification::{Notification, unreadable};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

impl Notification {
    /// Each notification of a message of the notifications queue.
    ///
    /// # Errors
    /// The message was not written by [`Delivery::to_message`].
    pub fn all_in(message: &str, directory: &impl Directory) -> Result<Vec<Self>, MalformedMessage> {
        Ok(Self::all_of(&Delivery::from_message(message)?, directory))
    }

    /// Each notification of a delivery. An unreadable body, or one with too many items, is one.
    pub fn all_of(delivery: &Delivery, directory: &impl Directory) -> Vec<Self> {
        let mut all: Vec<Self> = match delivery.items_within(directory.max_items()) {
            Items::Few(items) => items.into_iter().map(|item| Self::read(delivery, item, directory)).collect(),
            Items::TooMany => vec![Self::too_many(delivery)],
            Items::Unreadable => vec![Self::unparseable(delivery, &unreadable(&delivery.body))],
        };
        match (&delivery.meta.replays, all.as_mut_slice()) {
            (Some(record), [only]) => {
                only.answer = delivery.meta.answer_role;
                only.keep_number(&record.notification);
            }
            _ => {
                tell_apart(&mut all);
                drop_repetitions(&mut all);
                drop_ids_of_others(&mut all);
                share_answers(&mut all);
            }
        }
        all
    }
}

/// Numbers equal items of one delivery that have no ids of their own, from the second on.
fn tell_apart(all: &mut [Notification]) {
    let mut copies: HashMap<NotificationKey, usize> = HashMap::new();
    for n in all.iter_mut().filter(|n| n.id_in_body.is_none()) {
        let copy = copies.entry(n.key.clone()).or_default();
        *copy += 1;
        if *copy > 1 {
            *n = n.clone().with_key(Some(*copy));
        }
    }
}

/// An item under the same id of its own and with the same content is the same notification.
fn drop_repetitions(all: &mut Vec<Notification>) {
    let mut keys = HashSet::new();
    all.retain(|n| keys.insert(n.ledger_key()));
}

/// The header names one notification. In a delivery of several it is not the id of those that have
/// their own: an answer under it would reach the accountant as another notification's.
fn drop_ids_of_others(all: &mut [Notification]) {
    if all.len() == 1 {
        return;
    }
    for n in all {
        let own = n.id_in_body.as_ref().filter(|own| own.uuid().is_some());
        if own.is_some() && own != n.id_in_header.as_ref() {
            n.id_in_header = None;
        }
    }
}

/// The first item that can be read has the answer of all.
fn share_answers(all: &mut [Notification]) {
    let mut firsts: HashMap<Uuid, (usize, usize)> = HashMap::new();
    for (at, n) in all.iter().enumerate() {
        let Some(id) = n.answer_id() else { continue };
        let (count, first) = firsts.entry(id).or_insert((0, at));
        *count += 1;
        if all[*first].entity == Entity::Unparseable {
            *first = at;
        }
    }
    for (at, n) in all.iter_mut().enumerate() {
        if let Some((_, first)) = n.answer_id().map(|id| firsts[&id]).filter(|(count, _)| *count > 1) {
            n.answer = if first == at { AnswerRole::ForAll } else { AnswerRole::ByFirst };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::delivery;
    use crate::directory::tests::{AtMost, OneCompany, TENANT};
    use crate::feedback::Address;
    use crate::ledger::Reason;

    const ID: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

    #[test]
    fn a_message_has_the_items_of_its_delivery_and_a_foreign_one_has_none() {
        let delivery = delivery(br#"[5,{"event":"ACCOUNT_CHANGED","accountCd":"1"}]"#);
        let all = Notification::all_in(&delivery.to_message(), &OneCompany).unwrap();
        assert_eq!((all.len(), all), (2, Notification::all_of(&delivery, &OneCompany)));
        assert!(Notification::all_in("a foreign message", &OneCompany).is_err());
    }

    #[test]
    fn equal_items_are_numbered_from_the_second_on() {
        let item = r#"{"event":"ACCOUNT_CHANGED","accountCd":"1"}"#;
        let mut delivery = delivery(format!("[{item},{item},{item}]").as_bytes());
        delivery.meta.headers.insert("x-vwd-notification-id".into(), "4711".into());
        let all = Notification::all_of(&delivery, &OneCompany);
        assert_eq!(all.iter().map(|n| n.key.id()).collect::<Vec<_>>(), ["4711", "2-4711", "3-4711"]);
    }

    #[test]
    fn an_item_that_is_repeated_under_its_own_id_is_one_notification_and_has_its_own_answer() {
        let item = format!(r#"{{"notificationId":"{ID}","event":"ACCOUNT_CHANGED","accountCd":"1"}}"#);
        let other = item.replace("\"1\"", "\"2\"");
        let all = Notification::all_of(&delivery(format!("[{item},{item}]").as_bytes()), &OneCompany);
        assert_eq!(all.iter().map(|n| n.answer).collect::<Vec<_>>(), [AnswerRole::Own]);
        let all = Notification::all_of(&delivery(format!("[{item},{other},{item}]").as_bytes()), &OneCompany);
        assert_eq!(all.iter().map(|n| n.answer).collect::<Vec<_>>(), [AnswerRole::ForAll, AnswerRole::ByFirst]);
    }

    #[test]
    fn the_first_item_that_can_be_read_has_the_answer_of_all() {
        let item = |key| format!(r#"{{"event":"ACCOUNT_CHANGED","accountCd":"{key}"}}"#);
        let mut delivery = delivery(format!("[5,{},{}]", item("1"), item("2")).as_bytes());
        delivery.meta.headers.insert("x-vwd-notification-id".into(), Uuid::from_u128(1).to_string());
        let all = Notification::all_of(&delivery, &OneCompany);
        use AnswerRole::{ByFirst, ForAll};
        assert_eq!(all.iter().map(|n| n.answer).collect::<Vec<_>>(), [ByFirst, ForAll, ByFirst]);
    }

    #[test]
    fn items_of_one_array_without_ids_are_distinct_and_answered_once() {
        let item = r#"{"event":"ACCOUNT_CHANGED","accountCd":"1"}"#;
        let own = format!(r#"{{"notificationId":"{}","event":"ACCOUNT_CHANGED","accountCd":"1"}}"#, Uuid::from_u128(9));
        let mut delivery = delivery(format!("[{item},{item},{own},{item}]").as_bytes());
        delivery.meta.headers.insert("x-vwd-notification-id".into(), ID.into());
        let all = Notification::all_of(&delivery, &OneCompany);
        let keys: HashSet<_> = all.iter().map(|n| n.key.as_str()).collect();
        assert_eq!(keys.len(), 4);
        use AnswerRole::{ByFirst, ForAll, Own};
        assert_eq!(all.iter().map(|n| n.answer).collect::<Vec<_>>(), [ForAll, ByFirst, Own, ByFirst]);
        let again = Notification::all_of(&delivery, &OneCompany);
        assert_eq!(again.iter().map(|n| &n.key).collect::<Vec<_>>(), all.iter().map(|n| &n.key).collect::<Vec<_>>());
    }

    #[test]
    fn answers_each_item_of_an_array_under_its_own_id_alone() {
        let own: Vec<Uuid> = (1..=3).map(Uuid::from_u128).collect();
        let item = |id: &Uuid| format!(r#"{{"notificationId":"{id}","event":"ACCOUNT_CHANGED","accountCd":"1"}}"#);
        let ids_of = |body: String, header: Uuid| -> Vec<Vec<Uuid>> {
            let mut delivery = delivery(body.as_bytes());
            delivery.meta.headers.insert("x-vwd-notification-id".into(), header.to_string());
            let all = Notification::all_of(&delivery, &OneCompany);
            assert!(all.iter().all(|n| n.answer == AnswerRole::Own));
            all.iter().map(|n| Address::of(n, false).ids).collect()
        };
        let array = format!("[{}]", own.iter().map(item).collect::<Vec<_>>().join(","));
        let each_its_own: Vec<_> = own.iter().map(|id| vec![*id]).collect();
        // The header has the first one's id, or an id of the delivery as a whole.
        assert_eq!(ids_of(array.clone(), own[0]), each_its_own);
        assert_eq!(ids_of(array, Uuid::from_u128(9)), each_its_own);
        // The header names the only item of an array.
        assert_eq!(ids_of(format!("[{}]", item(&own[0])), Uuid::from_u128(9)), [[own[0], Uuid::from_u128(9)]]);
        // An id of zeros is none.
        assert_eq!(ids_of(format!("[{}]", item(&Uuid::nil())), own[0]), [[own[0]]]);
    }

    #[test]
    fn answers_items_without_uuids_once_for_all() {
        let item = |id| format!(r#"{{"notificationId":"{id}","event":"ACCOUNT_CHANGED","accountCd":"1"}}"#);
        let mut delivery = delivery(format!("[{},{}]", item("4711"), item("4712")).as_bytes());
        delivery.meta.headers.insert("x-vwd-notification-id".into(), ID.into());
        let all = Notification::all_of(&delivery, &OneCompany);
        assert_eq!(all.iter().map(|n| n.answer).collect::<Vec<_>>(), [AnswerRole::ForAll, AnswerRole::ByFirst]);
    }

    #[test]
    fn keeps_a_body_of_more_items_than_are_allowed_as_one() {
        let body = format!("[{}]", [r#"{"event":"ACCOUNT_CHANGED","accountCd":"1"}"#; 4].join(","));
        let mut delivery = delivery(body.as_bytes());
        delivery.meta.event = Some("ACCOUNT_CHANGED".into());
        delivery.meta.tenant = Some(TENANT.into());
        assert_eq!(Notification::all_of(&delivery, &AtMost(4)).len(), 4);
        let all = Notification::all_of(&delivery, &AtMost(3));
        let [whole] = all.as_slice() else { panic!("{} of them", all.len()) };
        assert_eq!((whole.unusable, whole.entity), (Some(Reason::TooManyItems), Entity::Unmapped));
        assert_eq!((whole.raw.as_str(), whole.entity_key.as_deref()), (body.as_str(), None));
        assert_eq!((whole.event_name(), whole.tenant.as_deref()), ("ACCOUNT_CHANGED", Some(TENANT)));
    }

    #[test]
    fn allows_five_thousand_items_unless_the_settings_say_otherwise() {
        let of = |count: usize| {
            let body = format!("[{}]", vec!["1"; count].join(","));
            Notification::all_of(&delivery(body.as_bytes()), &OneCompany).len()
        };
        assert_eq!((of(5_000), of(5_001)), (5_000, 1));
    }
}
