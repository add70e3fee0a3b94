//! Makes a delivery from a recorded notification.

use crate::catalogue::Entity;
use crate::delivery::{AnswerRole, Channel, Delivery, Meta, Origin};
use crate::identity::SenderId;
use crate::ledger::LedgerKey;
use crate::notification::{Proof, UNKNOWN_TENANT};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

/// What the ledger keeps about the delivery of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub key: LedgerKey,
    pub answer: AnswerRole,
    pub delivery: Uuid,
    /// The id in Visma Net's header, whatever the body says.
    pub id_in_header: Option<SenderId>,
    pub channel: Channel,
    pub subscription: String,
    pub event: String,
    pub proof: Proof,
    pub received_at: OffsetDateTime,
    /// The exact text of the item.
    pub raw: String,
}

impl Recorded {
    /// A delivery that reads as the same notification, under the same key unless the settings have
    /// changed. What came from a header comes from a header again, so a replay is no more reliable
    /// than its original.
    #[must_use]
    pub fn replay(self) -> Delivery {
        let is_item = self.key.entity.entity == Entity::Unparseable;
        let tenant = Some(self.key.entity.tenant.clone()).filter(|tenant| tenant != UNKNOWN_TENANT);
        let event = (!self.event.is_empty()).then_some(self.event);
        let mut headers = BTreeMap::new();
        let mut header = |name: &str, value: &str| headers.insert(name.to_owned(), value.to_owned());
        self.id_in_header.map(|id| header("x-vwd-notification-id", id.as_str()));
        let (event, tenant) = if self.proof == Proof::Headers {
            event.map(|event| header("x-vwd-event-id", &event));
            tenant.map(|tenant| header("x-vwd-tenant-id", &tenant));
            (None, None)
        } else {
            (event, tenant)
        };
        let meta = Meta {
            id: self.delivery,
            channel: self.channel,
            origin: Origin::Replay,
            subscription: self.subscription,
            event,
            tenant,
            replays: Some(self.key),
            received_at: self.received_at,
            sent_from: None,
            refused_at: None,
            secret: None,
            shared_secret: false,
            answer_role: self.answer,
            headers,
        };
        Delivery { meta, body: body(self.raw, is_item).into_bytes() }
    }
}

/// An item that is itself an array would be read as several. A body that was kept whole is read
/// anew, since more items may be allowed by now.
fn body(raw: String, is_item: bool) -> String {
    let is_array = is_item && raw.starts_with('[') && serde_json::from_str::<&RawValue>(&raw).is_ok();
    if is_array { format!("[{raw}]") } else { raw }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::delivery;
    use crate::directory::tests::AtMost;
    use crate::ledger::Reason;
    use crate::notification::{NoDirectory, Notification};
    use proptest::prelude::*;

    fn recorded(n: &Notification) -> Recorded {
        Recorded {
            key: n.ledger_key(),
            answer: n.answer,
            delivery: n.delivery,
            id_in_header: n.id_in_header.clone(),
            channel: n.channel,
            subscription: n.subscription.clone(),
            event: n.event_name().to_owned(),
            proof: n.proof,
            received_at: n.received_at,
            raw: n.raw.clone(),
        }
    }

    fn read(delivery: &Delivery) -> Vec<Notification> {
        Notification::all_of(delivery, &NoDirectory)
    }

    #[test]
    fn a_replay_of_a_large_body_with_invalid_bytes_fits_into_a_message() {
        // Intake accepts it: in base64 it has 1,040,000 bytes.
        let invalid = delivery(&b"\xff\x01".repeat(390_000));
        let [n] = read(&invalid).try_into().expect("one notification");
        let again = recorded(&n).replay();
        assert!(again.to_message().len() < 1024 * 1024);
        assert_eq!(read(&again)[0].key, n.key);
    }

    fn is_repeated(delivery: &Delivery) {
        for n in read(delivery) {
            let again = read(&recorded(&n).replay());
            let [again]: [Notification; 1] = again.try_into().expect("one notification");
            // A replay is no more reliable than its original; if a header named the tenant, less.
            assert!(n.event_is_proven || !again.event_is_proven);
            let expected = Notification {
                origin: Origin::Replay,
                replays: Some(n.ledger_key()),
                event_raw: n.event_name().to_owned(),
                event_is_proven: again.event_is_proven,
                ..n
            };
            assert_eq!(Notification { event_raw: again.event_name().to_owned(), ..again }, expected);
        }
    }

    #[test]
    fn what_came_unsigned_stays_unsigned() {
        let mut legacy = delivery(br#"{"event":"ACCOUNT_CHANGED","entityId":"1920"}"#);
        legacy.meta.channel = Channel::Legacy;
        legacy.meta.tenant = Some("t".into());
        let again = read(&recorded(&read(&legacy)[0]).replay());
        assert_eq!((again[0].proof, again[0].tenant.as_deref()), (Proof::Nothing, Some("t")));
    }

    #[test]
    fn equal_items_are_the_same_when_replayed_however_long_their_id_is() {
        let item = r#"{"event":"ACCOUNT_CHANGED","entityId":"1920"}"#;
        for length in [0, 1, 62, 63, 64] {
            let mut copies = delivery(format!("[{}]", [item; 10].join(",")).as_bytes());
            copies.meta.tenant = Some("t".into());
            copies.meta.headers.insert("x-vwd-notification-id".into(), "a".repeat(length));
            is_repeated(&copies);
        }
    }

    #[test]
    fn a_truncated_array_is_the_same_when_replayed() {
        is_repeated(&delivery(br#"[{"event":"ACCOUNT_CHANGED"}"#));
    }

    #[test]
    fn a_body_kept_whole_is_split_once_its_items_are_allowed() {
        let text = r#"[{"event":"ACCOUNT_CHANGED","accountCd":"1"}, {"event":"ACCOUNT_CHANGED","accountCd":"2"}]"#;
        for text in [text.to_owned(), format!("\u{feff}{text}")] {
            let all = Notification::all_of(&delivery(text.as_bytes()), &AtMost(1));
            let [whole] = all.as_slice() else { panic!("{} of them", all.len()) };
            assert_eq!((whole.unusable, whole.raw.as_str()), (Some(Reason::TooManyItems), text.as_str()));
            let replay = recorded(whole).replay();
            let again = Notification::all_of(&replay, &AtMost(1));
            assert_eq!((again.len(), again[0].ledger_key()), (1, whole.ledger_key()));
            assert_eq!(again[0].moved_from(), None);
            let items = Notification::all_of(&replay, &AtMost(2));
            let keys: Vec<_> = items.iter().map(|n| n.entity_key.as_deref()).collect();
            assert_eq!(keys, [Some("1"), Some("2")]);
            assert!(items.iter().all(|n| n.moved_from() == Some(&whole.ledger_key())));
        }
    }

    proptest! {
        #[test]
        fn any_notification_is_the_same_when_replayed(
            event in prop::option::of(prop::sample::select(vec!["ACCOUNT_CHANGED", "SALESORDER_UPDATED", "PAYROLL_RUN"])),
            id in prop::option::of(any::<u128>()),
            key in "[A-Z0-9/ å]{0,12}",
            id_header in prop::option::of(any::<u128>()),
            event_header in prop::option::of(prop::sample::select(vec!["ACCOUNT_DELETED", "CUSTOMER_CHANGED"])),
            tenant_header in prop::option::of("[a-z0-9-]{1,12}"),
            tenant in prop::option::of("[a-z0-9-]{1,12}"),
            legacy: bool,
            array: bool,
        ) {
            let mut item = serde_json::json!({"entityId": key, "orderType": "SO"});
            item.as_object_mut().unwrap().extend(event.map(|event| ("event".to_owned(), event.into())));
            item.as_object_mut().unwrap().extend(id.map(|id| ("notificationId".to_owned(), Uuid::from_u128(id).to_string().into())));
            let body = if array { serde_json::json!([item, {"event": "ACCOUNT_CHANGED"}, 5, [1, 2], "x", 5, item]) } else { item };
            let mut delivery = delivery(body.to_string().as_bytes());
            delivery.meta.tenant = tenant;
            let headers = [
                ("x-vwd-notification-id", id_header.map(|id| Uuid::from_u128(id).to_string())),
                ("x-vwd-event-id", event_header.map(str::to_owned)),
                ("x-vwd-tenant-id", tenant_header),
            ];
            delivery.meta.headers.extend(headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
            if legacy {
                delivery.meta.channel = Channel::Legacy;
            }
            is_repeated(&delivery);
        }

        #[test]
        fn any_text_that_is_no_json_is_the_same_when_replayed(body: Vec<u8>) {
            is_repeated(&delivery(&body));
        }
    }
}
