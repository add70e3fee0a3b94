//! What an accountant reads when nobody else says anything: short, plain, without personal data.

use crate::confirmation::Facts;
use webhooks_model::feedback::Verdict;
use webhooks_model::{Kind, Notification, Resource};

pub(crate) fn processed(n: &Notification, facts: &Facts) -> Verdict {
    let subject = n.subject();
    Verdict::success(&match n.kind {
        _ if facts.gone => format!("The {subject} was received, but Visma Net does not have it."),
        Kind::Deleted => format!("The deletion of {subject} was received and processed."),
        Kind::Created => format!("The new {subject} was received and processed."),
        Kind::IdentityChanged => format!("The new number of {subject} was received and processed."),
        Kind::Action => format!("The action on {subject} was received and processed."),
        Kind::Completed => "The completed start-up of the company was received and processed.".to_owned(),
        Kind::Background => format!("The result of {subject} was received and processed."),
        Kind::StatusChanged | Kind::Lifecycle if status(n, facts).is_some() => {
            let status = status(n, facts).unwrap_or_default();
            format!("The status {status} of {subject} was received and processed.")
        }
        _ => format!("The change of {subject} was received and processed."),
    })
}

/// What the notification says comes first: it is a step on the way, which the document may have passed.
pub(crate) fn status<'a>(n: &'a Notification, facts: &'a Facts) -> Option<&'a str> {
    n.status.as_deref().or_else(|| facts.resource.as_ref().and_then(Resource::status))
}

pub(crate) fn together(all: usize, successes: usize) -> Verdict {
    match all - successes {
        0 => Verdict::success(&format!("All {all} changes of this notification were received and processed.")),
        _ => Verdict::failure(&format!(
            "{successes} of {all} changes of this notification were processed. The integrator has been told of the others."
        )),
    }
}

pub(crate) fn superseded(n: &Notification, facts: &Facts) -> Verdict {
    let subject = n.subject();
    Verdict::success(&match facts.refuted {
        true => format!("The deletion of {subject} was not carried out, for Visma Net still has it."),
        false => format!("A newer change of {subject} has already been processed."),
    })
}

pub(crate) fn dead(n: &Notification) -> Verdict {
    Verdict::failure(&format!(
        "The notification about {} could not be processed. The integrator has been told.",
        n.subject()
    ))
}
