//! Turns Ctrl-C into a flag. A loop checks it, and finishes or puts back its work before it ends.

use crate::error::Exit;
use futures::FutureExt;
use tokio::sync::watch;

/// True from the first Ctrl-C on.
pub type Stop = watch::Receiver<bool>;

/// The first Ctrl-C asks the program to stop. The second one ends it at once.
pub fn listen() -> Stop {
    let (stop, stopped) = watch::channel(false);
    let mut first = Box::pin(tokio::signal::ctrl_c());
    // The first poll registers it. Before that, Ctrl-C would end the program without a word.
    let early = first.as_mut().now_or_never();
    tokio::spawn(async move {
        let asked = match early {
            Some(asked) => asked,
            None => first.await,
        };
        if asked.is_ok() {
            // Without a receiver, the work is over.
            let _ = stop.send(true);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    stopped
}

/// Waits for a request to stop.
pub async fn requested(stop: &Stop) {
    if stop.clone().wait_for(|stop| *stop).await.is_err() {
        // No request can come any more.
        std::future::pending::<()>().await;
    }
}
