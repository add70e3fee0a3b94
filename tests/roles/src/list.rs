//! The reviewed list of calls that each role makes.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Keyed by the role's logical name.
pub type List = BTreeMap<String, Calls>;

/// A call is an operation and the resource's label, with the leading key if a policy names it:
/// `PutItem Table audit`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calls {
    /// Calls of the function itself, made in every run of the end-to-end tests.
    pub calls: BTreeSet<String>,
    /// Calls of the function itself that not every run makes, with the occasion.
    pub seldom: BTreeMap<String, String>,
    /// Calls that AWS itself makes with the role.
    pub aws: BTreeSet<String>,
    /// Unused permissions, with the reason to keep them.
    pub spare: BTreeMap<String, String>,
}

impl Calls {
    /// Calls of the function itself.
    pub fn own(&self) -> impl Iterator<Item = &String> {
        self.calls.iter().chain(self.seldom.keys())
    }

    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.own().chain(&self.aws)
    }
}

/// `calls.json`.
///
/// # Panics
/// The file is malformed.
pub fn listed() -> List {
    serde_json::from_str(include_str!("../calls.json"))
        .unwrap_or_else(|error| panic!("tests/roles/calls.json: {error}"))
}
