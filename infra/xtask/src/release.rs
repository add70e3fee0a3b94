//! `cargo xtask release` and `cargo xtask sbom`: build the archives of all functions, with bills of
//! materials and checksums.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::tools::{self, SBOM};
use crate::workspace::{Workspace, create, path_with, read};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::Command;

/// Each package has the name of its folder.
const FUNCTIONS: [&str; 6] = ["feedback", "intake", "operations", "processor", "reconciler", "repair"];
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
    let cargo_lambda = tools::cargo_lambda(workspace, interrupt)?;
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
    bills_of_materials(workspace, interrupt)?;
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

/// Lists the components of each function in `target/sbom/{function}.cdx.json`, as CycloneDX 1.6 in
/// JSON, and compares them with the function's packages in Cargo.lock, on all platforms.
pub(crate) fn bills_of_materials(workspace: &Workspace, interrupt: &Interrupt) -> Result<()> {
    SBOM.install(workspace, interrupt)?;
    let folder = workspace.root.join("target/sbom");
    create(&folder)?;
    for function in FUNCTIONS {
        let bill = folder.join(format!("{function}.cdx.json"));
        let mut sbom = workspace.cargo();
        sbom.args(["sbom", "--output-format", "cyclone_dx_json_1_6", "--cargo-package", function]);
        let bill_text = written(interrupt, &mut sbom, &bill)?;
        let mut tree = workspace.cargo();
        tree.args(["tree", "--locked", "--package", function, "--edges", "normal", "--target", "all"]);
        let locked = written(interrupt, tree.args(["--prefix", "none"]), &folder.join(format!("{function}.tree")))?;
        let complete = missing(&bill_text, &locked).and_then(|missing| match missing.as_slice() {
            [] => Ok(()),
            missing => Err(format!("{} are missing", missing.join(", "))),
        });
        complete.map_err(|what| Error::BadSbom { file: bill, what })?;
    }
    println!("      {} of {} functions", folder.display(), FUNCTIONS.len());
    Ok(())
}

/// Runs a command and keeps its output in the file.
fn written(interrupt: &Interrupt, command: &mut Command, file: &Path) -> Result<String> {
    let create = File::create(file).map_err(Error::io(format!("write {}", file.display())))?;
    interrupt.run(command.stdout(create))?;
    read(file)
}

/// The packages of `locked`, lines of `cargo tree`, that are missing in the bill.
fn missing(bill: &str, locked: &str) -> std::result::Result<Vec<String>, String> {
    let bill: Value = serde_json::from_str(bill).map_err(|error| format!("it is not JSON: {error}"))?;
    if (bill["bomFormat"].as_str(), bill["specVersion"].as_str()) != (Some("CycloneDX"), Some("1.6")) {
        return Err("it is not CycloneDX 1.6".to_owned());
    }
    let own = &bill["metadata"]["component"];
    let nested = own["components"].as_array().into_iter().flatten();
    let components = bill["components"].as_array().into_iter().flatten();
    let name = |one: &Value| Some(format!("{} v{}", one["name"].as_str()?, one["version"].as_str()?));
    let listed: BTreeSet<String> = components.chain(nested).chain([own]).filter_map(name).collect();
    let packages = locked.lines().filter_map(|line| line.split_once(" v"));
    let packages = packages.map(|(name, rest)| format!("{name} v{}", rest.split(' ').next().unwrap_or_default()));
    let packages: BTreeSet<String> = packages.collect();
    if packages.is_empty() {
        return Err("there is nothing to compare it with".to_owned());
    }
    Ok(packages.difference(&listed).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LOCKED: &str =
        "intake v0.1.0 (/a/functions/intake)\nhttp v1.5.0\nserde v1.0.1 (proc-macro)\nhttp v1.5.0 (*)\n";

    fn bill(components: Value) -> String {
        json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6", "components": components,
            "metadata": {"component": {"name": "intake", "components": [{"name": "intake", "version": "0.1.0"}]}},
        })
        .to_string()
    }

    #[test]
    fn a_bill_lists_every_locked_package_in_its_version() {
        let whole = json!([{"name": "http", "version": "1.5.0"}, {"name": "serde", "version": "1.0.1"}]);
        assert_eq!(missing(&bill(whole), LOCKED), Ok(vec![]));
        let other = json!([{"name": "http", "version": "0.2.12"}]);
        assert_eq!(missing(&bill(other), LOCKED), Ok(vec!["http v1.5.0".to_owned(), "serde v1.0.1".to_owned()]));
    }

    #[test]
    fn rejects_invalid_bills() {
        assert!(missing("", LOCKED).unwrap_err().contains("JSON"));
        assert!(missing("{}", LOCKED).unwrap_err().contains("CycloneDX"));
        assert!(missing(&bill(json!([])), "").unwrap_err().contains("nothing"));
    }
}
