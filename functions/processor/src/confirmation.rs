//! Asks the ERP for more than the notification says, or because the notification alone proves too
//! little.

use webhooks_model::notification::Proof;
use webhooks_model::{Kind, Notification, Origin, Reason, Resource, ResourcePath};
use webhooks_settings::Route;
use webhooks_store::Seen;
use webhooks_visma::Fetched;

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
/// The ERP cannot confirm an action.
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
