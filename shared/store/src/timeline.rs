//! The statuses of an entity, each with the time at which it was seen, as attributes of its head. A
//! status is written without reading the others, so there may be entries too many: repeated
//! statuses and old ones. They are removed when there are several.

use crate::attributes::Item;
use webhooks_model::{Ticks, sorted};

const STATUS_AT: &str = "status_at#";
/// The most entries. Older ones are removed, so that a head never exceeds the limit of an item.
const LONGEST: usize = 100;
/// The number of surplus entries from which a write to remove them pays off. The price of a head's
/// writes depends on its size in KB.
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

/// The entries to remove, if there are enough of them.
pub(crate) fn surplus(head: &Item) -> Vec<Ticks> {
    let (timeline, mut surplus) = split(head);
    let too_old = timeline.len().saturating_sub(LONGEST);
    surplus.extend(timeline[..too_old].iter().map(|(at, _)| *at));
    if surplus.len() < SURPLUS { Vec::new() } else { surplus }
}

/// The entries that count, oldest first, and those that repeat the status before.
fn split(head: &Item) -> (Vec<(Ticks, &str)>, Vec<Ticks>) {
    let entries = head.iter().filter_map(|(name, value)| {
        let ticks = Ticks::new(name.strip_prefix(STATUS_AT)?.parse().ok()?)?;
        Some((ticks, value.as_s().ok()?.as_str()))
    });
    let mut all: Vec<(Ticks, &str)> = sorted::by(entries, Ord::cmp);
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
