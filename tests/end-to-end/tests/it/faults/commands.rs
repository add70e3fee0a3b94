//! Tracks operators' commands until they end.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::{fmt, ops};

/// The sign that an accepted command was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// After the command, which has this note, the notification's timeline has a replay or an end.
    Replayed { reference: String, note: String },
    /// The notification's feedback is sent or parked.
    Answered { reference: String },
    /// The job has finished.
    Finished { job: String },
    /// There is no pause, and no notification waits for one.
    NothingPaused,
}

impl End {
    /// The path in the operations API that shows it.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Replayed { reference, .. } | Self::Answered { reference } => {
                format!("/operations/v1/notifications/{reference}")
            }
            Self::Finished { job } => format!("/operations/v1/jobs/{job}"),
            Self::NothingPaused => "/operations/v1/counts".to_owned(),
        }
    }

    /// Whether the API's answer shows the end.
    pub(super) fn is_in(&self, shown: &Value) -> bool {
        match self {
            Self::Replayed { note, .. } => goes_on_after(&shown["timeline"], note),
            Self::Answered { .. } => shown["feedback"]["state"] == "sent" || shown["feedback"]["state"] == "parked",
            Self::Finished { .. } => shown["status"] == "finished",
            Self::NothingPaused => shown["pauses"] == 0 && shown["paused"] == 0,
        }
    }
}

/// The entries are in order of time.
fn goes_on_after(timeline: &Value, note: &str) -> bool {
    let moments = timeline.as_array().map_or(&[][..], Vec::as_slice);
    let is_end = |moment: &Value| ["replayed", "processed", "superseded"].iter().any(|end| moment["what"] == *end);
    let commanded = moments.iter().position(|moment| moment["text"] == note);
    commanded.is_some_and(|at| moments[at..].iter().any(is_end))
}

#[derive(Debug, Default)]
pub(super) struct Commands {
    /// For each kind, the number of commands, and how many were answered 2xx.
    kinds: BTreeMap<&'static str, (usize, usize)>,
    ended: usize,
    /// Accepted commands without an observed end.
    pub(super) open: Vec<End>,
}

impl Commands {
    pub(super) fn give(&mut self, kind: &'static str) {
        self.kinds.entry(kind).or_default().0 += 1;
    }

    pub(super) fn accept(&mut self, kind: &'static str, end: End) {
        self.kinds.entry(kind).or_default().1 += 1;
        self.open.push(end);
    }

    /// Records the end of an open command.
    pub(super) fn end(&mut self, end: &End) {
        if let Some(at) = self.open.iter().position(|open| open == end) {
            self.open.swap_remove(at);
            self.ended += 1;
        }
    }

    pub(super) fn check(&self) {
        assert!(self.ended > 0, "no command was accepted, so nothing was tried: {self}");
        assert!(self.open.is_empty(), "accepted and swallowed: {:?}", self.open);
    }
}

impl ops::AddAssign for Commands {
    fn add_assign(&mut self, other: Self) {
        for (kind, (given, accepted)) in other.kinds {
            let own = self.kinds.entry(kind).or_default();
            *own = (own.0 + given, own.1 + accepted);
        }
        self.ended += other.ended;
        self.open.extend(other.open);
    }
}

impl fmt::Display for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> =
            self.kinds.iter().map(|(kind, (given, accepted))| format!("{kind} {accepted} of {given}")).collect();
        let (given, accepted) = self.kinds.values().fold((0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
        write!(f, "{given} commands given, {accepted} accepted, {} ended ({})", self.ended, kinds.join(", "))
    }
}

#[test]
fn a_replay_has_ended_when_something_came_of_it_after_the_command() {
    let end = End::Replayed { reference: "R".into(), note: "faults 7".into() };
    let shown = |whats: &[(&str, &str)]| {
        let moments: Vec<_> = whats.iter().map(|(what, text)| json!({"what": what, "text": text})).collect();
        json!({"timeline": moments})
    };
    let command = ("replay", "faults 7");
    assert!(end.is_in(&shown(&[("received", ""), command, ("replayed", "")])));
    assert!(end.is_in(&shown(&[("received", ""), command, ("attempt_failed", "x"), ("processed", "")])));
    assert!(!end.is_in(&shown(&[("received", ""), ("processed", ""), command])));
    assert!(!end.is_in(&shown(&[("received", ""), command, ("attempt_failed", "x")])));
    assert!(!end.is_in(&shown(&[("replay", "faults 70"), ("replayed", "")])));
    assert!(!end.is_in(&Value::Null));
}

#[test]
fn each_accepted_command_ends_once() {
    let (mut commands, end) = (Commands::default(), End::Finished { job: "1".into() });
    commands.give("redrive");
    commands.give("redrive");
    commands.accept("redrive", end.clone());
    assert_eq!(commands.to_string(), "2 commands given, 1 accepted, 0 ended (redrive 1 of 2)");
    commands.end(&end);
    commands.end(&end);
    assert_eq!(commands.to_string(), "2 commands given, 1 accepted, 1 ended (redrive 1 of 2)");
    commands.check();
}
