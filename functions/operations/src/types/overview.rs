//! The shapes of the overview.

use super::QuotaView;
use serde::Serialize;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use webhooks_model::Rollup;
use webhooks_model::rollup::hour_of;
use webhooks_model::spread::Spread;
use webhooks_store::{Rolled, Summary};

/// The busiest numbers that are shown.
const BUSIEST: usize = 10;

/// What one bar stands for.
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

    /// The beginning of the hour or the day.
    pub(crate) fn down(self, at: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::Hour => hour_of(at),
            Self::Day => at.to_offset(time::UtcOffset::UTC).replace_time(time::Time::MIDNIGHT),
        }
    }

    /// The beginning of the next one, unless it is one itself.
    pub(crate) fn up(self, at: OffsetDateTime) -> OffsetDateTime {
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

/// The hours or days of a tenant, or of all, in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    /// Absent for all together.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    /// hour or day.
    by: &'static str,
    /// Whatever was received before is counted. Absent before the schedule's first run.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    counted_to: Option<OffsetDateTime>,
    /// All of `items` together.
    total: Numbers,
    /// Each hour or day, oldest first.
    items: Vec<Bar>,
    /// Parked notifications by reason, the largest count first.
    parked: Vec<ReasonCount>,
    /// Notifications by kind of entity, the largest count first.
    entities: Vec<EntityCount>,
    /// The busiest numbers of a tenant. Each hour keeps twenty, so of a longer time some may be a little too few.
    keys: Vec<KeyCount>,
    /// Calls that the ERP said were left when it was last asked; of all together, the fewest of a tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_left: Option<u64>,
    /// Tenants of the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenants: Option<usize>,
    /// Those of whom nothing is heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_tenants: Option<usize>,
    /// What waits now.
    waiting: Waiting,
}

/// Of those that were received in a time.
#[derive(Debug, Serialize, ToSchema)]
struct Numbers {
    received: u64,
    /// processed or superseded.
    processed: u64,
    /// Visma Net took their feedback.
    answered: u64,
    /// dead, parked or unparseable.
    failed: u64,
    /// They have not ended, or their feedback is still to come.
    open: u64,
    /// Their webhook never arrived; the reconciler found them.
    gaps: u64,
    /// From receipt to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_end: Option<Took>,
    /// From receipt until Visma Net took the feedback.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_feedback: Option<Took>,
}

/// Milliseconds, at most a quarter too many.
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

/// What waits, by what it waits for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// For the tenant's calls to the ERP.
    rate_limited: u64,
    /// About when the last of these goes on.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    done_at: Option<OffsetDateTime>,
    /// For another attempt. Known of all together only.
    #[serde(skip_serializing_if = "Option::is_none")]
    retrying: Option<u64>,
    /// For a pause to end. Known of all together only.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<u64>,
}

impl Waiting {
    /// `all` are those that are retrying and those that are paused.
    pub(crate) fn new(limited: &[QuotaView], tenant: Option<&str>, all: Option<(u64, u64)>) -> Self {
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
    pub(crate) fn new(
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
            parked: most_first(&total.parked).into_iter().map(reason).collect(),
            entities: most_first(&total.entities).into_iter().map(entity).collect(),
            keys: most_first(&total.keys).into_iter().take(BUSIEST).filter_map(key).collect(),
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

fn most_first(counts: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = counts.iter().map(|(name, count)| (name.clone(), *count)).collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}
