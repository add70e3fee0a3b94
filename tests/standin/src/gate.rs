//! Checks that all calls to the ERP pass: bearer token, counters, rate limit, faults. The limit is
//! a fixed window of calls per company, and another one for its sales orders of version 1
//! (docs/visma-net.md#rate-limits).

use std::time::{Duration, Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header::AUTHORIZATION, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::{
    fault::{self, HangUp},
    protocol::{Endpoint, RateBudget},
    refusal::Refusal,
    world::{Company, Shared, Token},
};

const FEEDBACK: &str = "feedback";
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("x-ratelimit-policy");

/// The tenant of the call's token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller(pub(crate) Uuid);

pub(crate) async fn gate(State(world): State<Shared>, mut request: Request, next: Next) -> Response {
    let Some(token) = bearer(&world, &request) else {
        return unauthorized();
    };
    let tenant = token.tenant;
    let label = label(request.uri().path());
    let endpoint = if label == FEEDBACK { Endpoint::Feedback } else { Endpoint::Resource };
    let Ok(scope_status) = world.company(tenant, |company| company.settings.scope_status) else {
        return unauthorized();
    };
    let is_old_order = label.starts_with("salesorder");
    let verdict = check(&token, request.method(), request.uri().path(), scope_status);
    let admission = world.company(tenant, |company| {
        arrived(company, &label);
        if company.settings.is_customer {
            return None;
        }
        let window = if is_old_order { &mut company.old_orders } else { &mut company.window };
        if verdict.is_err() {
            return Some((window.peek(Instant::now()), None));
        }
        let quota = window.take(Instant::now());
        Some((quota, quota.admitted.then(|| company.faults.next(endpoint))))
    });
    let (quota, fault) = match admission {
        Ok(Some(admission)) => admission,
        Ok(None) => {
            let response = StatusCode::UNAUTHORIZED.into_response();
            answered(&world, tenant, &label, &response);
            return response;
        }
        Err(_) => return unauthorized(),
    };
    request.extensions_mut().insert(Caller(tenant));
    let mut response = match (verdict, fault) {
        (Err(refusal), _) => refusal.into_response(),
        (Ok(()), None) => too_many(),
        (Ok(()), Some(fault)) => fault::apply(fault, endpoint, next.run(request)).await,
    };
    quota.write(&mut response, if is_old_order { "8-fixed-window" } else { "4-fixed-window" });
    answered(&world, tenant, &label, &response);
    response
}

/// Counts a call.
pub(crate) fn arrived(company: &mut Company, label: &str) {
    company.calls.0.entry(label.to_owned()).or_default().calls += 1;
}

/// Counts an answer, unless the connection is dropped.
pub(crate) fn answered(world: &Shared, tenant: Uuid, label: &str, response: &Response) {
    if response.extensions().get::<HangUp>().is_some() {
        return;
    }
    // The tenant may have been deleted during the call. Then there is nothing to count.
    let _ = world.company(tenant, |company| {
        let count = company.calls.0.entry(label.to_owned()).or_default();
        *count.answers.entry(response.status().as_u16()).or_default() += 1;
    });
}

/// The token, if it was issued.
fn bearer(world: &Shared, request: &Request) -> Option<Token> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    world.state().tokens.get(token.trim()).cloned()
}

/// The two APIs have scopes of their own (docs/visma-net.md#tokens). `scope_status` is the answer to
/// a token without the scope.
fn check(token: &Token, method: &Method, path: &str, scope_status: u16) -> Result<(), Refusal> {
    if token.revoked || token.expires <= Instant::now() {
        let message = "Authorization has been denied for this request.";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, message));
    }
    let wanted = match (path.starts_with("/api/v3/"), method) {
        (true, &Method::GET) => "visma.net.erp.salesorder:read",
        (true, _) => "visma.net.erp.salesorder:write",
        (false, &Method::POST) => "vismanet_erp_service_api:create",
        (false, _) => "vismanet_erp_service_api:read",
    };
    if token.scope.split_whitespace().any(|granted| granted == wanted) {
        Ok(())
    } else {
        let status = StatusCode::from_u16(scope_status).unwrap_or(StatusCode::FORBIDDEN);
        Err(Refusal::new(status, format!("The scope {wanted} is missing.")))
    }
}

fn unauthorized() -> Response {
    let message = "Authorization has been denied for this request.";
    Refusal::new(StatusCode::UNAUTHORIZED, message).into_response()
}

fn too_many() -> Response {
    let message = "Rate limit is exceeded. Try again later.";
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, message).into_response()
}

/// The counter's name for a path: `account`, `account list`, `SalesOrders list`, `feedback`.
fn label(path: &str) -> String {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["v1", "webhooknotificationfeedback"] => FEEDBACK.to_owned(),
        ["v1", collection] => format!("{collection} list"),
        ["v1", collection, ..] => (*collection).to_owned(),
        ["api", "v3", collection] | ["api", "v3", collection, _] => format!("{collection} list"),
        ["api", "v3", collection, ..] => (*collection).to_owned(),
        _ => "other".to_owned(),
    }
}

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
    pub(crate) fn write(&self, response: &mut Response, policy: &'static str) {
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, self.reset_seconds.into());
        headers.insert(POLICY, HeaderValue::from_static(policy));
        if status == StatusCode::TOO_MANY_REQUESTS && !self.admitted {
            headers.insert(RETRY_AFTER, self.reset_seconds.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_by_resource() {
        assert_eq!(label("/v1/account/1920"), "account");
        assert_eq!(label("/v1/account"), "account list");
        assert_eq!(label("/v1/salesorder/SO/000123"), "salesorder");
        assert_eq!(label("/api/v3/SalesOrders/SO"), "SalesOrders list");
        assert_eq!(label("/api/v3/SalesOrders/SO/000123"), "SalesOrders");
        assert_eq!(label("/v1/webhooknotificationfeedback"), "feedback");
    }

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
