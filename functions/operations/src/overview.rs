//! Numbers by hour or day, of one tenant or of all. They come from roll-ups that the reconciler
//! writes, never from the notifications.

use crate::body::Json;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{self, Parameters};
use crate::quotas::QuotaView;
use crate::route::Asked;
use serde::Serialize;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use webhooks_host::Host;
use webhooks_model::rollup::hour_of;
use webhooks_model::spread::Spread;
use webhooks_model::{Rollup, sorted};
use webhooks_store::{Mark, Rolled, StoreError, Summary};

/// The default and the longest range, by hour and by day.
const SPANS: [(Duration, Duration); 2] =
    [(Duration::hours(24), Duration::days(7)), (Duration::days(14), Duration::days(90))];
const PAUSED: &str = "paused";

/// Shows how many notifications came, how they ended and how long it took.
///
/// The numbers are by hour or day of receipt. `counted_to` says how old they are.
#[utoipa::path(get, path = "/operations/v1/overview", tag = "read", params(
    ("tenant" = Option<String>, Query, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$",
        description = "all tenants together by default"),
    ("from" = Option<String>, Query, format = DateTime,
        description = "24 hours (by hour) or 14 days (by day) before `to` by default; at most 7 or 90 days before"),
    ("to" = Option<String>, Query, format = DateTime, description = "now by default"),
    ("by" = Option<String>, Query, description = "hour or day (of UTC); hour by default")),
    responses((status = 200, body = Overview), Problem))]
pub(crate) async fn show<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Overview>, Problem> {
    let parameters = Parameters::new(asked.query, &["tenant", "from", "to", "by"])?;
    let tenant = parameters.get("tenant").map(query::tenant).transpose()?;
    let (step, from, to) = span(&parameters, operations.host.now())?;
    let (rolled, summary, waiting) = tokio::try_join!(
        operations.store.rollups(tenant.as_deref(), from, to),
        operations.store.summary(),
        operations.waiting(tenant.as_deref())
    )?;
    Ok(Json(Overview::new(tenant, step, (from, to), &rolled, summary, waiting)))
}

/// The range in whole hours or days, including the one that contains `to`.
fn span(parameters: &Parameters, now: OffsetDateTime) -> Result<(Step, OffsetDateTime, OffsetDateTime), Problem> {
    let (step, (usual, most)) = match parameters.get("by") {
        None | Some("hour") => (Step::Hour, SPANS[0]),
        Some("day") => (Step::Day, SPANS[1]),
        Some(_) => return Err(Problem::invalid("by", "It must be hour or day.")),
    };
    let to = step.up(parameters.time("to")?.unwrap_or(now));
    let from = step.down(parameters.time("from")?.unwrap_or(to - usual));
    let fits = from < to && to - from <= most;
    let wrong = || Problem::invalid("from", format!("It must be before `to`, by at most {} days.", most.whole_days()));
    fits.then_some((step, from, to)).ok_or_else(wrong)
}

impl<P: Ports> Operations<P> {
    /// What waits now. Only waits for a quota are counted by tenant.
    async fn waiting(&self, tenant: Option<&str>) -> Result<Waiting, StoreError> {
        let limited = self.limited().await?;
        let all = match tenant {
            Some(_) => None,
            None => Some(tokio::try_join!(
                self.store.count_marked(Mark::Retrying.as_str()),
                self.store.count_marked(PAUSED)
            )?),
        };
        Ok(Waiting::new(&limited, tenant, all))
    }
}

/// The most entities in the list of the busiest.
const BUSIEST: usize = 10;

/// The length of one bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Hour,
    Day,
}

impl Step {
    fn length(self) -> Duration {
        match self {
            Self::Hour => Duration::HOUR,
            Self::Day => Duration::DAY,
        }
    }

    /// The start of the hour or day.
    fn down(self, at: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::Hour => hour_of(at),
            Self::Day => at.to_offset(time::UtcOffset::UTC).replace_time(time::Time::MIDNIGHT),
        }
    }

    /// The start of the next hour or day, or `at` if it is one.
    fn up(self, at: OffsetDateTime) -> OffsetDateTime {
        let down = self.down(at);
        if down == at { down } else { down + self.length() }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }
}

/// Numbers by hour or day, of one tenant or of all tenants.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// Absent for all tenants together.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// hour or day.
    by: &'static str,
    /// Notifications received before this time are counted. Absent before the reconciler's first
    /// run.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    counted_to: Option<OffsetDateTime>,
    /// The sum of all `items`.
    total: Numbers,
    /// Each hour or day, oldest first.
    items: Vec<Bar>,
    /// Parked notifications by reason, largest count first.
    parked: Vec<ReasonCount>,
    /// Notifications by kind of entity, largest count first.
    entities: Vec<EntityCount>,
    /// The entities of a tenant with the most notifications. Each hour keeps twenty, so over a
    /// longer time some counts may be slightly too low.
    keys: Vec<KeyCount>,
    /// Remaining calls, as last reported by the ERP. For all tenants, the smallest number of any
    /// tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_left: Option<u64>,
    /// Number of tenants in the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants: Option<usize>,
    /// Number of silent tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_tenants: Option<usize>,
    /// Notifications that wait now.
    waiting: Waiting,
}

/// Numbers of the notifications received in an hour, a day or the whole range.
#[derive(Debug, Serialize, ToSchema)]
struct Numbers {
    received: u64,
    /// processed or superseded.
    processed: u64,
    /// Notifications whose feedback Visma Net accepted.
    answered: u64,
    /// dead, parked or unparseable.
    failed: u64,
    /// Notifications that have not ended, or whose feedback is not sent yet.
    open: u64,
    /// Changes without a webhook, found by the reconciler.
    gaps: u64,
    /// Time from receipt to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_end: Option<Took>,
    /// Time from receipt until Visma Net accepted the feedback.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_feedback: Option<Took>,
}

/// Percentiles in milliseconds, at most a quarter too high.
#[derive(Debug, Serialize, ToSchema)]
struct Took {
    p50_ms: u64,
    p95_ms: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Bar {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    #[serde(flatten)]
    numbers: Numbers,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReasonCount {
    reason: String,
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct EntityCount {
    entity: String,
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct KeyCount {
    entity: String,
    key: String,
    count: u64,
}

/// Number of waiting notifications, by reason. At most 100,000 of each are counted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// Notifications that wait for their tenant's quota of calls to the ERP.
    rate_limited: u64,
    /// Estimated time at which the last of them continues.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    done_at: Option<OffsetDateTime>,
    /// Notifications that wait for another attempt. Only for all tenants together.
    #[serde(skip_serializing_if = "Option::is_none")]
    retrying: Option<u64>,
    /// Notifications that wait for a pause to end. Only for all tenants together.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<u64>,
}

impl Waiting {
    /// `all` has the number of retrying and of paused notifications.
    fn new(limited: &[QuotaView], tenant: Option<&str>, all: Option<(u64, u64)>) -> Self {
        let own = || limited.iter().filter(|view| tenant.is_none_or(|tenant| view.tenant == tenant));
        Self {
            rate_limited: own().map(|view| view.waiting).sum(),
            done_at: own().map(|view| view.done_at).max(),
            retrying: all.map(|(retrying, _)| retrying),
            paused: all.map(|(_, paused)| paused),
        }
    }
}

impl Overview {
    fn new(
        tenant: Option<String>,
        step: Step,
        (from, to): (OffsetDateTime, OffsetDateTime),
        rolled: &[Rolled],
        summary: Option<Summary>,
        waiting: Waiting,
    ) -> Self {
        let mut total = Rollup::default();
        let mut bars: BTreeMap<OffsetDateTime, Rollup> = BTreeMap::new();
        let mut at = from;
        while at < to {
            bars.insert(at, Rollup::default());
            at += step.length();
        }
        for one in rolled {
            total.merge(&one.rollup);
            bars.entry(step.down(one.hour)).or_default().merge(&one.rollup);
        }
        let bar = |(from, rollup): (&OffsetDateTime, &Rollup)| Bar {
            from: *from,
            to: *from + step.length(),
            numbers: Numbers::from(rollup),
        };
        let reason = |(reason, count)| ReasonCount { reason, count };
        let entity = |(entity, count)| EntityCount { entity, count };
        let key = |(name, count): (String, u64)| {
            let (entity, key) = name.split_once('#')?;
            Some(KeyCount { entity: entity.to_owned(), key: key.to_owned(), count })
        };
        Self {
            tenant,
            from,
            to,
            by: step.as_str(),
            counted_to: summary.as_ref().map(|summary| summary.counted_to),
            total: Numbers::from(&total),
            items: bars.iter().map(bar).collect(),
            parked: most_first(&total.parked, usize::MAX).into_iter().map(reason).collect(),
            entities: most_first(&total.entities, usize::MAX).into_iter().map(entity).collect(),
            keys: most_first(&total.keys, BUSIEST).into_iter().filter_map(key).collect(),
            calls_left: rolled.iter().rev().find_map(|one| one.rollup.calls_left),
            tenants: summary.as_ref().map(|summary| summary.tenants),
            silent_tenants: summary.as_ref().and_then(|summary| summary.silent),
            waiting,
        }
    }
}

impl From<&Rollup> for Numbers {
    fn from(rollup: &Rollup) -> Self {
        Self {
            received: rollup.received,
            processed: rollup.processed(),
            answered: rollup.answered,
            failed: rollup.failed(),
            open: rollup.open,
            gaps: rollup.gaps,
            to_end: Took::of(&rollup.to_end),
            to_feedback: Took::of(&rollup.to_feedback),
        }
    }
}

impl Took {
    fn of(spread: &Spread) -> Option<Self> {
        Some(Self { p50_ms: spread.percentile(50)?, p95_ms: spread.percentile(95)? })
    }
}

fn most_first(counts: &BTreeMap<String, u64>, most: usize) -> Vec<(String, u64)> {
    let all = counts.iter().map(|(name, count)| (name.clone(), *count));
    sorted::first(most, all, |(_, one), (_, other)| other.cmp(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a wrong length or direction there would be bars without end. So the range begins at the
    /// first of all times, before which there is none.
    #[test]
    fn a_range_has_a_bar_for_each_hour_or_day() {
        assert_eq!([Step::Hour, Step::Day].map(Step::length), [Duration::HOUR, Duration::DAY]);
        let from = time::Date::MIN.midnight().assume_utc();
        let range = (from, from + Duration::days(2));
        let overview = Overview::new(None, Step::Day, range, &[], None, Waiting::new(&[], None, None));
        let bars: Vec<_> = overview.items.iter().map(|bar| (bar.from - from, bar.to - from)).collect();
        assert_eq!(bars, [(Duration::ZERO, Duration::DAY), (Duration::DAY, Duration::days(2))]);
    }
}
