//! Types of the control API about notifications: what to send, how, and the results.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::collection::Fields;

/// The channel of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// One signed object with `x-vwd-*` headers (docs/visma-net.md#delivery-request).
    Dispatcher,
    /// An unsigned array (docs/visma-net.md#legacy-message).
    Legacy,
}

/// One notification to send. Missing fields are filled in from the catalogue and the company.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Item {
    /// An event id of the catalogue, or any other text.
    pub event: String,
    /// The resource's key, for `relativeResourceUri`.
    pub key: Option<String>,
    /// Replaces the `relativeResourceUri` built from the event and the key.
    pub relative_resource_uri: Option<String>,
    pub notification_id: Option<Uuid>,
    pub status: Option<String>,
    pub source: Option<String>,
    /// An action's webhook parameter (docs/visma-net.md#custom-actions).
    pub parameter: Option<String>,
    /// .NET ticks.
    pub time_stamp: Option<i64>,
    /// Shown in the window, but not sent.
    pub user: Option<String>,
    /// Shown in the window, but not sent.
    pub message: Option<String>,
    /// More fields to send. They override those above.
    pub extra: Fields,
}

impl Item {
    /// A notification about the resource with this key.
    pub fn new(event: &str, key: &str) -> Self {
        Self { event: event.to_owned(), key: Some(key.to_owned()), ..Self::default() }
    }
}

/// The retries of the dispatcher (docs/visma-net.md#subscriptions: attempts, and an interval with
/// exponential back-off).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Retry {
    pub attempts: u32,
    /// The first wait; each later one is twice as long.
    pub base_ms: u64,
    /// The longest wait, even if Retry-After asks for more.
    pub max_delay_ms: u64,
    /// How long to wait for an answer.
    pub timeout_ms: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 5, base_ms: 200, max_delay_ms: 30_000, timeout_ms: 10_000 }
    }
}

impl Retry {
    /// A single attempt.
    pub fn once() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The wait after this many failed attempts.
    pub(crate) fn delay(&self, failed: u32, retry_after: Option<Duration>) -> Duration {
        let factor = 1_u64.checked_shl(failed.saturating_sub(1)).unwrap_or(u64::MAX);
        let backoff = Duration::from_millis(self.base_ms.saturating_mul(factor));
        retry_after.unwrap_or(backoff).min(Duration::from_millis(self.max_delay_ms))
    }
}

/// How to send. By default each item gets one proper delivery, in the given order, and the call
/// waits for the end of all.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Sending {
    /// Answer when every delivery has ended, instead of at once.
    pub wait: bool,
    /// All items in one array.
    pub batch: bool,
    /// Send each delivery this many times.
    pub copies: usize,
    /// Deliver in this order of item indices. Ids and timestamps keep the items' order.
    pub order: Vec<usize>,
    /// Deliveries at the same time.
    pub concurrency: usize,
    /// By default legacy for legacy events, and the dispatcher for others.
    pub channel: Option<Channel>,
    /// Use this subscription, whatever its event.
    pub subscription: Option<String>,
    /// Headers to replace, or to leave out with `null`. The signature can be replaced too.
    pub headers: BTreeMap<String, Option<String>>,
    /// Sign with this instead of the subscription's secret.
    pub secret: Option<String>,
    /// Send and sign this text instead of the items.
    pub body: Option<String>,
    /// Leave `notificationId` out of the body, so that only the header has it.
    pub omit_notification_id: bool,
    pub retry: Retry,
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            wait: true,
            batch: false,
            copies: 1,
            order: Vec::new(),
            concurrency: 1,
            channel: None,
            subscription: None,
            headers: BTreeMap::new(),
            secret: None,
            body: None,
            omit_notification_id: false,
            retry: Retry::default(),
        }
    }
}

/// A request to emit notifications.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Emit {
    pub items: Vec<Item>,
    pub sending: Sending,
}

/// The result of an emission.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Emitted {
    /// In the items' order.
    pub notification_ids: Vec<Uuid>,
    /// In the order of sending; empty if the call did not wait.
    pub deliveries: Vec<Delivery>,
}

impl Emitted {
    /// Whether every delivery was answered 2xx.
    pub fn all_delivered(&self) -> bool {
        !self.deliveries.is_empty() && self.deliveries.iter().all(|delivery| delivery.delivered)
    }
}

/// One body with its attempts, until it was accepted or given up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub notification_ids: Vec<Uuid>,
    pub delivered: bool,
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// The last attempt's status.
    pub fn status(&self) -> Option<u16> {
        self.attempts.last().and_then(|attempt| attempt.status)
    }
}

/// One attempt: answered with a status, or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub status: Option<u16>,
    pub error: Option<String>,
    /// The start of the answer's body.
    pub answer: Option<String>,
}

/// A change to apply and notify about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Change {
    pub event: String,
    /// The resource; a new one if absent.
    pub key: Option<String>,
    /// Fields to set in addition to those that the event changes.
    pub set: Fields,
    /// For status events; the next status if absent.
    pub status: Option<String>,
    /// For identity events; an unused number if absent.
    pub new_key: Option<String>,
    /// For action events.
    pub parameter: Option<String>,
    pub source: Option<String>,
    pub user: Option<String>,
    pub sending: Sending,
}

impl Change {
    /// A change of the resource with this key.
    pub fn new(event: &str, key: &str) -> Self {
        Self { event: event.to_owned(), key: Some(key.to_owned()), ..Self::default() }
    }
}

/// An applied change.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// The key after the change.
    pub key: Option<String>,
    /// The resource after the change; absent if deleted.
    pub resource: Option<Fields>,
    pub emitted: Emitted,
}

/// The message's status in the window. Only `Sent` is a documented value
/// (docs/visma-net.md#webhook-notification-for-account).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Pending,
    Sent,
    Failed,
}

/// One row of the window "Webhook notification for account" (GL407000,
/// docs/visma-net.md#webhook-notification-for-account), here for all entities.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub notification_id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    pub channel: Channel,
    pub event: String,
    pub entity: String,
    pub key: String,
    pub description: String,
    pub class: String,
    pub status: Status,
    /// Whether the message was sent successfully.
    pub success: bool,
    pub source: String,
    pub user: String,
    pub message: String,
    /// The item exactly as sent.
    pub item: String,
    pub deliveries: Vec<Attempt>,
    pub feedback: Vec<Feedback>,
}

/// A feedback that Visma Net accepted (docs/visma-net.md#notification-feedback).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feedback {
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub notification_id: Uuid,
    pub source: Option<String>,
    pub description: Option<String>,
    pub is_success: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_obey_retry_after_up_to_the_cap() {
        let retry = Retry { base_ms: 100, max_delay_ms: 1000, ..Retry::default() };
        let waits: Vec<_> = (1..=5).map(|failed| retry.delay(failed, None).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000]);
        let asked = |millis| retry.delay(1, Some(Duration::from_millis(millis)));
        assert_eq!(asked(0), Duration::ZERO);
        assert_eq!(asked(700), Duration::from_millis(700));
        assert_eq!(asked(60_000), Duration::from_millis(1000));
        assert_eq!(retry.delay(200, None), Duration::from_millis(1000));
    }
}
