//! `cargo xtask planted`: plants the bugs of tests/planted, one at a time in a copy of the sources,
//! and reports those that no test notices.

use crate::error::{Error, Log, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::tools::{self, NEXTEST};
use crate::workspace::{Workspace, create, lock, read, read_bytes, read_json, write};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

const BUGS: &str = "tests/planted/bugs.json";
/// Most of it is for the first build of a package's tests.
const SLOWEST: Duration = Duration::from_secs(1800);
/// nextest's exit code for failed tests. Any other code is another problem, such as a failed build.
const TEST_FAILED: i32 = 100;
/// Only the failure matters, not a backtrace or the smallest input.
pub(crate) const QUICKLY: [(&str, &str); 4] = [
    ("CARGO_PROFILE_DEV_DEBUG", "0"),
    ("PROPTEST_CASES", "64"),
    ("PROPTEST_MAX_SHRINK_ITERS", "0"),
    ("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1"),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only the bugs with these numbers, separated by commas
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    only: Vec<u32>,
    /// Only bugs that the tests of this package must notice
    #[arg(long)]
    package: Option<String>,
    /// List the bugs without trying them
    #[arg(long)]
    list: bool,
    /// Also try bugs that an earlier run found to be noticed
    #[arg(long)]
    again: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Bug {
    number: u32,
    says: String,
    file: String,
    find: String,
    put: String,
    /// The package, or the Python program, whose tests must notice it.
    package: String,
    caught_by: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Verdict {
    bug: Bug,
    /// The tests that noticed it.
    caught_by: Vec<String>,
    seconds: u64,
}

type Verdicts = BTreeMap<u32, Verdict>;

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let mut bugs: Vec<Bug> = read_json(&workspace.root.join(BUGS))?;
    bugs.retain(|bug| is_meant(bug, options));
    if bugs.is_empty() {
        return Err(Error::NothingPlanted);
    }
    if options.list {
        bugs.iter().for_each(|bug| println!("{:>3}  {:<20} {}", bug.number, bug.package, bug.says));
        return Ok(());
    }
    let folder = workspace.root.join("target/planted");
    create(&folder)?;
    let _lock = lock(&folder.join("lock"), &folder)?;
    NEXTEST.install(workspace, interrupt)?;
    let mut steps = Steps::new(bugs.len() + 1);
    steps.next("Copy the sources");
    let root = copy_sources(workspace, interrupt, &folder)?;
    let sources = Sources { workspace, interrupt, folder, root };
    let file = sources.folder.join("verdicts.json");
    let mut verdicts: Verdicts = if file.exists() { read_json(&file)? } else { Verdicts::new() };
    // One package after the other, to save builds.
    bugs.sort_by_cached_key(|bug| (bug.package.clone(), bug.number));
    for bug in &bugs {
        steps.next(&format!("{}: {}: {}", bug.number, bug.package, bug.says));
        let is_known = verdicts.get(&bug.number).is_some_and(|known| known.bug == *bug && !known.caught_by.is_empty());
        if is_known && !options.again {
            steps.done("An earlier run has found that it is noticed");
            continue;
        }
        let verdict = sources.plant(bug)?;
        steps.done(if verdict.caught_by.is_empty() { "MISSED" } else { "Noticed" });
        verdicts.insert(bug.number, verdict);
        let text = serde_json::to_string_pretty(&verdicts).expect("names and numbers always serialise");
        write(&file, text)?;
    }
    tell(&bugs, &verdicts)
}

fn is_meant(bug: &Bug, options: &Options) -> bool {
    let is_of_package = options.package.as_ref().is_none_or(|package| *package == bug.package);
    is_of_package && (options.only.is_empty() || options.only.contains(&bug.number))
}

/// Prints a table in the form for a document.
fn tell(bugs: &[Bug], verdicts: &Verdicts) -> Result<()> {
    let meant: BTreeSet<u32> = bugs.iter().map(|bug| bug.number).collect();
    let mut missed = vec![];
    println!("\n| number | bug | caught by | seconds |\n|---|---|---|---|");
    for (number, Verdict { bug, caught_by, seconds }) in verdicts.iter().filter(|(number, _)| meant.contains(*number)) {
        let tests: Vec<String> = caught_by.iter().map(|test| format!("`{test}`")).collect();
        let tests = if tests.is_empty() { "**nothing**".to_owned() } else { tests.join(", ") };
        println!("| {number} | {} | {}: {tests} | {seconds} |", bug.says, bug.package);
        if caught_by.is_empty() {
            missed.push(number.to_string());
        }
    }
    if missed.is_empty() { Ok(()) } else { Err(Error::Unnoticed { numbers: missed.join(", ") }) }
}

/// A copy of the sources with its own builds. So no bug gets into the real sources, and the real
/// builds stay.
struct Sources<'r> {
    workspace: &'r Workspace,
    interrupt: &'r Interrupt,
    folder: PathBuf,
    root: PathBuf,
}

impl Sources<'_> {
    fn plant(&self, bug: &Bug) -> Result<Verdict> {
        let begin = Instant::now();
        let path = self.root.join(&bug.file);
        let sound = read(&path)?;
        write(&path, planted(bug, &sound)?)?;
        let tested = self.test(bug);
        // Also after an interrupt.
        write(&path, sound)?;
        let failed = tested?;
        let caught_by: Vec<String> = bug.caught_by.iter().filter(|test| failed.contains(*test)).cloned().collect();
        if caught_by.is_empty() && !failed.is_empty() {
            println!("      Other tests failed: {}", failed.into_iter().collect::<Vec<_>>().join(", "));
        }
        Ok(Verdict { bug: bug.clone(), caught_by, seconds: begin.elapsed().as_secs() })
    }

    /// The failed tests.
    fn test(&self, bug: &Bug) -> Result<BTreeSet<String>> {
        let is_python = bug.package.ends_with(".py");
        let mut tests = if is_python { self.python(&bug.package)? } else { self.nextest(&bug.package) };
        let log = self.folder.join("last.log");
        let status = logged(self.interrupt, tests.current_dir(&self.root), &log)?;
        let text = read(&log)?;
        match status.and_then(|status| status.code()) {
            Some(0) => Ok(BTreeSet::new()),
            Some(_) if is_python => Ok(bug.caught_by.iter().filter(|what| text.contains(*what)).cloned().collect()),
            Some(TEST_FAILED) => Ok(failed(&text)),
            _ => Err(Error::Untried { number: bug.number, log: Log(log) }),
        }
    }

    fn nextest(&self, package: &str) -> Command {
        let mut nextest = self.workspace.cargo();
        nextest.args(["nextest", "run", "--color", "never", "--status-level", "fail", "--package", package]);
        nextest.env("CARGO_TARGET_DIR", self.folder.join("build")).envs(QUICKLY);
        nextest
    }

    /// In the environment of `lint`.
    fn python(&self, program: &str) -> Result<Command> {
        let of = if program.contains("terraform") { "policies" } else { "lint" };
        let requirements = format!("infra/local/requirements-{of}.txt");
        let bin = tools::python_environment(self.workspace, self.interrupt, &format!("venv-{of}"), &requirements)?;
        let mut python = self.workspace.command(bin.join("python"));
        python.arg(program);
        Ok(python)
    }
}

/// Copies the sources of the workspace into a folder. Leaves equal files untouched, so that they are
/// not built again.
pub(crate) fn copy_sources(workspace: &Workspace, interrupt: &Interrupt, folder: &Path) -> Result<PathBuf> {
    let root = folder.join("sources");
    create(&root)?;
    let list = folder.join("files");
    let before = fs::read_to_string(&list).unwrap_or_default();
    let mut git = workspace.command("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let io = || Error::io(format!("write {}", list.display()));
    interrupt.run(git.stdout(File::create(&list).map_err(io())?))?;
    let now = read(&list)?;
    let files: BTreeSet<&str> = names(&now).filter(|name| workspace.root.join(name).is_file()).collect();
    for gone in names(&before).filter(|name| !files.contains(name)) {
        let _ = fs::remove_file(root.join(gone));
    }
    for name in files {
        mirror(&workspace.root.join(name), &root.join(name))?;
    }
    // Some tests ask git for the list of files.
    for words in [["init", "--quiet"], ["add", "--all"]] {
        interrupt.run(workspace.command("git").args(words).current_dir(&root))?;
    }
    Ok(root)
}

/// The text of a file with the bug in it.
fn planted(bug: &Bug, sound: &str) -> Result<String> {
    match sound.matches(&bug.find).count() {
        1 => Ok(sound.replace(&bug.find, &bug.put)),
        found => Err(Error::Misplaced { number: bug.number, file: bug.file.clone(), found }),
    }
}

/// The last part of the names in nextest's lines, such as `FAIL [   0.004s] (3/9) store::it
/// waits::what_waits`.
fn failed(log: &str) -> BTreeSet<String> {
    let is_failure =
        |line: &&str| ["FAIL [", "TIMEOUT [", "ABORT [", "SIGABRT ["].iter().any(|word| line.starts_with(word));
    let lines = log.lines().map(str::trim_start).filter(is_failure);
    let names = lines.filter_map(|line| line.split_whitespace().next_back()?.rsplit("::").next());
    names.map(str::to_owned).collect()
}

fn logged(interrupt: &Interrupt, command: &mut Command, log: &Path) -> Result<Option<ExitStatus>> {
    let io = || Error::io(format!("write {}", log.display()));
    let file = File::create(log).map_err(io())?;
    let copy = file.try_clone().map_err(io())?;
    interrupt.status(command.stdout(file).stderr(copy), SLOWEST)
}

/// The names in the output of git with `-z`.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split('\0').filter(|name| !name.is_empty())
}

fn mirror(from: &Path, to: &Path) -> Result<()> {
    let content = read_bytes(from)?;
    if fs::read(to).is_ok_and(|known| known == content) {
        return Ok(());
    }
    to.parent().map_or(Ok(()), create)?;
    fs::copy(from, to).map_err(Error::io(format!("write {}", to.display())))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bug() -> Bug {
        let text = r#"{"number": 7, "says": "One is less.", "file": "a.rs", "find": "a < b", "put": "a <= b",
            "package": "a", "caught_by": ["one_is_less"]}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn plants_a_bug_only_at_a_unique_text() {
        assert_eq!(planted(&bug(), "if a < b {}").unwrap(), "if a <= b {}");
        for text in ["if a <= b {}", "a < b || a < b"] {
            assert!(matches!(planted(&bug(), text), Err(Error::Misplaced { number: 7, .. })), "{text}");
        }
    }

    #[test]
    fn reads_the_failed_tests_from_the_log() {
        let log = "   Compiling a v0.1.0\n        FAIL [   0.004s] (3/9) a::it waits::one_is_less\nFAIL: not this\n\
                   \x20    TIMEOUT [ 120.004s] (4/9) a two_hangs\n        FAIL [   0.004s] (3/9) a::it waits::one_is_less\n";
        assert_eq!(failed(log), BTreeSet::from(["one_is_less".to_owned(), "two_hangs".to_owned()]));
    }

    #[test]
    fn filters_by_numbers_and_package() {
        let options = |only: &[u32], package: Option<&str>| Options {
            only: only.to_vec(),
            package: package.map(str::to_owned),
            list: false,
            again: false,
        };
        for (only, package, expected) in [
            (vec![], None, true),
            (vec![6, 7], None, true),
            (vec![6], None, false),
            (vec![7], Some("a"), true),
            (vec![], Some("b"), false),
        ] {
            assert_eq!(is_meant(&bug(), &options(&only, package)), expected, "{only:?} {package:?}");
        }
    }
}
