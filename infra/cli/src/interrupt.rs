//! Ctrl-C, as something that a loop can look at: what it has begun is finished or put back before it ends.

use crate::error::Exit;
use tokio::sync::watch;

/// True from the first Ctrl-C on.
pub type Stop = watch::Receiver<bool>;

/// The first Ctrl-C asks to stop, the second one does not wait for it.
pub fn listen() -> Stop {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            // That nobody listens any more means that it is over.
            let _ = stop.send(true);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    stopped
}

/// Waits until somebody asks to stop.
pub async fn requested(stop: &Stop) {
    if stop.clone().wait_for(|stop| *stop).await.is_err() {
        // Nobody can ask any more.
        std::future::pending::<()>().await;
    }
}
