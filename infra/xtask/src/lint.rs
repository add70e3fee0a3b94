//! `cargo xtask lint`: formatting, lints, dependencies, the template and its policies.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::python;
use crate::tools::DENY;
use crate::workspace::Workspace;
use std::process::Stdio;
use std::time::Duration;

/// The main template and those nested in it.
const TEMPLATES: [&str; 3] = ["infra/template.yaml", "infra/observability.yaml", "infra/dashboards/cloudwatch.yaml"];
/// Cloning the advisory database takes a few seconds where it can be reached.
const FETCH_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut steps = Steps::new(6);
    steps.next("Formatting");
    interrupt.run(workspace.cargo().args(["fmt", "--all", "--check"]))?;
    steps.next("Template");
    let python = python::environment(workspace, interrupt, "venv-lint", "infra/local/requirements-lint.txt")?;
    interrupt.run(workspace.command(python.join("cfn-lint")).args(TEMPLATES))?;
    steps.next("Policies");
    let policies = "infra/local/requirements-policies.txt";
    let python = python::environment(workspace, interrupt, "venv-policies", policies)?;
    let mut checkov = workspace.command(python.join("checkov"));
    interrupt.run(checkov.args(["--config-file", "infra/checkov.yaml", "--file"]).args(TEMPLATES))?;
    steps.next("Clippy");
    let mut clippy = workspace.cargo_workspace(&["clippy", "--all-targets", "--all-features"]);
    interrupt.run(clippy.args(["--", "-D", "warnings"]))?;
    steps.next("Dependencies: bans, licences, sources");
    DENY.install(workspace, interrupt)?;
    interrupt.run(workspace.cargo().args(["deny", "check", "bans", "licenses", "sources"]))?;
    steps.next("Dependencies: advisories");
    advisories(workspace, interrupt)?;
    steps.done("Nothing to complain about");
    Ok(())
}

fn advisories(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut fetch = workspace.cargo();
    fetch.args(["deny", "fetch", "db"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if interrupt.status(&mut fetch, FETCH_LIMIT)?.is_some_and(|status| status.success()) {
        return interrupt.run(workspace.cargo().args(["deny", "check", "--disable-fetch", "advisories"]));
    }
    println!("      SKIPPED: RustSec's advisory database cannot be reached from here");
    Ok(())
}
