//! CPU time, which is what Lambda's CPU share is spent on, and which others on the same machine disturb less than the clock.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// What this thread has used so far.
pub fn of_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
