//! `cargo xtask fuzz`: a search for inputs that break a property, and the smallest corpora that reach as much.

use crate::corpus;
use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::tools::FUZZ;
use crate::workspace::{Workspace, create, empty};
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
    /// Inputs written by hand.
    fn seeds(&self) -> PathBuf {
        self.workspace.root.join("tests/fuzz/corpus").join(&self.name)
    }

    /// What searches found and the repository keeps, see [`corpus`].
    fn archive(&self) -> PathBuf {
        self.seeds().with_extension("txt")
    }

    /// All that was ever found here.
    fn found(&self) -> PathBuf {
        self.work("found")
    }

    /// The archive's inputs, each named by its line.
    fn unpacked(&self) -> PathBuf {
        self.work("unpacked")
    }

    /// The seeds, and what the archive is to have.
    fn kept(&self) -> PathBuf {
        self.work("kept")
    }

    fn work(&self, folder: &str) -> PathBuf {
        self.workspace.root.join("target/fuzz").join(folder).join(&self.name)
    }

    fn search(&self, interrupt: &Interrupt, minutes: u64) -> Result<()> {
        self.unpack()?;
        create(&self.found())?;
        let mut search = self.program(&[self.found(), self.unpacked(), self.seeds()]);
        search.arg(format!("-max_total_time={}", minutes * 60)).arg("-print_final_stats=1");
        interrupt.run(&mut search)
    }

    /// Adds to what was written by hand the least that reaches whatever has been reached, by edges alone: how often each is passed would
    /// keep many more.
    fn minimise(&self, interrupt: &Interrupt) -> Result<()> {
        let (kept, seeds) = (self.kept(), files(&self.seeds())?);
        empty(&kept)?;
        for seed in &seeds {
            let to = kept.join(seed.file_name().unwrap_or_default());
            fs::copy(seed, &to).map_err(Error::io(format!("write {}", to.display())))?;
        }
        let mut merge = self.program(&[kept, self.found(), self.unpacked()]);
        interrupt.run(merge.args(["-merge=1", "-use_counters=0"]))?;
        self.pack(&seeds)
    }

    fn unpack(&self) -> Result<()> {
        let archive = self.archive();
        let text = match fs::read_to_string(&archive) {
            // A new fuzzer.
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(Error::io(format!("read {}", archive.display())))?,
        };
        let folder = self.unpacked();
        empty(&folder)?;
        for (line, input) in (1_usize..).zip(corpus::unpack(&text)) {
            let file = folder.join(line.to_string());
            fs::write(&file, input).map_err(Error::io(format!("write {}", file.display())))?;
        }
        Ok(())
    }

    fn pack(&self, seeds: &[PathBuf]) -> Result<()> {
        let is_found = |file: &PathBuf| seeds.iter().all(|seed| seed.file_name() != file.file_name());
        let found = files(&self.kept())?.into_iter().filter(is_found);
        let read = |file: PathBuf| fs::read(&file).map_err(Error::io(format!("read {}", file.display())));
        let inputs: Vec<_> = found.map(read).collect::<Result<_>>()?;
        let archive = self.archive();
        fs::write(&archive, corpus::pack(inputs)).map_err(Error::io(format!("write {}", archive.display())))
    }

    /// The first of the folders is written to.
    fn program(&self, folders: &[PathBuf]) -> Command {
        let mut program = cargo_fuzz(self.workspace, "run");
        program.arg(&self.name).args(folders).arg("--");
        program.args([format!("-max_len={LONGEST_INPUT}"), format!("-timeout={SLOWEST}")]);
        program
    }
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
    fn every_archive_is_as_packing_writes_it() {
        let workspace = Workspace::find().unwrap();
        let names = names(&workspace).unwrap();
        assert!(!names.is_empty());
        for name in names {
            let archive = Target { workspace: &workspace, name }.archive();
            let text = fs::read_to_string(&archive).unwrap();
            assert!(corpus::pack(corpus::unpack(&text)) == text, "{}: see tests/fuzz/README.md", archive.display());
        }
    }
}
