//! Decides whether a notification may be acted on.

use webhooks_model::delivery::RECONCILIATION;
use webhooks_model::{Entity, Notification, Origin, Reason};
use webhooks_settings::Settings;

/// Whether newer settings could prevent it from being parked. For a tenant without a subscription,
/// the steps read newer settings themselves.
pub(crate) fn wants_settings(notification: &Notification, settings: &Settings) -> bool {
    let is_read = notification.entity != Entity::Unparseable;
    let beside = [Reason::TenantNotServed, Reason::KeyTooLong];
    is_read && admit(notification, settings).is_err_and(|reason| !beside.contains(&reason))
}

/// # Errors
/// The reason to park it.
pub(crate) fn admit(notification: &Notification, settings: &Settings) -> Result<(), Reason> {
    match notification.unusable {
        // Such a body is unread, so nothing else is known about it.
        Some(Reason::TooManyItems) => return Err(Reason::TooManyItems),
        _ if notification.entity == Entity::Unmapped => return Err(Reason::Unmapped),
        Some(reason) => return Err(reason),
        None => {}
    }
    let tenant = notification.tenant.as_deref().ok_or(Reason::TenantUnknown)?;
    // The reconciler's deliveries and their replays have no subscription.
    let serves = notification.origin == Origin::Reconciliation
        || (notification.origin == Origin::Replay && notification.subscription == RECONCILIATION)
        || settings.subscription(&notification.subscription).is_some_and(|subscription| subscription.serves(tenant));
    if serves { Ok(()) } else { Err(Reason::TenantNotServed) }
}
