#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "commands wait for processes in real time")]

mod bench;
mod browser;
mod corpus;
mod dashboards;
mod deploy_test;
mod error;
mod faults;
mod fuzz;
mod lint;
mod mutants;
mod planted;
mod process;
mod progress;
mod python;
mod recording;
mod release;
mod sbom;
mod screenshot;
mod simulate;
mod stack;
mod test;
mod tools;
mod up;
mod watch;
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
    /// Run the functions under `cargo lambda watch`, with the environment of the stack that `up` keeps running
    ///
    /// A function is built and started by its first `cargo lambda invoke`, and again after a change. Arguments after -- go to
    /// `cargo lambda watch`, for example: cargo xtask watch -- --invoke-port 9001
    Watch(watch::Options),
    /// Run every test: doc tests, unit tests, and end-to-end tests against a stack of their own
    ///
    /// Arguments after -- go to `cargo nextest run`, for example: cargo xtask test -- -E 'package(end-to-end)'
    Test {
        #[arg(last = true)]
        nextest: Vec<String>,
    },
    /// Load a stack of its own, kill its functions, restart the local AWS, and count: nothing may be lost
    ///
    /// Visma Net is down, slow, out of quota and repeats itself meanwhile. The seed decides what happens when, and is printed.
    Faults(faults::Options),
    /// Deploy code to a stack of its own with cargo-lambda, roll it back, and invoke what cargo-lambda watches
    ///
    /// Checks that memory, time-out, environment, role, mappings, concurrency and logging stay what the template made them.
    DeployTest,
    /// Run the functions over models of AWS and Visma Net, by seed, with the faults they have to survive
    ///
    /// The same seed is the same run. The first that breaks an invariant is told as the shortest story that still breaks it.
    Simulate(simulate::Options),
    /// Search for inputs that break a property, with each fuzzer of tests/fuzz, one after the other
    ///
    /// Then keeps in tests/fuzz/corpus/TARGET.txt the least that reaches as much. What breaks a
    /// property stays in tests/fuzz/artifacts. Once that is mended, --keep adds it to the seeds.
    Fuzz(fuzz::Options),
    /// Change the pure code in small ways, one at a time, and tell which change no test of its package notices
    ///
    /// What is left, and why it may be, is in tests/MUTANTS.md. The whole report is in target/mutants.
    Mutants(mutants::Options),
    /// Plant the bugs of tests/planted one by one in a copy of the sources, and tell which no test of their package notices
    ///
    /// What an earlier run has found to be noticed is not tried again; verdicts and the last log are in target/planted.
    Planted(planted::Options),
    /// Measure on this machine what the functions cost: starts, CPU, memory, AWS calls; without a name, everything
    ///
    /// Reports are written to target/bench. A count that is missed, such as an AWS call too many, fails; times are only told.
    Bench(bench::Options),
    /// Check formatting, lints, dependencies, the template and its policies, and that Terraform's example is as the template
    Lint,
    /// Build all functions with cargo-lambda and archive them as they are released, in target/release-archives
    ///
    /// With bills of materials and checksums. Fails if an archive is too large or would not run on Lambda. Takes seven minutes
    /// on two cores.
    Release(release::Options),
    /// Write a bill of materials of each function to target/sbom, in CycloneDX's JSON
    Sbom,
    /// Write the dashboards' files from their description; with --show, look at them with the values of a local run
    ///
    /// The page needs nothing else. Each panel has a chart with a table behind it, or the reason why it has no values.
    /// Without a terminal or a browser, only the page's path is printed.
    Dashboards(dashboards::Options),
    /// Record `learn` in a terminal, from an unknown notification to a processed one, as docs/learn.svg
    Record,
    /// Take the pictures of the console that README.md shows, docs/console-light.png and docs/console-dark.png, after a demo
    Screenshot,
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
        Command::Watch(options) => watch::run(&workspace, &interrupt, &options),
        Command::Test { nextest } => test::run(&workspace, &interrupt, &nextest),
        Command::Faults(options) => faults::run(&workspace, &interrupt, &options),
        Command::DeployTest => deploy_test::run(&workspace, &interrupt),
        Command::Simulate(options) => simulate::run(&workspace, &interrupt, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &interrupt, &options),
        Command::Mutants(options) => mutants::run(&workspace, &interrupt, &options),
        Command::Planted(options) => planted::run(&workspace, &interrupt, &options),
        Command::Bench(options) => bench::run(&workspace, &interrupt, &options),
        Command::Release(options) => release::run(&workspace, &interrupt, &options),
        Command::Sbom => sbom::run(&workspace, &interrupt),
        Command::Lint => lint::run(&workspace, &interrupt),
        Command::Dashboards(options) => dashboards::run(&workspace, &interrupt, &options),
        Command::Record => recording::run(&workspace, &interrupt),
        Command::Screenshot => screenshot::run(&workspace, &interrupt),
        Command::Clean => workspace.clean(),
    }
}
