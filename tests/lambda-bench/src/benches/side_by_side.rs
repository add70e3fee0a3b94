//! Compares the same job in Rust, Python and Node.js.

use super::{Start, sample, start};
use crate::Result;
use crate::function::{Function, Limits, Program};
use crate::report::{Report, Sample, megabytes, microseconds, shown, times};
use crate::world::{Job, World, is_accepted, is_done};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LANGUAGES: [&str; 3] = ["Rust", "Python", "Node.js"];
const BATCH: usize = 10;
/// Consecutive invocations of one process, before the next process takes over.
const BLOCK: usize = 50;
/// The goal for the ratio to Rust, of starts and CPU time.
const GOAL: f64 = 5.0;

#[derive(Debug)]
pub struct Options {
    /// The folder of the functions' programs.
    pub binaries: PathBuf,
    /// The folder of the peers.
    pub peers: PathBuf,
    /// The number of starts of each function.
    pub starts: usize,
    /// Invocations of each warm intake.
    pub requests: usize,
    /// Invocations of each warm processor.
    pub batches: usize,
}

/// Whether an answer shows success.
type Check = fn(&Value) -> bool;

/// One function in each language.
struct Contest {
    name: &'static str,
    programs: [Program; LANGUAGES.len()],
    is_good: Check,
    /// Notifications in one event of a warm function.
    batch: usize,
}

/// The measurements of warm processes.
#[derive(Debug, Default)]
struct Warm {
    took: Vec<Duration>,
    cpu: Duration,
    /// In bytes.
    peak: u64,
}

/// # Errors
/// A function does not start, or gives a wrong answer.
pub async fn run(options: &Options) -> Result<Report> {
    let mut report = Report::new("Side by side");
    report.paragraph(&format!(
        "The project's release programs, and the same job with Powertools for AWS Lambda in Python and in Node.js (tests/peers), in turn over the same \
         stand-in for AWS on loopback. The settings ask the project's processor for no more than the peers do. {} starts of each, {} requests of \
         each warm intake and {} batches of {BATCH} of each warm processor, all in blocks of {BLOCK} in turn; medians, and for starts in \
         brackets the least and the most. The first start of each, and a tenth of the warm invocations, which warm it up, do not count.",
        options.starts, options.requests, options.batches
    ));
    let mut rows = Vec::new();
    let contests: [(_, Check, _, _); 2] =
        [("intake", is_accepted, 1, options.requests), ("processor", is_done, BATCH, options.batches)];
    for (name, is_good, batch, invocations) in contests {
        // A new world for each contest: the stand-in of Visma Net gets slower, the more it has
        // sent.
        let mut world = World::start(Job::Least, 1).await?;
        let contest = Contest { name, programs: programs(&world, options, name), is_good, batch };
        let starts = cold(&mut world, options, &contest).await?;
        let warm = warm(&mut world, options, &contest, invocations).await?;
        rows.extend(rows_of(&contest, &starts, &warm));
    }
    report.table(
        ["", "Rust", "Python", "Node.js", "Python to Rust", "Node.js to Rust"],
        rows.iter().map(Row::cells).collect(),
    );
    for row in &rows {
        let least = if row.is_at_stake { GOAL } else { 1.0 };
        let goal = format!("{}: Rust is ahead, by {least} times or more", row.name);
        report.aims(goal, row.figures[1..].iter().all(|figure| figure / row.figures[0] >= least));
    }
    Ok(report)
}

fn programs(world: &World, options: &Options, name: &str) -> [Program; LANGUAGES.len()] {
    let peer = |language| world.peer(&options.peers, language, name);
    [world.function(&options.binaries, name), peer("python"), peer("node")]
}

/// The events of a contest. The project's intake makes the messages of all processors, since all
/// can read them.
async fn events(
    world: &mut World,
    binaries: &Path,
    contest: &Contest,
    number: usize,
    batch: usize,
) -> Result<Vec<String>> {
    world.drain();
    let deliveries = world.deliveries(number * batch).await?;
    if contest.name == "intake" {
        return Ok(deliveries);
    }
    let mut intake = Function::start(&world.function(binaries, "intake"), Limits::default()).await?;
    for delivery in deliveries {
        intake.invoke_well(delivery, is_accepted).await?;
    }
    intake.stop().await;
    (0..number).map(|_| world.batch("notifications", batch)).collect()
}

async fn cold(world: &mut World, options: &Options, contest: &Contest) -> Result<[Vec<Start>; LANGUAGES.len()]> {
    let mut starts: [Vec<Start>; LANGUAGES.len()] = Default::default();
    let number = (options.starts + 1) * LANGUAGES.len();
    let mut events = events(world, &options.binaries, contest, number, 1).await?.into_iter();
    for round in 0..=options.starts {
        for (program, starts) in contest.programs.iter().zip(&mut starts) {
            let event = events.next().expect("there are as many as starts");
            let start = start(world, program, &event, contest.is_good).await?;
            if round > 0 {
                starts.push(start);
            }
        }
        eprint!("\r      {}: start {round} of {}", contest.name, options.starts);
    }
    eprintln!();
    Ok(starts)
}

async fn warm(
    world: &mut World,
    options: &Options,
    contest: &Contest,
    invocations: usize,
) -> Result<[Warm; LANGUAGES.len()]> {
    let mut functions = Vec::new();
    for program in &contest.programs {
        functions.push(Function::start(program, Limits::default()).await?);
    }
    for function in &mut functions {
        let events = events(world, &options.binaries, contest, invocations.div_ceil(10), contest.batch).await?;
        for event in events {
            function.invoke_well(event, contest.is_good).await?;
        }
    }
    let mut warm: [Warm; LANGUAGES.len()] = Default::default();
    let mut left = invocations;
    while left > 0 {
        let block = BLOCK.min(left);
        left -= block;
        for (function, warm) in functions.iter_mut().zip(&mut warm) {
            let events = events(world, &options.binaries, contest, block, contest.batch).await?;
            let before = function.cpu()?;
            for event in events {
                warm.took.push(function.invoke_well(event, contest.is_good).await?.took);
            }
            warm.cpu += function.cpu()? - before;
        }
        eprint!("\r      {}: {} of {invocations} warm invocations", contest.name, invocations - left);
    }
    eprintln!();
    for (function, warm) in functions.into_iter().zip(&mut warm) {
        warm.peak = function.usage()?.peak;
        function.stop().await;
    }
    world.drain();
    Ok(warm)
}

struct Row {
    name: String,
    figures: [f64; LANGUAGES.len()],
    shown: [String; LANGUAGES.len()],
    /// Whether the ratio must reach the goal.
    is_at_stake: bool,
}

impl Row {
    fn new(contest: &Contest, what: &str, is_at_stake: bool, figures: [f64; LANGUAGES.len()]) -> Self {
        Self { name: format!("{}: {what}", contest.name), figures, shown: figures.map(shown), is_at_stake }
    }

    fn of_samples(contest: &Contest, what: &str, samples: [Sample; LANGUAGES.len()]) -> Self {
        let row = Self::new(contest, what, true, samples.each_ref().map(Sample::median));
        Self { shown: samples.each_ref().map(Sample::spread), ..row }
    }

    fn cells(&self) -> [String; 6] {
        let [rust, python, node] = self.shown.clone();
        let ratio = |at: usize| times(self.figures[at], self.figures[0]);
        [self.name.clone(), rust, python, node, ratio(1), ratio(2)]
    }
}

fn rows_of(contest: &Contest, starts: &[Vec<Start>; LANGUAGES.len()], warm: &[Warm; LANGUAGES.len()]) -> Vec<Row> {
    let starting = |what: &str, figure: fn(&Start) -> f64| {
        Row::of_samples(contest, what, starts.each_ref().map(|starts| sample(starts, figure)))
    };
    let took = warm.each_ref().map(|warm| Sample::of_times(warm.took.iter().copied()));
    let notifications = |warm: &Warm| (warm.took.len() * contest.batch) as f64;
    vec![
        starting("start to /next, ms", |start| start.ready),
        starting("start to first answer, ms", |start| start.answered),
        starting("CPU to first answer, ms", |start| start.answered_cpu),
        Row::new(contest, "warm p50, ms", false, took.each_ref().map(Sample::median)),
        Row::new(contest, "warm p99, ms", false, took.each_ref().map(|took| took.percentile(99))),
        Row::new(
            contest,
            "CPU each notification, µs",
            true,
            warm.each_ref().map(|warm| microseconds(warm.cpu) / notifications(warm)),
        ),
        Row::new(contest, "most memory, MB", false, warm.each_ref().map(|warm| megabytes(warm.peak))),
    ]
}
