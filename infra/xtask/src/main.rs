//! The project's commands. `cargo xtask help` lists them.

mod dashboards;
mod deploy_test;
mod error;
mod lint;
mod process;
mod progress;
mod python;
mod stack;
mod test;
mod tools;
mod up;
mod workspace;

use clap::{Parser, Subcommand};
use error::{Error, Result};
use process::Interrupt;
use std::process::ExitCode;
use workspace::Workspace;

/// Runs, tests and checks the webhook receiver, with nothing but this machine: no AWS account, no Docker.
///
/// Needs cargo and Python 3.10 or newer. Everything it downloads or writes is in .local/ and target/.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything, run the demo, keep running until Ctrl-C
    ///
    /// Deploys infra/template.yaml to a local AWS, next to a stand-in for Visma Net, and shows a few notifications on their way.
    /// Logs and stack.json, which says where everything is, are in .local/up/.
    Up {
        /// Stop after the demo
        #[arg(long)]
        once: bool,
        /// Start everything without showing the demo
        #[arg(long)]
        no_demo: bool,
    },
    /// Run every test: doc tests, unit tests, and end-to-end tests against a stack of their own
    ///
    /// Arguments after -- go to `cargo nextest run`, for example: cargo xtask test -- -E 'package(end-to-end)'
    Test {
        #[arg(last = true)]
        nextest: Vec<String>,
    },
    /// Deploy code to a stack of its own with cargo-lambda, and roll it back
    ///
    /// Checks that memory, time-out, environment, role, mappings, concurrency and logging stay what the template made them.
    DeployTest,
    /// Check formatting, lints, dependencies, the template and its policies
    Lint,
    /// Write the dashboards' files from their description
    Dashboards {
        /// Also run the demo, and draw the dashboard from it
        #[arg(long)]
        picture: bool,
    },
    /// Remove what the other commands installed and wrote in .local/
    Clean,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Interrupted) => {
            eprintln!("\nInterrupted; everything that was started has been stopped.");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let workspace = Workspace::find()?;
    let interrupt = Interrupt::listen()?;
    match command {
        Command::Up { once, no_demo } => up::run(&workspace, &interrupt, &up::Options { once, demo: !no_demo }),
        Command::Test { nextest } => test::run(&workspace, &interrupt, &nextest),
        Command::DeployTest => deploy_test::run(&workspace, &interrupt),
        Command::Lint => lint::run(&workspace, &interrupt),
        Command::Dashboards { picture } => dashboards::run(&workspace, &interrupt, picture),
        Command::Clean => workspace.clean(),
    }
}
