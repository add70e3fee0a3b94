//! Creates Python environments with exactly the pinned packages of a requirements file.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::workspace::{Workspace, read_bytes, write};
use std::fs;
use std::path::PathBuf;

/// Returns the environment's `bin` folder. Does nothing if it was made from the same requirements.
pub(crate) fn environment(
    workspace: &Workspace,
    interrupt: &Interrupt,
    name: &str,
    requirements: &str,
) -> Result<PathBuf> {
    let requirements = workspace.root.join(requirements);
    let wanted = read_bytes(&requirements)?;
    let folder = workspace.local.join(name);
    let bin = folder.join("bin");
    let installed = folder.join("requirements.txt");
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(bin);
    }
    let mut venv = workspace.command(interpreter(workspace)?);
    interrupt.run(venv.args(["-m", "venv", "--clear"]).arg(&folder)).map_err(|error| match error {
        Error::Failed { .. } => Error::NoVenv,
        other => other,
    })?;
    let mut pip = workspace.command(bin.join("python"));
    // --no-deps: the file pins every package, so no other may be installed.
    // --no-compile: Python compiles what it uses when it first uses it.
    let words = ["install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "-r"];
    pip.args(["-m", "pip"]).args(words).arg(&requirements);
    interrupt.run(&mut pip)?;
    write(&installed, wanted)?;
    Ok(bin)
}

/// A recent enough Python.
pub(crate) fn interpreter(workspace: &Workspace) -> Result<String> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut version = workspace.command(&python);
    let output = version.args(["-c", "import sys; print('%d %d' % sys.version_info[:2])"]).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        return Err(Error::NoPython { found: format!("`{python}` does not run") });
    };
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = output.split_whitespace().map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= (3, 10) => Ok(python),
        _ => Err(Error::NoPython { found: format!("`{python}` is {}", output.trim().replace(' ', ".")) }),
    }
}
