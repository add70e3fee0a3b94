#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "a person runs it, at the real time and in their own environment")]

mod arguments;
pub mod commands;
mod error;
pub mod interrupt;
pub mod output;
pub mod queue;
pub mod settings;
mod signer;
mod stack;
mod text;

pub use arguments::{Arguments, Command};
pub use error::{Exit, Failure};
pub use output::{Format, Report};
pub use stack::Stack;

use aws_config::Region;
use clap::CommandFactory;
use commands::operations::Caller;
use commands::{client, deploy_check, dlq, doctor, forward, operations, send, subscriptions};

/// Does what the command line says, and returns the exit code.
///
/// # Errors
/// A [`Failure`] says why not, what to do, and the exit code.
pub async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { stack, region, set, output, command } = arguments;
    if let Command::Completions { shell } = command {
        let mut script = vec![];
        clap_complete::generate(shell, &mut Arguments::command(), "visma-webhooks", &mut script);
        output::line(&String::from_utf8_lossy(&script))?;
        return Ok(Exit::Ok);
    }
    let aws = aws_config::from_env();
    let aws = match region {
        Some(region) => aws.region(Region::new(region)),
        None => aws,
    };
    let stack = Stack::new(aws.load().await, stack, set.into_iter().collect());
    let report = match command {
        Command::Client(options) => client::run(&stack, options).await?,
        Command::Subscriptions(command) => subscriptions::run(&stack, command).await?,
        Command::Send(options) => send::run(&stack, options).await?,
        Command::Dlq(command) => dlq::run(&stack, command).await?,
        Command::Forward(options) => forward::run(&stack, options).await?,
        Command::DeployCheck => deploy_check::run(&stack).await?,
        Command::Doctor(options) => doctor::run(&stack, options).await?,
        Command::Get(options) => operations::get(&stack, &Caller::from_environment(), options).await?,
        Command::Tail(options) => operations::tail(&stack, &Caller::from_environment(), options, output).await?,
        Command::Replay(options) => {
            operations::replay(&stack, &Caller::from_environment(), options, interrupt::listen).await?
        }
        Command::Observed(options) => operations::observed(&stack, &Caller::from_environment(), options).await?,
        Command::Stats(options) => operations::stats(&stack, &Caller::from_environment(), options).await?,
        Command::Learn(options) => operations::learn(&stack, &Caller::from_environment(), *options).await?,
        Command::Completions { .. } => unreachable!("answered above"),
    };
    output::show(&report, output)?;
    Ok(report.exit)
}
