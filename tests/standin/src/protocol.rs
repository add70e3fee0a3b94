//! Types of the control API: tenants, subscriptions, faults, counters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A company to create.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NewTenant {
    pub tenant_id: Uuid,
    /// The `contextId` of messages, seven digits; made up if absent.
    pub company_id: Option<String>,
    pub token_lifetime_seconds: u64,
    /// Larger pages are cut to this size (docs/visma-net.md#lists).
    pub max_page_size: usize,
    pub lists: Lists,
    /// The clock for timestamps of version 1's resources and the filters of their lists, for
    /// example `Europe/Oslo`; UTC if absent.
    pub time_zone: Option<String>,
    /// Whether the id is a customer's instead of a company's. Then it gets tokens, but each call is
    /// answered 401 (docs/visma-net.md#tenant-ids).
    pub is_customer: bool,
    /// The status of a call whose token lacks the scope. Visma Net's own is unknown
    /// (docs/visma-net.md#tokens).
    pub scope_status: u16,
}

impl Default for NewTenant {
    fn default() -> Self {
        Self {
            tenant_id: Uuid::new_v4(),
            company_id: None,
            token_lifetime_seconds: 3600,
            max_page_size: 1000,
            lists: Lists::default(),
            time_zone: None,
            is_customer: false,
            scope_status: 403,
        }
    }
}

/// How lists answer where sources differ or are silent (docs/visma-net.md#lists,
/// docs/visma-net.md#sales-orders-version-3).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Lists {
    /// Version 3's largest page.
    pub largest: usize,
    /// Larger pages of version 3 are cut to that size, instead of refused with 400.
    pub cuts: bool,
    /// Version 3 answers a bare array instead of `{value, nextPage, totalCount}`.
    pub bare: bool,
    /// Version 1's rows include the total.
    pub counts: bool,
    /// Version 1's rows are sorted by last change, instead of by key.
    pub by_time: bool,
}

impl Default for Lists {
    fn default() -> Self {
        Self { largest: 100, cuts: false, bare: false, counts: true, by_time: false }
    }
}

/// An existing company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub tenant_id: Uuid,
    pub company_id: String,
}

/// A subscription of the portal (docs/visma-net.md#subscriptions): one event or, here, all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Sent as `x-vwd-subscription-id`.
    pub id: String,
    pub secret: String,
    /// Last segment of `/hooks/visma/{route}`.
    pub route: String,
    /// Only for this event id. A subscription for one event is preferred over one for all.
    #[serde(default)]
    pub event: Option<String>,
}

/// The endpoints with faults of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    Token,
    /// Every read of the ERP and of the Sales Order service.
    Resource,
    Feedback,
}

/// One scripted answer. Each call uses up one fault of the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Fault {
    /// No fault: the ordinary answer.
    Pass,
    /// Answers this status without any effect.
    Status {
        status: u16,
        #[serde(default)]
        retry_after_seconds: Option<u64>,
        #[serde(default)]
        message: Option<String>,
    },
    /// Answers error 12027, *No license for this company*, without any effect. Its status is
    /// unknown (docs/visma-net.md#tenant-ids).
    NoLicense { status: u16 },
    /// Answers a web page without any effect, as a portal in front of the ERP may.
    Page { status: u16 },
    /// Drops the connection without any effect.
    Drop,
    /// Takes effect, then drops the connection, so that the caller cannot know.
    Lost,
    /// Takes effect, then answers late.
    Slow { milliseconds: u64 },
}

impl Fault {
    /// A status without Retry-After.
    pub fn status(status: u16) -> Self {
        Self::Status { status, retry_after_seconds: None, message: None }
    }

    /// A status with Retry-After.
    pub fn retry_after(status: u16, seconds: u64) -> Self {
        Self::Status { status, retry_after_seconds: Some(seconds), message: None }
    }
}

/// An endpoint that is down until it is brought up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outage {
    /// Answers 503.
    Unavailable,
    /// Drops connections.
    Dropped,
}

/// Calls a tenant may make in one fixed window (docs/visma-net.md#rate-limits; the real number is
/// unknown).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateBudget {
    pub limit: u32,
    pub window_seconds: u64,
}

impl Default for RateBudget {
    fn default() -> Self {
        Self { limit: 100_000, window_seconds: 3600 }
    }
}

/// Calls to one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub calls: u64,
    /// The number of answers by status. A dropped connection has none.
    pub answers: BTreeMap<u16, u64>,
}

/// Calls by endpoint: `token`, `feedback`, and for resources `account` (one) or `account list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Calls(pub BTreeMap<String, Count>);

impl Calls {
    /// Calls to this endpoint, answered or not.
    pub fn of(&self, endpoint: &str) -> u64 {
        self.0.get(endpoint).map_or(0, |count| count.calls)
    }

    /// Calls to this endpoint that were answered with `status`.
    pub fn answered(&self, endpoint: &str, status: u16) -> u64 {
        let count = self.0.get(endpoint);
        count.and_then(|count| count.answers.get(&status)).copied().unwrap_or(0)
    }
}
