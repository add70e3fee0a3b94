//! `cargo xtask faults`: runs load, operators and every fault on its own stack, since killed
//! functions would disturb other runs.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::stack::{Servers, Stack};
use crate::tools::{self, NEXTEST};
use crate::workspace::Workspace;
use std::fs;
use std::hash::{BuildHasher, RandomState};

/// The shortest timeout that the template allows, since a killed function's messages come again
/// after six times this. And few attempts, so that some messages die and must be redriven.
const PARAMETERS: [&str; 2] = ["WorkerTimeoutSeconds=5", "MaxReceiveCount=3"];
const SHORT_SECONDS: u64 = 20;
/// To restart the local AWS, the test writes this file beside stack.json and waits until it is
/// gone.
const RESTART: &str = "restart";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long load and faults last; 20 seconds by default
    #[arg(long)]
    minutes: Option<u64>,
    /// Decides what happens when; a new one by default
    #[arg(long)]
    seed: Option<u64>,
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let mut steps = Steps::new(5);
    steps.next("Install the local AWS (once: 130 MB in .local) and nextest");
    let python = tools::python_environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    NEXTEST.install(workspace, interrupt)?;
    steps.next("Build the tests, the functions and the stand-in for Visma Net");
    interrupt.run(&mut workspace.cargo_workspace(&["nextest", "run", "--no-run"]))?;
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    steps.next("Start the local AWS and the stand-in");
    let servers = Servers::start_lasting(workspace, interrupt, "faults", &python)?;
    steps.next("Deploy infra/template.yaml");
    let mut stack = servers.deploy(workspace, interrupt, &python, &PARAMETERS)?;
    steps.next("Load and faults");
    let tested = test(workspace, interrupt, &mut stack, options);
    match &tested {
        Ok(()) => steps.done("Nothing was lost, and no command was swallowed"),
        Err(_) => eprintln!("\nLogs of this run are in {}. {}", stack.folder.display(), stack.log()),
    }
    tested
}

fn test(workspace: &Workspace, interrupt: &Interrupt, stack: &mut Stack, options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(|| RandomState::new().hash_one(()) % 1_000_000);
    let seconds = options.minutes.map_or(SHORT_SECONDS, |minutes| minutes * 60);
    let mut nextest = workspace.cargo_workspace(&["nextest", "run"]);
    nextest.args(["--run-ignored", "only", "--no-capture", "-E", "package(end-to-end) & test(/^faults::/)"]);
    nextest.envs([("FAULTS_SEED", seed.to_string()), ("FAULTS_SECONDS", seconds.to_string())]);
    stack.reach(&mut nextest);
    let restart = stack.folder.join(RESTART);
    interrupt.serve(&mut nextest, || {
        if restart.exists() {
            stack.restart_aws(interrupt)?;
            fs::remove_file(&restart).map_err(Error::io("say that the local AWS was restarted"))?;
        }
        stack.check()
    })
}
