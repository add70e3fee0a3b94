//! When the old secrets of subscriptions were last used, as the operations API tells.

use super::Access;
use super::caller::Caller;
use super::client::Client;
use crate::error::Failure;
use crate::stack::Stack;
use crate::text::when;
use serde_json::Value;
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::OpenQuestion;
use webhooks_model::observed::older_secret;

/// The time of a use is written down once an hour.
const LATELY: Duration = Duration::DAY;

/// The uses of old secrets.
#[derive(Debug, Clone)]
pub enum Uses {
    /// When each was last used, by the subject and the value of its fact.
    Known(BTreeMap<(String, String), OffsetDateTime>),
    /// Why nothing is known.
    Unknown(String),
}

/// Asks the operations API. A failure only means that nothing is known.
pub async fn uses(stack: &Stack, caller: Result<Caller, Failure>, access: &Access) -> Uses {
    let asked = async {
        let caller = caller?;
        Client::new(stack, &caller, access).await?.get(&["operations", "v1", "observed"], &[]).await
    };
    match asked.await {
        Ok(observed) => Uses::of(&observed),
        Err(failure) => Uses::Unknown(failure.what),
    }
}

impl Uses {
    /// Reads an answer of `GET /operations/v1/observed`.
    pub fn of(observed: &Value) -> Self {
        let mut questions = observed["items"].as_array().into_iter().flatten();
        let question = questions.find(|item| item["question"] == OpenQuestion::SecretRotation.as_str());
        let Some(question) = question.filter(|question| question["is_measured"] == true) else {
            return Self::Unknown("the deployed version does not observe it".to_owned());
        };
        let facts = question["facts"].as_array().into_iter().flatten();
        Self::Known(facts.filter_map(use_of).collect())
    }

    /// `None` if it was not used, or if nothing is known.
    pub fn last(&self, subscription: &str, secret: &str) -> Option<OffsetDateTime> {
        let Self::Known(uses) = self else { return None };
        let fact = older_secret(subscription, secret).fact;
        uses.get(&(fact.subject, fact.value)).copied()
    }

    /// Its last use, if that was within a day.
    pub fn lately(&self, subscription: &str, secret: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.last(subscription, secret).filter(|at| now - *at < LATELY)
    }

    /// The same in words; `None` if nothing is known.
    pub fn told(&self, subscription: &str, secret: &str) -> Option<String> {
        let Self::Known(_) = self else { return None };
        let told = match self.last(subscription, secret) {
            Some(at) => format!("last used {}", when(at)),
            None => "not seen since the rotation".to_owned(),
        };
        Some(told)
    }
}

fn use_of(fact: &Value) -> Option<((String, String), OffsetDateTime)> {
    let [subject, value, at] = ["subject", "value", "last_seen"].map(|name| fact[name].as_str());
    let at = OffsetDateTime::parse(at?, &Rfc3339).ok()?;
    Some(((subject?.to_owned(), value?.to_owned()), at))
}
