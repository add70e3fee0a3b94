//! Where the tables are kept.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// `target/bench`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench")
}

/// Where criterion keeps what it measures.
pub(crate) fn criterions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/criterion")
}

/// # Errors
/// The file cannot be written.
pub fn write(name: &str, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder())?;
    fs::write(folder().join(name), text)
}
