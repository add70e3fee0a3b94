//! A model of a standard SQS queue: at least once, in any order, with a visibility time-out, a
//! receive count and a dead-letter queue.

use crate::choice::Choices;
use time::{Duration, OffsetDateTime};

/// The order in which the queues of a run hand out messages. SQS serves other tenants first only if
/// one has at least 30 messages in flight and a tenth of all, or a tenth of the processing time.
/// Below that, any order is possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The tenant with the fewest messages in flight comes first.
    Fair,
    OldestFirst,
    Any,
}

impl Order {
    pub(crate) fn drawn(choices: &mut Choices) -> Self {
        let orders = [Self::Fair, Self::OldestFirst, Self::Any];
        orders[choices.below_aside(orders.len())]
    }
}

#[derive(Debug, Clone)]
pub(crate) struct QueueModel {
    pub(crate) messages: Vec<Stored>,
    /// Deleted messages; SQS may deliver them again.
    pub(crate) deleted: Vec<Stored>,
    pub(crate) visibility: Duration,
    /// How often a message is delivered before it moves to the dead-letter queue.
    pub(crate) max_receive_count: Option<u32>,
}

#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) id: u64,
    pub(crate) body: String,
    pub(crate) group: Option<String>,
    pub(crate) sent_at: OffsetDateTime,
    pub(crate) visible_at: OffsetDateTime,
    pub(crate) receive_count: u32,
    /// The newest receipt.
    pub(crate) receipt: u64,
    /// Whether the attempt of the newest receipt ended without a fault.
    pub(crate) ended_cleanly: bool,
    /// How often a person redrove it from the dead-letter queue.
    pub(crate) redrives: u32,
    /// How often the message that it replaces was received.
    pub(crate) receipts_before: u32,
}

impl QueueModel {
    pub(crate) fn new(visibility: Duration, max_receive_count: Option<u32>) -> Self {
        Self { messages: Vec::new(), deleted: Vec::new(), visibility, max_receive_count }
    }

    pub(crate) fn send(&mut self, id: u64, body: String, group: Option<String>, now: OffsetDateTime) {
        self.messages.push(Stored {
            id,
            body,
            group,
            sent_at: now,
            visible_at: now,
            receive_count: 0,
            receipt: 0,
            ended_cleanly: false,
            redrives: 0,
            receipts_before: 0,
        });
    }

    pub(crate) fn visible(&self, now: OffsetDateTime) -> Vec<usize> {
        (0..self.messages.len()).filter(|at| self.messages[*at].visible_at <= now).collect()
    }

    /// The number of messages in flight of the tenant of the message at this place.
    pub(crate) fn in_flight(&self, at: usize, now: OffsetDateTime) -> usize {
        let group = &self.messages[at].group;
        self.messages.iter().filter(|one| one.visible_at > now && one.group == *group).count()
    }

    /// Delivers the message at this place.
    pub(crate) fn receive(&mut self, at: usize, receipt: u64, now: OffsetDateTime) -> Stored {
        let message = &mut self.messages[at];
        message.receive_count += 1;
        message.receipt = receipt;
        message.visible_at = now + self.visibility;
        message.ended_cleanly = false;
        message.clone()
    }

    /// Removes messages that were delivered too often. They go to the dead-letter queue.
    pub(crate) fn take_exhausted(&mut self, now: OffsetDateTime) -> Vec<Stored> {
        let Some(max) = self.max_receive_count else { return Vec::new() };
        let is_exhausted = |one: &mut Stored| one.visible_at <= now && one.receive_count >= max;
        self.messages.extract_if(.., is_exhausted).collect()
    }

    pub(crate) fn by_receipt(&mut self, receipt: u64) -> Option<&mut Stored> {
        self.messages.iter_mut().find(|one| one.receipt == receipt)
    }

    pub(crate) fn delete(&mut self, id: u64) -> Option<Stored> {
        let at = self.messages.iter().position(|one| one.id == id)?;
        let message = self.messages.remove(at);
        self.deleted.push(message.clone());
        Some(message)
    }

    pub(crate) fn next_visible(&self) -> Option<OffsetDateTime> {
        self.messages.iter().map(|one| one.visible_at).min()
    }
}
