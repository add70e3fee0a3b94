//! Whether a notification may be acted on at all.

use webhooks_model::delivery::RECONCILIATION;
use webhooks_model::{Entity, Notification, Origin, Reason};
use webhooks_settings::Settings;

/// # Errors
/// Why it has to wait for a person.
pub(crate) fn admit(notification: &Notification, settings: &Settings) -> Result<(), Reason> {
    match notification.unusable {
        // Such a body was not read, so nothing else is known of it.
        Some(Reason::TooManyItems) => return Err(Reason::TooManyItems),
        _ if notification.entity == Entity::Unmapped => return Err(Reason::Unmapped),
        Some(reason) => return Err(reason),
        None => {}
    }
    let tenant = notification.tenant.as_deref().ok_or(Reason::TenantUnknown)?;
    // What we found ourselves came by no subscription, nor does its replay.
    let serves = notification.origin == Origin::Reconciliation
        || (notification.origin == Origin::Replay && notification.subscription == RECONCILIATION)
        || settings.subscription(&notification.subscription).is_some_and(|subscription| subscription.serves(tenant));
    if serves { Ok(()) } else { Err(Reason::TenantNotServed) }
}
