#![doc = include_str!("../README.md")]

mod captured;
mod filter;
mod line;
mod panic;
mod trace;

pub use captured::Captured;
pub use panic::log_panics;
pub use trace::Trace;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use webhooks_host::Variables;

const LAMBDA_LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Sets up logging for the process. On Lambda, pass `io::stdout`. Only the first call has an
/// effect. It is generic so that each binary compiles it with its own optimisation, for speed or
/// for size.
pub fn init<W>(writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let levels = filter::levels(variable(LAMBDA_LEVEL).as_deref(), variable("RUST_LOG").as_deref());
    if tracing::subscriber::set_global_default(subscriber(writer, levels)).is_ok() {
        log_panics();
    }
}

/// The level for lines of metrics. Lambda takes lines without a level for INFO, and drops them if
/// its filter is WARN.
pub fn level_that_passes() -> &'static str {
    filter::level_that_passes(variable(LAMBDA_LEVEL).as_deref())
}

fn variable(name: &'static str) -> Option<String> {
    Variables::of_process().text(name).ok()
}

/// Writes the same lines at every level to any writer. Use it with
/// `tracing::subscriber::set_default` in a test that runs beside others.
pub fn subscriber_for_tests<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    captured::guard_against_other_threads();
    subscriber(writer, Targets::new().with_default(LevelFilter::TRACE))
}

fn subscriber<W>(writer: W, levels: Targets) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines =
        tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).event_format(line::Json).with_writer(writer);
    tracing_subscriber::registry().with(filter::keep(levels)).with(lines)
}

#[cfg(test)]
mod tests;
