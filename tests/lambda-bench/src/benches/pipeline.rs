//! Sends notifications through intake, processor and feedback, each in its own process.

use crate::Result;
use crate::function::{Function, Limits};
use crate::report::{Report, megabytes, microseconds, shown};
use crate::world::{Job, World, is_accepted, is_done};
use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const STAGES: [&str; 3] = ["intake", "processor", "feedback"];
/// Messages in a full batch.
const BATCH: usize = 10;
/// Deliveries that are prepared at once.
const PREPARED: usize = 2_500;
const TENANTS: usize = 50;
/// The allowed growth of a function's memory from the first count to the last.
const GROWTH: f64 = 1.1;

#[derive(Debug)]
pub struct Options {
    /// The folder of the functions' programs.
    pub binaries: PathBuf,
    /// The numbers of notifications after which memory is measured, in ascending order. The last
    /// one ends the run.
    pub counts: Vec<usize>,
}

/// The measurements between two counts.
#[derive(Debug, Default)]
struct Phase {
    notifications: usize,
    wall: Duration,
    cpu: [Duration; STAGES.len()],
    /// In bytes, at the end.
    resident: [u64; STAGES.len()],
    peak: [u64; STAGES.len()],
}

/// # Errors
/// A function does not start, or gives a wrong answer.
pub async fn run(options: &Options) -> Result<Report> {
    let mut world = World::start(Job::Usual, TENANTS).await?;
    let mut report = Report::new("Pipeline");
    let mut functions = Vec::new();
    for name in STAGES {
        functions.push(Function::start(&world.function(&options.binaries, name), Limits::default()).await?);
    }
    let (mut done, mut phases) = (0, Vec::new());
    for count in &options.counts {
        let mut phase = Phase::default();
        while done < *count {
            let part = PREPARED.min(count - done);
            let deliveries = world.deliveries(part).await?;
            drive(&world, &mut functions, deliveries, &mut phase).await?;
            done += part;
            world.drain();
            eprint!("\r      {done} notifications");
        }
        for (at, function) in functions.iter().enumerate() {
            let usage = function.usage()?;
            (phase.resident[at], phase.peak[at]) = (usage.resident, usage.peak);
        }
        phases.push(phase);
    }
    eprintln!();
    for function in functions {
        function.stop().await;
    }
    tell(&mut report, &phases);
    let taken = world.feedback_taken().await?;
    report.must(format!("Visma Net was told once of each of {done} notifications"), taken == done);
    Ok(report)
}

/// Sends these through all three functions, which work concurrently.
async fn drive(world: &World, functions: &mut [Function], deliveries: Vec<String>, phase: &mut Phase) -> Result<()> {
    let [intake, processor, feedback] = functions else { panic!("three functions") };
    let before = [intake.cpu()?, processor.cpu()?, feedback.cpu()?];
    let (begun, number) = (Instant::now(), deliveries.len());
    let (taken, processed) = (Cell::new(false), Cell::new(false));
    let taking = async {
        for delivery in deliveries {
            intake.invoke_well(delivery, is_accepted).await?;
        }
        taken.set(true);
        Ok(())
    };
    let processing = async {
        work_off(world, "notifications", processor, &taken).await?;
        processed.set(true);
        Ok(())
    };
    tokio::try_join!(taking, processing, work_off(world, "feedback", feedback, &processed))?;
    phase.wall += begun.elapsed();
    phase.notifications += number;
    for (at, after) in [intake.cpu()?, processor.cpu()?, feedback.cpu()?].into_iter().enumerate() {
        phase.cpu[at] += after - before[at];
    }
    Ok(())
}

/// Works off full batches while more messages may come, then the rest.
async fn work_off(world: &World, queue: &str, function: &mut Function, is_over: &Cell<bool>) -> Result<()> {
    loop {
        let over = is_over.get();
        match world.endpoint.depth(queue) {
            0 if over => return Ok(()),
            waiting if over || waiting >= BATCH => {
                function.invoke_well(world.batch(queue, BATCH)?, is_done).await?;
            }
            _ => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

impl Phase {
    /// The CPU time of a stage per notification, in microseconds.
    fn each(&self, stage: usize) -> f64 {
        microseconds(self.cpu[stage]) / self.notifications as f64
    }

    fn all(&self) -> f64 {
        (0..STAGES.len()).map(|stage| self.each(stage)).sum()
    }
}

fn tell(report: &mut Report, phases: &[Phase]) {
    report.paragraph(&format!(
        "Changes of accounts of {TENANTS} tenants, each account new, through the release programs of intake (one at a time), processor and feedback \
         (batches of {BATCH}), one process each and all at the same time. Each resource is fetched, an event published and Visma Net told. Stand-ins for \
         AWS and Visma Net are in the measuring process and share its processors, so the rate by the clock is theirs as much as the functions'; per \
         core counts the functions' CPU time only.",
    ));
    let mut upto = 0;
    let rows = phases.iter().map(|phase| {
        let from = upto;
        upto += phase.notifications;
        [
            format!("{from} to {upto}"),
            shown(phase.each(0)),
            shown(phase.each(1)),
            shown(phase.each(2)),
            shown(phase.all()),
            shown(1e6 / phase.all()),
            shown(phase.notifications as f64 / phase.wall.as_secs_f64()),
        ]
    });
    let header = [
        "notifications",
        "intake, µs CPU each",
        "processor, µs",
        "feedback, µs",
        "all, µs",
        "per second and core",
        "per second by the clock",
    ];
    report.table(header, rows.collect());
    report.paragraph("Resident memory afterwards, and in brackets the most so far, in MB.");
    let mut upto = 0;
    let rows = phases.iter().map(|phase| {
        upto += phase.notifications;
        let memory =
            |at: usize| format!("{} ({})", shown(megabytes(phase.resident[at])), shown(megabytes(phase.peak[at])));
        [upto.to_string(), memory(0), memory(1), memory(2)]
    });
    report.table(["notifications", "intake", "processor", "feedback"], rows.collect());
    if let (Some(first), Some(last)) = (phases.first(), phases.last()) {
        for (at, name) in STAGES.iter().enumerate() {
            let growth = last.resident[at] as f64 / first.resident[at] as f64;
            let goal = format!("{name}'s memory is flat: {} times the first count's at the end", shown(growth));
            report.aims(goal, growth <= GROWTH);
        }
    }
}
