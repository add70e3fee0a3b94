//! `cargo xtask test`: every test, the end-to-end ones against a stack of their own.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::python;
use crate::stack::{Servers, Stack};
use crate::tools::NEXTEST;
use crate::workspace::Workspace;
use std::thread::available_parallelism;

/// Most end-to-end tests wait most of the time, so even two cores take more than two tests at once.
const FEWEST_TEST_THREADS: usize = 4;

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(7);
    steps.next("Install the local AWS (once: 130 MB in .local) and nextest");
    let python = python::environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    NEXTEST.install(workspace, interrupt)?;
    steps.next("Build the tests");
    interrupt.run(&mut workspace.cargo_workspace(&["nextest", "run", "--no-run"]))?;
    steps.next("Documentation tests");
    interrupt.run(&mut workspace.cargo_workspace(&["test", "--quiet", "--doc"]))?;
    // After the tests, whose dependencies switch on features that deployed functions do not have: serde_json's preserve_order.
    steps.next("Build the functions and the stand-in for Visma Net");
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    steps.next("Start the local AWS and the stand-in");
    let servers = Servers::start(workspace, interrupt, "test", &python)?;
    steps.next("Deploy infra/template.yaml");
    let stack = servers.deploy(workspace, interrupt, &python)?;
    steps.next("Tests");
    let tested = nextest(workspace, interrupt, &stack, arguments);
    if tested.is_err() {
        eprintln!("\nLogs of this run are in {}. {}", stack.folder.display(), stack.log());
    }
    tested
}

fn nextest(workspace: &Workspace, interrupt: &Interrupt, stack: &Stack, arguments: &[String]) -> Result<()> {
    let threads = available_parallelism().map_or(1, usize::from).max(FEWEST_TEST_THREADS);
    let mut command = workspace.cargo_workspace(&["nextest", "run"]);
    command.args(["--test-threads", &threads.to_string()]).args(arguments);
    interrupt.run(stack.reach(&mut command))
}
