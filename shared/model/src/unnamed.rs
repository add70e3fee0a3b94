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

/// Settings that lack what is `false`. The rest of them changes no key of an item.
struct Unnamed<'d, D> {
    directory: &'d D,
    has_aliases: bool,
    has_companies: bool,
    has_fields: bool,
}

impl<D: Directory> Directory for Unnamed<'_, D> {
    fn event_alias(&self, name: &str) -> Option<&'static EventType> {
        self.directory.event_alias(name).filter(|_| self.has_aliases)
    }

    fn tenant_of_company(&self, company: &str) -> Option<String> {
        self.directory.tenant_of_company(company).filter(|_| self.has_companies)
    }

    fn fields(&self) -> &[FieldRule] {
        if self.has_fields { self.directory.fields() } else { &[] }
    }
}

impl Notification {
    /// Its keys under settings that lack some of what `directory` says of its delivery. Empty if all
    /// such settings give the same key.
    pub fn unnamed_keys(&self, delivery: &Delivery, directory: &impl Directory) -> Vec<LedgerKey> {
        // No name changes how a body is read that has no items.
        if self.entity == Entity::Unparseable || self.unusable == Some(Reason::TooManyItems) {
            return vec![];
        }
        let is_aliased = directory.event_alias(&self.event_raw).is_some();
        let is_of_company = self.company.as_deref().is_some_and(|own| directory.tenant_of_company(own).is_some());
        if !is_aliased && !is_of_company && directory.fields().is_empty() {
            return vec![];
        }
        let own = self.ledger_key();
        let mut keys = vec![];
        for kept in 0_u8..7 {
            let [has_aliases, has_companies, has_fields] = [1, 2, 4].map(|one| kept & one != 0);
            let settings = Unnamed { directory, has_aliases, has_companies, has_fields };
            let unnamed = Self::read(delivery, &self.raw, &settings);
            let mut unnamed = Self { id_in_header: self.id_in_header.clone(), ..unnamed }.with_key(None);
            unnamed.keep_number(&self.key);
            let key = unnamed.ledger_key();
            if key != own && !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::EventType;
    use crate::delivery::tests::delivery;
    use crate::directory::tests::{AtMost, OneCompany};
    use crate::directory::{Directory, NoDirectory};
    use crate::ledger::LedgerKey;
    use crate::mapping::{FieldRule, KeyPlace, Pointer};
    use crate::notification::Notification;

    /// Its key now, and those of other settings.
    fn keys(body: &str) -> Vec<(LedgerKey, Vec<LedgerKey>)> {
        let mut delivery = delivery(body.as_bytes());
        delivery.meta.tenant = None;
        delivery.meta.headers = [("x-vwd-notification-id".to_owned(), "a-1".to_owned())].into();
        let all = Notification::all_of(&delivery, &OneCompany);
        let all = all.iter().map(|n| (n.ledger_key(), n.unnamed_keys(&delivery, &OneCompany)));
        let before = Notification::all_of(&delivery, &NoDirectory);
        // The settings that lack everything are among them.
        all.zip(before)
            .inspect(|((now, others), before)| {
                let before = before.ledger_key();
                assert!(before == *now || others.contains(&before), "{before:?}");
            })
            .map(|(keys, _)| keys)
            .collect()
    }

    #[test]
    fn finds_the_keys_of_settings_without_its_names() {
        for (body, others) in [
            (r#"{"event":"konto_endret","accountNumber":"1920"}"#, vec![1]),
            (r#"{"event":"ACCOUNT_CHANGED","accountNumber":"1920","contextId":"1234567"}"#, vec![1]),
            (r#"{"event":"konto_endret","accountNumber":"1920","contextId":"1234567"}"#, vec![3]),
            (r#"{"event":"ACCOUNT_CHANGED","accountNumber":"1920"}"#, vec![0]),
            // Equal items without ids are numbered.
            (
                r#"[{"event":"konto_endret","accountNumber":"7"},{"event":"konto_endret","accountNumber":"7"}]"#,
                vec![1, 1],
            ),
            // The header's id is not the one of an item that has its own.
            (
                r#"[{"event":"konto_endret","notificationId":"3fa85f64-5717-4562-b3fc-2c963f66afa6"},{"event":"x"}]"#,
                vec![1, 0],
            ),
        ] {
            assert_eq!(keys(body).iter().map(|(_, others)| others.len()).collect::<Vec<_>>(), others, "{body}");
        }
    }

    /// Settings with an alias, a company, and the place of a key.
    struct Named(Vec<FieldRule>);

    impl Directory for Named {
        fn event_alias(&self, name: &str) -> Option<&'static EventType> {
            OneCompany.event_alias(name)
        }

        fn tenant_of_company(&self, company: &str) -> Option<String> {
            OneCompany.tenant_of_company(company)
        }

        fn fields(&self) -> &[FieldRule] {
            &self.0
        }
    }

    #[test]
    fn finds_the_key_of_settings_without_any_name() {
        let key = vec![KeyPlace::One(Pointer::new("/no"))];
        let settings = Named(vec![FieldRule { events: "*".to_owned(), key, ..FieldRule::default() }]);
        let mut delivery = delivery(br#"{"event":"konto_endret","contextId":"1234567","no":"7"}"#);
        delivery.meta.tenant = None;
        let before = Notification::all_of(&delivery, &NoDirectory).remove(0).ledger_key();
        let n = Notification::all_of(&delivery, &settings).remove(0);
        assert!(n.unnamed_keys(&delivery, &settings).contains(&before));
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
