//! `cargo xtask mutants`: makes small changes to the code that a test must notice.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::tools::MUTANTS;
use crate::workspace::{Workspace, create, read};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The pure code, which has its tests next to it.
const PURE: [&str; 4] = ["webhooks-signature", "webhooks-model", "webhooks-batch", "processor"];
/// Code that talks to AWS. Its own tests replace AWS.
const WITH_EFFECTS: [&str; 7] =
    ["feedback", "webhooks-store", "webhooks-queue", "webhooks-settings", "operations", "repair", "reconciler"];
/// The sources with mutants that somebody answers for. In a path of git, `*` also matches `/`.
const SOURCES: [&str; 2] = ["shared/*/src/*.rs", "functions/*/src/*.rs"];
/// A slower mutant loops for ever. In seconds.
const SLOWEST: &str = "60";
/// A change with more lines than this for each allowed mutant has too many mutants. On average, code
/// has one in ten lines, and tests beside it have none.
const LINES_FOR_ONE: usize = 40;
/// For cargo test: no doc tests.
const TESTS: [&str; 2] = ["--", "--tests"];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// A package of the workspace; the pure ones by default
    package: Option<String>,
    /// Only these files
    #[arg(long)]
    file: Vec<String>,
    /// The pure packages and seven with effects, which tests/MUTANTS.md lists
    #[arg(long, conflicts_with = "package")]
    all: bool,
    /// Skip mutants that the runs before found to be caught, or not to compile
    #[arg(long = "continue")]
    continued: bool,
    /// Only the lines of shared and functions that differ from this commit, such as origin/main
    #[arg(long, value_name = "REF", conflicts_with_all = ["package", "file", "all", "continued"])]
    since: Option<String>,
    /// Try no mutant of a change that has more than these, or 40 times as many lines
    #[arg(long, value_name = "N", default_value_t = 40, requires = "since", conflicts_with = "all")]
    most: usize,
}

impl Options {
    fn packages(&self) -> Vec<&str> {
        match &self.package {
            Some(package) => vec![package.as_str()],
            None if self.all => [PURE.as_slice(), WITH_EFFECTS.as_slice()].concat(),
            None => PURE.to_vec(),
        }
    }

    /// Which mutants of a package are tried, in the words of cargo-mutants.
    fn filters<'o>(&'o self, package: &'o str) -> Vec<&'o str> {
        let mut words = vec!["--package", package];
        words.extend(self.file.iter().flat_map(|file| ["--file", file.as_str()]));
        if self.continued {
            words.push("--iterate");
        }
        words
    }
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    match &options.since {
        Some(reference) => of_change(workspace, interrupt, reference, options.most),
        None => of_packages(workspace, interrupt, options),
    }
}

fn of_packages(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let packages = options.packages();
    MUTANTS.install(workspace, interrupt)?;
    let mut steps = Steps::new(packages.len());
    let mut verdict = Ok(());
    for package in packages {
        steps.next(&format!("Change {package}, one thing at a time"));
        let mut mutants = cargo_mutants(workspace, &report(workspace, package)?);
        // Unnoticed mutants in one package do not stop the next one.
        let found = interrupt.run(mutants.args(options.filters(package)).args(TESTS));
        interrupt.check()?;
        verdict = verdict.and(found);
    }
    verdict?;
    steps.done("Every change was noticed");
    Ok(())
}

fn of_change(workspace: &Workspace, interrupt: &Interrupt, reference: &str, most: usize) -> Result<()> {
    let report = report(workspace, "since")?;
    let mut steps = Steps::new(3);
    steps.next(&format!("Compare the sources with {reference}"));
    let diff = report.join("change.diff");
    interrupt.run(&mut difference(workspace, reference, &diff))?;
    if let Some(reason) = why_not_listed(&read(&diff)?, reference, most) {
        steps.done(&reason);
        return Ok(());
    }
    MUTANTS.install(workspace, interrupt)?;
    steps.next("List the mutants of the lines that differ");
    let mutants = || {
        let mut mutants = cargo_mutants(workspace, &report);
        mutants.args(["--workspace", "--in-diff"]).arg(&diff);
        mutants
    };
    let list = report.join("mutants.txt");
    let file = File::create(&list).map_err(Error::io(format!("write {}", list.display())))?;
    interrupt.run(mutants().arg("--list").stdout(file))?;
    let count = read(&list)?.lines().count();
    if let Some(reason) = why_none(count, most) {
        steps.done(&reason);
        return Ok(());
    }
    steps.next(&format!("Change these lines in {count} ways, one at a time"));
    interrupt.run(mutants().args(TESTS))?;
    steps.done("Every change was noticed");
    Ok(())
}

/// Writes what differs between the working tree and the commit where the branch left `reference`.
fn difference(workspace: &Workspace, reference: &str, to: &Path) -> Command {
    let mut git = workspace.command("git");
    // As git does it unless somebody's settings say otherwise.
    git.args(["diff", "--no-color", "--no-ext-diff", "--src-prefix=a/", "--dst-prefix=b/", "--output"]).arg(to);
    git.args(["--merge-base", reference, "--"]).args(SOURCES);
    git
}

/// Why a change's mutants are not even listed, which needs cargo-mutants.
fn why_not_listed(diff: &str, reference: &str, most: usize) -> Option<String> {
    let lines = diff.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).count();
    let limit = most.saturating_mul(LINES_FOR_ONE);
    match lines {
        _ if diff.is_empty() => Some(format!("No Rust source of shared or functions differs from {reference}")),
        _ if lines > limit => {
            Some(format!("None is tried, because the change has {lines} lines, more than {limit}; --most allows more"))
        }
        _ => None,
    }
}

/// Why none of a change's mutants is tried.
fn why_none(mutants: usize, most: usize) -> Option<String> {
    match mutants {
        0 => Some("The lines that differ have no mutants".to_owned()),
        _ if mutants > most => Some(format!(
            "None is tried, because the change has {mutants} mutants, more than {most}; --most allows more"
        )),
        _ => None,
    }
}

/// Works in a copy of the workspace, so that an interrupted run leaves no mutant behind.
fn cargo_mutants(workspace: &Workspace, report: &Path) -> Command {
    let mut command = workspace.cargo();
    command.args(["mutants", "--timeout", SLOWEST, "--output"]).arg(report);
    // Only the failure matters, so proptest need not shrink or store the input.
    command.envs([
        ("CARGO_PROFILE_DEV_DEBUG", "0"),
        ("PROPTEST_CASES", "64"),
        ("PROPTEST_MAX_SHRINK_ITERS", "0"),
        ("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1"),
    ]);
    command
}

/// The folder of a report.
fn report(workspace: &Workspace, of: &str) -> Result<PathBuf> {
    let folder = workspace.root.join("target/mutants").join(of);
    create(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::fs;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(words: &[&str]) -> std::result::Result<Options, clap::Error> {
        Line::try_parse_from(["mutants"].iter().chain(words)).map(|line| line.options)
    }

    #[test]
    fn tries_the_pure_packages_all_of_them_or_a_named_one() {
        assert_eq!(parse(&[]).unwrap().packages(), PURE);
        assert_eq!(parse(&["intake"]).unwrap().packages(), ["intake"]);
        let everything = parse(&["--all"]).unwrap();
        assert_eq!(everything.packages().len(), 11);
        assert!(["processor", "reconciler"].iter().all(|package| everything.packages().contains(package)));
    }

    #[test]
    fn only_a_run_that_continues_skips_mutants_caught_before() {
        let again = parse(&["repair", "--file", "a.rs", "--file", "b.rs"]).unwrap();
        let files = ["--package", "repair", "--file", "a.rs", "--file", "b.rs"];
        assert_eq!(again.filters("repair"), files);
        assert_eq!(parse(&["--all", "--continue"]).unwrap().filters("repair"), ["--package", "repair", "--iterate"]);
    }

    #[test]
    fn a_change_is_tried_without_other_choices() {
        let change = parse(&["--since", "origin/main"]).unwrap();
        assert_eq!((change.since.as_deref(), change.most), (Some("origin/main"), 40));
        assert_eq!(parse(&["--since", "HEAD~1", "--most", "5"]).unwrap().most, 5);
        for other in [&["--all"][..], &["--continue"], &["repair"], &["--file", "a.rs"]] {
            assert!(parse(&[&["--since", "HEAD~1"][..], other].concat()).is_err(), "{other:?}");
        }
        assert!(parse(&["--all", "--most", "5"]).is_err());
    }

    #[test]
    fn only_a_change_with_few_mutants_is_tried() {
        assert_eq!(why_none(1, 40), None);
        assert_eq!(why_none(40, 40), None);
        let many = "None is tried, because the change has 41 mutants, more than 40; --most allows more";
        assert_eq!(why_none(41, 40).unwrap(), many);
        assert_eq!(why_none(0, 40).unwrap(), "The lines that differ have no mutants");
    }

    #[test]
    fn a_large_change_is_not_even_listed() {
        let diff = |lines| format!("--- a/a.rs\n+++ b/a.rs\n@@ -1 +1 @@\n-before\n{}", "+after\n".repeat(lines));
        assert_eq!(why_not_listed(&diff(200), "main", 5), None);
        let many = "None is tried, because the change has 201 lines, more than 200; --most allows more";
        assert_eq!(why_not_listed(&diff(201), "main", 5).unwrap(), many);
        assert_eq!(why_not_listed(&diff(201), "main", usize::MAX), None);
        let none = "No Rust source of shared or functions differs from main";
        assert_eq!(why_not_listed("", "main", 5).unwrap(), none);
    }

    /// cargo-mutants ignores a package that does not exist.
    #[test]
    fn every_listed_package_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folders = ["shared", "functions"].iter().flat_map(|folder| fs::read_dir(root.join(folder)).unwrap());
        let manifests: Vec<String> = folders
            .map(|folder| fs::read_to_string(folder.unwrap().path().join("Cargo.toml")).unwrap_or_default())
            .collect();
        for package in PURE.iter().chain(&WITH_EFFECTS) {
            let name = format!("name = \"{package}\"\n");
            assert!(manifests.iter().any(|manifest| manifest.contains(&name)), "{package}");
        }
    }

    #[test]
    fn compares_only_sources_of_shared_and_functions() {
        let root = std::env::temp_dir().join(format!("xtask-mutants-test-{}", std::process::id()));
        let workspace = Workspace { local: root.join(".local"), binaries: root.join("target"), root };
        let write = |text: &str| {
            for file in [
                "functions/intake/src/deep/a.rs",
                "functions/intake/src/a.txt",
                "shared/model/src/b.rs",
                "shared/model/tests/it/c.rs",
                "tests/fixtures/src/d.rs",
            ] {
                let file = workspace.root.join(file);
                create(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
        };
        let git = |words: &[&str]| assert!(workspace.command("git").args(words).status().unwrap().success());
        let commit =
            ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false", "commit"];
        write("before\n");
        git(&["init", "--quiet"]);
        git(&["add", "--all"]);
        git(&[&commit[..], &["--quiet", "--message", "Test"]].concat());
        write("after\n");
        let diff = workspace.root.join("change.diff");
        assert!(difference(&workspace, "HEAD", &diff).status().unwrap().success());
        let text = read(&diff).unwrap();
        let files: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("+++ b/")).collect();
        assert_eq!(files, ["functions/intake/src/deep/a.rs", "shared/model/src/b.rs"]);
        git(&["checkout", "--quiet", "."]);
        assert!(difference(&workspace, "HEAD", &diff).status().unwrap().success());
        assert_eq!(read(&diff).unwrap(), "");
        fs::remove_dir_all(&workspace.root).unwrap();
    }
}
