//! All our texts for accountants, in every language: short, plain, without personal data. Visma
//! Net's own texts, such as a status, and those of business code stay as they are.
//! Braces hold the name of a value. No sentence may give a value an ending or an article, so
//! Finnish puts values after a colon, or makes them the subject. A sentence must be right for each
//! count, also for 0, 1 and 2.

use crate::entity::Entity;
use crate::text::Language;

pub use crate::text::Text;

macro_rules! sentences {
    ($($name:ident = [$($text:literal),* $(,)?];)*) => {
        $(pub const $name: Text = [$($text),*];)*

        #[cfg(test)]
        const SENTENCES: &[(&str, Text)] = &[$((stringify!($name), $name)),*];
    };
}

sentences! {
    GONE = [
        "The notification was received, but Visma Net did not find {subject}.",
        "Varselet er mottatt, men Visma Net fant ikke {subject}.",
        "Meddelandet har tagits emot, men Visma Net hittade inte {subject}.",
        "Notifikationen er modtaget, men Visma Net fandt ikke {subject}.",
        "De melding is ontvangen, maar Visma Net heeft {subject} niet gevonden.",
        "Ilmoitus vastaanotettiin, mutta Visma Net ei löytänyt kohdetta: {subject}.",
    ];
    DELETED = [
        "The deletion of {subject} was received and processed.",
        "Slettingen av {subject} er mottatt og behandlet.",
        "Borttagningen av {subject} har tagits emot och behandlats.",
        "Sletningen af {subject} er modtaget og behandlet.",
        "De verwijdering van {subject} is ontvangen en verwerkt.",
        "Poisto vastaanotettiin ja käsiteltiin: {subject}.",
    ];
    CREATED = [
        "The creation of {subject} was received and processed.",
        "Opprettelsen av {subject} er mottatt og behandlet.",
        "Registreringen av {subject} har tagits emot och behandlats.",
        "Oprettelsen af {subject} er modtaget og behandlet.",
        "De aanmaak van {subject} is ontvangen en verwerkt.",
        "Lisäys vastaanotettiin ja käsiteltiin: {subject}.",
    ];
    RENUMBERED = [
        "The new number of {subject} was received and processed.",
        "Det nye nummeret på {subject} er mottatt og behandlet.",
        "Det nya numret på {subject} har tagits emot och behandlats.",
        "Det nye nummer på {subject} er modtaget og behandlet.",
        "Het nieuwe nummer van {subject} is ontvangen en verwerkt.",
        "Uusi numero vastaanotettiin ja käsiteltiin: {subject}.",
    ];
    ACTION = [
        "The action on {subject} was received and processed.",
        "Handlingen på {subject} er mottatt og behandlet.",
        "Åtgärden för {subject} har tagits emot och behandlats.",
        "Handlingen på {subject} er modtaget og behandlet.",
        "De actie op {subject} is ontvangen en verwerkt.",
        "Toiminto vastaanotettiin ja käsiteltiin: {subject}.",
    ];
    COMPLETED = [
        "The completed start-up of the company in Visma Net was received and processed.",
        "Den fullførte oppstarten av firmaet i Visma Net er mottatt og behandlet.",
        "Den slutförda uppstarten av företaget i Visma Net har tagits emot och behandlats.",
        "Den fuldførte opstart af virksomheden i Visma Net er modtaget og behandlet.",
        "De voltooide opstart van het bedrijf in Visma Net is ontvangen en verwerkt.",
        "Ilmoitus yrityksen käyttöönoton valmistumisesta Visma Netissä vastaanotettiin ja käsiteltiin.",
    ];
    RESULT = [
        "The result of {subject} was received and processed.",
        "Resultatet av {subject} er mottatt og behandlet.",
        "Resultatet av {subject} har tagits emot och behandlats.",
        "Resultatet af {subject} er modtaget og behandlet.",
        "Het resultaat van {subject} is ontvangen en verwerkt.",
        "Tulos vastaanotettiin ja käsiteltiin: {subject}.",
    ];
    STATUS = [
        "The status “{status}” of {subject} was received and processed.",
        "Statusen «{status}» for {subject} er mottatt og behandlet.",
        "Statusen ”{status}” för {subject} har tagits emot och behandlats.",
        "Status ”{status}” for {subject} er modtaget og behandlet.",
        "De status “{status}” van {subject} is ontvangen en verwerkt.",
        "Tila ”{status}” vastaanotettiin ja käsiteltiin: {subject}.",
    ];
    CHANGED = [
        "The change to {subject} was received and processed.",
        "Endringen av {subject} er mottatt og behandlet.",
        "Ändringen av {subject} har tagits emot och behandlats.",
        "Ændringen af {subject} er modtaget og behandlet.",
        "De wijziging van {subject} is ontvangen en verwerkt.",
        "Muutos vastaanotettiin ja käsiteltiin: {subject}.",
    ];
    TOGETHER = [
        "All changes in this notification ({all}) were received and processed.",
        "Alle endringene i dette varselet ({all}) er mottatt og behandlet.",
        "Alla ändringar i det här meddelandet ({all}) har tagits emot och behandlats.",
        "Alle ændringer i denne notifikation ({all}) er modtaget og behandlet.",
        "Alle wijzigingen in deze melding ({all}) zijn ontvangen en verwerkt.",
        "Kaikki tämän ilmoituksen muutokset ({all}) vastaanotettiin ja käsiteltiin.",
    ];
    NOT_ALL = [
        "Processed changes in this notification: {successes} of {all}. The integrator has been told of the rest.",
        "Behandlede endringer i dette varselet: {successes} av {all}. Integratoren har fått beskjed om resten.",
        "Behandlade ändringar i det här meddelandet: {successes} av {all}. Integratören har informerats om resten.",
        "Behandlede ændringer i denne notifikation: {successes} af {all}. Integratoren har fået besked om resten.",
        "Verwerkte wijzigingen in deze melding: {successes} van {all}. De integrator is op de hoogte gebracht van de rest.",
        "Tämän ilmoituksen käsitellyt muutokset: {successes}/{all}. Muista on ilmoitettu integraattorille.",
    ];
    REFUTED = [
        "The deletion was not carried out, because Visma Net still has {subject}.",
        "Slettingen ble ikke utført fordi {subject} fortsatt finnes i Visma Net.",
        "Borttagningen utfördes inte, eftersom {subject} fortfarande finns i Visma Net.",
        "Sletningen blev ikke udført, fordi {subject} stadig findes i Visma Net.",
        "De verwijdering is niet uitgevoerd, omdat {subject} nog in Visma Net staat.",
        "Poistoa ei tehty, koska {subject} on yhä Visma Netissä.",
    ];
    SUPERSEDED = [
        "A newer change to {subject} has already been processed.",
        "En nyere endring av {subject} er allerede behandlet.",
        "En nyare ändring av {subject} har redan behandlats.",
        "En nyere ændring af {subject} er allerede behandlet.",
        "Een nieuwere wijziging van {subject} is al verwerkt.",
        "Uudempi muutos on jo käsitelty: {subject}.",
    ];
    REPEATED = [
        "The same notification about {subject} was received before.",
        "Det samme varselet om {subject} er mottatt tidligere.",
        "Samma meddelande om {subject} har tagits emot tidigare.",
        "Den samme notifikation om {subject} er modtaget tidligere.",
        "Dezelfde melding over {subject} is eerder ontvangen.",
        "Sama ilmoitus on vastaanotettu aiemmin: {subject}.",
    ];
    DEAD = [
        "The notification about {subject} could not be processed. The integrator has been told.",
        "Varselet om {subject} kunne ikke behandles. Integratoren har fått beskjed.",
        "Meddelandet om {subject} kunde inte behandlas. Integratören har informerats.",
        "Notifikationen om {subject} kunne ikke behandles. Integratoren har fået besked.",
        "De melding over {subject} kon niet worden verwerkt. De integrator is op de hoogte gebracht.",
        "Ilmoitusta ei voitu käsitellä: {subject}. Asiasta on ilmoitettu integraattorille.",
    ];
    NO_OUTCOME = [
        "The outcome of processing {subject} did not come in time.",
        "Resultatet av behandlingen av {subject} kom ikke i tide.",
        "Resultatet av behandlingen av {subject} kom inte i tid.",
        "Resultatet af behandlingen af {subject} kom ikke i tide.",
        "Het resultaat van de verwerking van {subject} is niet op tijd ontvangen.",
        "Käsittelyn tulos ei tullut ajoissa: {subject}.",
    ];
}

/// The statuses in the names of voucher events. The first is `EventType::implied_status`.
const VOUCHER_STEPS: &[Text] = &[
    [
        "Import failed",
        "Import mislyktes",
        "Import misslyckades",
        "Import mislykkedes",
        "Import mislukt",
        "Tuonti epäonnistui",
    ],
    ["Import successful", "Importert", "Importerad", "Importeret", "Geïmporteerd", "Tuotu"],
    ["Received", "Mottatt", "Mottagen", "Modtaget", "Ontvangen", "Vastaanotettu"],
    ["Processed", "Behandlet", "Behandlad", "Behandlet", "Verwerkt", "Käsitelty"],
    [
        "Processing failed",
        "Behandling mislyktes",
        "Behandling misslyckades",
        "Behandling mislykkedes",
        "Verwerking mislukt",
        "Käsittely epäonnistui",
    ],
    [
        "Synchronization started",
        "Synkronisering startet",
        "Synkronisering påbörjad",
        "Synkronisering startet",
        "Synchronisatie gestart",
        "Synkronointi aloitettu",
    ],
    ["Synchronized", "Synkronisert", "Synkroniserad", "Synkroniseret", "Gesynchroniseerd", "Synkronoitu"],
    [
        "Synchronization failed",
        "Synkronisering mislyktes",
        "Synkronisering misslyckades",
        "Synkronisering mislykkedes",
        "Synchronisatie mislukt",
        "Synkronointi epäonnistui",
    ],
    [
        "Document synchronized",
        "Dokument synkronisert",
        "Dokument synkroniserat",
        "Dokument synkroniseret",
        "Document gesynchroniseerd",
        "Asiakirja synkronoitu",
    ],
    [
        "Document synchronization failed",
        "Synkronisering av dokument mislyktes",
        "Synkronisering av dokument misslyckades",
        "Synkronisering af dokument mislykkedes",
        "Synchronisatie van document mislukt",
        "Asiakirjan synkronointi epäonnistui",
    ],
];

impl Language {
    /// The sentence with its values. Each value comes with its name.
    pub fn say(self, sentence: Text, values: &[(&str, &str)]) -> String {
        let mut said = String::new();
        // Every second part is the name of a value. A value may have braces of its own.
        for (nth, part) in sentence[self as usize].split(['{', '}']).enumerate() {
            let value = values.iter().find(|(name, _)| nth % 2 == 1 && *name == part);
            said.push_str(value.map_or(part, |&(_, value)| value));
        }
        said
    }

    /// `account 1920`, or only the entity's name.
    pub fn subject(self, entity: Entity, key: Option<&str>) -> String {
        let name = entity.words()[self as usize];
        key.map_or_else(|| name.to_owned(), |key| format!("{name} {key}"))
    }

    /// Translates a status from the name of a voucher's event. Other statuses stay as Visma Net
    /// wrote them.
    pub fn voucher_status(self, status: &str) -> &str {
        let step = VOUCHER_STEPS.iter().find(|step| step[Self::En as usize] == status);
        step.map_or(status, |step| step[self as usize])
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(said, "Statusen «{subject}» for salgsordre {status} er mottatt og behandlet.");
    }

    #[test]
    fn a_language_is_chosen_by_its_code() {
        let read = |code: &str| serde_json::from_value::<Language>(code.into()).ok();
        assert_eq!(["en", "nb", "sv", "da", "nl", "fi"].map(read), Language::ALL.map(Some));
        assert_eq!((read("no"), read("NB")), (None, None));
        assert_eq!(Language::default(), Language::En);
    }
}
