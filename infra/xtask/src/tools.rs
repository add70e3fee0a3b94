//! Installs the Cargo subcommands of the checks on demand.

use crate::error::Result;
use crate::process::Interrupt;
use crate::workspace::{UNOPTIMISED, Workspace};
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
