//! Who may yet send something.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use tokio::sync::Notify;

/// Those that work at the same time and send through the same [`Together`](crate::Together)s. Who sends knows by it whether company
/// may still come.
#[derive(Debug, Clone, Default)]
pub struct Crew(Arc<Members>);

#[derive(Debug, Default)]
struct Members {
    at_work: AtomicIsize,
    changed: Notify,
}

impl Crew {
    /// One more is at work, as long as this is kept.
    #[must_use = "who drops it is not at work"]
    pub fn join(&self) -> AtWork {
        self.change(1);
        AtWork(self.clone())
    }

    /// One of them waits, as long as this is kept.
    pub(crate) fn rest(&self) -> Resting {
        self.change(-1);
        Resting(self.clone())
    }

    fn change(&self, by: isize) {
        self.0.at_work.fetch_add(by, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }

    /// Until all wait, or `enough` says so, which is asked whenever one comes or goes.
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

/// A member of a [`Crew`].
#[derive(Debug)]
pub struct AtWork(Crew);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.change(-1);
    }
}

/// A member that waits.
#[derive(Debug)]
pub(crate) struct Resting(Crew);

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.change(1);
    }
}
