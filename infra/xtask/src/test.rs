//! `cargo xtask test`: runs every test, the end-to-end tests in their own stack.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::stack::{Servers, Stack};
use crate::tools::{self, NEXTEST};
use crate::workspace::Workspace;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

/// End-to-end tests mostly wait, so even two cores can run more than two at once.
const FEWEST_TEST_THREADS: usize = 4;
/// The local AWS keeps the reconciler's schedule. On a slow machine a sweep would fall into the
/// tests, and find what they hold back.
const PARAMETERS: [&str; 1] = ["ReconcileMinutes=720"];

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, arguments: &[String]) -> Result<()> {
    let mut steps = Steps::new(9);
    steps.next(
        "Install the local AWS (once: 130 MB in .local), nextest, axe-core and, on Debian, Chromium and its driver",
    );
    let python = tools::python_environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    NEXTEST.install(workspace, interrupt)?;
    tools::install_browser(workspace, interrupt)?;
    tools::install_axe(workspace, interrupt)?;
    let requirements = "infra/local/requirements-schemathesis.txt";
    let schemathesis = tools::python_environment(workspace, interrupt, "venv-schemathesis", requirements)?;
    steps.next("Build the tests");
    interrupt.run(&mut workspace.cargo_workspace(&["nextest", "run", "--no-run"]))?;
    steps.next("Documentation tests");
    interrupt.run(&mut workspace.cargo_workspace(&["test", "--quiet", "--doc"]))?;
    steps.next("Build the functions and the stand-in for Visma Net");
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    steps.next("Start the local AWS and the stand-in");
    let servers = Servers::start(workspace, interrupt, "test", &python)?;
    steps.next("Deploy infra/template.yaml");
    let stack = servers.deploy(workspace, interrupt, &python, &PARAMETERS)?;
    steps.next("The store's tests on the DynamoDB of the local AWS; all of them on the embedded one follow");
    let run = Run { workspace, interrupt, stack: &stack };
    // Not if only certain tests were asked for.
    let is_whole = arguments.is_empty();
    let tested = if is_whole { run.store_on_the_local_aws() } else { Ok(()) };
    steps.next("The operations API against its document");
    let tested = if is_whole { tested.and_then(|()| run.operations_api(&schemathesis)) } else { tested };
    steps.next("Tests");
    let tested = tested.and_then(|()| interrupt.run(&mut run.nextest(arguments)));
    if tested.is_err() {
        eprintln!("\nLogs of this run are in {}. {}", stack.folder.display(), stack.log());
    }
    tested
}

struct Run<'r> {
    workspace: &'r Workspace,
    interrupt: &'r Interrupt,
    stack: &'r Stack,
}

impl Run<'_> {
    fn store_on_the_local_aws(&self) -> Result<()> {
        let mut command = self.nextest(&["-E".to_owned(), "package(webhooks-store)".to_owned()]);
        self.interrupt.run(command.env("TEST_DYNAMODB_URL", &self.stack.description.endpoint_url))
    }

    fn operations_api(&self, schemathesis: &Path) -> Result<()> {
        let arguments = ["--run-ignored", "only", "-E", "test(schemathesis_finds_nothing)"];
        let mut command = self.nextest(&arguments.map(str::to_owned));
        self.interrupt.run(command.env("SCHEMATHESIS", schemathesis.join("schemathesis")))
    }

    fn nextest(&self, arguments: &[String]) -> Command {
        let threads = available_parallelism().map_or(1, usize::from).max(FEWEST_TEST_THREADS);
        let mut command = self.workspace.cargo_workspace(&["nextest", "run"]);
        command.args(["--test-threads", &threads.to_string()]).args(arguments);
        self.stack.reach(&mut command);
        command
    }
}
