#![doc = include_str!("../README.md")]

mod variables;

pub use variables::{VariableError, Variables};

use time::OffsetDateTime;
use uuid::Uuid;

/// Time, ids and randomness: everything that differs from one run to the next.
pub trait Host: Send + Sync {
    fn now(&self) -> OffsetDateTime;
    fn new_id(&self) -> Uuid;
    /// Uniform in `[0, 1)`.
    fn random(&self) -> f64;
}

/// The machine's own clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemHost;

#[expect(clippy::disallowed_methods, reason = "this is where time and ids come from")]
impl Host for SystemHost {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn random(&self) -> f64 {
        fastrand::f64()
    }
}
