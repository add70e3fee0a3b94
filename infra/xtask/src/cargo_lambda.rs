//! `cargo xtask watch` and `cargo xtask deploy-test`: cargo-lambda with a local stack.

use crate::error::Result;
use crate::process::{Interrupt, Server};
use crate::progress::Steps;
use crate::release;
use crate::stack::{ENVIRONMENT, Servers, Stack, free_port};
use crate::tools;
use crate::workspace::{Workspace, path_with};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;

const LOOPBACK: &str = "127.0.0.1";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The address to listen on, the default of `cargo lambda invoke`; 127.0.0.1 for a machine
    /// without IPv6
    #[arg(long, default_value = "::1")]
    address: String,
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs cargo-lambda's emulator with the environment of the local stack's functions.
pub(crate) fn watch(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let environment = workspace.running_folder("up")?.join(ENVIRONMENT);
    let cargo_lambda = tools::cargo_lambda(workspace, interrupt)?;
    println!("cargo-lambda is in {}. In another terminal, with that folder in PATH:", cargo_lambda.display());
    println!("  cargo lambda invoke -A {} intake --data-file infra/events/intake.json\n", options.address);
    interrupt.run(emulator(workspace, &cargo_lambda, &environment, &options.address).args(&options.arguments))
}

/// Checks four things. The functions can be released. The guide's commands lead to a first
/// notification. Code deployed with cargo-lambda keeps the template's settings and can be rolled
/// back. And the functions under `cargo lambda watch` answer the events of `infra/events`.
pub(crate) fn deploy_test(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut steps = Steps::new(10);
    steps.next("Install the local AWS and cargo-lambda (once: 130 and 470 MB in .local)");
    let python = tools::python_environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    let cargo_lambda = tools::cargo_lambda(workspace, interrupt)?;
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
    check(workspace, interrupt, &stack, &python, &cargo_lambda)?;
    steps.done("Only the code changed, and every event is answered");
    Ok(())
}

/// Checks that every function answers its event of `infra/events`. `python` and `cargo_lambda` are
/// the `bin` folders of their environments.
fn check(
    workspace: &Workspace,
    interrupt: &Interrupt,
    stack: &Stack,
    python: &Path,
    cargo_lambda: &Path,
) -> Result<()> {
    let port = free_port()?;
    let mut command = emulator(workspace, cargo_lambda, &stack.folder.join(ENVIRONMENT), LOOPBACK);
    command.args(["--ignore-changes", "--invoke-port", &port.to_string()]);
    let mut server = Server::start("cargo lambda watch", command, &stack.folder.join("watch.log"))?;
    server.wait(interrupt, || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok())?;
    let mut test = workspace.command(python.join("python"));
    test.args(["infra/local/watch_test.py", "--address", LOOPBACK, "--port", &port.to_string()]);
    let tested = interrupt.run(test.env("PATH", path_with(cargo_lambda)));
    if tested.is_err() {
        eprintln!("\n{}", server.log());
    }
    tested
}

fn emulator(workspace: &Workspace, cargo_lambda: &Path, environment: &Path, address: &str) -> Command {
    let mut command = workspace.cargo();
    command.env("PATH", path_with(cargo_lambda));
    command.args(["lambda", "watch", "--invoke-address", address, "--env-file"]).arg(environment);
    command
}
