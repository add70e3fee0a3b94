//! Asking the ERP: to know more than the notification says, or because its word alone is not enough.

use webhooks_model::notification::Proof;
use webhooks_model::{Kind, Notification, Origin, Reason, Resource, ResourcePath};
use webhooks_settings::Route;
use webhooks_store::Seen;
use webhooks_visma::Fetched;

/// What the ERP is to be asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Question<'a> {
    None,
    Fetch(&'a ResourcePath),
}

/// What is known after asking.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) resource: Option<Resource>,
    pub(crate) deleted: bool,
    /// The ERP has no such resource, and no deletion was announced.
    pub(crate) gone: bool,
    /// A deletion was announced, and the ERP still has the resource.
    pub(crate) refuted: bool,
}

/// A signed deletion is believed, for its resource answers 404. Content seen before under another
/// id is confirmed where there is a resource to ask for. What only a header says and what nobody
/// signed is acted on only if the ERP confirms it (docs/visma-net.md#legacy-webhooks). It cannot
/// confirm an action.
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

/// Whether a header's word for the event would make an occurrence of content that is known as another
/// event. Who replays a captured delivery under another event gains nothing by it; a person decides.
pub(crate) fn is_ambiguous(n: &Notification, seen: &Seen) -> bool {
    let can_be_confirmed = n.kind.is_hint() || n.kind == Kind::Deleted;
    let is_judged_now = seen.same.is_none_or(|known| known.reason == Some(Reason::Ambiguous));
    seen.under_other_event && !n.event_is_proven && !can_be_confirmed && is_judged_now && n.origin != Origin::Replay
}

impl Facts {
    /// # Errors
    /// The ERP does not confirm what only a header says or what nobody signed.
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
