//! The fixed window of calls per company, and its headers (docs/visma-net.md#rate-limits).

use std::time::{Duration, Instant};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};

use crate::protocol::RateBudget;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("x-ratelimit-policy");

/// A tenant's window; it starts with the first call.
#[derive(Debug, Default)]
pub(crate) struct Window {
    budget: RateBudget,
    started: Option<Instant>,
    used: u32,
}

/// The window's state for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) admitted: bool,
    limit: u32,
    remaining: u32,
    reset_seconds: u64,
}

impl Window {
    /// A fresh window with another budget.
    pub(crate) fn new(budget: RateBudget) -> Self {
        Self { budget, ..Self::default() }
    }

    /// Uses one call if one is left.
    pub(crate) fn take(&mut self, now: Instant) -> Quota {
        let quota = self.peek(now);
        self.used += u32::from(quota.admitted);
        Quota { remaining: self.budget.limit - self.used, ..quota }
    }

    /// The window's state, for a call that is refused before it counts.
    pub(crate) fn peek(&mut self, now: Instant) -> Quota {
        let length = Duration::from_secs(self.budget.window_seconds);
        let started = *self.started.get_or_insert(now);
        let mut age = now.saturating_duration_since(started);
        if age >= length {
            (self.started, self.used, age) = (Some(now), 0, Duration::ZERO);
        }
        Quota {
            admitted: self.used < self.budget.limit,
            limit: self.budget.limit,
            remaining: self.budget.limit - self.used,
            reset_seconds: (length - age).as_millis().div_ceil(1000) as u64,
        }
    }
}

impl Quota {
    /// Adds the headers of every answer, and Retry-After to one refused by the limit.
    pub(crate) fn write(&self, response: &mut Response) {
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, self.reset_seconds.into());
        headers.insert(POLICY, HeaderValue::from_static("4-fixed-window"));
        if status == StatusCode::TOO_MANY_REQUESTS && !self.admitted {
            headers.insert(RETRY_AFTER, self.reset_seconds.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_admits_its_budget_and_then_starts_anew() {
        let mut window = Window::new(RateBudget { limit: 2, window_seconds: 10 });
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);

        let first = window.take(at(0));
        assert_eq!((first.admitted, first.remaining, first.reset_seconds), (true, 1, 10));
        assert!(window.take(at(1)).admitted);
        let refused = window.take(at(6500));
        assert_eq!((refused.admitted, refused.remaining, refused.reset_seconds), (false, 0, 4));
        let next = window.take(at(10_000));
        assert_eq!((next.admitted, next.remaining), (true, 1));
    }
}
