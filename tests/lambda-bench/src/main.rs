//! Benches of whole functions: their release programs, run as processes on this machine.

use clap::{Args, Parser, Subcommand};
use lambda_bench::benches::{cold_start, pipeline, side_by_side};
use lambda_bench::{Error, Report, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
    #[command(flatten)]
    places: Places,
}

#[derive(Debug, Args)]
struct Places {
    /// The folder of the functions' programs [default: beside this one]
    #[arg(long, global = true)]
    binaries: Option<PathBuf>,
    /// The folder for the reports [default: target/bench]
    #[arg(long, global = true)]
    output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Measure each function's start, beside an empty function's
    ColdStart {
        /// Starts of each function
        #[arg(long, default_value_t = 40)]
        starts: usize,
    },
    /// Send notifications through intake, processor and feedback
    Pipeline {
        /// Counts after which memory is measured; the last ends the run
        #[arg(long, value_delimiter = ',', default_value = "1000,10000,50000")]
        counts: Vec<usize>,
    },
    /// Compare the same job in Rust, Python and Node.js
    SideBySide {
        /// Starts of each function
        #[arg(long, default_value_t = 20)]
        starts: usize,
        /// Requests of each warm intake
        #[arg(long, default_value_t = 2000)]
        requests: usize,
        /// Batches of ten of each warm processor
        #[arg(long, default_value_t = 500)]
        batches: usize,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { bench, places } = Arguments::parse();
    // Unwinding stops all child processes, however this ends.
    let done = tokio::select! {
        report = run(&bench, &places) => report,
        () = stopped() => {
            eprintln!("\nStopped, with everything that was started.");
            return ExitCode::from(130);
        }
    };
    match done {
        Ok(report) => {
            println!("{}", report.markdown());
            if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(bench: &Bench, places: &Places) -> Result<Report> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program =
        std::env::current_exe().map_err(|source| Error::Io { what: "find this program".to_owned(), source })?;
    let beside = || program.parent().unwrap_or(&root).to_owned();
    let binaries = places.binaries.clone().unwrap_or_else(beside);
    let (name, report) = match bench {
        Bench::ColdStart { starts } => {
            ("cold-start", cold_start::run(&cold_start::Options { binaries, starts: *starts }).await?)
        }
        Bench::Pipeline { counts } => {
            ("pipeline", pipeline::run(&pipeline::Options { binaries, counts: counts.clone() }).await?)
        }
        Bench::SideBySide { starts, requests, batches } => {
            let (starts, requests, batches) = (*starts, *requests, *batches);
            let peers = root.join("tests/peers");
            let options = side_by_side::Options { binaries, peers, starts, requests, batches };
            ("side-by-side", side_by_side::run(&options).await?)
        }
    };
    report.write(&places.output.clone().unwrap_or_else(|| root.join("target/bench")), name)?;
    Ok(report)
}

/// Returns when this program is asked to end.
async fn stopped() {
    let heard = |kind| signal(kind).expect("signals can be listened for");
    let (mut interrupted, mut terminated) = (heard(SignalKind::interrupt()), heard(SignalKind::terminate()));
    let mut hung_up = heard(SignalKind::hangup());
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
        _ = hung_up.recv() => {}
    }
}
