//! `cargo xtask record`: makes the terminal recording of `learn` for the documents.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::stack::Servers;
use crate::tools;
use crate::workspace::{Workspace, path_with};

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
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
