//! The archive in which a function is uploaded.

use crate::error::{Error, Result};
use std::io::{self, Cursor, Write};
use std::path::Path;
use zip::write::{SimpleFileOptions, ZipWriter};

/// The size of the archive that cargo-lambda makes of a program: one file, deflated at the default
/// level.
///
/// # Errors
/// The program cannot be read.
pub(crate) fn zipped(program: &Path) -> Result<u64> {
    let bytes = std::fs::read(program).map_err(Error::io(format!("read {}", program.display())))?;
    archive(&bytes).map_err(Error::io(format!("archive {}", program.display())))
}

fn archive(bytes: &[u8]) -> io::Result<u64> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755))?;
    archive.write_all(bytes)?;
    Ok(archive.finish()?.into_inner().len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_deflated() {
        let size = archive(&[0; 1_000_000]).unwrap();
        assert!((100..5_000).contains(&size), "{size}");
    }
}
