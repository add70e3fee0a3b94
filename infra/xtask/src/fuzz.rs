//! `cargo xtask fuzz`: searches for inputs that break a property, and keeps the smallest corpora
//! with the same coverage.

use crate::corpus::{self, Seeds};
use crate::error::{Error, Result};
use crate::process::Interrupt;
use crate::progress::Steps;
use crate::tools::FUZZ;
use crate::workspace::{Workspace, create, empty, read_bytes, write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// Longer inputs find nothing new, and make corpora large.
const LONGEST_INPUT: u32 = 4096;
/// A slower input is a finding. In seconds.
const SLOWEST: u32 = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// One of tests/fuzz/fuzz_targets; all by default
    target: Option<String>,
    /// How long to search with each fuzzer. Zero would mean for ever
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    minutes: u64,
    /// Do not search. Add this input to the seeds, such as one that broke a property
    #[arg(long, value_name = "FILE", requires_all = ["target", "seed"])]
    keep: Option<PathBuf>,
    /// The name of that seed, which describes the input
    #[arg(long = "as", value_name = "NAME", requires = "keep", value_parser = corpus::seed_name)]
    seed: Option<String>,
}

struct Target<'w> {
    workspace: &'w Workspace,
    name: String,
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    if let (Some(target), Some(file), Some(seed)) = (&options.target, &options.keep, &options.seed) {
        return Target { workspace, name: target.clone() }.keep(file, seed);
    }
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
    /// The seeds, see [`corpus`].
    fn seeds(&self) -> PathBuf {
        self.corpus("seeds.txt")
    }

    /// The archive, see [`corpus`].
    fn archive(&self) -> PathBuf {
        self.corpus("txt")
    }

    fn corpus(&self, kind: &str) -> PathBuf {
        self.workspace.root.join("tests/fuzz/corpus").join(&self.name).with_extension(kind)
    }

    /// All inputs that searches ever found here.
    fn found(&self) -> PathBuf {
        self.work("found")
    }

    /// The seeds by name, and the archive's inputs by line.
    fn unpacked(&self) -> PathBuf {
        self.work("unpacked")
    }

    /// The seeds, and the new archive.
    fn kept(&self) -> PathBuf {
        self.work("kept")
    }

    fn work(&self, folder: &str) -> PathBuf {
        self.workspace.root.join("target/fuzz").join(folder).join(&self.name)
    }

    fn search(&self, interrupt: &Interrupt, minutes: u64) -> Result<()> {
        self.unpack()?;
        create(&self.found())?;
        let mut search = self.program(&[self.found(), self.unpacked()]);
        search.arg(format!("-max_total_time={}", minutes * 60)).arg("-print_final_stats=1");
        interrupt.run(&mut search)
    }

    /// Adds to the seeds the fewest inputs that reach every edge reached so far. It ignores how
    /// often an edge is passed, since that would keep many more.
    fn minimise(&self, interrupt: &Interrupt) -> Result<()> {
        let (kept, seeds) = (self.kept(), self.read_seeds()?);
        empty(&kept)?;
        for (name, input) in &seeds {
            write(&kept.join(name), input)?;
        }
        let mut merge = self.program(&[kept, self.found(), self.unpacked()]);
        interrupt.run(merge.args(["-merge=1", "-use_counters=0"]))?;
        self.pack(&seeds)
    }

    fn read_seeds(&self) -> Result<Seeds> {
        Ok(corpus::unpack_seeds(&text(&self.seeds())?))
    }

    fn unpack(&self) -> Result<()> {
        let (folder, seeds, archive) = (self.unpacked(), self.read_seeds()?, text(&self.archive())?);
        empty(&folder)?;
        let found = corpus::unpack(&archive).zip(1_usize..).map(|(input, line)| (line.to_string(), input));
        for (name, input) in seeds.into_iter().chain(found) {
            write(&folder.join(name), input)?;
        }
        Ok(())
    }

    fn pack(&self, seeds: &Seeds) -> Result<()> {
        let is_seed = |file: &PathBuf| seeds.keys().any(|name| file.ends_with(name));
        let found = files(&self.kept())?.into_iter().filter(|file| !is_seed(file));
        let inputs: Vec<_> = found.map(|file| read_bytes(&file)).collect::<Result<_>>()?;
        write(&self.archive(), corpus::pack(inputs))
    }

    fn keep(&self, file: &Path, seed: &str) -> Result<()> {
        let mut seeds = self.read_seeds()?;
        if seeds.insert(seed.to_owned(), read_bytes(file)?).is_some() {
            let taken = io::Error::other("there is one of that name");
            return Err(Error::io(format!("add the seed {seed}"))(taken));
        }
        write(&self.seeds(), corpus::pack_seeds(&seeds))
    }

    /// The fuzzer writes to the first folder.
    fn program(&self, folders: &[PathBuf]) -> Command {
        let mut program = cargo_fuzz(self.workspace, "run");
        program.arg(&self.name).args(folders).arg("--");
        program.args([format!("-max_len={LONGEST_INPUT}"), format!("-timeout={SLOWEST}")]);
        program
    }
}

/// Without a sanitizer: the project forbids `unsafe`, so the stable toolchain is enough.
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

/// Empty if the file is missing, as for a new fuzzer.
fn text(file: &Path) -> Result<String> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(Error::io(format!("read {}", file.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::collections::BTreeSet;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn every_search_ends() {
        let minutes = |words: &[&str]| Line::try_parse_from(words).map(|line| line.options.minutes);
        assert_eq!(minutes(&["fuzz"]).unwrap(), 5);
        assert_eq!(minutes(&["fuzz", "--minutes", "1"]).unwrap(), 1);
        assert!(minutes(&["fuzz", "--minutes", "0"]).is_err());
    }

    #[test]
    fn every_corpus_belongs_to_a_fuzzer_and_is_packed() {
        let workspace = Workspace::find().unwrap();
        let names = names(&workspace).unwrap();
        assert!(!names.is_empty());
        let mut expected = BTreeSet::new();
        for name in names {
            let target = Target { workspace: &workspace, name };
            let archive = fs::read_to_string(target.archive()).unwrap();
            let seeds = fs::read_to_string(target.seeds()).unwrap();
            let is_packed = |text: &str, packed: String, file: PathBuf| {
                assert!(text == packed, "{}: see tests/fuzz/README.md", file.display());
            };
            is_packed(&archive, corpus::pack(corpus::unpack(&archive)), target.archive());
            is_packed(&seeds, corpus::pack_seeds(&corpus::unpack_seeds(&seeds)), target.seeds());
            for seed in corpus::unpack_seeds(&seeds).keys() {
                assert_eq!(corpus::seed_name(seed).as_ref(), Ok(seed), "{}", target.seeds().display());
            }
            expected.extend([target.archive(), target.seeds()]);
        }
        let files = files(&workspace.root.join("tests/fuzz/corpus")).unwrap();
        let texts = files.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "txt"));
        assert_eq!(texts.collect::<BTreeSet<_>>(), expected);
    }

    /// A workspace of this test, with a corpus of `settings`.
    fn with_corpus(test: &str) -> Workspace {
        let root = std::env::temp_dir().join(format!("xtask-fuzz-test-{test}-{}", std::process::id()));
        empty(&root.join("tests/fuzz/corpus")).unwrap();
        fs::write(root.join("tests/fuzz/corpus/settings.seeds.txt"), "array\t[]\nnothing\n").unwrap();
        fs::write(root.join("tests/fuzz/corpus/settings.txt"), "[%0A\n{}\n").unwrap();
        Workspace { local: root.join(".local"), binaries: root.join("target"), root }
    }

    #[test]
    fn keeps_an_input_once_under_a_name() {
        let workspace = with_corpus("keep");
        let target = Target { workspace: &workspace, name: "settings".to_owned() };
        let broken = workspace.root.join("crash-1");
        fs::write(&broken, b"{\"a\": \xff}").unwrap();
        target.keep(&broken, "no-utf8").unwrap();
        let packed = "array\t[]\nno-utf8\t{\"a\": %FF}\nnothing\n";
        assert_eq!(fs::read_to_string(target.seeds()).unwrap(), packed);
        let error = target.keep(&broken, "nothing").unwrap_err();
        assert_eq!(error.to_string(), "cannot add the seed nothing: there is one of that name");
        assert_eq!(fs::read_to_string(target.seeds()).unwrap(), packed);
        fs::remove_dir_all(&workspace.root).unwrap();
    }

    #[test]
    fn a_search_starts_from_the_seeds_and_the_archive() {
        let workspace = with_corpus("unpack");
        let target = Target { workspace: &workspace, name: "settings".to_owned() };
        target.unpack().unwrap();
        let file = |name: &str| fs::read_to_string(target.unpacked().join(name)).unwrap();
        assert_eq!(["array", "nothing", "1", "2"].map(file), ["[]", "", "[\n", "{}"]);
        assert_eq!(files(&target.unpacked()).unwrap().len(), 4);
        fs::remove_dir_all(&workspace.root).unwrap();
    }

    #[test]
    fn the_archive_has_what_was_kept_without_the_seeds() {
        let workspace = with_corpus("pack");
        let target = Target { workspace: &workspace, name: "settings".to_owned() };
        empty(&target.kept()).unwrap();
        for (name, input) in [("array", "[]"), ("nothing", ""), ("da39a3ee", "{ }"), ("356a192b", "1")] {
            fs::write(target.kept().join(name), input).unwrap();
        }
        target.pack(&target.read_seeds().unwrap()).unwrap();
        assert_eq!(fs::read_to_string(target.archive()).unwrap(), "1\n{%20}\n");
        fs::remove_dir_all(&workspace.root).unwrap();
    }
}
