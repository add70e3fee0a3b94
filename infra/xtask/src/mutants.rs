//! `cargo xtask mutants`: makes small changes to the code that a test must notice.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::tools::MUTANTS;
use crate::workspace::{Workspace, create};
use std::process::Command;

/// The pure code, which has its tests next to it.
const PACKAGES: [&str; 4] = ["webhooks-signature", "webhooks-model", "webhooks-batch", "processor"];
/// A slower mutant loops for ever. In seconds.
const SLOWEST: &str = "60";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A package of the workspace; the pure ones by default
    package: Option<String>,
    /// Only these files
    #[arg(long)]
    file: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let packages = options.package.as_deref().map_or_else(|| PACKAGES.to_vec(), |package| vec![package]);
    MUTANTS.install(workspace, interrupt)?;
    let mut steps = Steps::new(packages.len());
    let mut verdict = Ok(());
    for package in packages {
        steps.next(&format!("Change {package}, one thing at a time"));
        // Unnoticed mutants in one package do not stop the next one.
        let found = interrupt.run(&mut mutants(workspace, package, &options.file)?);
        interrupt.check()?;
        verdict = verdict.and(found);
    }
    verdict?;
    steps.done("Every change was noticed");
    Ok(())
}

/// Works in a copy of the workspace, so that an interrupted run leaves no mutant behind.
fn mutants(workspace: &Workspace, package: &str, files: &[String]) -> Result<Command> {
    let output = workspace.root.join("target/mutants").join(package);
    create(&output)?;
    let mut command = workspace.cargo();
    command.args(["mutants", "--package", package, "--timeout", SLOWEST, "--output"]).arg(output);
    command.args(files.iter().flat_map(|file| ["--file", file])).args(["--", "--tests"]);
    // Only the failure matters, so proptest need not shrink or store the input.
    command.envs([
        ("CARGO_PROFILE_DEV_DEBUG", "0"),
        ("PROPTEST_CASES", "64"),
        ("PROPTEST_MAX_SHRINK_ITERS", "0"),
        ("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1"),
    ]);
    Ok(command)
}
