//! Guesses which event of the catalogue an unknown name means.

use webhooks_model::EventType;
use webhooks_model::catalogue::{CATALOGUE, find};

/// Synonyms for entities and kinds, as ERPs of the region use them.
const WORDS: [(&str, &str); 22] = [
    ("modified", "changed"),
    ("edited", "changed"),
    ("endret", "changed"),
    ("changed", "changed"),
    ("change", "changed"),
    ("update", "updated"),
    ("oppdatert", "updated"),
    ("removed", "deleted"),
    ("slettet", "deleted"),
    ("delete", "deleted"),
    ("added", "created"),
    ("inserted", "created"),
    ("insert", "created"),
    ("opprettet", "created"),
    ("create", "created"),
    ("renumbered", "identitychanged"),
    ("konto", "account"),
    ("kunde", "customer"),
    ("leverandor", "supplier"),
    ("prosjekt", "project"),
    ("ansatt", "employee"),
    ("vendor", "supplier"),
];

/// The event whose entity and kind are in the name. Of several, the one that explains most of the
/// name.
pub(super) fn guess(name: &str) -> Option<&'static EventType> {
    if let Some(known) = find(name) {
        return Some(known);
    }
    let name: String = words(name).iter().map(|word| translated(word)).collect();
    let explained = |event: &EventType| {
        let plain = |text: &str| text.replace([' ', '_'], "");
        let (entity, kind) = (plain(&event.entity.label()), plain(event.kind.as_str()));
        (name.contains(&entity) && name.contains(&kind)).then_some(entity.len() + kind.len())
    };
    let fitting = CATALOGUE.iter().filter_map(|event| Some((explained(event)?, event)));
    // Of equal ones, the first in the catalogue wins.
    fitting.rev().max_by_key(|(length, _)| *length).map(|(_, event)| event)
}

fn translated(word: &str) -> &str {
    WORDS.iter().find(|(other, _)| *other == word).map_or(word, |(_, own)| own)
}

/// Lower-case words, split at signs and capitals: `salesOrder.Changed` has three.
pub(super) fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut was_small) = (vec![], String::new(), false);
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_small) {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase() || c.is_numeric();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_the_event_whose_entity_and_kind_are_in_the_name() {
        for (name, expected) in [
            ("KontoEndret", Some("ACCOUNT_CHANGED")),
            ("ledger.account.modified", Some("ACCOUNT_CHANGED")),
            ("net.erp.CustomerInvoice.Changed.v2", Some("AR_INVOICE_CHANGED")),
            ("sales-order-updated-v3", Some("SALESORDER_UPDATED")),
            ("VendorAdded", Some("SUPPLIER_CREATED")),
            ("SHIPMENT STATUS CHANGED", Some("SHIPMENT_STATUS_CHANGED")),
            ("PayrollRun", None),
            ("", None),
        ] {
            assert_eq!(guess(name).map(|event| event.id), expected, "{name}");
        }
    }

    #[test]
    fn splits_words_at_signs_and_capitals() {
        assert_eq!(words("salesOrder.Changed_v2"), ["sales", "order", "changed", "v2"]);
        assert_eq!(words("ACCOUNT"), ["account"]);
    }
}
