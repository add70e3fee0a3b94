//! CPU time. Lambda's CPU share limits it, and other programs on the machine disturb it less than
//! the wall clock.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The CPU time of this thread so far.
pub fn of_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
