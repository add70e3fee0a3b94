//! The levels of log lines.

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};

/// Prefixes of targets whose finer levels show bodies, headers and keys.
const NOISY: &[&str] = &["aws_", "h2", "hyper", "lambda_", "mio", "reqwest", "rustls", "tokio_util", "tower"];

/// The first valid setting of the two, or INFO.
pub(crate) fn levels(lambda: Option<&str>, rust_log: Option<&str>) -> Targets {
    if let Some(level) = lambda.and_then(lambda_level) {
        return Targets::new().with_default(level);
    }
    let asked = rust_log.filter(|text| !text.trim().is_empty()).and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

/// Lambda has one level that tracing lacks.
fn lambda_level(text: &str) -> Option<LevelFilter> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("FATAL") => Some(LevelFilter::ERROR),
        text => text.parse().ok(),
    }
}

/// A level that always passes Lambda's filter, for lines of metrics: INFO, or the least severe
/// level that the filter passes.
pub(crate) fn level_that_passes(lambda: Option<&str>) -> &'static str {
    let least = lambda.map(str::trim).unwrap_or_default();
    ["WARN", "ERROR", "FATAL"].into_iter().find(|level| least.eq_ignore_ascii_case(level)).unwrap_or("INFO")
}

/// Keeps spans at every level, so that a warning has the ids around it.
pub(crate) fn keep<S: Subscriber>(levels: Targets) -> impl Layer<S> + Send + Sync {
    filter_fn(move |metadata| {
        if metadata.is_span() {
            return *metadata.level() <= Level::INFO;
        }
        levels.would_enable(metadata.target(), metadata.level()) && !is_noise(metadata)
    })
}

fn is_noise(metadata: &Metadata<'_>) -> bool {
    *metadata.level() > Level::WARN && NOISY.iter().any(|start| metadata.target().starts_with(start))
}
