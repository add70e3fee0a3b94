//! What an operator asks the operations API for.

use webhooks_model::QueueName;

/// A recorded notification, by its keys in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

/// A command of an operator to the operations API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Replay(Target),
    Hold(Target),
    Release(Target),
    Resend(Target),
    Outcome(Target),
    /// An acknowledgement, or its withdrawal.
    Acknowledge(Target),
    Unacknowledge(Target),
    /// A pause of one tenant or of all, with its events.
    Pause(Option<String>, String),
    /// A pause of all events of a tenant that ends soon.
    PauseForAWhile(String),
    EndOfPause(Option<String>, String),
    /// All notifications of a tenant or of all known ones, or only those that were given up.
    ReplayAll {
        tenant: Option<String>,
        only_given_up: bool,
    },
    /// A resend of the parked feedback of a tenant or of all, or only of refused feedback.
    ResendAll {
        tenant: Option<String>,
        only_refused: bool,
    },
    Redrive(QueueName),
    Erase(String),
    Cancel(String),
    Resume(String),
}

impl Command {
    pub(super) fn begins_a_job(&self) -> bool {
        match self {
            Self::EndOfPause(..) | Self::ReplayAll { .. } | Self::Redrive(_) | Self::Resume(_) | Self::Erase(_) => true,
            Self::ResendAll { .. } => true,
            Self::Replay(_) | Self::Hold(_) | Self::Release(_) | Self::Resend(_) | Self::Outcome(_) => false,
            Self::Acknowledge(_) | Self::Unacknowledge(_) => false,
            Self::Pause(..) | Self::PauseForAWhile(_) | Self::Cancel(_) => false,
        }
    }
}

/// The target of a command, as far as it is known when the command is given.
#[derive(Debug, Default)]
pub(crate) struct Meant {
    /// The notifications that match a filter.
    pub(crate) notifications: Vec<String>,
    /// The notifications whose parked feedback matches a filter.
    pub(crate) feedbacks: Vec<String>,
    /// The dead letters of a queue, by id.
    pub(crate) letters: Vec<u64>,
}
