//! Acknowledged notifications: they no longer need attention, until they fail again.

use super::command::deeds;
use super::{Checks, Met, short};
use crate::actors::Function;
use crate::model::table::text;
use crate::writes::text_of;
use webhooks_store::{Item, Write};

pub(super) const ACKNOWLEDGED: &str = "acknowledged#";
const FAILURES: [&str; 3] = ["dead", "parked", "unparseable"];

/// The mark before it was acknowledged.
pub(super) fn unacknowledged(mark: &str) -> &str {
    mark.strip_prefix(ACKNOWLEDGED).unwrap_or(mark)
}

pub(crate) fn is_acknowledged(item: &Item) -> bool {
    text(item, "attention").is_some_and(|mark| mark.starts_with(ACKNOWLEDGED))
}

impl Checks {
    /// Called with each write of a record that is carried out.
    pub(super) fn acknowledgement_fits(
        &mut self,
        function: Function,
        write: &Write,
        before: Option<&Item>,
        after: &Item,
    ) {
        let fails = is_failure(function, write);
        if fails && before.is_some_and(is_acknowledged) {
            self.meets(Met::FailedAgain);
        }
        let is_new = deeds(after).count() > before.map_or(0, |before| deeds(before).count());
        let wrong = match (deeds(after).last().filter(|_| is_new), is_acknowledged(after)) {
            (Some("acknowledge"), false) => "is acknowledged, and still asks for attention",
            (Some("unacknowledge"), true) => "is brought back, and still counts as acknowledged",
            (_, true) if fails => "fails again, and still counts as acknowledged",
            _ => return,
        };
        self.commands.found(format!("{} {wrong}", short(&write.sk)));
    }
}

/// Whether a person must look at the notification or at its feedback.
fn is_failure(function: Function, write: &Write) -> bool {
    match function {
        Function::Processor => text_of(write, "state").is_some_and(|state| FAILURES.contains(&state)),
        Function::Feedback => text_of(write, "feedback") == Some("parked"),
        _ => false,
    }
}
