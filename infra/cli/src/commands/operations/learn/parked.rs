//! Parked notifications with their text, in groups by the name of their event and the shape of
//! their body, and their states after a replay.

use super::super::Client;
use super::super::client::items;
use super::super::shown::text;
use crate::error::Failure;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration as Span;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::notification::{Directory, Proof};
use webhooks_model::replay::Recorded;
use webhooks_model::shape::Shape;
use webhooks_model::{Channel, Delivery, Entity, EntityId, LedgerKey, Notification, NotificationKey, SenderId};
use webhooks_settings::Settings;

/// Reasons that other settings may remove.
const MENDABLE: [&str; 4] = ["unmapped", "unidentified", "invalid_path", "unconfirmable"];
const PAGE: &str = "100";
const EVERY: Span = Span::from_secs(1);

pub(super) struct Parked {
    pub(super) reference: String,
    pub(super) reason: String,
    pub(super) raw: String,
    delivery: Delivery,
}

pub(super) struct Group {
    /// The event's name as it came; empty if there was none.
    pub(super) event: String,
    /// The hash of the shape.
    pub(super) shape: String,
    pub(super) fields: Shape,
    pub(super) members: Vec<Parked>,
}

/// How many replayed notifications are in each state, and which are still parked.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) states: BTreeMap<String, usize>,
    pub(super) parked: usize,
}

impl Parked {
    /// Reads it as the processor would read its replay.
    pub(super) fn read(&self, settings: &impl Directory) -> Option<Notification> {
        Notification::all_of(&self.delivery, settings).into_iter().next()
    }

    fn new(item: &Value, raw: String) -> Option<Self> {
        let id = NotificationKey::try_from(text(&item["id"])).ok()?;
        let entity = serde_json::from_value(item["entity"].clone()).ok()?;
        let channel = Channel::parse(item["channel"].as_str()?)?;
        let recorded = Recorded {
            delivery: Uuid::nil(),
            id_in_header: SenderId::new(id.id()),
            answer: Default::default(),
            channel,
            subscription: text(&item["subscription"]),
            event: text(&item["event"]),
            // The API does not show the proof, and the reading does not depend on it.
            proof: if channel == Channel::Legacy { Proof::Nothing } else { Proof::Headers },
            received_at: OffsetDateTime::parse(item["received_at"].as_str()?, &Rfc3339).ok()?,
            key: LedgerKey {
                entity: EntityId { tenant: text(&item["tenant"]), entity, key: text(&item["key"]) },
                notification: id,
            },
            raw: raw.clone(),
        };
        let (reference, reason) = (text(&item["ref"]), text(&item["reason"]));
        Some(Self { reference, reason, raw, delivery: recorded.replay() })
    }
}

/// The newest first, and whether there may be more. The API audits each reading of a text.
pub(super) async fn all(
    client: &Client<'_>,
    tenant: Option<&str>,
    most: usize,
) -> Result<(Vec<Parked>, bool), Failure> {
    let mut query = vec![("kind", "parked"), ("limit", PAGE)];
    query.extend(tenant.map(|tenant| ("tenant", tenant)));
    let (mut found, mut cursor) = (vec![], None::<String>);
    loop {
        let given = cursor.as_deref().map(|cursor| ("cursor", cursor));
        let query: Vec<_> = query.iter().copied().chain(given).collect();
        let mut page = client.get(&["operations", "v1", "attention"], &query).await?;
        for item in items(&mut page)? {
            if found.len() == most {
                return Ok((found, true));
            }
            if item["reason"].as_str().is_some_and(|reason| MENDABLE.contains(&reason)) {
                let raw = client.get(&["operations", "raw", "notifications", &text(&item["ref"])], &[]).await?;
                found.extend(Parked::new(&item, text(&raw["text"])));
            }
        }
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok((found, false));
        }
    }
}

/// The largest group first. Leaves out bodies that are not JSON objects, since no settings can read
/// them.
pub(super) fn grouped(parked: Vec<Parked>, settings: &Settings) -> Vec<Group> {
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

/// Waits until none of them is parked as before, or the time is over.
pub(super) async fn watch(client: &Client<'_>, replayed: &[&Parked], longest: Duration) -> Result<Watched, Failure> {
    let end = tokio::time::Instant::now() + longest.unsigned_abs();
    let (mut open, mut states) = (replayed.to_vec(), BTreeMap::new());
    loop {
        let mut still = vec![];
        for one in open {
            let mut item = client.get(&["operations", "v1", "notifications", &one.reference], &[]).await?;
            let moved = item["moved_to"].as_str().map(str::to_owned);
            if let Some(moved) = moved {
                item = client.get(&["operations", "v1", "notifications", &moved], &[]).await?;
            } else if item["state"] == "parked" {
                still.push(one);
                continue;
            }
            *states.entry(text(&item["state"])).or_default() += 1;
        }
        if still.is_empty() || tokio::time::Instant::now() >= end {
            return Ok(Watched { states, parked: still.len() });
        }
        open = still;
        tokio::time::sleep(EVERY).await;
    }
}
