//! Makes a delivery durable before the answer.

use crate::event::Body;
use crate::event::Request;
use crate::headers::kept;
use crate::intake::Intake;
use crate::problem::Problem;
use crate::verify::Caller;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::Origin;
use webhooks_model::delivery::Meta;
use webhooks_model::measure::address_digest;
use webhooks_queue::{Message, QueueError, Sender, Trace};
use webhooks_settings::Source;

/// SQS accepts 1 MiB and counts more than the text, hence the margin.
const LARGEST_MESSAGE: usize = 1024 * 1024 - 1024;

/// A delivery that SQS has confirmed.
pub(crate) struct Accepted {
    pub(crate) id: Uuid,
    pub(crate) tenant: String,
    pub(crate) bytes: usize,
}

impl<S: Source, Q: Sender, H: Host> Intake<S, Q, H> {
    /// Returns once SQS has confirmed.
    pub(crate) async fn accept(
        &self,
        caller: Caller,
        request: &Request,
        body: &Body,
        trace: Option<&Trace>,
    ) -> Result<Accepted, Problem> {
        let Caller { channel, route, subscription, event, tenant, shared_secret, older_secret, group } = caller;
        let (id, received_at, bytes) = (self.host.new_id(), self.host.now(), body.len());
        let (origin, sent_from) = (Origin::Webhook, request.source_ip().map(address_digest));
        let refused_at = self.refused.take(&subscription, body);
        let meta = Meta {
            id,
            channel,
            origin,
            subscription,
            event,
            tenant,
            shared_secret,
            replays: None,
            answer_role: Default::default(),
            received_at,
            sent_from,
            refused_at,
            secret: older_secret,
            headers: kept(&request.headers),
        };
        let message = match body {
            Body::Text(text) => meta.to_message_of(text),
            Body::Bytes(bytes) => meta.to_message(bytes),
        };
        // Base64 makes a binary body a third longer.
        if message.len() > LARGEST_MESSAGE {
            return Err(Problem::BodyTooLarge);
        }
        let sent = self.send(Message { body: message, group: Some(&group), attributes: &[], trace }).await;
        sent.inspect_err(|_| self.refused.remember(&meta.subscription, body, self.host.now()))?;
        tracing::info!(delivery = %id, subscription = meta.subscription, route, tenant = group, bytes, "accepted");
        Ok(Accepted { id, tenant: group, bytes })
    }

    async fn send(&self, message: Message<'_>) -> Result<(), Problem> {
        let sent = tokio::time::timeout(self.limits.send_within, self.queue.send(message)).await;
        let sent = sent.unwrap_or_else(|_| Err(QueueError::Unavailable("time-out".to_owned())));
        sent.map_err(Problem::QueueUnavailable)
    }
}
