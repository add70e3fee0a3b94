//! `cargo xtask record` and `cargo xtask screenshot`: make the pictures of the documents.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::stack::Servers;
use crate::tools::{self, NEXTEST};
use crate::workspace::{Workspace, path_with};

/// Makes the terminal recording of `learn`.
pub(crate) fn record(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut steps = Steps::new(4);
    steps.next("Install the local AWS and a terminal recorder (once: 130 and 45 MB in .local)");
    let python = tools::python_environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    let recorder =
        tools::python_environment(workspace, interrupt, "venv-record", "infra/local/requirements-record.txt")?;
    steps.next("Build the functions, the stand-in for Visma Net and the command line");
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    steps.next("Deploy infra/template.yaml to a local AWS");
    let stack = Servers::start(workspace, interrupt, "record", &python)?.deploy(workspace, interrupt, &python, &[])?;
    steps.next("Record");
    let svg = workspace.root.join("docs/learn.svg");
    let mut record = workspace.command(python.join("python"));
    record.arg("infra/local/record.py").arg("--binaries").arg(&workspace.binaries).arg("--svg").arg(&svg);
    record.env("PATH", path_with(&recorder));
    interrupt.run(stack.reach(&mut record))?;
    println!("      {}", svg.display());
    Ok(())
}

/// The test that takes the screenshots. It is in the end-to-end crate, which has the browser.
const TEST: &str = "test(the_readme_shows_the_console)";

/// Takes the screenshots of the console for README.md.
pub(crate) fn screenshot(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
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
