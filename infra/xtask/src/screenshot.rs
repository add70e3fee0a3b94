//! `cargo xtask screenshot`: takes the screenshots of the console for README.md.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::stack::Servers;
use crate::tools::{self, NEXTEST};
use crate::workspace::Workspace;

/// The test that takes them. It is in the end-to-end crate, which has the browser.
const TEST: &str = "test(the_readme_shows_the_console)";

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut steps = Steps::new(5);
    steps.next("Install the local AWS (once: 130 MB in .local), nextest and Chromium");
    let python = tools::python_environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    NEXTEST.install(workspace, interrupt)?;
    tools::install_browser(workspace, interrupt)?;
    steps.next("Build the functions, the stand-in for Visma Net and the demo");
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    steps.next("Deploy infra/template.yaml to a local AWS");
    let servers = Servers::start(workspace, interrupt, "screenshot", &python)?;
    let stack = servers.deploy(workspace, interrupt, &python, &[])?;
    steps.next("Demo");
    interrupt.run(stack.reach(&mut workspace.command(workspace.binaries.join("demo"))))?;
    steps.next("Take the pictures");
    let mut take = workspace.cargo_workspace(&["nextest", "run"]);
    take.args(["--run-ignored", "only", "-E", TEST]);
    interrupt.run(stack.reach(&mut take))?;
    println!("      {}", workspace.root.join("docs/console-light.png").display());
    Ok(())
}
