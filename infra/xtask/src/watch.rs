//! `cargo xtask watch`: runs cargo-lambda's emulator with the environment of the local stack's
//! functions.

use crate::error::Result;
use crate::process::{Interrupt, Server};
use crate::stack::{ENVIRONMENT, Stack, free_port};
use crate::tools;
use crate::workspace::{Workspace, path_with};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
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

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let environment = workspace.running_folder("up")?.join(ENVIRONMENT);
    let cargo_lambda = tools(workspace, interrupt)?;
    println!("cargo-lambda is in {}. In another terminal, with that folder in PATH:", cargo_lambda.display());
    println!("  cargo lambda invoke intake --data-file infra/events/intake.json\n");
    interrupt.run(watch(workspace, &cargo_lambda, &environment, &options.address).args(&options.arguments))
}

/// The `bin` folder of the environment with cargo-lambda.
pub(crate) fn tools(workspace: &Workspace, interrupt: &Interrupt) -> Result<PathBuf> {
    tools::python_environment(workspace, interrupt, "venv-deploy", "infra/local/requirements-deploy.txt")
}

/// Checks that every function answers its event of `infra/events`. `python` and `cargo_lambda` are
/// the `bin` folders of their environments.
pub(crate) fn check(
    workspace: &Workspace,
    interrupt: &Interrupt,
    stack: &Stack,
    python: &Path,
    cargo_lambda: &Path,
) -> Result<()> {
    let port = free_port()?;
    let mut command = watch(workspace, cargo_lambda, &stack.folder.join(ENVIRONMENT), LOOPBACK);
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

fn watch(workspace: &Workspace, cargo_lambda: &Path, environment: &Path, address: &str) -> Command {
    let mut command = workspace.cargo();
    command.env("PATH", path_with(cargo_lambda));
    command.args(["lambda", "watch", "--invoke-address", address, "--env-file"]).arg(environment);
    command
}
