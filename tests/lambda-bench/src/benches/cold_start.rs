//! Measures the start of each function, beside an empty function.

use super::{Start, sample, start};
use crate::report::{Report, Sample, megabytes, shown, times};
use crate::visma;
use crate::world::{Job, World, is_accepted, is_done};
use crate::{Error, Result};
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_host::{Host, SystemHost};
use zip::write::{SimpleFileOptions, ZipWriter};

const EMPTY: &str = "empty-function";
/// Each function gets the output of those before it, for one delivery.
const FUNCTIONS: [&str; 7] = [EMPTY, "intake", "processor", "feedback", "reconciler", "operations", "repair"];
/// The goal, as a multiple of the empty function's start.
const READY_GOAL: f64 = 1.5;
/// In units of 1,000,000 bytes.
const ARCHIVE_GOAL: f64 = 2.5;

#[derive(Debug)]
pub struct Options {
    /// The folder of the functions' programs.
    pub binaries: PathBuf,
    /// The number of starts of each function.
    pub starts: usize,
}

/// # Errors
/// A function does not start, or gives a wrong answer.
pub async fn run(options: &Options) -> Result<Report> {
    let mut world = World::start(Job::Usual, 1).await?;
    let mut report = Report::new("Cold starts");
    let mut starts: [Vec<Start>; FUNCTIONS.len()] = Default::default();
    // The first round reads the programs from the disk, so it does not count.
    for round in 0..=options.starts {
        let measured = each(&mut world, options).await?;
        if round > 0 {
            measured.into_iter().zip(&mut starts).for_each(|(start, starts)| starts.push(start));
        }
        eprint!("\r      start {round} of {}", options.starts);
    }
    eprintln!();
    report.paragraph(&format!(
        "{} starts of each function, one after the other, round by round; the median, and in brackets the least and the most. Times are of the \
         release programs on this machine over stand-ins for AWS and Visma Net on loopback without TLS, from the start of the process. `/next` is \
         the first request for an event; it comes after settings were read and connections opened, and before the first of these is what the function \
         does by itself. x is the median's ratio to the empty function's, and for the first connection to its /next.",
        options.starts
    ));
    report.table(
        [
            "function",
            "to first connection, ms",
            "x",
            "to /next, ms",
            "x",
            "CPU to /next, ms",
            "x",
            "to first answer, ms",
            "x",
            "CPU to first answer, ms",
        ],
        FUNCTIONS.iter().zip(&starts).map(|(name, own)| times_row(name, own, &starts[0])).collect(),
    );
    report.paragraph(
        "Sizes. Memory is the most that was resident until the second `/next`. Connections are those opened between the first event and its \
         answer, to AWS or Visma Net, the most of any start.",
    );
    let mut sizes = Vec::new();
    for (name, own) in FUNCTIONS.iter().zip(&starts) {
        sizes.push(size(options, name, own, &starts[0])?);
    }
    report.table(
        ["function", "connections", "memory, MB", "x", "program, MB", "zip, MB"],
        sizes.iter().map(|size| size.row.clone()).collect(),
    );
    for ((name, own), size) in FUNCTIONS.iter().zip(&starts).zip(&sizes).skip(1) {
        let ratio = median(own, |start| start.ready) / median(&starts[0], |start| start.ready);
        report
            .aims(format!("{name} is ready within {READY_GOAL} times the empty function's start"), ratio <= READY_GOAL);
        report.aims(format!("{name}'s zip is at most {ARCHIVE_GOAL} MB"), size.archive <= ARCHIVE_GOAL);
        report.must(format!("{name} opens no connection between its first event and its answer"), size.opened == 0);
    }
    Ok(report)
}

/// Starts each function once.
async fn each(world: &mut World, options: &Options) -> Result<Vec<Start>> {
    let begun = SystemHost.now();
    let delivery = world.deliveries(1).await?.pop().ok_or_else(|| Error::NothingWaits("deliveries".to_owned()))?;
    let mut starts = Vec::new();
    for name in FUNCTIONS {
        let event = match name {
            "processor" => world.batch("notifications", 1)?,
            "feedback" => world.batch("feedback", 1)?,
            "repair" => world.batch("repairs", 1)?,
            "operations" => job(world, begun),
            "reconciler" => json!({}).to_string(),
            _ => delivery.clone(),
        };
        let program = world.function(&options.binaries, name);
        starts.push(start(world, &program, &event, expected(name)).await?);
    }
    // The message of the replay that operations was asked for.
    world.batch("notifications", 1)?;
    world.drain();
    Ok(starts)
}

/// An operator's request to replay the one notification since then.
fn job(world: &World, since: OffsetDateTime) -> String {
    let at = |moment: OffsetDateTime| moment.format(&Rfc3339).expect("a year of four digits");
    let body = json!({
        "tenant": world.tenants[0].id(), "from": at(since), "to": at(SystemHost.now() + Duration::MINUTE), "rate": 100,
        "note": "bench",
    });
    let claims = json!({"sub": "operator", "scope": "visma-webhooks/repair"});
    let headers = Map::from_iter([("content-type".to_owned(), json!("application/json"))]);
    let authorizer = json!({"jwt": {"claims": claims, "scopes": null}});
    visma::event("POST", "/operations/v1/jobs", headers, &body.to_string(), &authorizer)
}

/// Whether the answer of a function shows success.
fn expected(name: &str) -> fn(&Value) -> bool {
    match name {
        EMPTY => |answer| answer["statusCode"] == 200,
        "intake" | "operations" => is_accepted,
        "reconciler" => Value::is_object,
        // The job's message comes again until a slice finds nothing more.
        "repair" => |answer| answer["batchItemFailures"].is_array(),
        _ => is_done,
    }
}

fn median(starts: &[Start], figure: fn(&Start) -> f64) -> f64 {
    sample(starts, figure).median()
}

fn times_row(name: &str, own: &[Start], empty: &[Start]) -> [String; 10] {
    let spread = |figure| sample(own, figure).spread();
    let ratio = |figure| times(median(own, figure), median(empty, figure));
    let connects = own.iter().any(|start| start.connected.is_finite());
    let of_connected = || times(median(own, |start| start.connected), median(empty, |start| start.ready));
    [
        name.to_owned(),
        if connects { spread(|start| start.connected) } else { String::new() },
        if connects { of_connected() } else { String::new() },
        spread(|start| start.ready),
        ratio(|start| start.ready),
        spread(|start| start.ready_cpu),
        ratio(|start| start.ready_cpu),
        spread(|start| start.answered),
        ratio(|start| start.answered),
        spread(|start| start.answered_cpu),
    ]
}

struct Size {
    row: [String; 6],
    archive: f64,
    opened: usize,
}

fn size(options: &Options, name: &str, own: &[Start], empty: &[Start]) -> Result<Size> {
    let program = options.binaries.join(name);
    let metadata = fs::metadata(&program).map_err(Error::io(format!("read {}", program.display())))?;
    let archive = megabytes(zipped(&program)?);
    let opened = own.iter().map(|start| start.opened).max().unwrap_or_default();
    let peak: Sample = sample(own, |start| start.peak);
    let row = [
        name.to_owned(),
        opened.to_string(),
        peak.spread(),
        times(peak.median(), median(empty, |start| start.peak)),
        shown(megabytes(metadata.len())),
        shown(archive),
    ];
    Ok(Size { row, archive, opened })
}

/// The size of the archive that cargo-lambda makes of a program: one file, deflated at the default
/// level.
///
/// # Errors
/// The program cannot be read.
fn zipped(program: &Path) -> Result<u64> {
    let bytes = fs::read(program).map_err(Error::io(format!("read {}", program.display())))?;
    archive(&bytes).map_err(Error::io(format!("archive {}", program.display())))
}

fn archive(bytes: &[u8]) -> io::Result<u64> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("bootstrap", SimpleFileOptions::default().unix_permissions(0o755))?;
    archive.write_all(bytes)?;
    Ok(archive.finish()?.into_inner().len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_deflated() {
        let size = archive(&[0; 1_000_000]).unwrap();
        assert!((100..5_000).contains(&size), "{size}");
    }
}
