//! The command line.

use crate::commands::{client, dlq, doctor, forward, operations, send, settings, subscriptions};
use crate::man;
use crate::output::Format;
use clap::{Parser, Subcommand};
use clap_complete::Shell;

const ABOUT_EXITS: &str = "Exit codes:
    0  done
    1  failed: a check did not pass, or an answer was not what it should be
    2  usage: the command line or its input is wrong
    3  not found: no such stack, output, subscription, notification or dead letter
    4  refused: not allowed, not valid, or changed by somebody else meanwhile
    5  unavailable: no answer, or not now; the same command may succeed later
  130  interrupted by Ctrl-C; nothing is half done

Environment:
  VISMA_WEBHOOKS_STACK   --stack
  VISMA_WEBHOOKS_API     --api
  VISMA_WEBHOOKS_TOKEN   a token of the operations API; without it the AWS credentials sign the requests
  WEBHOOKS_STACK         the stack.json that --local reads; the nearest .local/up/stack.json unless told
  COLUMNS                the terminal's width, to which tables are fitted; 80 unless told
  NO_COLOR               no colours in help and usage; nothing else is coloured
  AWS_PROFILE, AWS_REGION and whatever else the AWS command line knows

Examples:
  visma-webhooks --stack visma-net-webhooks-dev doctor
  visma-webhooks send --event CUSTOMER_UPDATED --key 10001
  visma-webhooks --local tail --tenant 10000000-0000-4000-8000-000000000001 --once
  visma-webhooks subscriptions rotate --help";

/// Runs and repairs a deployed Visma Net webhook receiver.
#[derive(Debug, Parser)]
#[command(name = "visma-webhooks", version, after_help = ABOUT_EXITS, arg_required_else_help = true)]
pub struct Arguments {
    /// The CloudFormation stack whose outputs say where everything is
    #[arg(long, visible_alias = "stack-name", global = true, env = "VISMA_WEBHOOKS_STACK", value_name = "NAME")]
    pub stack: Option<String>,
    /// The AWS region, in place of that of the environment or the profile
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// An output to take instead of the stack's own, such as ApiUrl=https://...; may be repeated
    #[arg(long = "set", global = true, value_name = "OUTPUT=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// The stack of `cargo xtask up` on this machine, with a token of its own, in place of one in AWS
    #[arg(long, global = true)]
    pub local: bool,
    /// How to show results
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub output: Format,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set the service client with which the receiver calls Visma Net
    #[command(after_help = "Examples:
  visma-webhooks client --id isv_example --secret-stdin < client-secret.txt
  visma-webhooks client --id isv_example --secret-stdin --dry-run < client-secret.txt
  visma-webhooks --local client --id standin-client --secret-stdin --dry-run <<< standin-secret")]
    Client(client::Options),
    /// Who may deliver: list, add, rotate, disable, enable, remove
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local subscriptions list"
    )]
    Subscriptions(subscriptions::Command),
    /// The rest of the settings: show, tenants, aliases, routes
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local settings show"
    )]
    Settings(settings::Command),
    /// Post a signed test notification, as the Visma Webhook Dispatcher does
    ///
    /// Intake cannot tell it from a real one: it is processed and published like one. Only its feedback ends parked, for Visma Net has sent
    /// no such notification.
    #[command(after_help = "Examples:
  visma-webhooks send
  visma-webhooks send --event PURCHASE_ORDER_STATUS_CHANGED --key PO1053 --status Open
  visma-webhooks send --dry-run
  visma-webhooks send --url https://example.com/hooks/visma/erp --secret-stdin < secret.txt
  visma-webhooks --local send --event CUSTOMER_UPDATED --key 10001")]
    Send(send::Options),
    /// Dead letters: look at them, send them through again
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local dlq list"
    )]
    Dlq(dlq::Command),
    /// Pass what arrives on the events queue to a local server, for development
    ///
    /// An event that the server answers with a 2xx is taken off the queue; any other comes again after a minute.
    #[command(after_help = "Examples:
  visma-webhooks forward --to http://localhost:3000/events
  visma-webhooks --local forward --to http://localhost:3000/events --once")]
    Forward(forward::Options),
    /// Check the AWS account: before a deployment what would stop it, after it what it lacks
    ///
    /// Whether the stack is there decides which. It reads only. Where AWS does not answer, or your
    /// policy does not allow the question, it says `unknown` and ends with exit code 5.
    #[command(after_help = "Examples:
  visma-webhooks deploy-check --stack-name visma-net-webhooks-dev --region eu-north-1
  visma-webhooks deploy-check --output json
  visma-webhooks --local deploy-check")]
    DeployCheck,
    /// Check everything that a delivery needs, one thing after another
    #[command(after_help = "Examples:
  visma-webhooks doctor
  visma-webhooks doctor --tenant 10000000-0000-4000-8000-000000000001 --expiring 30d
  visma-webhooks --local doctor")]
    Doctor(doctor::Options),
    /// Show one notification and what happened to it, by whatever you hold, over all tenants
    ///
    /// What is no `ref` is searched for, back in time: one that fits is shown, several are listed.
    #[command(after_help = "Examples:
  visma-webhooks get C1013
  visma-webhooks get 0d4c92f5-5d2c-4b39-9b9c-6d0a3e5a1f10 --from 7d
  visma-webhooks get 01M844DZQT5K3V0Z8Q6H2N7RWB --raw
  visma-webhooks --local get 10001")]
    Get(operations::Get),
    /// Show notifications as they arrive and change
    #[command(after_help = "Examples:
  visma-webhooks tail --tenant 10000000-0000-4000-8000-000000000001
  visma-webhooks tail --tenant 10000000-0000-4000-8000-000000000001 --state dead --once
  visma-webhooks --local tail --tenant 10000000-0000-4000-8000-000000000001 --once")]
    Tail(operations::Tail),
    /// Replay one notification, or all that a filter finds
    ///
    /// A filter begins a job for what has failed, or for the states that you name. At a terminal you see the plan and are asked
    /// before. The job is watched until it ends. Ctrl-C stops the job before its next slice; --resume goes on with it.
    #[command(after_help = "Examples:
  visma-webhooks replay --tenant 10000000-0000-4000-8000-000000000001 --from 24h --plan
  visma-webhooks replay --tenant 10000000-0000-4000-8000-000000000001 --state dead --from 24h --rate 20 --yes
  visma-webhooks replay --resume 0199a3c4-5b6d-7e8f-9012-3456789abcde
  visma-webhooks replay 01M844DZQT5K3V0Z8Q6H2N7RWB
  visma-webhooks --local replay --tenant 10000000-0000-4000-8000-000000000001 --from 24h --plan")]
    Replay(operations::Replay),
    /// Show what was seen of Visma Net's side, and what of it differs from what is assumed
    #[command(after_help = "Examples:
  visma-webhooks observed
  visma-webhooks observed --contradicted --output json
  visma-webhooks --local observed")]
    Observed(operations::Observed),
    /// Show how many came, how they ended and how long it took, by hour or day
    ///
    /// From roll-ups that the schedule writes: the first lines say how old they are.
    #[command(after_help = "Examples:
  visma-webhooks stats
  visma-webhooks stats --by day --from 30d
  visma-webhooks stats --tenant 10000000-0000-4000-8000-000000000001 --output json
  visma-webhooks --local stats")]
    Stats(operations::Stats),
    /// Learn what parked notifications mean: name their events and fields in the settings, and replay them
    ///
    /// What is parked because its event or its record is unknown is put together by the shape of its body. Names and places are proposed,
    /// and what you say stands before that. Needs the roles read, raw and repair.
    #[command(after_help = "Examples:
  visma-webhooks learn --plan
  visma-webhooks learn --plan --alias KontoEndret=ACCOUNT_CHANGED --key /konto/nr
  visma-webhooks learn --event KontoEndret --shape 2958d416d08a --key /type,/no
  visma-webhooks --local learn --plan")]
    Learn(Box<operations::Learn>),
    #[command(flatten)]
    More(operations::More),
    /// Write the manual's page of this program to standard output, or one for each command into a folder
    #[command(after_help = "Examples:
  visma-webhooks man --out ~/.local/share/man/man1
  visma-webhooks man | man -l -")]
    Man(man::Options),
    /// Write a completion script for a shell to standard output
    ///
    /// The script asks this program, which also knows the events, and the tenants and subscriptions of
    /// the stack that the command line names so far. Write it again after an update of this program.
    #[command(after_help = "Examples:
  visma-webhooks completions bash > ~/.local/share/bash-completion/completions/visma-webhooks
  visma-webhooks completions zsh > ~/.visma-webhooks.zsh    # and in ~/.zshrc: source ~/.visma-webhooks.zsh
  visma-webhooks completions fish > ~/.config/fish/completions/visma-webhooks.fish
  visma-webhooks completions zsh --static > ~/.zfunc/_visma-webhooks")]
    Completions {
        /// For which shell
        shell: Shell,
        /// Write a script that knows commands and options alone, and starts nothing
        #[arg(long = "static")]
        is_static: bool,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as OUTPUT=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
