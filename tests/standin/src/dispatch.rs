//! Sends deliveries and retries them (docs/visma-net.md#subscriptions,
//! docs/visma-net.md#answers-and-retries).

use std::{sync::Arc, time::Duration};

use axum::http::header::RETRY_AFTER;
use futures::{StreamExt, stream};
use uuid::Uuid;

use crate::{
    clock,
    emit::{self, OutgoingRequest, WEBHOOK_TIMESTAMP},
    message::{Attempt, Delivery, Emit, Emitted, Retry, Sending},
    refusal::Refusal,
    world::{Company, Shared, World},
};

/// The characters of an answer's body to keep.
const ANSWER_CHARS: usize = 1000;

/// Sends notifications, and waits for the end of their deliveries if asked to.
pub(crate) async fn emit(world: &Shared, tenant: Uuid, emit: &Emit) -> Result<Emitted, Refusal> {
    let api_url = api_url(world)?;
    let (ids, requests) = world.company(tenant, |company| emit::plan(company, emit))??;
    Ok(dispatch(world, tenant, api_url, ids, requests, &emit.sending).await)
}

/// Sends a notification again.
pub(crate) async fn resend(world: &Shared, tenant: Uuid, id: Uuid, sending: &Sending) -> Result<Emitted, Refusal> {
    let api_url = api_url(world)?;
    let outgoing = world.company(tenant, |company| emit::plan_resend(company, id, sending))??;
    Ok(dispatch(world, tenant, api_url, vec![id], vec![outgoing], sending).await)
}

pub(crate) fn api_url(world: &World) -> Result<String, Refusal> {
    let url = world.state().api_url.clone();
    url.ok_or_else(|| Refusal::conflict("No API URL is set."))
}

/// Sends the planned requests.
pub(crate) async fn dispatch(
    world: &Shared,
    tenant: Uuid,
    api_url: String,
    notification_ids: Vec<Uuid>,
    requests: Vec<OutgoingRequest>,
    sending: &Sending,
) -> Emitted {
    let copies = sending.copies;
    let requests: Vec<_> = requests.into_iter().flat_map(|outgoing| std::iter::repeat_n(outgoing, copies)).collect();
    let (concurrency, retry) = (sending.concurrency.max(1), sending.retry);
    let world = Arc::clone(world);
    // Runs as its own task, so that it goes on if the caller disconnects.
    let sent = tokio::spawn(async move {
        let (world, api_url) = (&world, &api_url);
        let deliveries = requests.into_iter().map(|outgoing| deliver(world, tenant, api_url, outgoing, retry));
        stream::iter(deliveries).buffered(concurrency).collect().await
    });
    let deliveries = match sending.wait {
        true => sent.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the deliveries were cut off");
            Vec::new()
        }),
        false => Vec::new(),
    };
    Emitted { notification_ids, deliveries }
}

/// A 2xx ends it. Any other answer, or none, is retried, unless the dialect ends it.
async fn deliver(world: &World, tenant: Uuid, api_url: &str, outgoing: OutgoingRequest, retry: Retry) -> Delivery {
    let url = format!("{}{}", api_url.trim_end_matches('/'), outgoing.path);
    let mut attempts = Vec::new();
    let subscription = outgoing.subscription.as_deref();
    let is_disabled = |company: &mut Company| subscription.is_some_and(|id| company.is_disabled(id));
    let delivered = loop {
        // Another delivery may have disabled it meanwhile.
        if world.company(tenant, is_disabled).unwrap_or(false) {
            break false;
        }
        let (attempt, retry_after) = attempt(&world.http, &url, &outgoing, retry).await;
        // The tenant may have been reset. Then the result is not needed.
        let is_final = world.company(tenant, |company| {
            company.record_attempt(&outgoing.ids, &attempt);
            company.dialect.is_final(attempt.status)
        });
        let delivered = attempt.status.is_some_and(|status| (200..300).contains(&status));
        attempts.push(attempt);
        let failed = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
        if delivered || failed >= retry.attempts || is_final.unwrap_or(false) {
            break delivered;
        }
        tokio::time::sleep(retry.delay(failed, retry_after)).await;
    };
    let _ = world.company(tenant, |company| company.settle(&outgoing.ids, subscription, delivered));
    Delivery { notification_ids: outgoing.ids, delivered, attempts }
}

async fn attempt(
    http: &reqwest::Client,
    url: &str,
    outgoing: &OutgoingRequest,
    retry: Retry,
) -> (Attempt, Option<Duration>) {
    let at = clock::now();
    let mut request = http.post(url).timeout(Duration::from_millis(retry.timeout_ms));
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    if let Some(dialect) = &outgoing.stamped {
        request = request.header(WEBHOOK_TIMESTAMP, dialect.timestamp(at));
    }
    let mut attempt = Attempt { at, status: None, error: None, answer: None };
    let response = match request.body(outgoing.body.clone()).send().await {
        Ok(response) => response,
        Err(error) => {
            attempt.error = Some(chain(&error));
            return (attempt, None);
        }
    };
    attempt.status = Some(response.status().as_u16());
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    match response.text().await {
        Ok(body) => attempt.answer = Some(body.chars().take(ANSWER_CHARS).collect()),
        Err(error) => attempt.error = Some(chain(&error)),
    }
    (attempt, retry_after)
}

/// The error with its causes. reqwest's own text leaves out the reason.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
