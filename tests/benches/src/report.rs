//! The folder of the reports.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// `target/bench`.
pub fn folder() -> PathBuf {
    target("bench")
}

/// A folder beside the build's output.
pub(crate) fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(name)
}

/// # Errors
/// The file cannot be written.
pub fn write(name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder())?;
    fs::write(folder().join(name), text)
}
