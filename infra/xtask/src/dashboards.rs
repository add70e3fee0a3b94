//! `cargo xtask dashboards`: writes the dashboards' files from their single description, and a page
//! that shows them with the values of a local run.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::stack::{OUTPUT, Servers, Stack};
use crate::tools;
use crate::workspace::Workspace;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Also show both dashboards with the values of the newest local run's log, as a page in the
    /// browser
    #[arg(long)]
    show: bool,
    /// Run the demo first, in its own stack, and show that run
    #[arg(long, requires = "show")]
    demo: bool,
    /// Show this run: its functions.log, or the ministack.log of an older run
    #[arg(long, value_name = "FILE", requires = "show", conflicts_with = "demo")]
    log: Option<PathBuf>,
    /// Where to write the page; .local/dashboards.html by default
    #[arg(long, value_name = "FILE", requires = "show")]
    output: Option<PathBuf>,
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let mut steps = Steps::new(1 + usize::from(options.show) + if options.demo { 4 } else { 0 });
    steps.next("Write infra/dashboards");
    let mut write = workspace.cargo();
    write.args(["run", "--quiet", "--package", "dashboards", "--"]).arg(workspace.root.join("infra/dashboards"));
    interrupt.run(&mut write)?;
    if options.demo {
        let stack = demo(workspace, interrupt, &mut steps)?;
        steps.next("Show");
        return show(workspace, interrupt, options, Some(&stack.folder.join(OUTPUT)));
    }
    if options.show {
        steps.next("Show");
        return show(workspace, interrupt, options, options.log.as_deref());
    }
    Ok(())
}

fn demo(workspace: &Workspace, interrupt: &Interrupt, steps: &mut Steps) -> Result<Stack> {
    steps.next("Install the local AWS (once: 130 MB in .local)");
    let python = tools::python_environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    steps.next("Build the functions, the stand-in for Visma Net and the demo");
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    steps.next("Deploy infra/template.yaml to a local AWS");
    let servers = Servers::start(workspace, interrupt, "dashboards", &python)?;
    let stack = servers.deploy(workspace, interrupt, &python, &[])?;
    steps.next("Demo");
    interrupt.run(stack.reach(&mut workspace.command(workspace.binaries.join("demo"))))?;
    Ok(stack)
}

fn show(workspace: &Workspace, interrupt: &Interrupt, options: &Options, log: Option<&Path>) -> Result<()> {
    let mut show = workspace.command(tools::python(workspace)?);
    show.arg(workspace.root.join("infra/dashboards/show.py")).arg("--runs").arg(&workspace.local);
    // Programs start in the workspace, but the user may be in another folder.
    let absolute = |path: &Path| std::path::absolute(path).map_err(Error::io(format!("find {}", path.display())));
    if let Some(log) = log {
        show.arg("--log").arg(absolute(log)?);
    }
    let page = options.output.clone().unwrap_or_else(|| workspace.local.join("dashboards.html"));
    show.arg("--output").arg(absolute(&page)?);
    interrupt.run(&mut show)
}
