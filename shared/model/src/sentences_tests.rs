use super::*;
use crate::catalogue::CATALOGUE;
use crate::feedback::{Description, MAX_DESCRIPTION};
use std::collections::{BTreeSet, HashSet};

/// A realistically long number, status and count.
const VALUES: [(&str, &str); 3] =
    [("status", "Pending synchronisation (hold)"), ("all", "5000"), ("successes", "4999")];
const LONG_KEY: &str = "SO/0123456789-0123456789-0123456789";

fn entities() -> HashSet<Entity> {
    CATALOGUE.iter().map(|event| event.entity).chain([Entity::Unmapped, Entity::Unparseable]).collect()
}

fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split(['{', '}']).skip(1).step_by(2).collect()
}

#[test]
fn every_language_has_every_sentence_with_the_same_values() {
    for (name, sentence) in SENTENCES {
        let expected = placeholders(sentence[Language::En as usize]);
        assert!(expected.is_subset(&BTreeSet::from(["subject", "status", "all", "successes"])), "{name}");
        for text in sentence {
            assert_eq!(placeholders(text), expected, "{name}: {text}");
            assert!(text.ends_with('.') && text.trim() == *text, "{name}: {text}");
        }
        assert_eq!(sentence.iter().collect::<HashSet<_>>().len(), sentence.len(), "{name} has a text twice");
    }
}

#[test]
fn every_sentence_fits_into_a_description_unchanged() {
    for (name, sentence) in SENTENCES {
        for language in Language::ALL {
            for entity in entities() {
                let subject = language.subject(entity, Some(LONG_KEY));
                let values = [&VALUES[..], &[("subject", subject.as_str())]].concat();
                let said = language.say(*sentence, &values);
                assert!(said.chars().count() <= MAX_DESCRIPTION, "{name}: {said}");
                assert_eq!(Description::new(&said).as_str(), said, "{name}");
                assert!(!said.contains(['{', '}']), "{name}: {said}");
            }
        }
    }
}

#[test]
fn every_entity_has_a_name_in_every_language() {
    for entity in entities() {
        assert_eq!(Language::En.subject(entity, None), entity.label());
        assert!(entity.words().iter().all(|name| !name.is_empty() && name.trim() == *name), "{entity}");
    }
    for language in Language::ALL {
        let names: HashSet<_> = entities().into_iter().map(|entity| language.subject(entity, None)).collect();
        assert_eq!(names.len(), entities().len(), "two entities have one name in {language:?}");
    }
}

#[test]
fn every_status_of_an_event_is_translated() {
    let stated: BTreeSet<String> = CATALOGUE.iter().filter_map(|event| event.implied_status()).collect();
    let listed: BTreeSet<String> = VOUCHER_STEPS.iter().map(|step| step[0].to_owned()).collect();
    assert_eq!(listed, stated);
    for step in VOUCHER_STEPS {
        assert!(step.iter().all(|text| !text.is_empty() && text.trim() == *text), "{step:?}");
        assert!(step[1..].iter().all(|text| *text != step[0]), "{step:?}");
    }
    assert_eq!(Language::Nb.voucher_status("Processing failed"), "Behandling mislyktes");
    assert_eq!(Language::Nb.voucher_status("On hold"), "On hold");
}

#[test]
fn a_value_with_braces_stays_unchanged() {
    let said = Language::Nb.say(STATUS, &[("status", "{subject}"), ("subject", "salgsordre {status}")]);
    assert_eq!(said, "Statusen {subject} for salgsordre {status} er mottatt og behandlet.");
}

#[test]
fn a_language_is_chosen_by_its_code() {
    let read = |code: &str| serde_json::from_value::<Language>(code.into()).ok();
    assert_eq!(["en", "nb", "sv", "da", "nl", "fi"].map(read), Language::ALL.map(Some));
    assert_eq!((read("no"), read("NB")), (None, None));
    assert_eq!(Language::default(), Language::En);
}
