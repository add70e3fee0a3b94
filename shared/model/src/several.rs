//! All notifications of a delivery: which items are equal, whose id the header has, and which one is
//! answered under an id that they share.

use crate::delivery::{AnswerRole, Delivery, MalformedMessage};
use crate::directory::Directory;
use crate::entity::Entity;
use crate::identity::NotificationKey;
use crate::items::Items;
use crate::notification::{Notification, unreadable};
use std::collections::HashMap;
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
                drop_ids_of_others(&mut all);
                tell_apart(&mut all);
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
    use crate::directory::tests::OneCompany;

    #[test]
    fn the_first_item_that_can_be_read_has_the_answer_of_all() {
        let item = |key| format!(r#"{{"event":"ACCOUNT_CHANGED","accountCd":"{key}"}}"#);
        let mut delivery = delivery(format!("[5,{},{}]", item("1"), item("2")).as_bytes());
        delivery.meta.headers.insert("x-vwd-notification-id".into(), Uuid::from_u128(1).to_string());
        let all = Notification::all_of(&delivery, &OneCompany);
        use AnswerRole::{ByFirst, ForAll};
        assert_eq!(all.iter().map(|n| n.answer).collect::<Vec<_>>(), [ByFirst, ForAll, ByFirst]);
    }
}
