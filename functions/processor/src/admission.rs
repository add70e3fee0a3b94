//! Decides whether a notification may be acted on: whether the settings admit it, and whether the
//! ERP confirms it, since the notification alone may prove too little.

use crate::failure::Failure;
use crate::ports::{Ports, Processor};
use webhooks_model::delivery::RECONCILIATION;
use webhooks_model::notification::Proof;
use webhooks_model::{Entity, Kind, Notification, Origin, Reason, Resource, ResourcePath};
use webhooks_settings::{Route, Settings};
use webhooks_store::Seen;
use webhooks_visma::{Fetched, Visma, VismaError};

/// Whether newer settings could prevent it from being parked. For a tenant without a subscription,
/// the steps read newer settings themselves.
pub(crate) fn wants_settings(notification: &Notification, settings: &Settings) -> bool {
    let is_read = notification.entity != Entity::Unparseable;
    let beside = [Reason::TenantNotServed, Reason::KeyTooLong];
    is_read && admit(notification, settings).is_err_and(|reason| !beside.contains(&reason))
}

/// Whether an attempt could process it, if its subscription serves its tenant.
pub(crate) fn is_understood(notification: &Notification) -> bool {
    notification.entity != Entity::Unparseable && tenant_of(notification).is_ok()
}

/// # Errors
/// The reason to park it.
pub(crate) fn admit(notification: &Notification, settings: &Settings) -> Result<(), Reason> {
    let tenant = tenant_of(notification)?;
    // The reconciler's deliveries and their replays have no subscription.
    let serves = notification.origin == Origin::Reconciliation
        || (notification.origin == Origin::Replay && notification.subscription == RECONCILIATION)
        || settings.subscription(&notification.subscription).is_some_and(|subscription| subscription.serves(tenant));
    if serves { Ok(()) } else { Err(Reason::TenantNotServed) }
}

/// The tenant of a notification that is understood.
///
/// # Errors
/// The reason to park it, whatever its subscription serves.
fn tenant_of(notification: &Notification) -> Result<&str, Reason> {
    match notification.unusable {
        // Such a body is unread, so nothing else is known about it.
        Some(Reason::TooManyItems) => Err(Reason::TooManyItems),
        _ if notification.entity == Entity::Unmapped => Err(Reason::Unmapped),
        Some(reason) => Err(reason),
        None => notification.tenant.as_deref().ok_or(Reason::TenantUnknown),
    }
}

/// The question for the ERP.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Question<'a> {
    None,
    Fetch(&'a ResourcePath),
}

/// The known facts, with the ERP's answer.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) resource: Option<Resource>,
    pub(crate) deleted: bool,
    /// The ERP has no such resource, and no deletion was reported.
    pub(crate) gone: bool,
    /// A deletion was reported, but the ERP still has the resource.
    pub(crate) refuted: bool,
}

/// Decides what to ask. A signed deletion is believed, since its resource answers 404. Content seen
/// before under another id is confirmed if there is a resource to ask for. An unsigned word, in a
/// header or a legacy body, counts only if the ERP confirms it (docs/visma-net.md#legacy-webhooks).
/// The ERP cannot confirm an action. A person can, by a replay, if its body is signed.
pub(crate) fn question<'a>(n: &'a Notification, route: &Route, repeated: bool) -> Result<Question<'a>, Reason> {
    let path = n.path.as_ref().filter(|path| path.key().is_some());
    let wanted = match n.proof {
        Proof::Signed => repeated || (route.fetch && n.kind != Kind::Deleted),
        Proof::Headers | Proof::Nothing => true,
    };
    match path {
        _ if n.proof == Proof::Nothing && n.kind.leaves_no_trace() => Err(Reason::Unconfirmable),
        Some(path) if wanted => Ok(Question::Fetch(path)),
        None if n.proof != Proof::Signed => Err(Reason::Unconfirmable),
        _ => Ok(Question::None),
    }
}

/// Whether only a header says that something happened that the ERP cannot confirm, such as an action.
pub(crate) fn is_claim(n: &Notification) -> bool {
    let is_told = n.proof != Proof::Nothing && n.origin != Origin::Replay;
    is_told && n.kind.leaves_no_trace() && !n.event_is_proven
}

/// Whether a header would turn content that is known as another event into an occurrence. A
/// captured delivery that is replayed under another event then waits for a person.
pub(crate) fn is_ambiguous(n: &Notification, seen: &Seen) -> bool {
    let can_be_confirmed = n.kind.is_hint() || n.kind == Kind::Deleted;
    let is_judged_now = seen.same.is_none_or(|known| known.reason == Some(Reason::Ambiguous));
    seen.under_other_event && !n.event_is_proven && !can_be_confirmed && is_judged_now && n.origin != Origin::Replay
}

impl Facts {
    /// # Errors
    /// The ERP does not confirm an unsigned word.
    pub(crate) fn confirmed(self, n: &Notification) -> Result<Self, Reason> {
        let is_denied = self.gone || self.refuted;
        if is_denied && n.proof != Proof::Signed { Err(Reason::Unconfirmable) } else { Ok(self) }
    }

    pub(crate) fn new(n: &Notification, fetched: Option<Fetched>) -> Self {
        let deletion = n.kind == Kind::Deleted;
        match fetched {
            None => Self { resource: None, deleted: deletion, gone: false, refuted: false },
            Some(Fetched::Gone) => Self { resource: None, deleted: deletion, gone: !deletion, refuted: false },
            Some(Fetched::Found(resource)) => {
                Self { resource: Some(resource), deleted: false, gone: false, refuted: deletion }
            }
        }
    }
}

impl<P: Ports> Processor<P> {
    /// Fetches a resource with the current settings.
    ///
    /// If Visma Connect refuses our credentials, a newer document may have better ones, such as a
    /// rotated client secret. So the settings are read again, at most once in half a minute, before
    /// the notification is parked.
    pub(crate) async fn fetch(
        &self,
        settings: &Settings,
        tenant: &str,
        path: &ResourcePath,
    ) -> Result<Result<Fetched, VismaError>, Failure> {
        let refused = match self.visma.fetch(&settings.visma, tenant, path).await {
            Err(error) if error.is_refused_by_connect() => error,
            fetched => return Ok(fetched),
        };
        let newer = self.settings.refreshed().await?;
        if newer.visma == settings.visma {
            return Ok(Err(refused));
        }
        Ok(self.visma.fetch(&newer.visma, tenant, path).await)
    }
}
