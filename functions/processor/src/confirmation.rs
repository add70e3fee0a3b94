//! Asking the ERP: to know more than the notification says, or because its word alone is not enough.

use webhooks_model::notification::Proof;
use webhooks_model::{Kind, Notification, Reason, Resource, ResourcePath};
use webhooks_settings::Route;
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

/// A signed deletion is believed, for its resource answers 404. What only a header says, or content seen before under another id,
/// is confirmed wherever there is a resource to ask for; what nobody signed is acted on only then (reference 8.2).
pub(crate) fn question<'a>(n: &'a Notification, route: &Route, repeated: bool) -> Result<Question<'a>, Reason> {
    let path = n.path.as_ref().filter(|path| path.key().is_some());
    let wanted = match n.proof {
        Proof::Signed => repeated || (route.fetch && n.kind != Kind::Deleted),
        Proof::Headers | Proof::Nothing => true,
    };
    match path {
        Some(path) if wanted => Ok(Question::Fetch(path)),
        None if n.proof == Proof::Nothing => Err(Reason::Unconfirmable),
        _ => Ok(Question::None),
    }
}

impl Facts {
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
