//! The output of a function.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much of the end is shown, in bytes.
const SHOWN: usize = 4_000;

/// An unnamed file, which never outlives the process.
#[derive(Debug)]
pub(crate) struct Log(File);

impl Log {
    /// # Errors
    /// The folder for temporary files is full or read-only.
    pub(crate) fn new() -> Result<Self> {
        let path = path();
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let file = file.and_then(|file| fs::remove_file(&path).map(|()| file));
        file.map(Self).map_err(Error::io(format!("write {}", path.display())))
    }

    /// A handle for the program's output.
    ///
    /// # Errors
    /// There are too many open files.
    pub(crate) fn output(&self) -> Result<Stdio> {
        self.0.try_clone().map(Stdio::from).map_err(Error::io("write a log"))
    }

    pub(crate) fn end(&self) -> String {
        let length = self.0.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = vec![0; SHOWN];
        // Reads with its own offset, since the writer's is shared.
        let read = self.0.read_at(&mut bytes, length.saturating_sub(SHOWN as u64)).unwrap_or(0);
        format!("The end of its log:\n{}", String::from_utf8_lossy(&bytes[..read]))
    }
}

fn path() -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("lambda-bench-{}-{number}.log", std::process::id()))
}
