//! Installs Chromium and ChromeDriver, which test the console.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::workspace::Workspace;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Each program that the browser tests need, and the names it may have.
const NEEDED: [(&str, &[&str]); 2] =
    [("Chromium", &["chromium", "chromium-browser", "google-chrome"]), ("ChromeDriver", &["chromedriver"])];

/// Uses the programs on PATH. Otherwise installs Debian's, if this is Debian and we may.
pub(crate) fn install(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let Some(missing) = missing(workspace, interrupt)? else { return Ok(()) };
    if !Path::new("/etc/debian_version").exists() || !rustix::process::geteuid().is_root() {
        return Err(Error::NoBrowser { missing });
    }
    println!("      {missing} is missing: installing Debian's packages chromium and chromium-driver");
    for words in [
        &["update", "--quiet"][..],
        &["install", "--quiet", "--yes", "--no-install-recommends", "chromium", "chromium-driver"],
    ] {
        let mut apt = workspace.command("apt-get");
        interrupt.run(apt.args(words).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))?;
    }
    self::missing(workspace, interrupt)?.map_or(Ok(()), |missing| Err(Error::NoBrowser { missing }))
}

/// The first missing one.
fn missing(workspace: &Workspace, interrupt: &Interrupt) -> Result<Option<&'static str>> {
    for (name, programs) in NEEDED {
        let mut found = false;
        for program in programs {
            let mut version = workspace.command(program);
            version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
            found |= match interrupt.status(&mut version, Duration::from_secs(30)) {
                // It cannot be started, so it counts as missing.
                Err(Error::Io { .. }) => false,
                status => status?.is_some_and(|status| status.success()),
            };
        }
        if !found {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
