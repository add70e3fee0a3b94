//! What is paused, remembered for a short while: one read serves many notifications.

use std::sync::{Arc, Mutex};
use time::{Duration, OffsetDateTime};
use webhooks_model::{Notification, Pause};
use webhooks_store::{Ledger, StoreError};

/// So long a pause, or its end, may go unnoticed.
pub const NOTICED_WITHIN: Duration = Duration::seconds(15);

#[derive(Debug, Default)]
pub struct Pauses {
    known: Mutex<Option<(OffsetDateTime, Arc<[Pause]>)>>,
}

impl Pauses {
    /// Whether the notification has to wait.
    ///
    /// # Errors
    /// What is paused cannot be read. Then nothing may go on, for it might be.
    pub(crate) async fn hold(
        &self,
        notification: &Notification,
        ledger: &impl Ledger,
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
        // One that was read may be over meanwhile.
        Ok(pauses.iter().any(|pause| !pause.is_over(now) && pause.covers(notification)))
    }
}
