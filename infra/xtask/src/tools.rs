//! Installs what the commands need on demand: cargo subcommands, Python environments, Chromium and
//! axe-core.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::workspace::{UNOPTIMISED, Workspace, empty, read_bytes, write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// A published cargo subcommand.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) subcommand: &'static str,
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    pub(crate) flags: &'static [&'static str],
}

pub(crate) const NEXTEST: Tool =
    Tool { subcommand: "nextest", package: "cargo-nextest", version: "0.9.151", flags: &[] };

pub(crate) const DENY: Tool =
    Tool { subcommand: "deny", package: "cargo-deny", version: "0.20.2", flags: &["--no-default-features"] };

pub(crate) const FUZZ: Tool = Tool { subcommand: "fuzz", package: "cargo-fuzz", version: "0.13.2", flags: &[] };

pub(crate) const MUTANTS: Tool =
    Tool { subcommand: "mutants", package: "cargo-mutants", version: "27.1.0", flags: &[] };

pub(crate) const SBOM: Tool = Tool { subcommand: "sbom", package: "cargo-sbom", version: "0.10.0", flags: &[] };

impl Tool {
    /// Uses an installed one of any version, or builds the pinned one into `.local/bin`.
    pub(crate) fn install(&self, workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
        let mut version = workspace.cargo();
        version.args([self.subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
        if interrupt.status(&mut version, Duration::from_secs(30))?.is_some_and(|status| status.success()) {
            return Ok(());
        }
        println!("      {} {} is missing: building it once, into .local/bin", self.package, self.version);
        let mut install = workspace.cargo();
        install.envs(UNOPTIMISED);
        install.args(["install", "--locked", self.package, "--version", self.version, "--root"]);
        interrupt.run(install.arg(&workspace.local).args(self.flags))
    }
}

/// Makes a Python environment with exactly the pinned packages of a requirements file. Returns its
/// `bin` folder. Does nothing if it was made from the same requirements.
pub(crate) fn python_environment(
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
    let mut venv = workspace.command(python(workspace)?);
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

/// The `bin` folder of the environment with cargo-lambda.
pub(crate) fn cargo_lambda(workspace: &Workspace, interrupt: &Interrupt) -> Result<PathBuf> {
    python_environment(workspace, interrupt, "venv-deploy", "infra/local/requirements-deploy.txt")
}

/// A recent enough Python.
pub(crate) fn python(workspace: &Workspace) -> Result<String> {
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

/// Each program that the browser tests need, and the names it may have.
const NEEDED: [(&str, &[&str]); 2] =
    [("Chromium", &["chromium", "chromium-browser", "google-chrome"]), ("ChromeDriver", &["chromedriver"])];

/// Provides Chromium and ChromeDriver, which test the console. Uses the programs on PATH. Otherwise
/// installs Debian's, if this is Debian and we may.
pub(crate) fn install_browser(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
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

/// Pins the version of axe-core, and the content by its hash.
const LOCK: &str = "package-lock.json";

/// Installs axe-core, which checks the console's pages for accessibility, into `.local/axe`. Does
/// nothing if it was installed from the same lock.
pub(crate) fn install_axe(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
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
