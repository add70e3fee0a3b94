//! Installs axe-core, which checks the console's pages for accessibility.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::workspace::{Workspace, empty, read_bytes, write};
use std::fs;
use std::process::Stdio;

/// Pins the version, and the content by its hash.
const LOCK: &str = "package-lock.json";

/// Installs what the lock pins into `.local/axe`. Does nothing if it was installed from the same lock.
pub(crate) fn install(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let source = workspace.root.join("tests/end-to-end/axe");
    let lock = source.join(LOCK);
    let wanted = read_bytes(&lock)?;
    let folder = workspace.local.join("axe");
    let installed = folder.join("installed.json");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    empty(&folder)?;
    for name in ["package.json", LOCK] {
        let copy = folder.join(name);
        fs::copy(source.join(name), &copy).map_err(Error::io(format!("write {}", copy.display())))?;
    }
    let mut npm = workspace.command("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    npm.current_dir(&folder).stdout(Stdio::null());
    interrupt.run(&mut npm).map_err(|error| match error {
        Error::Io { .. } => Error::NoNpm,
        other => other,
    })?;
    write(&installed, wanted)
}
