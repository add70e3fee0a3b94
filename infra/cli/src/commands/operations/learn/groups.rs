//! Groups parked notifications by the name of their event and the shape of their body.

use super::parked::Parked;
use std::collections::BTreeMap;
use webhooks_model::shape::Shape;
use webhooks_model::{Entity, Notification};
use webhooks_settings::Settings;

pub(super) struct Group {
    /// The event's name as it came; empty if there was none.
    pub(super) event: String,
    /// The hash of the shape.
    pub(super) shape: String,
    pub(super) fields: Shape,
    pub(super) members: Vec<Parked>,
}

/// The largest group first. Leaves out bodies that are not JSON objects, since no settings can read
/// them.
pub(super) fn of(parked: Vec<Parked>, settings: &Settings) -> Vec<Group> {
    let mut groups = BTreeMap::<(String, String), Group>::new();
    for one in parked {
        let (Some(n), Some(fields)) = (one.read(settings), Shape::of(&one.raw)) else { continue };
        let (event, shape) = (n.event_raw, fields.hash());
        let group = Group { event: event.clone(), shape: shape.clone(), fields, members: vec![] };
        groups.entry((event, shape)).or_insert(group).members.push(one);
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.members.len()));
    groups
}

/// Whether event and record are known, so that the notification is not parked for lack of them.
pub(super) fn is_identified(n: &Notification) -> bool {
    n.event.is_some() && (n.entity_key.is_some() || n.entity == Entity::Company)
}
