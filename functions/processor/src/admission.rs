//! Whether a notification may be acted on at all.

use webhooks_model::delivery::RECONCILIATION;
use webhooks_model::{Entity, Notification, Origin, Reason};
use webhooks_settings::Settings;

/// Whether it would wait for a person for a reason that newer settings could mend. Who serves the tenant is asked anew anyway.
pub(crate) fn wants_settings(notification: &Notification, settings: &Settings) -> bool {
    let is_read = notification.entity != Entity::Unparseable;
    let beside = [Reason::TenantNotServed, Reason::KeyTooLong];
    is_read && admit(notification, settings).is_err_and(|reason| !beside.contains(&reason))
}

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
