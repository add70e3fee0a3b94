//! Counts new tokens of a tenant that the ERP refused in a row (docs/visma-net.md#tenant-ids).

use crate::error::{Stage, VismaError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};

/// This many refused tokens in a row, over this time, are no outage: the id is the customer's.
const TOKENS: u32 = 5;
const FOR_SO_LONG: Duration = Duration::minutes(5);
/// Wait after the first refusal. Each refusal doubles it, up to the longest.
const FIRST_WAIT: Duration = Duration::seconds(5);
const LONGEST_WAIT: Duration = Duration::minutes(5);

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
