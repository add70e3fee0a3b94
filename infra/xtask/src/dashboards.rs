//! `cargo xtask dashboards`: the dashboards' files from their one description, and a picture of a local run.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::python;
use crate::stack::Servers;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, picture: bool) -> Result<()> {
    let mut steps = Steps::new(if picture { 6 } else { 1 });
    steps.next("Write infra/dashboards");
    let mut write = workspace.cargo();
    write.args(["run", "--quiet", "--package", "dashboards", "--"]).arg(workspace.root.join("infra/dashboards"));
    interrupt.run(&mut write)?;
    if !picture {
        return Ok(());
    }
    steps.next("Install the local AWS (once: 130 MB in .local)");
    let python = python::environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    steps.next("Build the functions, the stand-in for Visma Net and the demo");
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    steps.next("Deploy infra/template.yaml to a local AWS");
    let stack =
        Servers::start(workspace, interrupt, "dashboards", &python)?.deploy(workspace, interrupt, &python, &[])?;
    steps.next("Demo");
    interrupt.run(stack.reach(&mut workspace.command(workspace.binaries.join("demo"))))?;
    steps.next("Draw");
    let file = stack.folder.join("dashboard.svg");
    let mut draw = workspace.command(python.join("python"));
    draw.arg(workspace.root.join("infra/dashboards/picture.py")).arg(&file);
    interrupt.run(stack.reach(&mut draw))?;
    println!("      {}", file.display());
    Ok(())
}
