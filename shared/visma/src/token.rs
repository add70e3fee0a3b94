//! Access tokens of Visma Connect, one per tenant and client (docs/visma-net.md#tokens), and the
//! count of a tenant's new tokens that an API refused in a row (docs/visma-net.md#tenant-ids).

use crate::error::{Stage, VismaError};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};
use url::{Url, form_urlencoded};
use webhooks_model::from_objects;
use webhooks_model::resource_path::Api;
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
        // A token that ends at once would be requested again for each call.
        let told = told.filter(|seconds| *seconds > 0);
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
    requests: AtomicU64,
    outcome: tokio::sync::Mutex<Option<Result<Token, VismaError>>>,
    refusals: Mutex<Refusals>,
}

/// A token, and the number of the request that got it. Visma Connect may return the same text again.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) secret: Secret,
    pub(crate) number: u64,
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
    /// A fresh token other than number `unfit`. Calls `request` if there is none.
    pub(crate) async fn get<F>(
        &self,
        unfit: Option<u64>,
        now: impl Fn() -> OffsetDateTime,
        request: impl FnOnce() -> F,
    ) -> Result<Issued, VismaError>
    where
        F: Future<Output = Result<Token, VismaError>>,
    {
        let before = self.requests.load(Ordering::SeqCst);
        let mut outcome = self.outcome.lock().await;
        let number = self.requests.load(Ordering::SeqCst);
        match &*outcome {
            Some(Ok(token)) if now() < token.renew_at && Some(number) != unfit => {
                return Ok(Issued { secret: token.secret.clone(), number });
            }
            Some(Err(error)) if number != before => return Err(error.clone()),
            _ => {}
        }
        let latest = request().await;
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        *outcome = Some(latest.clone());
        latest.map(|token| Issued { secret: token.secret, number })
    }

    /// Fails until the next try with this API is due. Returns the number of the token that it must
    /// not get again.
    pub(crate) fn admit(&self, api: Api, stage: Stage, now: OffsetDateTime) -> Result<Option<u64>, VismaError> {
        let mut refusals = self.refusals();
        let own = *refusals.of(api);
        let is_closed = own.span.is_some_and(|(_, closed_until)| now < closed_until);
        if is_closed { Err(refusals.error(api, stage, now)) } else { Ok(own.unfit) }
    }

    /// Whether the API refused its last token although it was new. It would refuse another one as
    /// well.
    pub(crate) fn is_suspected(&self, api: Api) -> bool {
        self.refusals().of(api).tokens > 0
    }

    /// Counts another refused new token. Several calls may hold it; only the first counts it.
    pub(crate) fn refuse(&self, api: Api, token: &Issued, now: OffsetDateTime) {
        let mut refusals = self.refusals();
        let own = refusals.of(api);
        if own.unfit.is_some_and(|unfit| token.number <= unfit) {
            return;
        }
        let wait = (FIRST_WAIT * (1_i32 << own.tokens.min(8))).min(LONGEST_WAIT);
        own.tokens += 1;
        own.span = Some((own.span.map_or(now, |(since, _)| since), now + wait));
        own.unfit = Some(token.number);
    }

    /// Resets the count when the API accepts a token. It does not get the token `unfit` again.
    pub(crate) fn accept(&self, api: Api, unfit: Option<&Issued>) {
        let mut refusals = self.refusals();
        let own = refusals.of(api);
        let unfit = unfit.map(|token| token.number).max(own.unfit);
        *own = State { unfit, was_accepted: true, ..State::default() };
    }

    /// The error for a caller whose token was refused.
    pub(crate) fn error(&self, api: Api, stage: Stage, now: OffsetDateTime) -> VismaError {
        self.refusals().error(api, stage, now)
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The refused tokens of a tenant since this process started. Each API has scopes of its own
/// (docs/visma-net.md#tokens), so it may refuse a token that the other accepts.
#[derive(Debug, Default)]
struct Refusals {
    finance: State,
    sales_order: State,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// Refused tokens since the last accepted one.
    tokens: u32,
    /// The time of the first refusal, and the time of the next try.
    span: Option<(OffsetDateTime, OffsetDateTime)>,
    /// The number of the last token that was refused, or lacked a scope.
    unfit: Option<u64>,
    was_accepted: bool,
}

impl Refusals {
    fn of(&mut self, api: Api) -> &mut State {
        match api {
            Api::Finance => &mut self.finance,
            Api::SalesOrder => &mut self.sales_order,
        }
    }

    fn error(&self, api: Api, stage: Stage, now: OffsetDateTime) -> VismaError {
        // A token that sales orders accept is a company's.
        let (state, was_accepted) = match api {
            Api::Finance => (self.finance, self.finance.was_accepted || self.sales_order.was_accepted),
            Api::SalesOrder => (self.sales_order, self.sales_order.was_accepted),
        };
        let is_long = state.span.is_some_and(|(since, _)| now - since >= FOR_SO_LONG);
        if state.tokens >= TOKENS && is_long && !was_accepted {
            return VismaError::each_token_refused(api, stage);
        }
        let left = state.span.and_then(|(_, closed_until)| std::time::Duration::try_from(closed_until - now).ok());
        VismaError::TokenRefused { stage, status: 401, after: left.filter(|left| !left.is_zero()) }
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
        for unknown in ["0", "\"0\"", "-1", "3599.5", "null", "\"soon\""] {
            let json = format!(r#"{{"access_token": "a", "expires_in": {unknown}}}"#);
            assert_eq!(renewed_after(&json), Some(240), "{unknown}");
        }
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
    fn refused_for(slot: &Slot, api: Api, seconds: i64) -> Vec<i64> {
        let mut at = vec![];
        for (number, second) in (1..).zip(0..=seconds) {
            let now = NOW + Duration::seconds(second);
            if slot.admit(api, Stage::Resource, now).is_ok() {
                slot.refuse(api, &issued(number), now);
                at.push(second);
            }
        }
        at
    }

    fn issued(number: u64) -> Issued {
        Issued { secret: Secret::from("a".to_owned()), number }
    }

    fn error(slot: &Slot, api: Api, seconds: i64) -> VismaError {
        slot.error(api, Stage::Resource, NOW + Duration::seconds(seconds))
    }

    #[test]
    fn asks_for_new_tokens_less_and_less_often() {
        let times = refused_for(&Slot::default(), Api::Finance, 1000);
        assert_eq!(times, [0, 5, 15, 35, 75, 155, 315, 615, 915]);
    }

    #[test]
    fn reports_a_customer_tenant_after_five_minutes_of_refused_tokens() {
        let slot = Slot::default();
        assert_eq!(refused_for(&slot, Api::Finance, 314).len(), 6);
        let after = Some(std::time::Duration::from_secs(16));
        let refused = VismaError::TokenRefused { stage: Stage::Resource, status: 401, after };
        assert_eq!(error(&slot, Api::Finance, 299), refused);
        assert_eq!(error(&slot, Api::Finance, 300), VismaError::CompanyTenantNeeded { stage: Stage::Resource });
    }

    #[test]
    fn a_tenant_with_an_accepted_token_is_a_company_tenant() {
        for accepting in [Api::Finance, Api::SalesOrder] {
            let slot = Slot::default();
            slot.accept(accepting, None);
            refused_for(&slot, Api::Finance, 1000);
            let later = error(&slot, Api::Finance, 1000);
            assert!(matches!(later, VismaError::TokenRefused { status: 401, after: Some(_), .. }), "{accepting:?}");
        }
    }

    #[test]
    fn refused_sales_orders_say_nothing_about_the_other_api() {
        let slot = Slot::default();
        slot.accept(Api::Finance, None);
        refused_for(&slot, Api::SalesOrder, 1000);
        assert_eq!(error(&slot, Api::SalesOrder, 1000), VismaError::SalesOrdersRefused { stage: Stage::Resource });
        assert_eq!(slot.admit(Api::Finance, Stage::Resource, NOW), Ok(None));
    }
}
