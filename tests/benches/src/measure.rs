//! Measures CPU time, mostly with criterion. Lambda's CPU share limits it, and other programs on
//! the machine disturb it less than the wall clock.

use crate::report;
use crate::rows::{self, Row};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, Criterion};
use rustix::time::{ClockId, clock_gettime};
use std::sync::LazyLock;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

static WALL_TIME: WallTime = WallTime;

/// The CPU time of this thread so far.
pub fn cpu_of_thread() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The thread's CPU time.
pub struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        cpu_of_thread()
    }

    fn end(&self, start: Duration) -> Duration {
        cpu_of_thread() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        // Durations have the same format on every clock.
        WALL_TIME.formatter()
    }
}

/// Measures some rows, prints them, and writes them as the table of this name.
///
/// # Panics
/// The table cannot be written.
pub fn measure(table: &str, rows: impl FnOnce(&mut Criterion<CpuTime>) -> Vec<Row>) {
    let folder = report::target("criterion");
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .output_directory(&folder)
        .without_plots()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(50)
        .configure_from_args();
    let rows = rows(&mut criterion);
    criterion.final_summary();
    let text = rows::table(&folder, &rows);
    println!("{text}");
    report::write(table, &format!("{text}\n")).expect("target can be written");
}

/// How many inputs of this size are prepared at once. They must still be in the cache when they are
/// used, like an input that a function has just read. And there must be enough to make the cost of
/// reading the clock negligible.
pub fn at_a_time(bytes: usize) -> BatchSize {
    const CACHED: usize = 64 * 1024;
    BatchSize::NumIterations((CACHED / bytes).clamp(1, 16) as u64)
}

/// The kind of runtime that the functions use.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
    &RUNTIME
}
