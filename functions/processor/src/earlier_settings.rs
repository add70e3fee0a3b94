//! Finds the record of an attempt whose settings lacked an alias or a company's number, so that the
//! notification continues that record and does not get a second one.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::processor::Processor;
use time::Duration;
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_model::{Delivery, Notification, Origin};
use webhooks_settings::Settings;

/// A younger delivery that comes for the first time has no record. Reading none for it keeps a
/// notification as cheap as others.
const NEW_FOR: Duration = Duration::minutes(1);

impl<P: Ports> Processor<P> {
    /// Leaves out what an operator holds under its earlier key: a release replays it from there.
    pub(crate) async fn continue_records(
        &self,
        delivery: &Delivery,
        notifications: Vec<Notification>,
        settings: &Settings,
        received: &Received,
    ) -> Result<Vec<Notification>, Failure> {
        let now = self.host.now();
        let is_new = received.receive_count <= 1 && now - delivery.meta.received_at < NEW_FOR;
        if is_new || delivery.meta.origin != Origin::Webhook {
            return Ok(notifications);
        }
        let mut all = Vec::with_capacity(notifications.len());
        'notifications: for mut n in notifications {
            for earlier in n.unnamed_keys(delivery, settings) {
                let Some(known) = self.ledger.look(&earlier).await?.same else { continue };
                if known.is_held(now) {
                    tracing::info!("held under the key of earlier settings");
                    continue 'notifications;
                }
                n.replays = Some(earlier);
                break;
            }
            all.push(n);
        }
        Ok(all)
    }
}
