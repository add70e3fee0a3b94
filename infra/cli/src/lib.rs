#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "a person runs it, at the real time and in their own environment")]

mod arguments;
mod candidates;
pub mod commands;
mod completion;
mod error;
pub mod man;
pub mod output;
pub mod queue;
pub mod settings;
mod signer;
mod stack;
pub mod terminal;
mod text;

pub use arguments::{Arguments, Command};
pub use completion::answered;
pub use error::{Exit, Failure};
pub use output::{Format, Report};
pub use stack::{Local, Stack};

use aws_config::{Region, SdkConfig};
use aws_sdk_sts::config::Credentials;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use clap::CommandFactory;
use commands::operations::Caller;
use commands::{deploy_check, dlq, doctor, forward, operations, send, subscriptions};
use terminal::{at_the_terminal, listen};
use url::Url;

/// Runs the command line and returns the exit code.
///
/// # Errors
/// A [`Failure`] with the reason, the advice and the exit code.
pub async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { stack, region, set, local, output, command } = arguments;
    if let Command::Completions { shell, is_static } = command {
        output::line(&completion::script(shell, !is_static))?;
        return Ok(Exit::Ok);
    }
    if let Command::Man(options) = command {
        output::show(&man::run(Arguments::command(), options)?, output)?;
        return Ok(Exit::Ok);
    }
    output::fit_the_terminal();
    let local = if local { Some(Local::here()?) } else { None };
    let stack = reach(local.as_ref(), stack, region, set).await;
    let (local, ask) = (local.as_ref(), at_the_terminal());
    let report = match command {
        Command::Client(options) => commands::settings::set_client(&stack, options).await?,
        Command::Subscriptions(command) => subscriptions::run(&stack, command, || operator(local)).await?,
        Command::Settings(command) => commands::settings::run(&stack, command).await?,
        Command::Send(options) => send::run(&stack, options).await?,
        Command::Dlq(command) => dlq::run(&stack, command).await?,
        Command::Forward(options) => forward::run(&stack, options).await?,
        Command::DeployCheck => deploy_check::run(&stack).await?,
        Command::Doctor(mut options) => {
            options.is_local = local.is_some();
            doctor::run(&stack, options, || operator(local)).await?
        }
        Command::Get(options) => operations::get(&stack, &operator(local).await?, options).await?,
        Command::Tail(options) => operations::tail(&stack, &operator(local).await?, options, output).await?,
        Command::Replay(options) => operations::replay(&stack, &operator(local).await?, options, ask, listen).await?,
        Command::Observed(options) => operations::observed(&stack, &operator(local).await?, options).await?,
        Command::Stats(options) => operations::stats(&stack, &operator(local).await?, options).await?,
        Command::Learn(options) => operations::learn(&stack, &operator(local).await?, *options).await?,
        Command::More(command) => {
            let caller = if command.erases() { eraser(local).await? } else { operator(local).await? };
            operations::more(&stack, &caller, command, output, ask, listen).await?
        }
        Command::Man(_) | Command::Completions { .. } => unreachable!("answered above"),
    };
    match output::show(&report, output) {
        // A reader that has seen enough, as in `| head`, does not make a failed check good.
        Err(closed) if closed.exit == Exit::Ok => Ok(report.exit),
        shown => shown.map(|()| report.exit),
    }
}

/// The stack in AWS, or the one on this machine, whose outputs are known already.
async fn reach(
    local: Option<&Local>,
    name: Option<String>,
    region: Option<String>,
    set: Vec<(String, String)>,
) -> Stack {
    let aws = aws_config::from_env();
    let Some(local) = local else {
        let aws = match region {
            Some(region) => aws.region(Region::new(region)),
            None => aws,
        };
        return Stack::new(direct_if_here(aws.load().await), name, set.into_iter().collect());
    };
    // MiniStack accepts any credentials.
    let credentials = Credentials::new("test", "test", None, None, "local");
    let aws = aws.endpoint_url(&local.endpoint_url).region(Region::new(local.region.clone()));
    let mut given = local.outputs();
    given.extend(set);
    let aws = direct_if_here(aws.credentials_provider(credentials).load().await);
    Stack::new(aws, Some(local.stack_name.clone()), given)
}

/// The SDK would take the proxies of the environment for every address. No proxy reaches a server
/// on this machine.
fn direct_if_here(aws: SdkConfig) -> SdkConfig {
    let endpoint = aws.endpoint_url().and_then(|url| Url::parse(url).ok());
    if !endpoint.is_some_and(|url| send::is_here(&url)) {
        return aws;
    }
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    aws.into_builder().http_client(http.build_https()).build()
}

/// A caller with the roles to read and repair.
async fn operator(local: Option<&Local>) -> Result<Caller, Failure> {
    caller(local, "Repair", &["read", "raw", "repair"]).await
}

/// A caller that may erase, and watch its job.
async fn eraser(local: Option<&Local>) -> Result<Caller, Failure> {
    caller(local, "Erase", &["read", "erase"]).await
}

/// A token from the environment comes before that of the local stack.
async fn caller(local: Option<&Local>, client: &str, roles: &[&str]) -> Result<Caller, Failure> {
    match (Caller::from_environment(), local) {
        (Caller::Aws, Some(local)) => Ok(Caller::Token(local.token(client, roles).await?)),
        (caller, _) => Ok(caller),
    }
}
