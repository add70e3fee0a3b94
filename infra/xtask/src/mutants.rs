//! `cargo xtask mutants`: makes small changes to the code that a test must notice.

use crate::error::{Error, Result};
use crate::planted::{QUICKLY, copy_sources};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::stretches;
use crate::tools::MUTANTS;
use crate::workspace::{Workspace, create, lock, read};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

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
/// For cargo: no doc tests.
const TESTS: &str = "--cargo-arg=--tests";
/// The exit codes of cargo-mutants for a missed mutant, and for one whose tests did not end.
const FOUND: [Option<i32>; 2] = [Some(2), Some(3)];

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
    /// Stop after this time. Go on with --continue, which then tries no missed mutant again
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: Option<u64>,
    /// Only the lines of shared and functions that differ from this commit, such as origin/main
    #[arg(long, value_name = "REF", conflicts_with_all = ["package", "file", "all", "continued", "minutes"])]
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

    /// Whether this run goes on after a stretch.
    fn goes_on(&self) -> bool {
        self.continued && self.minutes.is_some()
    }
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let folder = folder(workspace);
    create(&folder)?;
    let _lock = lock(&folder.join("lock"), &folder)?;
    match &options.since {
        Some(reference) => of_change(workspace, interrupt, reference, options.most),
        None => of_packages(workspace, interrupt, options),
    }
}

fn of_packages(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let end = options.minutes.map(|minutes| Instant::now() + Duration::from_secs(minutes * 60));
    let packages = options.packages();
    MUTANTS.install(workspace, interrupt)?;
    for package in &packages {
        let report = report(workspace, package)?;
        if !options.continued {
            // The next stretch must not skip what an older run found in other code.
            let _ = fs::remove_dir_all(report.join("mutants.out"));
        }
        if !options.goes_on() {
            stretches::forget(&report)?;
        }
    }
    let mut steps = Steps::new(packages.len());
    let mut verdict = Ok(());
    let mut missed = String::new();
    for package in packages {
        steps.next(&format!("Change {package}, one thing at a time"));
        let report = report(workspace, package)?;
        // Each time, in case that cargo-mutants was killed and left a mutant.
        let sources = copy_sources(workspace, interrupt, &folder(workspace))?;
        let mut mutants = cargo_mutants(workspace, &sources, &report);
        mutants
            .args(options.filters(package))
            .args(targets(&sources, package))
            .args(stretches::without_missed(&report));
        let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        let ended = interrupt.run_for(&mut mutants, left);
        missed += &stretches::all_missed(&report)?;
        interrupt.check()?;
        match ended {
            Ok(true) => {}
            Ok(false) => {
                steps.done("The time is up. The same command with --continue goes on");
                return verdict;
            }
            // Unnoticed mutants in one package do not stop the next one.
            Err(Error::Failed { status, .. }) if FOUND.contains(&status.code()) => {}
            Err(error) => verdict = verdict.and(Err(error)),
        }
    }
    verdict?;
    if !missed.is_empty() {
        return Err(Error::MissedMutants { mutants: missed });
    }
    steps.done("Every change was noticed");
    Ok(())
}

/// The tests of a package. Without this cargo also builds a test of the function's program for each
/// mutant, and there is nothing in it.
fn targets(root: &Path, package: &str) -> Vec<String> {
    let name = package.strip_prefix("webhooks-").unwrap_or(package);
    let folders = ["shared", "functions"].map(|parent| root.join(parent).join(name));
    let Some(folder) = folders.iter().find(|folder| folder.join("src/lib.rs").is_file()) else {
        return vec![TESTS.to_owned()];
    };
    let tests = fs::read_dir(folder.join("tests")).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_test = |path: &PathBuf| path.join("main.rs").is_file() || path.extension().is_some_and(|end| end == "rs");
    let names: BTreeSet<_> =
        tests.filter(is_test).filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    let tests = names.into_iter().map(|name| format!("--cargo-arg=--test={name}"));
    std::iter::once("--cargo-arg=--lib".to_owned()).chain(tests).collect()
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
    let sources = copy_sources(workspace, interrupt, &folder(workspace))?;
    let mutants = || {
        let mut mutants = cargo_mutants(workspace, &sources, &report);
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
    interrupt.run(mutants().arg(TESTS))?;
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

/// Works in a copy of the sources, so that an interrupted run leaves no mutant behind. All runs have
/// the same copy and the same builds, so that only what has changed is built again.
fn cargo_mutants(workspace: &Workspace, sources: &Path, report: &Path) -> Command {
    let mut command = workspace.cargo();
    command.args(["mutants", "--in-place", "--timeout", SLOWEST, "--output"]).arg(report).current_dir(sources);
    // Each mutant compiles its package again, also where everything else is compiled once.
    command.envs(QUICKLY).env("CARGO_INCREMENTAL", "1");
    command.env("CARGO_TARGET_DIR", folder(workspace).join("build"));
    command
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.root.join("target/mutants")
}

/// The folder of a report.
fn report(workspace: &Workspace, of: &str) -> Result<PathBuf> {
    let folder = folder(workspace).join(of);
    create(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

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
        for other in [&["--all"][..], &["--continue"], &["repair"], &["--file", "a.rs"], &["--minutes", "5"]] {
            assert!(parse(&[&["--since", "HEAD~1"][..], other].concat()).is_err(), "{other:?}");
        }
        assert!(parse(&["--all", "--most", "5"]).is_err());
    }

    #[test]
    fn only_a_next_stretch_remembers_missed_mutants() {
        assert!(parse(&["--all", "--minutes", "40", "--continue"]).unwrap().goes_on());
        assert!(!parse(&["--all", "--minutes", "40"]).unwrap().goes_on());
        assert!(!parse(&["--all", "--continue"]).unwrap().goes_on());
        assert!(parse(&["--minutes", "0"]).is_err());
    }

    /// Otherwise a mutant that only the missing test notices counts as missed.
    #[test]
    fn runs_every_test_of_a_package() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert_eq!(targets(&root, "webhooks-store"), ["--cargo-arg=--lib", "--cargo-arg=--test=it"]);
        assert_eq!(targets(&root, "webhooks-queue"), ["--cargo-arg=--lib"]);
        let several = ["--cargo-arg=--lib", "--cargo-arg=--test=level", "--cargo-arg=--test=panics"];
        assert_eq!(targets(&root, "webhooks-telemetry"), several);
        assert_eq!(targets(&root, "xtask"), [TESTS]);
        for folder in fs::read_dir(root.join("functions")).unwrap() {
            let program = fs::read_to_string(folder.unwrap().path().join("src/main.rs")).unwrap_or_default();
            assert!(!program.contains("test]") && !program.contains("(test"), "{program}");
        }
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
