//! What a process knows by itself: the running attempts, the pauses and the erasures, and the
//! tenants without calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use time::{Duration, OffsetDateTime};
use webhooks_model::{Allowance, Notification};
use webhooks_queue::InFlight;
use webhooks_store::{Erasure, Items, Observer, Orders, StoreError, Table};

/// What this process knows by itself. At the start it is empty.
#[derive(Debug, Default)]
pub struct LocalState {
    /// The running attempts, whose messages share requests.
    pub in_flight: InFlight,
    pub(crate) pauses: Pauses,
    pub(crate) exhausted_quotas: ExhaustedQuotas,
    pub(crate) observer: Observer,
}

/// Maximum delay before a pause starts or stops taking effect, and before an erasure does.
pub const NOTICED_WITHIN: Duration = Duration::seconds(15);

/// Caches the pauses and the erasures for a short time, so that one read serves many notifications.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    known: Mutex<Option<(OffsetDateTime, Arc<Orders>)>>,
}

impl Pauses {
    /// Whether a pause covers the notification, so that it must wait.
    ///
    /// # Errors
    /// The pauses cannot be read. A pause may be active, so the notification must wait.
    pub(crate) async fn hold(
        &self,
        notification: &Notification,
        ledger: &Table<impl Items>,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let orders = self.orders(ledger, now).await?;
        // A cached pause may have ended since.
        Ok(orders.pauses.iter().any(|pause| !pause.is_over(now) && pause.covers(notification)))
    }

    /// Leaves out what was received before its tenant's erasure began. Any record of it would be
    /// data that an operator was told is erased.
    ///
    /// # Errors
    /// The erasures cannot be read, so nothing may be recorded.
    pub(crate) async fn without_erased(
        &self,
        mut notifications: Vec<Notification>,
        ledger: &Table<impl Items>,
        now: OffsetDateTime,
    ) -> Result<Vec<Notification>, StoreError> {
        let orders = self.orders(ledger, now).await?;
        notifications.retain(|n| !orders.erasures.iter().any(|erasure| covers(erasure, n)));
        Ok(notifications)
    }

    /// Whether the tenant was erased. What this process has recorded about it may be deleted.
    ///
    /// # Errors
    /// The erasures cannot be read.
    pub(crate) async fn has_erased(
        &self,
        tenant: &str,
        ledger: &Table<impl Items>,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let orders = self.orders(ledger, now).await?;
        Ok(orders.erasures.iter().any(|erasure| erasure.tenant.eq_ignore_ascii_case(tenant)))
    }

    async fn orders(&self, ledger: &Table<impl Items>, now: OffsetDateTime) -> Result<Arc<Orders>, StoreError> {
        let remembered = self.known.lock().expect("nothing panics while it is held").clone();
        // The clock may have been turned back since, by any time.
        if let Some((_, orders)) = remembered.filter(|(read_at, _)| (now - *read_at).abs() < NOTICED_WITHIN) {
            return Ok(orders);
        }
        let orders = Arc::new(ledger.orders(now).await?);
        *self.known.lock().expect("nothing panics while it is held") = Some((now, orders.clone()));
        Ok(orders)
    }
}

fn covers(erasure: &Erasure, notification: &Notification) -> bool {
    let is_own = notification.tenant.as_deref().is_some_and(|tenant| tenant.eq_ignore_ascii_case(&erasure.tenant));
    is_own && notification.received_at < erasure.of_before
}

/// The time until which each tenant has no calls, as recorded by this process. So each tenant is
/// recorded once per window.
#[derive(Debug, Default)]
pub(crate) struct ExhaustedQuotas(Mutex<HashMap<String, OffsetDateTime>>);

impl ExhaustedQuotas {
    pub(crate) fn is_noted(&self, tenant: &str, now: OffsetDateTime) -> bool {
        self.0.lock().expect("nothing panics while it is held").get(tenant).is_some_and(|resets_at| *resets_at > now)
    }

    pub(crate) fn note(&self, allowance: &Allowance) {
        let mut noted = self.0.lock().expect("nothing panics while it is held");
        noted.insert(allowance.tenant.clone(), allowance.resets_at);
    }
}
