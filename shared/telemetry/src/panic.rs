//! Panics in the log.

use std::panic;

/// Logs each panic as one line with its location. The text is left out: it may hold data.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panicked");
    }));
}
