//! Counts the tasks that may still send something.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use tokio::sync::Notify;

/// Tasks that run at the same time and send through the same
/// [`BatchingSender`](crate::BatchingSender)s. A sender asks it whether other tasks may still send.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<Attempts>);

#[derive(Debug, Default)]
struct Attempts {
    at_work: AtomicIsize,
    changed: Notify,
}

impl InFlight {
    /// Counts one more task as working until this is dropped.
    #[must_use = "the task stops counting as working when this is dropped"]
    pub fn join(&self) -> InFlightGuard {
        self.change(1);
        InFlightGuard(self.clone())
    }

    /// Counts one task as waiting until this is dropped.
    pub(crate) fn rest(&self) -> WaitingGuard {
        self.change(-1);
        WaitingGuard(self.clone())
    }

    fn change(&self, by: isize) {
        self.0.at_work.fetch_add(by, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }

    /// Returns when all tasks wait, or when `enough` returns true. `enough` is called whenever a
    /// task starts, waits or ends.
    pub(crate) async fn wait(&self, enough: impl Fn() -> bool) {
        loop {
            let mut changed = pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if self.0.at_work.load(Ordering::SeqCst) <= 0 || enough() {
                return;
            }
            changed.await;
        }
    }
}

/// A working task.
#[derive(Debug)]
pub struct InFlightGuard(InFlight);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.change(-1);
    }
}

/// A waiting task.
#[derive(Debug)]
pub(crate) struct WaitingGuard(InFlight);

impl Drop for WaitingGuard {
    fn drop(&mut self) {
        self.0.change(1);
    }
}
