//! `cargo xtask bench`: measures the cost of the functions on this machine.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::tools;
use crate::workspace::Workspace;
use clap::ValueEnum;
use std::path::PathBuf;

/// The functions that are measured as processes.
const FUNCTIONS: [&str; 7] =
    ["empty-function", "intake", "processor", "feedback", "reconciler", "operations", "repair"];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run only this bench
    #[arg(value_enum)]
    bench: Option<Bench>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// The start of each function, beside an empty function
    ColdStart,
    /// Notifications through intake, processor and feedback
    Pipeline,
    /// The same job in Rust, Python and Node.js; needs Node.js 20 and npm
    SideBySide,
    /// AWS calls, capacity units and dollars
    Calls,
    /// CPU time and allocations of single functions
    Functions,
    /// How costs grow with the ledger, the tenants and the subscriptions
    Growth,
}

impl Bench {
    fn what(self) -> &'static str {
        match self {
            Self::ColdStart => "Cold starts",
            Self::Pipeline => "Pipeline",
            Self::SideBySide => "Side by side with Python and Node.js",
            Self::Calls => "Calls and cost",
            Self::Functions => "CPU time and allocations",
            Self::Growth => "Growth",
        }
    }

    /// The name of a bench in lambda-bench.
    fn of_harness(self) -> Option<&'static str> {
        match self {
            Self::ColdStart => Some("cold-start"),
            Self::Pipeline => Some("pipeline"),
            Self::SideBySide => Some("side-by-side"),
            Self::Calls | Self::Functions | Self::Growth => None,
        }
    }
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let benches = options.bench.map_or_else(|| Bench::value_variants().to_vec(), |bench| vec![bench]);
    let builds = benches.iter().any(|bench| bench.of_harness().is_some());
    let installs = benches.contains(&Bench::SideBySide);
    let mut steps = Steps::new(benches.len() + usize::from(builds) + usize::from(installs));
    if builds {
        steps.next("Build the functions as they are deployed, and lambda-bench (once: some minutes)");
        build(workspace, interrupt)?;
    }
    if installs {
        steps.next("Install the peers (once: 100 MB in .local)");
        let mut install = workspace.command(tools::python(workspace)?);
        interrupt.run(install.arg("tests/peers/install.py"))?;
    }
    // All benches run, even after one has missed a goal.
    let mut outcome = Ok(());
    for bench in benches {
        steps.next(bench.what());
        let measured = measure(workspace, interrupt, bench);
        interrupt.check()?;
        if let Err(error) = &measured {
            eprintln!("\n{}: {error}", bench.what());
        }
        outcome = outcome.and(measured);
    }
    steps.done("Reports are in target/bench");
    outcome
}

/// Builds both separately, since dependencies of lambda-bench enable features that deployed
/// functions do not have.
fn build(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    let mut functions = workspace.cargo();
    functions.args(["build", "--release"]).args(FUNCTIONS.iter().flat_map(|function| ["--package", function]));
    interrupt.run(&mut functions)?;
    interrupt.run(workspace.cargo().args(["build", "--release", "--package", "lambda-bench"]))
}

fn measure(workspace: &Workspace, interrupt: &Interrupt, bench: Bench) -> Result<()> {
    let mut command = match bench {
        Bench::Functions => {
            let mut command = workspace.cargo();
            command.args(["bench", "--package", "benches", "--package", "intake-bench"]);
            command
        }
        Bench::Calls | Bench::Growth => {
            let program = if bench == Bench::Calls { "calls" } else { "growth" };
            let mut command = workspace.cargo();
            command.args(["run", "--release", "--package", "benches", "--bin", program]);
            command
        }
        // Without `cargo run`, which would not pass on a signal to stop.
        Bench::ColdStart | Bench::Pipeline | Bench::SideBySide => {
            let mut command = workspace.command(release(workspace).join("lambda-bench"));
            command.args(bench.of_harness());
            command
        }
    };
    interrupt.run(&mut command)
}

/// The release folder beside that of this program.
fn release(workspace: &Workspace) -> PathBuf {
    workspace.binaries.with_file_name("release")
}
