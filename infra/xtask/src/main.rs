#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "commands wait for processes in real time")]

mod bench;
mod cargo_lambda;
mod corpus;
mod dashboards;
mod error;
mod faults;
mod fuzz;
mod lint;
mod mutants;
mod pictures;
mod planted;
mod process;
mod progress;
mod release;
mod simulate;
mod stack;
mod stretches;
mod test;
mod tools;
mod up;
mod workspace;

use clap::{Parser, Subcommand};
use error::{Error, Result};
use process::Interrupt;
use std::process::ExitCode;
use workspace::Workspace;

/// Runs, tests and checks the webhook receiver on this machine alone: no AWS account, no Docker.
///
/// Needs cargo, a C compiler and Python 3.10 or newer; `test` and `bench` also need Node.js with npm,
/// and `test` and `screenshot` Chromium with ChromeDriver. All downloads and output are in .local/
/// and target/.
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
    /// Deploys infra/template.yaml to a local AWS, next to a stand-in for Visma Net, and shows a
    /// few notifications on their way. The logs are in .local/up/, with stack.json, which holds all
    /// addresses.
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
    /// The first `cargo lambda invoke` of a function builds and starts it, and a change builds it
    /// again. Arguments after -- go to `cargo lambda watch`, for example: cargo xtask watch --
    /// --invoke-port 9001
    Watch(cargo_lambda::Options),
    /// Run every test: doc tests, unit tests, and end-to-end tests in their own stack
    ///
    /// Arguments after -- go to `cargo nextest run`, for example: cargo xtask test -- -E 'package(end-to-end)'
    Test {
        #[arg(last = true)]
        nextest: Vec<String>,
    },
    /// Load a separate stack, kill its functions, restart the local AWS, and check that nothing is
    /// lost
    ///
    /// Meanwhile Visma Net is down, slow, out of quota, or repeats itself. The seed decides what
    /// happens when, and is printed.
    Faults(faults::Options),
    /// Deploy code to a separate stack with cargo-lambda, roll it back, and invoke the functions
    /// under `cargo lambda watch`
    ///
    /// Checks that memory, timeout, environment, role, mappings, concurrency and logging keep the
    /// template's values.
    DeployTest,
    /// Run the functions over models of AWS and Visma Net with faults, by seed
    ///
    /// The same seed gives the same run. If a run breaks an invariant, it prints the shortest story
    /// that still breaks it.
    Simulate(simulate::Options),
    /// Search for inputs that break a property, with each fuzzer of tests/fuzz in turn
    ///
    /// Afterwards it keeps in tests/fuzz/corpus/TARGET.txt the fewest inputs with the same
    /// coverage. An input that breaks a property stays in tests/fuzz/artifacts. After the fix,
    /// --keep adds it to the seeds.
    Fuzz(fuzz::Options),
    /// Make small changes to the code, one at a time, and report those that no test of its package
    /// notices
    ///
    /// Before a pull request: cargo xtask mutants --since origin/main. tests/MUTANTS.md explains the
    /// accepted ones. The whole report is in target/mutants.
    Mutants(mutants::Options),
    /// Plant the bugs of tests/planted one by one in a copy of the sources, and report those that no
    /// test of their package notices
    ///
    /// It does not try bugs again that an earlier run has found to be noticed. Verdicts and the last
    /// log are in target/planted.
    Planted(planted::Options),
    /// Measure the cost of the functions on this machine: starts, CPU, memory, AWS calls; all
    /// benches by default
    ///
    /// Writes reports to target/bench. It fails on a missed count, such as an extra AWS call. Times
    /// are only reported.
    Bench(bench::Options),
    /// Check formatting, lints, dependencies, the template and its policies, and that Terraform's
    /// example matches the template
    Lint,
    /// Build all functions with cargo-lambda and archive them for a release, in
    /// target/release-archives
    ///
    /// Adds bills of materials and checksums. It fails if an archive is too large or would not run
    /// on Lambda. Takes three to eight minutes on two cores.
    Release(release::Options),
    /// Write a bill of materials of each function to target/sbom, in CycloneDX's JSON
    Sbom,
    /// Write the dashboards' files from their description; with --show, show them with the values
    /// of a local run
    ///
    /// The page is self-contained. Each panel has a chart with a table behind it, or the reason why
    /// it has no values. Without a terminal or a browser, it only prints the page's path.
    Dashboards(dashboards::Options),
    /// Record `learn` in a terminal, from an unknown notification to a processed one, as docs/learn.svg
    Record,
    /// Run a demo and take the screenshots of the console for README.md, docs/console-light.png and
    /// docs/console-dark.png
    Screenshot,
    /// Remove everything in .local/ that the other commands installed or wrote
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
        Command::Watch(options) => cargo_lambda::watch(&workspace, &interrupt, &options),
        Command::Test { nextest } => test::run(&workspace, &interrupt, &nextest),
        Command::Faults(options) => faults::run(&workspace, &interrupt, &options),
        Command::DeployTest => cargo_lambda::deploy_test(&workspace, &interrupt),
        Command::Simulate(options) => simulate::run(&workspace, &interrupt, &options),
        Command::Fuzz(options) => fuzz::run(&workspace, &interrupt, &options),
        Command::Mutants(options) => mutants::run(&workspace, &interrupt, &options),
        Command::Planted(options) => planted::run(&workspace, &interrupt, &options),
        Command::Bench(options) => bench::run(&workspace, &interrupt, &options),
        Command::Release(options) => release::run(&workspace, &interrupt, &options),
        Command::Sbom => release::bills_of_materials(&workspace, &interrupt),
        Command::Lint => lint::run(&workspace, &interrupt),
        Command::Dashboards(options) => dashboards::run(&workspace, &interrupt, &options),
        Command::Record => pictures::record(&workspace, &interrupt),
        Command::Screenshot => pictures::screenshot(&workspace, &interrupt),
        Command::Clean => workspace.clean(),
    }
}
