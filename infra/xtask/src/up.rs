//! `cargo xtask up`: starts the stack, runs the demo, and prints the addresses.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::stack::{ENVIRONMENT, Servers, Stack};
use crate::tools;
use crate::workspace::Workspace;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Options {
    /// Stop after the demo.
    pub(crate) once: bool,
    pub(crate) demo: bool,
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let mut steps = Steps::new(if options.demo { 5 } else { 4 });
    steps.next("Install the local AWS (once: 130 MB in .local)");
    let python = tools::python_environment(workspace, interrupt, "venv", "infra/local/requirements.txt")?;
    steps.next("Build the functions, the stand-in for Visma Net and the demo");
    interrupt.run(&mut workspace.cargo_workspace(&["build", "--bins"]))?;
    steps.next("Start the local AWS and the stand-in");
    let servers = Servers::start(workspace, interrupt, "up", &python)?;
    steps.next("Deploy infra/template.yaml");
    let mut stack = servers.deploy(workspace, interrupt, &python, &[])?;
    if options.demo {
        steps.next("Demo");
        interrupt.run(stack.reach(&mut workspace.command(workspace.binaries.join("demo"))))?;
    }
    steps.done("Ready");
    if options.once {
        return Ok(());
    }
    println!("{}", where_things_are(workspace, &stack));
    let stopped = interrupt.poll(Duration::MAX, || stack.check().map(|()| None::<()>));
    match stopped {
        Err(Error::Interrupted) => {
            println!("\nStopping.");
            Ok(())
        }
        other => other.map(|_| ()),
    }
}

fn where_things_are(workspace: &Workspace, stack: &Stack) -> String {
    let stack_file = stack.file.display();
    let person = stack.description.outputs["OperationsConsoleUser"].as_str().unwrap_or_default();
    let (name, password) = person.split_once(':').unwrap_or_default();
    format!(
        "
  Console                    {api}/operations/console
                             Sign in as {name}, password {password}
  What the accountant sees   {standin}
  API                        {api}
  Local AWS                  {endpoint}   (any AWS tool: --endpoint-url, region {region}, key and secret `test`)
  Logs                       {logs}
  Dashboards                 cargo xtask dashboards --show
  Everything by name         {stack_file}
  The functions' environment {environment}   (cargo xtask watch; infra/CARGO-LAMBDA.md)

  More notifications         WEBHOOKS_STACK={stack_file} {demo}

Ctrl-C stops everything.",
        standin = stack.description.standin_url,
        api = stack.description.api_url,
        endpoint = stack.description.endpoint_url,
        region = stack.description.region,
        logs = stack.folder.join("*.log").display(),
        environment = stack.folder.join(ENVIRONMENT).display(),
        demo = workspace.binaries.join("demo").display(),
    )
}
