//! Who may yet send something.

use std::sync::Arc;
use tokio::sync::watch;

/// Those that work at the same time and send through the same [`Together`](crate::Together)s. Who sends knows by it whether company
/// may still come.
#[derive(Debug, Clone, Default)]
pub struct Crew(Arc<watch::Sender<isize>>);

impl Crew {
    /// One more is at work, as long as this is kept.
    #[must_use = "who drops it is not at work"]
    pub fn join(&self) -> AtWork {
        self.0.send_modify(|at_work| *at_work += 1);
        AtWork(self.clone())
    }

    /// One of them waits, as long as this is kept.
    pub(crate) fn rest(&self) -> Resting {
        self.0.send_modify(|at_work| *at_work -= 1);
        Resting(self.clone())
    }

    /// Until all wait, or `enough` says so, which is asked whenever one comes or goes.
    pub(crate) async fn wait(&self, enough: impl Fn() -> bool) {
        // It fails only when the sender is gone, which is here.
        let _ = self.0.subscribe().wait_for(|at_work| *at_work <= 0 || enough()).await;
    }
}

/// A member of a [`Crew`].
#[derive(Debug)]
pub struct AtWork(Crew);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.0.send_modify(|at_work| *at_work -= 1);
    }
}

/// A member that waits.
#[derive(Debug)]
pub(crate) struct Resting(Crew);

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.0.send_modify(|at_work| *at_work += 1);
    }
}
