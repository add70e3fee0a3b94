//! Observations of Visma Net's behaviour, by open question.

use crate::body::Json;
use crate::ports::{Ports, Shared};
use crate::problem::Problem;
use crate::route::Asked;
use serde::Serialize;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use utoipa::ToSchema;
use webhooks_model::{OpenQuestion, sorted};
use webhooks_store::{Observation, Observations};

/// Lists the open questions about Visma Net with our assumptions and observations.
///
/// The answer contains no data of a tenant.
#[utoipa::path(get, path = "/operations/v1/observed", tag = "read",
    responses((status = 200, body = Observed), Problem))]
pub(crate) async fn list<P: Ports>(operations: Shared<P>, _: Asked) -> Result<Json<Observed>, Problem> {
    Ok(Json(Observed::new(operations.store.observed().await?)))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Observed {
    /// Every open question, in the order of docs/visma-net.md.
    pub(crate) items: Vec<Question>,
}

/// An open question about Visma Net's behaviour, and the observations about it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Question {
    /// The stable code, such as event_names.
    question: &'static str,
    title: &'static str,
    /// The section of the documentation with the question.
    reference: &'static str,
    /// What the product assumes.
    assumed: &'static str,
    /// assumed (no observation yet), observed (all observations agree) or contradicted (an
    /// observation differs).
    stands: &'static str,
    /// What to do if an observation differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    /// Whether a receiver can observe the answer.
    is_measured: bool,
    /// Whether the limit of facts is reached, so that new ones are not kept.
    is_full: bool,
    /// Number of notifications behind the observations, or a few more.
    notifications: u64,
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    first_seen: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    last_seen: Option<OffsetDateTime>,
    /// The observed facts: those that differ first, then the most frequent ones.
    facts: Vec<SeenFact>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SeenFact {
    /// The event, header or API that the fact is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    /// A name, a form, a unit or a number, but never the value of a field.
    value: String,
    /// Whether it agrees with the product's assumption.
    agrees: bool,
    notifications: u64,
    #[serde(with = "time::serde::rfc3339")]
    first_seen: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_seen: OffsetDateTime,
}

impl Observed {
    fn new(seen: Vec<Observation>) -> Self {
        let mut by_question: BTreeMap<OpenQuestion, Vec<Observation>> = BTreeMap::new();
        for one in seen {
            by_question.entry(one.fact.question).or_default().push(one);
        }
        let item = |question| Question::new(question, by_question.remove(&question).unwrap_or_default());
        Self { items: OpenQuestion::ALL.into_iter().map(item).collect() }
    }
}

impl Question {
    fn new(question: OpenQuestion, seen: Vec<Observation>) -> Self {
        let seen = sorted::by(seen, |one, other| {
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

/// Counts a notification once if it has facts about several subjects, such as two headers.
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
