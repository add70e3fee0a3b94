//! The shapes of what was observed of Visma Net's side.

use serde::Serialize;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_model::OpenQuestion;
use webhooks_store::Observation;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Observed {
    /// Every open question, in the order of docs/visma-net.md.
    pub(crate) items: Vec<Question>,
}

/// What is not known for sure about Visma Net's side, and what was seen of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Question {
    /// The stable code, such as event_names.
    question: &'static str,
    title: &'static str,
    /// The section of the documentation that asks it.
    reference: &'static str,
    /// What the product assumes.
    assumed: &'static str,
    /// assumed (nothing was seen), observed (all that was seen agrees) or contradicted (something differs).
    stands: &'static str,
    /// What to do where something differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    /// Whether a receiver can see the answer at all.
    is_measured: bool,
    /// Whether no further facts are kept, for there are too many.
    is_full: bool,
    /// How many notifications it rests on, or a few more.
    notifications: u64,
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    first_seen: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    last_seen: Option<OffsetDateTime>,
    /// What was seen: first what differs, then what was seen most.
    facts: Vec<SeenFact>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SeenFact {
    /// The event, the header or the API that it is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    /// A name, a form, a unit or a number; never what stands in a field.
    value: String,
    /// Whether it is as the product assumes.
    agrees: bool,
    notifications: u64,
    #[serde(with = "time::serde::rfc3339")]
    first_seen: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_seen: OffsetDateTime,
}

impl Observed {
    pub(crate) fn new(seen: Vec<Observation>) -> Self {
        let mut by_question: BTreeMap<OpenQuestion, Vec<Observation>> = BTreeMap::new();
        for one in seen {
            by_question.entry(one.fact.question).or_default().push(one);
        }
        let item = |question| Question::new(question, by_question.remove(&question).unwrap_or_default());
        Self { items: OpenQuestion::ALL.into_iter().map(item).collect() }
    }
}

impl Question {
    fn new(question: OpenQuestion, mut seen: Vec<Observation>) -> Self {
        seen.sort_by(|one, other| {
            let rank = |seen: &Observation| (seen.agrees, std::cmp::Reverse(seen.notifications));
            rank(one).cmp(&rank(other)).then_with(|| one.fact.cmp(&other.fact))
        });
        let is_contradicted = seen.iter().any(|one| !one.agrees);
        Self {
            question: question.as_str(),
            title: question.title(),
            reference: question.reference(),
            assumed: question.assumed(),
            stands: match (seen.is_empty(), is_contradicted) {
                (true, _) => "assumed",
                (false, true) => "contradicted",
                (false, false) => "observed",
            },
            advice: is_contradicted.then(|| question.advice()),
            is_measured: question.is_measured(),
            is_full: seen.len() >= question.most_facts(),
            notifications: rests_on(question, &seen),
            first_seen: seen.iter().map(|one| one.first_seen).min(),
            last_seen: seen.iter().map(|one| one.last_seen).max(),
            facts: seen.into_iter().map(SeenFact::from).collect(),
        }
    }
}

/// A notification may tell of several subjects, such as two headers: then it counts once.
fn rests_on(question: OpenQuestion, seen: &[Observation]) -> u64 {
    let mut by_subject: BTreeMap<&str, u64> = BTreeMap::new();
    for one in seen {
        *by_subject.entry(&one.fact.subject).or_default() += one.notifications;
    }
    if question.has_one_subject_each() {
        return by_subject.values().sum();
    }
    by_subject.values().copied().max().unwrap_or_default()
}

impl From<Observation> for SeenFact {
    fn from(seen: Observation) -> Self {
        let Observation { fact, agrees, notifications, first_seen, last_seen } = seen;
        Self { subject: fact.subject, value: fact.value, agrees, notifications, first_seen, last_seen }
    }
}
