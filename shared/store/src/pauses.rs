//! Pauses, and when a tenant was erased. There are few, so one partition has them all and one query
//! reads them.

use crate::attributes::{Item, Update, has_expired, string, text, time_text};
use crate::error::StoreError;
use crate::item::{Items, Query};
use crate::table::Table;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::Pause;

const PARTITION: &str = "pauses";
const EVERY_TENANT: &str = "*";
/// In the place of a pause's events. No pattern of events looks like this.
const ERASED: &str = "!erased";
/// The attribute with the time; a pause has none.
const ERASED_AT: &str = "erased_at";

/// An erasure that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// In lower case, as in the ledger.
    pub tenant: String,
    /// What was received before this time is erased, or must not be recorded.
    pub of_before: OffsetDateTime,
}

/// What operators have decided about notifications that are on their way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// The pauses in force.
    pub pauses: Vec<Pause>,
    pub erasures: Vec<Erasure>,
}

impl Orders {
    /// Whether the tenant was erased, or is being erased, and all its events are paused. Nothing
    /// that names it should be written on our own account.
    #[must_use]
    pub fn leave_alone(&self, tenant: &str) -> bool {
        let is_erased = self.erasures.iter().any(|erasure| erasure.tenant.eq_ignore_ascii_case(tenant));
        is_erased && self.pauses.iter().any(|pause| pause.covers_all_of(tenant))
    }
}

/// Pausing and resuming, for operators and the reconciler.
impl<I: Items> Table<I> {
    /// Begins a pause. May be repeated; the last note and the last end are kept.
    pub async fn pause(&self, pause: &Pause) -> Result<(), StoreError> {
        let update = Update::default()
            .set("since", string(time_text(pause.since)))
            .set("by", string(&pause.by))
            .set("note", string(&pause.note))
            .remove("resumed_at")
            .remove("expires_at");
        let update = match pause.until {
            Some(until) => update.set("until", string(time_text(until))),
            None => update.remove("until"),
        };
        self.update(PARTITION, &sort_key(pause.tenant.as_deref(), &pause.events), update, None).await?;
        Ok(())
    }

    /// Ends a pause. `false` if there was nothing to end, or if the SDK sent the write again after an
    /// answer was lost. A pause that is over can still be ended once.
    pub async fn resume(&self, tenant: Option<&str>, events: &str, now: OffsetDateTime) -> Result<bool, StoreError> {
        let at = string(time_text(now));
        let mut update = Update::default().set("resumed_at", at).set("expires_at", self.ttl(now));
        let (since, resumed) = (update.name("since"), update.name("resumed_at"));
        let condition = format!("attribute_exists({since}) AND attribute_not_exists({resumed})");
        self.update(PARTITION, &sort_key(tenant, events), update, Some(condition)).await
    }

    /// The pauses in force at that time.
    pub async fn pauses(&self, now: OffsetDateTime) -> Result<Vec<Pause>, StoreError> {
        Ok(self.orders(now).await?.pauses)
    }

    /// The pauses in force at that time, and the erasures, in one read.
    pub async fn orders(&self, now: OffsetDateTime) -> Result<Orders, StoreError> {
        let items = self.in_force(now).await?;
        let mut pauses: Vec<Pause> = items.iter().filter_map(read).collect();
        pauses.retain(|pause| !pause.is_over(now));
        Ok(Orders { pauses, erasures: items.iter().filter_map(read_erasure).collect() })
    }

    /// Records an erasure for the processors, which forget what was received before it, and for the
    /// reconciler. The record lives as long as any message on a queue. A repeated write never moves it
    /// back.
    pub async fn set_erasure(&self, erasure: &Erasure, now: OffsetDateTime) -> Result<(), StoreError> {
        let at = string(time_text(erasure.of_before));
        let mut update = Update::default().set(ERASED_AT, at.clone()).set("expires_at", self.ttl(now));
        let (known, ours) = (update.name(ERASED_AT), update.value(at));
        let condition = format!("attribute_not_exists({known}) OR {known} <= {ours}");
        self.update(PARTITION, &sort_key(Some(&erasure.tenant), ERASED), update, Some(condition)).await?;
        Ok(())
    }

    /// Pauses that are over at that time but not ended: notifications may still wait for them.
    pub async fn overdue(&self, now: OffsetDateTime) -> Result<Vec<Pause>, StoreError> {
        let mut pauses = self.unended(now).await?;
        pauses.retain(|pause| pause.is_over(now));
        Ok(pauses)
    }

    /// Ends a pause that is over at that time. `false` if it was ended or prolonged meanwhile.
    pub async fn end_overdue(
        &self,
        tenant: Option<&str>,
        events: &str,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let at = string(time_text(now));
        let mut update = Update::default().set("resumed_at", at.clone()).set("expires_at", self.ttl(now));
        let (until, resumed) = (update.name("until"), update.name("resumed_at"));
        let condition = format!("{until} <= {} AND attribute_not_exists({resumed})", update.value(at));
        self.update(PARTITION, &sort_key(tenant, events), update, Some(condition)).await
    }

    async fn unended(&self, now: OffsetDateTime) -> Result<Vec<Pause>, StoreError> {
        Ok(self.in_force(now).await?.iter().filter_map(read).collect())
    }

    /// The tenants whose erasure is still recorded.
    pub(crate) async fn erased_tenants(&self) -> Result<Vec<String>, StoreError> {
        let items = self.all_in_force().await?;
        Ok(items.iter().filter_map(read_erasure).map(|erasure| erasure.tenant).collect())
    }

    /// DynamoDB may take days to delete an expired item, which no longer counts.
    async fn in_force(&self, now: OffsetDateTime) -> Result<Vec<Item>, StoreError> {
        let items = self.all_in_force().await?;
        Ok(items.into_iter().filter(|item| !has_expired(item, now)).collect())
    }

    /// Also those that have expired. The read is consistent, so that a pause is visible as soon as
    /// it was confirmed.
    async fn all_in_force(&self) -> Result<Vec<Item>, StoreError> {
        let query =
            Query { key_condition: "pk = :pk", filter: Some("attribute_not_exists(resumed_at)"), ..Query::default() };
        self.items.query(query.value(":pk", string(PARTITION))).await
    }
}

fn sort_key(tenant: Option<&str>, events: &str) -> String {
    format!("{}#{events}", tenant.unwrap_or(EVERY_TENANT).to_lowercase())
}

fn read(item: &Item) -> Option<Pause> {
    let (tenant, events) = text(item, "sk")?.split_once('#')?;
    Some(Pause {
        tenant: (tenant != EVERY_TENANT).then(|| tenant.to_owned()),
        events: events.to_owned(),
        since: OffsetDateTime::parse(text(item, "since")?, &Rfc3339).ok()?,
        by: text(item, "by").unwrap_or_default().to_owned(),
        note: text(item, "note").unwrap_or_default().to_owned(),
        until: text(item, "until").and_then(|until| OffsetDateTime::parse(until, &Rfc3339).ok()),
    })
}

fn read_erasure(item: &Item) -> Option<Erasure> {
    let (tenant, _) = text(item, "sk")?.split_once('#')?;
    let of_before = OffsetDateTime::parse(text(item, ERASED_AT)?, &Rfc3339).ok()?;
    Some(Erasure { tenant: tenant.to_owned(), of_before })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_left_alone_if_it_was_erased_and_all_its_events_are_paused() {
        let since = OffsetDateTime::UNIX_EPOCH;
        let pause = |tenant: Option<&str>, events: &str| {
            let (tenant, events) = (tenant.map(str::to_owned), events.to_owned());
            Pause { tenant, events, since, by: String::new(), note: String::new(), until: None }
        };
        for (erased, paused, expected) in [
            (Some("t-1"), Some(pause(Some("t-1"), "*")), true),
            (Some("t-1"), Some(pause(None, "*")), true),
            (Some("t-1"), Some(pause(Some("t-1"), "customer.*")), false),
            (Some("t-1"), Some(pause(Some("t-2"), "*")), false),
            (Some("t-1"), None, false),
            (Some("t-2"), Some(pause(Some("t-1"), "*")), false),
            (None, Some(pause(Some("t-1"), "*")), false),
        ] {
            let erasure = |tenant: &str| Erasure { tenant: tenant.to_owned(), of_before: since };
            let orders =
                Orders { pauses: paused.into_iter().collect(), erasures: erased.map(erasure).into_iter().collect() };
            assert_eq!(orders.leave_alone("T-1"), expected, "{orders:?}");
        }
    }
}
