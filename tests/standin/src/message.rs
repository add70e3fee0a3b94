//! What the control API and its client say about notifications: what to send, how, and what became of it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::collection::Fields;

/// Which of the two ways Visma Net has of delivering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// One signed object with `x-vwd-*` headers (docs/visma-net.md#delivery-request).
    Dispatcher,
    /// An unsigned array (docs/visma-net.md#legacy-message).
    Legacy,
}

/// One notification to send. Whatever is absent is filled in from the catalogue and the company.
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
    /// Shown in the window, never sent.
    pub user: Option<String>,
    /// Shown in the window, never sent.
    pub message: Option<String>,
    /// More fields to send; they win over the ones above.
    pub extra: Fields,
}

impl Item {
    /// About the resource of this key.
    pub fn new(event: &str, key: &str) -> Self {
        Self { event: event.to_owned(), key: Some(key.to_owned()), ..Self::default() }
    }
}

/// The dispatcher's patience (docs/visma-net.md#subscriptions: attempts, and an interval with
/// exponential back-off).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Retry {
    pub attempts: u32,
    /// The first wait; each later one is twice as long.
    pub base_ms: u64,
    /// No wait is longer, not even one asked for with Retry-After.
    pub max_delay_ms: u64,
    /// When an attempt counts as not answered.
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

    /// How long to wait after so many failed attempts.
    pub(crate) fn delay(&self, failed: u32, retry_after: Option<Duration>) -> Duration {
        let factor = 1_u64.checked_shl(failed.saturating_sub(1)).unwrap_or(u64::MAX);
        let backoff = Duration::from_millis(self.base_ms.saturating_mul(factor));
        retry_after.unwrap_or(backoff).min(Duration::from_millis(self.max_delay_ms))
    }
}

/// How to send. The default is one proper delivery per item, in the order given, and to wait for the end of all.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Sending {
    /// Answer when every delivery has ended, not at once.
    pub wait: bool,
    /// All items in one array.
    pub batch: bool,
    /// Send each delivery so many times.
    pub copies: usize,
    /// Deliver in this order of item indices, while ids and timestamps follow the items' order.
    pub order: Vec<usize>,
    /// Deliveries under way at once.
    pub concurrency: usize,
    /// Absent: legacy for legacy events, else the dispatcher.
    pub channel: Option<Channel>,
    /// Through this subscription, whatever its event.
    pub subscription: Option<String>,
    /// Headers to replace, or with `null` to leave out. The signature can be replaced too.
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

/// What became of an emission.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Emitted {
    /// In the items' order.
    pub notification_ids: Vec<Uuid>,
    /// In the order of sending; empty when not waited for.
    pub deliveries: Vec<Delivery>,
}

impl Emitted {
    /// Whether every delivery was answered 2xx.
    pub fn all_delivered(&self) -> bool {
        !self.deliveries.is_empty() && self.deliveries.iter().all(|delivery| delivery.delivered)
    }
}

/// One body sent until it was taken or given up.
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

/// A change to apply and to notify of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Change {
    pub event: String,
    /// Which resource; a new one when absent.
    pub key: Option<String>,
    /// Fields to set besides what the event changes.
    pub set: Fields,
    /// For status events; the next status when absent.
    pub status: Option<String>,
    /// For identity events; a fresh number when absent.
    pub new_key: Option<String>,
    /// For action events.
    pub parameter: Option<String>,
    pub source: Option<String>,
    pub user: Option<String>,
    pub sending: Sending,
}

impl Change {
    /// To the resource of this key.
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
    /// The resource after the change; absent when deleted.
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
/// docs/visma-net.md#webhook-notification-for-account), here for every entity.
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

/// A notification feedback that Visma Net took (docs/visma-net.md#notification-feedback).
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
