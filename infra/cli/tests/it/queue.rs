//! A queue in memory.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;
use time::OffsetDateTime;
use time::macros::datetime;
use visma_webhooks::queue::{Depth, Queue, Received};
use visma_webhooks::{Exit, Failure};

const LONG_AGO: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) waiting: RefCell<Vec<Received>>,
    pub(crate) hidden: RefCell<Vec<Received>>,
    /// The number of messages after which it refuses more.
    pub(crate) takes: Cell<Option<usize>>,
    /// How many receives it got.
    pub(crate) receives: Cell<usize>,
}

impl Memory {
    pub(crate) fn of(messages: impl IntoIterator<Item = Received>) -> Self {
        Self { waiting: RefCell::new(messages.into_iter().collect()), ..Self::default() }
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.waiting.borrow().iter().map(|message| message.body.clone()).collect()
    }
}

pub(crate) fn message(body: &str) -> Received {
    Received {
        id: format!("id of {body}"),
        body: body.to_owned(),
        receipt: format!("receipt of {body}"),
        sent_at: LONG_AGO,
        receive_count: 3,
        group: Some("t-1".into()),
        trace: None,
        attributes: HashMap::new(),
    }
}

impl Queue for Memory {
    async fn receive(&self, most: usize, _: Duration, _: Duration) -> Result<Vec<Received>, Failure> {
        self.receives.set(self.receives.get() + 1);
        let mut waiting = self.waiting.borrow_mut();
        let count = most.min(10).min(waiting.len());
        let batch: Vec<Received> = waiting.drain(..count).collect();
        self.hidden.borrow_mut().extend(batch.clone());
        Ok(batch)
    }

    async fn send(&self, message: &Received) -> Result<(), Failure> {
        let full = self.takes.get().is_some_and(|most| self.waiting.borrow().len() >= most);
        if full {
            return Err(Failure::new(Exit::Unavailable, "full", ""));
        }
        self.waiting.borrow_mut().push(message.clone());
        Ok(())
    }

    async fn delete(&self, message: &Received) -> Result<(), Failure> {
        self.hidden.borrow_mut().retain(|other| other.receipt != message.receipt);
        Ok(())
    }

    async fn show(&self, message: &Received) -> Result<(), Failure> {
        self.delete(message).await?;
        self.waiting.borrow_mut().push(message.clone());
        Ok(())
    }

    async fn depth(&self) -> Result<Depth, Failure> {
        let count = |messages: &RefCell<Vec<Received>>| messages.borrow().len() as u64;
        Ok(Depth { waiting: count(&self.waiting), in_flight: count(&self.hidden) })
    }
}
