//! Checks that all calls to the ERP pass: bearer token, counters, rate limit, faults.

use std::time::Instant;

use axum::{
    extract::{Request, State},
    http::{Method, StatusCode, header::AUTHORIZATION},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::{
    company::Company,
    fault::{self, HangUp},
    protocol::Endpoint,
    refusal::Refusal,
    world::{Shared, Token},
};

const FEEDBACK: &str = "feedback";

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
    let verdict = check(&token, request.method());
    let admission = world.company(tenant, |company| {
        arrived(company, &label);
        if company.settings.is_customer {
            return None;
        }
        if verdict.is_err() {
            return Some((company.window.peek(Instant::now()), None));
        }
        let quota = company.window.take(Instant::now());
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
    quota.write(&mut response);
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

fn check(token: &Token, method: &Method) -> Result<(), Refusal> {
    if token.revoked || token.expires <= Instant::now() {
        let message = "Authorization has been denied for this request.";
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, message));
    }
    let right = match *method {
        Method::POST => "create",
        Method::PATCH => "update",
        _ => "read",
    };
    let mut rights = token.scope.split_whitespace().filter_map(|scope| scope.rsplit_once(':'));
    if rights.any(|(_, granted)| granted == right) {
        Ok(())
    } else {
        let message = format!("The scope for {right} is missing.");
        Err(Refusal::new(StatusCode::FORBIDDEN, message))
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

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn counters_are_named_by_resource() {
        assert_eq!(label("/v1/account/1920"), "account");
        assert_eq!(label("/v1/account"), "account list");
        assert_eq!(label("/v1/salesorder/SO/000123"), "salesorder");
        assert_eq!(label("/api/v3/SalesOrders/SO"), "SalesOrders list");
        assert_eq!(label("/api/v3/SalesOrders/SO/000123"), "SalesOrders");
        assert_eq!(label("/v1/webhooknotificationfeedback"), "feedback");
    }
}
