//! `cargo xtask release`: builds the archives of all functions, with bills of materials and
//! checksums.

use crate::error::Result;
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::sbom::{self, FUNCTIONS};
use crate::watch;
use crate::workspace::{Workspace, path_with};
use std::path::Path;

/// The output folder, below the workspace.
const ARCHIVES: &str = "target/release-archives";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The functions' processor architecture
    #[arg(long, value_enum, default_value_t = Architecture::Arm64)]
    architecture: Architecture,
    /// Archive the existing builds in target/lambda
    #[arg(long)]
    built: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Architecture {
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

impl Options {
    /// For this machine, which needs no other target.
    pub(crate) const HERE: Self = Self {
        architecture: if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X86_64 },
        built: false,
    };
}

impl Architecture {
    /// The template's name for it.
    const fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    /// The flag of cargo-lambda.
    const fn flag(self) -> &'static str {
        match self {
            Self::Arm64 => "--arm64",
            Self::X86_64 => "--x86-64",
        }
    }
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let mut steps = Steps::new(4);
    steps.next("Install cargo-lambda, Zig and Zopfli (once: 470 MB in .local)");
    let cargo_lambda = watch::tools(workspace, interrupt)?;
    build_and_archive(workspace, interrupt, &mut steps, &cargo_lambda, options)?;
    steps.done(&format!("{} has what is released", workspace.root.join(ARCHIVES).display()));
    Ok(())
}

/// The three steps of a release.
pub(crate) fn build_and_archive(
    workspace: &Workspace,
    interrupt: &Interrupt,
    steps: &mut Steps,
    cargo_lambda: &Path,
    options: &Options,
) -> Result<()> {
    if options.built {
        steps.next("Take the functions that are in target/lambda");
    } else {
        steps.next("Build the functions for release with cargo-lambda");
        build(workspace, interrupt, cargo_lambda, options.architecture)?;
    }
    steps.next("Bills of materials");
    sbom::run(workspace, interrupt)?;
    steps.next("Archives, none of them too large");
    archive(workspace, interrupt, cargo_lambda, options.architecture)
}

/// Builds all functions into `target/lambda`.
fn build(workspace: &Workspace, interrupt: &Interrupt, cargo_lambda: &Path, architecture: Architecture) -> Result<()> {
    let mut build = workspace.cargo();
    build.env("PATH", path_with(cargo_lambda));
    build.args(["lambda", "build", "--release", "--locked", architecture.flag()]);
    for function in FUNCTIONS {
        build.args(["--package", function]);
    }
    interrupt.run(&mut build)
}

/// Archives `target/lambda` with the bills of materials in `target/sbom`. Fails if an archive is
/// too large.
fn archive(
    workspace: &Workspace,
    interrupt: &Interrupt,
    cargo_lambda: &Path,
    architecture: Architecture,
) -> Result<()> {
    let mut archive = workspace.command(cargo_lambda.join("python"));
    archive.arg("infra/local/release.py").args(["--architecture", architecture.name()]);
    archive.args(["--programs", "target/lambda", "--bills", "target/sbom", "--out", ARCHIVES]);
    interrupt.run(&mut archive)
}
