//! Runs schedules and prints the speed. `cargo xtask simulate` calls it.

#![allow(clippy::disallowed_methods, reason = "it times the runs, whose own clock is a model")]

use clap::Parser;
use simulation::{Plan, Planted, Sabotage, run, shortest};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const RUNS_TO_SHORTEN: usize = 3000;

#[derive(Debug, Parser)]
#[command(name = "simulation")]
struct Arguments {
    /// Number of schedules
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run only this seed and print its story
    #[arg(long)]
    seed: Option<u64>,
    /// Plant a bug
    #[arg(long)]
    sabotage: Option<Sabotage>,
    /// Plant a fine bug, by number or name
    #[arg(long, value_parser = Planted::parse)]
    planted: Option<Planted>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (from, to) = match arguments.seed {
        Some(seed) => (seed, seed + 1),
        None => (arguments.from, arguments.from + arguments.seeds),
    };
    let start = Instant::now();
    let plan = Plan { sabotage: arguments.sabotage, planted: arguments.planted, ..Plan::default() };
    let failed = search(from, to, &plan, start);
    let elapsed = start.elapsed().as_secs_f64();
    match failed {
        Some(seed) => tell(&Plan { seed, ..plan }, seed - from + 1),
        None if arguments.seed.is_some() => {
            let outcome = run(&Plan { seed: from, tells: true, ..plan });
            outcome.story.iter().for_each(|line| println!("{line}"));
            ExitCode::SUCCESS
        }
        None => {
            println!("{} schedules, no invariant broken, {:.0} a second", to - from, (to - from) as f64 / elapsed);
            ExitCode::SUCCESS
        }
    }
}

/// The lowest seed that fails.
fn search(from: u64, to: u64, plan: &Plan, start: Instant) -> Option<u64> {
    let (next, calls) = (AtomicU64::new(from), AtomicU64::new(0));
    let failed = Mutex::new(None::<u64>);
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= to || failed.lock().expect("no thread panics").is_some_and(|failed| failed < seed) {
            return;
        }
        let outcome = run(&Plan { seed, ..plan.clone() });
        calls.fetch_add(outcome.calls, Ordering::Relaxed);
        if outcome.violation.is_some() {
            let mut failed = failed.lock().expect("no thread panics");
            *failed = Some(failed.map_or(seed, |other| other.min(seed)));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..std::thread::available_parallelism().map_or(1, usize::from)).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(50));
            if told.elapsed() >= Duration::from_secs(5) {
                told = Instant::now();
                let done = next.load(Ordering::Relaxed).min(to) - from;
                let (calls, elapsed) = (calls.load(Ordering::Relaxed), start.elapsed().as_secs_f64());
                println!(
                    "{done} of {} schedules, {:.0} a second, {:.0} calls each",
                    to - from,
                    done as f64 / elapsed,
                    calls as f64 / done.max(1) as f64
                );
            }
        }
    });
    failed.into_inner().expect("no thread panics")
}

fn tell(plan: &Plan, tried: u64) -> ExitCode {
    let seed = plan.seed;
    let Some(violation) = run(plan).violation else { return ExitCode::SUCCESS };
    println!("Seed {seed} (schedule {tried}) breaks {violation}\n");
    let outcome = shortest(plan, &violation, RUNS_TO_SHORTEN);
    println!("The shortest story found:");
    outcome.story.iter().for_each(|line| println!("{line}"));
    ExitCode::FAILURE
}
