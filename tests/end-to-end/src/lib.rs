#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "it stands outside of what it drives")]
#![allow(clippy::unwrap_used, reason = "what tests share fails by panicking, too")]

pub mod catalogue;
pub mod company;
mod operator;
mod redaction;
mod stack;

pub use company::Company;
pub use operator::Operator;
pub use redaction::{never_logged, shown};
pub use stack::{Call, Queue, Record, Stack};

use std::time::{Duration, Instant};

/// The time limit for anything on a busy machine. If a stall of the machine uses up a function's
/// time, its messages come back after a minute. This may happen twice.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// Asks until there is an answer. Panics with the name of the missing thing when the time is up.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, ask).await
}

/// The same for what takes longer by design.
pub async fn until_within<T>(patience: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain for {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
