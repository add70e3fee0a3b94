//! The statuses of an entity, each with when it was seen: attributes of its head. One is written
//! without a look at what is there, so there may be more than count: a status that did not change,
//! and what makes room for newer ones. They are taken out when they are some.

use crate::attributes::Item;
use webhooks_model::Ticks;

const STATUS_AT: &str = "status_at#";
/// Older entries make room beyond this, so that a head never outgrows a DynamoDB item.
const LONGEST: usize = 100;
/// Fewer are not worth a write, nor a kilobyte of the head, by which its writes are paid.
const SURPLUS: usize = 8;

/// The name of the attribute.
pub(crate) fn name(at: Ticks) -> String {
    format!("{STATUS_AT}{:019}", at.get())
}

/// Oldest first.
pub(crate) fn read(head: &Item) -> Vec<(Ticks, String)> {
    let (mut timeline, _) = split(head);
    timeline.drain(..timeline.len().saturating_sub(LONGEST));
    timeline.into_iter().map(|(at, status)| (at, status.to_owned())).collect()
}

/// Whether a status belongs in the timeline as an entry of its own.
pub(crate) fn lacks(head: &Item, at: Ticks, status: &str) -> bool {
    let (timeline, _) = split(head);
    let before = timeline.iter().rev().find(|(earlier, _)| *earlier <= at);
    before.is_none_or(|(_, known)| *known != status)
}

/// The entries to take out, once they are some.
pub(crate) fn surplus(head: &Item) -> Vec<Ticks> {
    let (timeline, mut surplus) = split(head);
    let too_old = timeline.len().saturating_sub(LONGEST);
    surplus.extend(timeline[..too_old].iter().map(|(at, _)| *at));
    if surplus.len() < SURPLUS { Vec::new() } else { surplus }
}

/// The entries that count, oldest first, and those that say again what the one before says.
fn split(head: &Item) -> (Vec<(Ticks, &str)>, Vec<Ticks>) {
    let mut all: Vec<(Ticks, &str)> = head
        .iter()
        .filter_map(|(name, value)| {
            let ticks = Ticks::new(name.strip_prefix(STATUS_AT)?.parse().ok()?)?;
            Some((ticks, value.as_s().ok()?.as_str()))
        })
        .collect();
    all.sort_unstable();
    let mut again = Vec::new();
    let mut known = None;
    all.retain(|(at, status)| {
        let is_news = known.replace(*status) != Some(*status);
        if !is_news {
            again.push(*at);
        }
        is_news
    });
    (all, again)
}
