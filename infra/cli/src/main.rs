//! The command line's program.

use clap::Parser;
use std::process::ExitCode;
use visma_webhooks::output::printable;
use visma_webhooks::terminal::say;
use visma_webhooks::{Arguments, Exit, answered, run};

fn main() -> ExitCode {
    if answered() { ExitCode::SUCCESS } else { work() }
}

#[tokio::main]
async fn work() -> ExitCode {
    let exit = match run(Arguments::parse()).await {
        Ok(exit) => exit,
        Err(failure) if failure.exit == Exit::Ok => Exit::Ok,
        Err(failure) => {
            say(&format!("error: {}", printable(&failure.what)));
            if !failure.advice.is_empty() {
                say(&format!("  try: {}", printable(&failure.advice)));
            }
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}
