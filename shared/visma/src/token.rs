//! Access tokens of Visma Connect, one per tenant and client (docs/visma-net.md#tokens), and the
//! count of a tenant's new tokens that the ERP refused in a row (docs/visma-net.md#tenant-ids).

use crate::error::{Stage, VismaError};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};
use url::{Url, form_urlencoded};
use webhooks_model::from_objects;
use webhooks_settings::{Secret, Visma};

const RENEW_BEFORE: Duration = Duration::seconds(60);
const DEFAULT_LIFETIME: u64 = 300;
const LONGEST_LIFETIME: u64 = 24 * 3600;
/// This many refused tokens in a row, over this time, are no outage: the id is the customer's.
const TOKENS: u32 = 5;
const FOR_SO_LONG: Duration = Duration::minutes(5);
/// Wait after the first refusal. Each refusal doubles it, up to the longest.
const FIRST_WAIT: Duration = Duration::seconds(5);
const LONGEST_WAIT: Duration = Duration::minutes(5);

/// Identifies a token by its tenant and settings, so that changed settings take effect at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    tenant: String,
    connect_url: Url,
    client_id: String,
    client_secret: Secret,
    scope: String,
}

impl Key {
    pub(crate) fn new(visma: &Visma, tenant: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            connect_url: visma.connect_url.clone(),
            client_id: visma.client_id.clone(),
            client_secret: visma.client_secret.clone(),
            scope: visma.scope.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    secret: Secret,
    renew_at: OffsetDateTime,
}

#[derive(Deserialize)]
#[serde(remote = "Self")]
struct TokenAnswer {
    access_token: Secret,
    #[serde(default)]
    expires_in: Value,
}

from_objects!(TokenAnswer);

impl Token {
    pub(crate) fn parse(json: &str, now: OffsetDateTime) -> Result<Self, VismaError> {
        let unreadable = || VismaError::unreadable(Stage::Token);
        let answer: TokenAnswer = serde_json::from_str(json).map_err(|_| unreadable())?;
        let text = answer.access_token.reveal();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unreadable());
        }
        let told = answer.expires_in.as_u64().or_else(|| answer.expires_in.as_str()?.parse().ok());
        let lifetime = Duration::seconds(told.unwrap_or(DEFAULT_LIFETIME).min(LONGEST_LIFETIME).cast_signed());
        Ok(Self { secret: answer.access_token, renew_at: now + lifetime - RENEW_BEFORE.min(lifetime / 2) })
    }
}

/// The body of a token request.
pub(crate) fn form(visma: &Visma, tenant: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &visma.client_id)
        .append_pair("client_secret", visma.client_secret.reveal())
        .append_pair("scope", &visma.scope)
        .append_pair("tenant_id", tenant)
        .finish()
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// The outcome of the last request. The task that holds the lock makes the next request; tasks that
/// wait for the lock share its result.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) refusals: Refusals,
    requests: AtomicU64,
    outcome: tokio::sync::Mutex<Option<Result<Token, VismaError>>>,
}

impl Tokens {
    pub(crate) fn slot(&self, key: &Key) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(key) {
            return slot.clone();
        }
        // Drops the tenant's tokens of former settings.
        slots.retain(|other, _| other.tenant != key.tenant);
        slots.entry(key.clone()).or_default().clone()
    }
}

impl Slot {
    /// A fresh token other than `rejected`. Calls `request` if there is none.
    pub(crate) async fn get<F>(
        &self,
        rejected: Option<&Secret>,
        now: impl Fn() -> OffsetDateTime,
        request: impl FnOnce() -> F,
    ) -> Result<Secret, VismaError>
    where
        F: Future<Output = Result<Token, VismaError>>,
    {
        let requests = self.requests.load(Ordering::SeqCst);
        let mut outcome = self.outcome.lock().await;
        // Visma Connect may return the same token again. One that came while this call waited
        // counts as new.
        let is_renewed = self.requests.load(Ordering::SeqCst) != requests;
        match &*outcome {
            Some(Ok(token)) if now() < token.renew_at && (is_renewed || Some(&token.secret) != rejected) => {
                return Ok(token.secret.clone());
            }
            Some(Err(error)) if is_renewed => return Err(error.clone()),
            _ => {}
        }
        let latest = request().await;
        self.requests.fetch_add(1, Ordering::SeqCst);
        *outcome = Some(latest.clone());
        latest.map(|token| token.secret)
    }

    /// Drops the token unless a newer one has replaced it. Returns whether it did.
    pub(crate) async fn forget(&self, secret: &Secret) -> bool {
        let mut outcome = self.outcome.lock().await;
        let is_latest = matches!(&*outcome, Some(Ok(token)) if token.secret == *secret);
        if is_latest {
            *outcome = None;
        }
        is_latest
    }
}

/// The refused tokens of a tenant since this process started.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Refused tokens since the last accepted one.
    tokens: u32,
    /// The time of the first refusal, and the time of the next try.
    span: Option<(OffsetDateTime, OffsetDateTime)>,
    was_accepted: bool,
}

impl Refusals {
    /// Fails until the next try is due.
    pub(crate) fn check(&self, stage: Stage, now: OffsetDateTime) -> Result<(), VismaError> {
        let is_closed = self.lock().span.is_some_and(|(_, closed_until)| now < closed_until);
        if is_closed { Err(self.error(stage, now)) } else { Ok(()) }
    }

    /// Whether the tenant's last token was refused although it was new. Another one would be
    /// refused as well.
    pub(crate) fn is_suspected(&self) -> bool {
        self.lock().tokens > 0
    }

    /// Counts another refused new token.
    pub(crate) fn add(&self, now: OffsetDateTime) {
        let mut state = self.lock();
        let wait = (FIRST_WAIT * (1_i32 << state.tokens.min(8))).min(LONGEST_WAIT);
        state.tokens += 1;
        state.span = Some((state.span.map_or(now, |(since, _)| since), now + wait));
    }

    /// Resets the count when the ERP accepts a token.
    pub(crate) fn forget(&self) {
        *self.lock() = State { was_accepted: true, ..State::default() };
    }

    /// The error for a caller whose token was refused.
    pub(crate) fn error(&self, stage: Stage, now: OffsetDateTime) -> VismaError {
        let state = self.lock();
        let is_long = state.span.is_some_and(|(since, _)| now - since >= FOR_SO_LONG);
        if state.tokens >= TOKENS && is_long && !state.was_accepted {
            return VismaError::CompanyTenantNeeded { stage };
        }
        let left = state.span.and_then(|(_, closed_until)| std::time::Duration::try_from(closed_until - now).ok());
        VismaError::TokenRefused { stage, status: 401, after: left.filter(|left| !left.is_zero()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn renewed_after(json: &str) -> Option<i64> {
        Token::parse(json, NOW).ok().map(|token| (token.renew_at - NOW).whole_seconds())
    }

    #[test]
    fn a_token_is_renewed_a_minute_before_it_ends_or_halfway_if_that_is_later() {
        assert_eq!(renewed_after(r#"{"access_token": "a", "expires_in": 3600}"#), Some(3540));
        assert_eq!(renewed_after(r#"{"access_token": "a", "expires_in": "3600"}"#), Some(3540));
        assert_eq!(renewed_after(r#"{"access_token": "a"}"#), Some(240));
        assert_eq!(renewed_after(r#"{"access_token": "a", "expires_in": 40}"#), Some(20));
        assert_eq!(renewed_after(r#"{"access_token": "a", "expires_in": 18446744073709551615}"#), Some(86_340));
    }

    #[test]
    fn rejects_an_answer_without_a_token_that_fits_a_header() {
        for json in [
            "",
            "[]",
            "{}",
            r#"["a", 3600]"#,
            r#"{"access_token": ""}"#,
            r#"{"access_token": "a\r\nb"}"#,
            r#"{"access_token": 1}"#,
        ] {
            assert_eq!(Token::parse(json, NOW).err(), Some(VismaError::unreadable(Stage::Token)), "{json}");
        }
    }

    /// Tries a new token as soon as allowed, for this many seconds. Returns when each was refused,
    /// in seconds.
    fn refused_for(refusals: &Refusals, seconds: i64) -> Vec<i64> {
        let mut at = vec![];
        for second in 0..=seconds {
            let now = NOW + Duration::seconds(second);
            if refusals.check(Stage::Resource, now).is_ok() {
                refusals.add(now);
                at.push(second);
            }
        }
        at
    }

    #[test]
    fn asks_for_new_tokens_less_and_less_often() {
        assert_eq!(refused_for(&Refusals::default(), 1000), [0, 5, 15, 35, 75, 155, 315, 615, 915]);
    }

    #[test]
    fn reports_a_customer_tenant_after_five_minutes_of_refused_tokens() {
        let refusals = Refusals::default();
        assert_eq!(refused_for(&refusals, 314).len(), 6);
        let error = |seconds| refusals.error(Stage::Resource, NOW + Duration::seconds(seconds));
        let after = Some(std::time::Duration::from_secs(16));
        assert_eq!(error(299), VismaError::TokenRefused { stage: Stage::Resource, status: 401, after });
        assert_eq!(error(300), VismaError::CompanyTenantNeeded { stage: Stage::Resource });
    }

    #[test]
    fn a_tenant_with_an_accepted_token_is_a_company_tenant() {
        let refusals = Refusals::default();
        refusals.forget();
        refused_for(&refusals, 1000);
        let later = refusals.error(Stage::Feedback, NOW + Duration::seconds(1000));
        assert!(matches!(later, VismaError::TokenRefused { stage: Stage::Feedback, status: 401, after: Some(_) }));
    }
}
