//! Reads a notification as settings without its names would: without aliases of events, without
//! companies' numbers, and perhaps without the places of its fields. An attempt with such settings
//! may have left a record under another key.

use crate::catalogue::EventType;
use crate::delivery::Delivery;
use crate::directory::Directory;
use crate::entity::Entity;
use crate::ledger::{LedgerKey, Reason};
use crate::mapping::FieldRule;
use crate::notification::Notification;
use crate::resource_path::Api;
use crate::zone::Zone;

struct Unnamed<'d, D> {
    directory: &'d D,
    has_fields: bool,
}

impl<D: Directory> Directory for Unnamed<'_, D> {
    fn event_alias(&self, _: &str) -> Option<&'static EventType> {
        None
    }

    fn tenant_of_company(&self, _: &str) -> Option<String> {
        None
    }

    fn zone(&self, api: Api) -> Zone {
        self.directory.zone(api)
    }

    fn fields(&self) -> &[FieldRule] {
        if self.has_fields { self.directory.fields() } else { &[] }
    }

    fn max_items(&self) -> usize {
        self.directory.max_items()
    }
}

impl Notification {
    /// Its keys under settings that lack what `directory` says of its delivery. Empty if all such
    /// settings give the same key.
    pub fn unnamed_keys(&self, delivery: &Delivery, directory: &impl Directory) -> Vec<LedgerKey> {
        // No name changes how a body is read that has no items.
        if self.entity == Entity::Unparseable || self.unusable == Some(Reason::TooManyItems) {
            return vec![];
        }
        let own = self.ledger_key();
        let mut keys = vec![];
        for has_fields in [true, false] {
            let mut unnamed = Self::read(delivery, &self.raw, &Unnamed { directory, has_fields });
            unnamed.id_in_header.clone_from(&self.id_in_header);
            let key = unnamed.numbered_as(&self.key).ledger_key();
            if key != own && !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use crate::delivery::tests::delivery;
    use crate::directory::NoDirectory;
    use crate::directory::tests::{AtMost, OneCompany};
    use crate::notification::Notification;

    #[test]
    fn finds_the_keys_of_settings_without_its_names() {
        for body in [
            r#"{"event":"konto_endret","accountNumber":"1920"}"#,
            r#"{"event":"ACCOUNT_CHANGED","accountNumber":"1920","contextId":"1234567"}"#,
            // Equal items without ids are numbered.
            r#"[{"event":"konto_endret","accountNumber":"7"},{"event":"konto_endret","accountNumber":"7"}]"#,
            r#"[{"event":"konto_endret","notificationId":"3fa85f64-5717-4562-b3fc-2c963f66afa6"},{"event":"x"}]"#,
        ] {
            let mut delivery = delivery(body.as_bytes());
            delivery.meta.tenant = None;
            delivery.meta.headers = [("x-vwd-notification-id".to_owned(), "a-1".to_owned())].into();
            let before = Notification::all_of(&delivery, &NoDirectory);
            for (now, before) in Notification::all_of(&delivery, &OneCompany).iter().zip(before) {
                let is_other = now.ledger_key() != before.ledger_key();
                let expected = if is_other { vec![before.ledger_key()] } else { vec![] };
                assert_eq!(now.unnamed_keys(&delivery, &OneCompany), expected, "{body}");
            }
        }
    }

    #[test]
    fn a_body_without_items_has_one_key() {
        for (body, most) in [("no JSON", 1), ("[{},{}]", 1)] {
            let delivery = delivery(body.as_bytes());
            let all = Notification::all_of(&delivery, &AtMost(most));
            assert_eq!((all.len(), all[0].unnamed_keys(&delivery, &AtMost(most)).len()), (1, 0), "{body}");
        }
    }
}
