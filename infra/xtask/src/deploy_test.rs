//! `cargo xtask deploy-test` checks four things. The functions can be released. The guide's commands
//! lead to a first notification. Code deployed with cargo-lambda keeps the template's settings and
//! can be rolled back. And the functions under `cargo lambda watch` answer the events of
//! `infra/events`.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::release;
use crate::stack::Servers;
use crate::tools;
use crate::watch;
use crate::workspace::{Workspace, path_with};

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut steps = Steps::new(10);
    steps.next("Install the local AWS and cargo-lambda (once: 130 and 470 MB in .local)");
    let python = tools::python_environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    let cargo_lambda = watch::tools(workspace, interrupt)?;
    steps.next("Build the functions, the stand-in for Visma Net and the demo");
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    release::build_and_archive(workspace, interrupt, &mut steps, &cargo_lambda, &release::Options::HERE)?;
    steps.next("Start the local AWS and the stand-in");
    let servers = Servers::start(workspace, interrupt, "deploy-test", &python)?;
    steps.next("Deploy infra/template.yaml");
    let stack = servers.deploy(workspace, interrupt, &python, &[])?;
    for (step, script) in [
        ("Follow infra/DEPLOY.md to the first notification", "infra/local/walk.py"),
        ("Deploy code, and roll it back", "infra/local/deploy_test.py"),
    ] {
        steps.next(step);
        let mut test = workspace.command(python.join("python"));
        test.arg(script).arg("--binaries").arg(&workspace.binaries);
        test.env("PATH", path_with(&cargo_lambda));
        let tested = interrupt.run(stack.reach(&mut test));
        if tested.is_err() {
            eprintln!("\nLogs of this run are in {}. {}", stack.folder.display(), stack.log());
            return tested;
        }
    }
    steps.next("Invoke the functions that cargo-lambda watches");
    watch::check(workspace, interrupt, &stack, &python, &cargo_lambda)?;
    steps.done("Only the code changed, and every event is answered");
    Ok(())
}
