//! The standard sentences for accountants. The model has the texts in every language.

use crate::admission::Facts;
use webhooks_model::feedback::Verdict;
use webhooks_model::sentences::{self, Text};
use webhooks_model::{Kind, Language, Notification, Resource};

pub(crate) fn processed(n: &Notification, facts: &Facts, language: Language) -> Verdict {
    let status = status(n, facts);
    let sentence = match n.kind {
        _ if facts.gone => sentences::GONE,
        Kind::Deleted => sentences::DELETED,
        Kind::Created => sentences::CREATED,
        Kind::IdentityChanged => sentences::RENUMBERED,
        Kind::Action => sentences::ACTION,
        Kind::Completed => sentences::COMPLETED,
        Kind::Background => sentences::RESULT,
        Kind::StatusChanged | Kind::Lifecycle if status.is_some() => sentences::STATUS,
        _ => sentences::CHANGED,
    };
    let status = match n.kind {
        Kind::Lifecycle => language.voucher_status(status.unwrap_or_default()),
        _ => status.unwrap_or_default(),
    };
    let subject = subject(n, language);
    Verdict::success(&language.say(sentence, &[("subject", subject.as_str()), ("status", status)]))
}

/// The notification's own status comes first, since the document may already have a later one.
pub(crate) fn status<'a>(n: &'a Notification, facts: &'a Facts) -> Option<&'a str> {
    n.status.as_deref().or_else(|| facts.resource.as_ref().and_then(Resource::status))
}

pub(crate) fn together(all: usize, successes: usize, language: Language) -> Verdict {
    let counts = [all, successes].map(|count| count.to_string());
    let say = |sentence| language.say(sentence, &[("all", counts[0].as_str()), ("successes", counts[1].as_str())]);
    match all - successes {
        0 => Verdict::success(&say(sentences::TOGETHER)),
        _ => Verdict::failure(&say(sentences::NOT_ALL)),
    }
}

/// `repeated`: the same content came before under another id. The entity has not changed since.
pub(crate) fn superseded(n: &Notification, facts: &Facts, repeated: bool, language: Language) -> Verdict {
    let sentence = if facts.refuted {
        sentences::REFUTED
    } else if repeated {
        sentences::REPEATED
    } else {
        sentences::SUPERSEDED
    };
    Verdict::success(&about(n, sentence, language))
}

pub(crate) fn dead(n: &Notification, language: Language) -> Verdict {
    Verdict::failure(&about(n, sentences::DEAD, language))
}

fn about(n: &Notification, sentence: Text, language: Language) -> String {
    let subject = subject(n, language);
    language.say(sentence, &[("subject", subject.as_str())])
}

fn subject(n: &Notification, language: Language) -> String {
    language.subject(n.entity, n.entity_key.as_deref())
}
