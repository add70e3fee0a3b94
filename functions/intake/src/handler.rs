//! Answers events.

use crate::accept::Accepted;
use crate::content;
use crate::event::{Encoded, Event, Request};
use crate::intake::Intake;
use crate::problem::{Problem, json_response};
use crate::target::{Entrance, Target};
use crate::verify::{Caller, Inbound};
use futures::FutureExt;
use lambda_http::http::StatusCode;
use lambda_http::{Body, LambdaEvent, Response};
use serde::Serialize;
use serde_json::json;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_queue::{Sender, Trace};
use webhooks_settings::{Settings, Source, SourceIpPolicy, SourceIps};

impl<S: Source, Q: Sender, H: Host> Intake<S, Q, H> {
    /// Answers every event. A panic becomes a 503, so that the sender retries the delivery.
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Response<Body> {
        let LambdaEvent { payload: Event(request), context } = event;
        let is_head = request.as_ref().is_some_and(|request| request.method() == "HEAD");
        let trace = context.xray_trace_id.as_deref().and_then(Trace::parse);
        let answer = AssertUnwindSafe(self.answer(request, trace.as_ref())).catch_unwind().await;
        let mut answer = answer.unwrap_or_else(|_| self.refuse(&Problem::Internal, None));
        self.metrics.flush(&context.request_id);
        if is_head {
            *answer.body_mut() = Body::Empty;
        }
        answer
    }

    async fn answer(&self, request: Option<Request>, trace: Option<&Trace>) -> Response<Body> {
        let Some(mut request) = request else { return self.refuse(&Problem::EventUnreadable, None) };
        let body = request.take_body();
        match Target::of_any(request.paths()) {
            Target::Nothing => self.refuse(&Problem::RouteUnknown, None),
            Target::Prefixed => self.refuse(&Problem::PrefixUnknown, None),
            target if !target.allows(request.method()) => {
                self.refuse(&Problem::MethodNotAllowed { allow: target.allow() }, None)
            }
            Target::Webhook(entrance) if request.method() == "POST" => {
                self.receive(entrance, &request, body, trace).await
            }
            Target::Webhook(_) | Target::Health => json_response(StatusCode::OK, &json!({"status": "ok"})),
        }
    }

    async fn receive(
        &self,
        entrance: Entrance<'_>,
        request: &Request,
        body: Encoded,
        trace: Option<&Trace>,
    ) -> Response<Body> {
        let begun = self.host.now();
        let settings = match self.settings.get().await {
            Ok(settings) => settings,
            Err(error) => return self.refuse(&Problem::SettingsUnavailable(error), None),
        };
        match self.take(entrance, request, body, trace, &settings).await {
            Ok(Accepted { id, tenant, bytes }) => {
                let elapsed = self.host.now() - begun;
                let metrics = [Metric::Accepted, Metric::AckDuration(elapsed), Metric::BodySize(bytes)];
                self.metrics.record(Some(&tenant), metrics);
                json_response(StatusCode::ACCEPTED, &Receipt { accepted: true, delivery: id })
            }
            Err(problem) => self.refuse(&problem, entrance.known_route(&settings)),
        }
    }

    fn refuse(&self, problem: &Problem, route: Option<&str>) -> Response<Body> {
        self.metrics.record(None, [problem.metric()]);
        problem.refuse(route)
    }

    async fn take(
        &self,
        entrance: Entrance<'_>,
        request: &Request,
        body: Encoded,
        trace: Option<&Trace>,
        settings: &Arc<Settings>,
    ) -> Result<Accepted, Problem> {
        check_source(&settings.source_ips, request.source_ip())?;
        let (headers, body) = (&request.headers, body.decode()?);
        content::check_size(body.len(), self.limits.max_body_bytes)?;
        let caller = self.verify(&Inbound { entrance, headers, body: &body }, settings).await?;
        content::check_kind(caller.channel, headers, &body)?;
        self.accept(caller, request, &body, trace).await
    }

    /// Verifies, and tries again with fresh settings if the current ones do not match: a secret or
    /// a route may be newer.
    async fn verify(&self, inbound: &Inbound<'_>, settings: &Arc<Settings>) -> Result<Caller, Problem> {
        let verified = inbound.verify(settings, self.host.now());
        let Err(Problem::RouteUnknown | Problem::SignatureMismatch) = verified else { return verified };
        let fresh = self.settings.refreshed().await.map_err(Problem::SettingsUnavailable)?;
        if Arc::ptr_eq(settings, &fresh) { verified } else { inbound.verify(&fresh, self.host.now()) }
    }
}

/// Checks the sender's address against a list.
///
/// # Errors
/// The list is enforced, and the address is unknown or not on it.
fn check_source(list: &SourceIps, address: Option<IpAddr>) -> Result<(), Problem> {
    let listed = || address.is_some_and(|address| list.addresses.contains(&address));
    match list.policy {
        SourceIpPolicy::Off => Ok(()),
        SourceIpPolicy::Enforce if listed() => Ok(()),
        SourceIpPolicy::Enforce => Err(Problem::SourceNotAllowed),
        SourceIpPolicy::Warn => {
            // Without a list, a warning for every request would tell nothing.
            if !list.addresses.is_empty() && !listed() {
                tracing::warn!(code = "source_not_listed", "a request came from an address that is not on the list");
            }
            Ok(())
        }
    }
}

/// The body of a 202.
#[derive(Serialize)]
struct Receipt {
    accepted: bool,
    /// Identifies the delivery in the logs and the ledger.
    delivery: Uuid,
}
