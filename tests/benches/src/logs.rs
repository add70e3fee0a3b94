//! Measures the logs of the functions.

use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};
use tracing::subscriber::DefaultGuard;

/// The levels that a function logs by default.
const SHOWN: [&str; 3] = ["INFO", "WARN", "ERROR"];

/// Counts the bytes written at the default levels. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Weighed>>);

#[derive(Debug, Default)]
struct Weighed {
    bytes: u64,
    /// Lines of warnings and errors.
    complaints: Vec<String>,
}

impl Log {
    /// The bytes so far.
    pub fn bytes(&self) -> u64 {
        self.weighed().bytes
    }

    /// The errors and warnings so far, as logged.
    pub fn complaints(&self) -> Vec<String> {
        self.weighed().complaints.clone()
    }

    /// Captures the log of this thread until the guard is dropped.
    #[must_use]
    pub fn listen(&self) -> DefaultGuard {
        let log = self.clone();
        tracing::subscriber::set_default(webhooks_telemetry::subscriber_for_tests(move || log.clone()))
    }

    fn weighed(&self) -> MutexGuard<'_, Weighed> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut weighed = self.weighed();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let fields: Value = serde_json::from_slice(line).unwrap_or_default();
            let text = |name: &str| fields[name].as_str().unwrap_or_default();
            if text("target").starts_with("standin") || !SHOWN.contains(&text("level")) {
                continue;
            }
            weighed.bytes += line.len() as u64 + 1;
            if text("level") != "INFO" {
                weighed.complaints.push(String::from_utf8_lossy(line).into_owned());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
