//! `cargo xtask fuzz`: a search for inputs that break a property, and the smallest corpora that reach as much.

use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::tools::FUZZ;
use crate::workspace::{Workspace, create};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// Longer inputs find nothing that shorter ones do not, and make corpora large.
const LONGEST_INPUT: u32 = 4096;
/// An input that takes longer, in seconds, is a finding.
const SLOWEST: u32 = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// One of tests/fuzz/fuzz_targets; all unless told
    target: Option<String>,
    /// How long to search with each
    #[arg(long, default_value_t = 5)]
    minutes: u64,
}

struct Target<'w> {
    workspace: &'w Workspace,
    name: String,
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let names = options.target.clone().map_or_else(|| names(workspace), |name| Ok(vec![name]))?;
    let mut steps = Steps::new(2 * names.len() + 1);
    steps.next("Build the fuzzers");
    FUZZ.install(workspace, interrupt)?;
    interrupt.run(cargo_fuzz(workspace, "build").args(options.target.iter()))?;
    for name in names {
        let target = Target { workspace, name };
        steps.next(&format!("Search with {}, for {} min", target.name, options.minutes));
        target.search(interrupt, options.minutes)?;
        steps.next(&format!("Keep of {} what reaches as much", target.name));
        target.minimise(interrupt)?;
    }
    steps.done("Every property held");
    Ok(())
}

impl Target<'_> {
    /// Inputs written by hand, under a name, and found ones, under their hash.
    fn corpus(&self) -> PathBuf {
        self.workspace.root.join("tests/fuzz/corpus").join(&self.name)
    }

    /// All that was ever found here.
    fn found(&self) -> PathBuf {
        self.workspace.root.join("target/fuzz/found").join(&self.name)
    }

    fn search(&self, interrupt: &Interrupt, minutes: u64) -> Result<()> {
        create(&self.found())?;
        let mut search = self.program(&[self.found(), self.corpus()]);
        search.arg(format!("-max_total_time={}", minutes * 60)).arg("-print_final_stats=1");
        interrupt.run(&mut search)
    }

    /// Adds to what was written by hand the least that reaches whatever has been reached, by edges alone: how often each is passed would
    /// keep many more.
    fn minimise(&self, interrupt: &Interrupt) -> Result<()> {
        for file in files(&self.corpus())? {
            let name = file.file_name().unwrap_or_default().to_owned();
            if is_hash(&name.to_string_lossy()) {
                let to = self.found().join(name);
                fs::rename(&file, &to).map_err(Error::io(format!("write {}", to.display())))?;
            }
        }
        let mut merge = self.program(&[self.corpus(), self.found()]);
        interrupt.run(merge.args(["-merge=1", "-use_counters=0"]))
    }

    /// The first of the folders is written to.
    fn program(&self, folders: &[PathBuf]) -> Command {
        let mut program = cargo_fuzz(self.workspace, "run");
        program.arg(&self.name).args(folders).arg("--");
        program.args([format!("-max_len={LONGEST_INPUT}"), format!("-timeout={SLOWEST}")]);
        program
    }
}

/// As libFuzzer names what it writes.
fn is_hash(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Without a sanitizer: `unsafe` is forbidden in the project, and so the stable toolchain does.
fn cargo_fuzz(workspace: &Workspace, verb: &str) -> Command {
    let mut command = workspace.cargo();
    command.args(["fuzz", verb, "--fuzz-dir", "tests/fuzz", "--sanitizer", "none", "--target-dir", "target/fuzz"]);
    command
}

fn names(workspace: &Workspace) -> Result<Vec<String>> {
    let programs = files(&workspace.root.join("tests/fuzz/fuzz_targets"))?;
    Ok(programs.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let what = || Error::io(format!("read {}", folder.display()));
    let entries: io::Result<Vec<_>> = fs::read_dir(folder).map_err(what())?.map(|file| Ok(file?.path())).collect();
    let mut files = entries.map_err(what())?;
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_told_from_a_name() {
        assert!(is_hash("da39a3ee5e6b4b0d3255bfef95601890afd80709"));
        assert!(!is_hash("key-in-two-cases") && !is_hash(&"x".repeat(40)));
    }
}
