//! Counts the tasks that may still send something.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use tokio::sync::Notify;

/// Tasks that run at the same time and send through the same [`Together`](crate::Together)s. A
/// sender asks it whether other tasks may still send.
#[derive(Debug, Clone, Default)]
pub struct Crew(Arc<Members>);

#[derive(Debug, Default)]
struct Members {
    at_work: AtomicIsize,
    changed: Notify,
}

impl Crew {
    /// Counts one more task as working until this is dropped.
    #[must_use = "the task stops counting as working when this is dropped"]
    pub fn join(&self) -> AtWork {
        self.change(1);
        AtWork(self.clone())
    }

    /// Counts one task as waiting until this is dropped.
    pub(crate) fn rest(&self) -> Resting {
        self.change(-1);
        Resting(self.clone())
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

/// A working task of a [`Crew`].
#[derive(Debug)]
pub struct AtWork(Crew);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.change(-1);
    }
}

/// A waiting task.
#[derive(Debug)]
pub(crate) struct Resting(Crew);

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.change(1);
    }
}
