//! What is done in each role's name, as somebody has reviewed it.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// By the role's logical name.
pub type List = BTreeMap<String, Calls>;

/// Calls are an operation and the resource's label, and the leading key where a policy names that: `PutItem Table audit`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calls {
    /// The function's own, each made in every run of the end-to-end tests.
    pub calls: BTreeSet<String>,
    /// The function's own that not every run makes, and when they are made.
    pub seldom: BTreeMap<String, String>,
    /// What AWS itself does in the role's name.
    pub aws: BTreeSet<String>,
    /// Permissions that nothing uses, and why they stay.
    pub spare: BTreeMap<String, String>,
}

impl Calls {
    /// The function's own.
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
/// It is not such a list.
pub fn listed() -> List {
    serde_json::from_str(include_str!("../calls.json"))
        .unwrap_or_else(|error| panic!("tests/roles/calls.json: {error}"))
}
