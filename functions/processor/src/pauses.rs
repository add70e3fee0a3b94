//! Caches the pauses for a short time, so that one read serves many notifications.

use std::sync::{Arc, Mutex};
use time::{Duration, OffsetDateTime};
use webhooks_model::{Notification, Pause};
use webhooks_store::{Items, StoreError, Table};

/// Maximum delay before a pause starts or stops taking effect.
pub const NOTICED_WITHIN: Duration = Duration::seconds(15);

#[derive(Debug, Default)]
pub struct Pauses {
    known: Mutex<Option<(OffsetDateTime, Arc<[Pause]>)>>,
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
        let remembered = self.known.lock().expect("nothing panics while it is held").clone();
        let pauses = match remembered.filter(|(read_at, _)| now - *read_at < NOTICED_WITHIN) {
            Some((_, pauses)) => pauses,
            None => {
                let pauses: Arc<[Pause]> = ledger.pauses(now).await?.into();
                *self.known.lock().expect("nothing panics while it is held") = Some((now, pauses.clone()));
                pauses
            }
        };
        // A cached pause may have ended since.
        Ok(pauses.iter().any(|pause| !pause.is_over(now) && pause.covers(notification)))
    }
}
