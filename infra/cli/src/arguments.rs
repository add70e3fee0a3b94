//! The command line.

use crate::commands::{dlq, doctor, forward, operations, send, settings, subscriptions};
use crate::man;
use crate::output::Format;
use clap::{Parser, Subcommand};
use clap_complete::Shell;

const ABOUT_EXITS: &str = "Exit codes:
    0  done
    1  failed: a check failed, or an answer was wrong
    2  usage: the command line or its input is wrong
    3  not found: no such stack, output, subscription, notification or dead letter
    4  refused: not allowed, not valid, or changed by someone else meanwhile
    5  unavailable: no answer, or not at the moment; the same command may succeed later
  130  interrupted by Ctrl-C; nothing is half done, unless it was pressed twice

Environment:
  VISMA_WEBHOOKS_STACK   --stack
  VISMA_WEBHOOKS_API     --api
  VISMA_WEBHOOKS_TOKEN   a token of the operations API; without it the AWS credentials sign the requests
  WEBHOOKS_STACK         the stack.json that --local reads; by default the nearest .local/up/stack.json
  COLUMNS                the width of tables in a terminal; 80 by default
  NO_COLOR               no colours in help and usage; nothing else is coloured
  AWS_PROFILE, AWS_REGION and all other variables of the AWS command line

Examples:
  visma-webhooks --stack visma-net-webhooks-dev doctor
  visma-webhooks send --event CUSTOMER_UPDATED --key 10001
  visma-webhooks --local tail --tenant 10000000-0000-4000-8000-000000000001 --once
  visma-webhooks subscriptions rotate --help";

/// Runs and repairs a deployed Visma Net webhook receiver.
#[derive(Debug, Parser)]
#[command(name = "visma-webhooks", version, after_help = ABOUT_EXITS, arg_required_else_help = true)]
pub struct Arguments {
    /// The name of the CloudFormation stack. Its outputs hold every address
    #[arg(long, visible_alias = "stack-name", global = true, env = "VISMA_WEBHOOKS_STACK", value_name = "NAME")]
    pub stack: Option<String>,
    /// The AWS region, in place of that of the environment or the profile
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Replaces an output of the stack, such as ApiUrl=https://...; may be repeated
    #[arg(long = "set", global = true, value_name = "OUTPUT=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Use the stack of `cargo xtask up` on this machine, with its own token, instead of one in AWS
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
    /// Set the service client that the receiver uses to call Visma Net
    #[command(after_help = "Examples:
  visma-webhooks client --id isv_example --secret-stdin < client-secret.txt
  visma-webhooks client --id isv_example --secret-stdin --dry-run < client-secret.txt
  visma-webhooks --local client --id standin-client --secret-stdin --dry-run <<< standin-secret")]
    Client(settings::Client),
    /// Manage who may deliver: list, add, rotate, disable, enable, remove
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local subscriptions list"
    )]
    Subscriptions(subscriptions::Command),
    /// Manage the other settings: show, tenants, aliases, routes
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local settings show"
    )]
    Settings(settings::Command),
    /// Post a signed test notification, as the Visma Webhook Dispatcher does
    ///
    /// Intake cannot tell it from a real one: it is processed and published in the same way. Only
    /// its feedback is parked, because Visma Net did not send the notification.
    #[command(after_help = "Examples:
  visma-webhooks send
  visma-webhooks send --event PURCHASE_ORDER_STATUS_CHANGED --key PO1053 --status Open
  visma-webhooks send --dry-run
  visma-webhooks send --url https://example.com/hooks/visma/erp --secret-stdin < secret.txt
  visma-webhooks --local send --event CUSTOMER_UPDATED --key 10001")]
    Send(send::Options),
    /// Look at dead letters and send them again
    #[command(
        subcommand,
        after_help = "Example:
  visma-webhooks --local dlq list"
    )]
    Dlq(dlq::Command),
    /// Pass events from the events queue to a local server, for development
    ///
    /// An event that the server answers with a 2xx leaves the queue. Any other comes again after a
    /// minute.
    #[command(after_help = "Examples:
  visma-webhooks forward --to http://localhost:3000/events
  visma-webhooks --local forward --to http://localhost:3000/events --once")]
    Forward(forward::Options),
    /// Check the AWS account: before a deployment for obstacles, after it for gaps
    ///
    /// It checks the stack if there is one, and otherwise the account. It only reads. If AWS does
    /// not answer, or your policy does not allow the question, it reports `unknown` and ends with
    /// exit code 5.
    #[command(after_help = "Examples:
  visma-webhooks deploy-check --stack-name visma-net-webhooks-dev --region eu-north-1
  visma-webhooks deploy-check --output json
  visma-webhooks --local deploy-check")]
    DeployCheck,
    /// Check everything that a delivery needs, step by step
    #[command(after_help = "Examples:
  visma-webhooks doctor
  visma-webhooks doctor --tenant 10000000-0000-4000-8000-000000000001 --expiring 30d
  visma-webhooks --local doctor")]
    Doctor(doctor::Options),
    /// Show one notification and its timeline, by any id or number that you have, over all tenants
    ///
    /// If the text is not a `ref`, it searches back in time. It shows a single match, and lists
    /// several.
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
    /// Replay one notification, or all that match a filter
    ///
    /// With a filter, it starts a job for notifications that failed, or for the states that you
    /// name. At a terminal it shows the plan and asks first. It watches the job until it ends.
    /// Ctrl-C stops the job before its next slice; --resume continues it.
    #[command(after_help = "Examples:
  visma-webhooks replay --tenant 10000000-0000-4000-8000-000000000001 --from 24h --plan
  visma-webhooks replay --tenant 10000000-0000-4000-8000-000000000001 --state dead --from 24h --rate 20 --yes
  visma-webhooks replay --all-tenants --from 1h
  visma-webhooks replay --resume 0199a3c4-5b6d-7e8f-9012-3456789abcde
  visma-webhooks replay 01M844DZQT5K3V0Z8Q6H2N7RWB
  visma-webhooks --local replay --tenant 10000000-0000-4000-8000-000000000001 --from 24h --plan")]
    Replay(operations::Replay),
    /// Show what was observed of Visma Net, and where it differs from the assumptions
    #[command(after_help = "Examples:
  visma-webhooks observed
  visma-webhooks observed --contradicted --output json
  visma-webhooks --local observed")]
    Observed(operations::Observed),
    /// Show how many notifications came, how they ended and how long they took, by hour or day
    ///
    /// The numbers come from roll-ups that a schedule writes. The first lines show their age.
    #[command(after_help = "Examples:
  visma-webhooks stats
  visma-webhooks stats --by day --from 30d
  visma-webhooks stats --tenant 10000000-0000-4000-8000-000000000001 --output json
  visma-webhooks --local stats")]
    Stats(operations::Stats),
    /// Learn what parked notifications mean: name their events and fields in the settings, and
    /// replay them
    ///
    /// It groups notifications with an unknown event or record by the shape of their bodies, and
    /// proposes names and places. Your options override the proposals. Needs the roles read, raw
    /// and repair.
    #[command(after_help = "Examples:
  visma-webhooks learn --plan
  visma-webhooks learn --plan --alias KontoEndret=ACCOUNT_CHANGED --key /konto/nr
  visma-webhooks learn --event KontoEndret --shape 2958d416d08a --key /type,/no
  visma-webhooks --local learn --plan")]
    Learn(Box<operations::Learn>),
    #[command(flatten)]
    More(operations::More),
    /// Write this program's manual page to standard output, or one page for each command into a
    /// folder
    #[command(after_help = "Examples:
  visma-webhooks man --out ~/.local/share/man/man1
  visma-webhooks man | man -l -")]
    Man(man::Options),
    /// Write a completion script for a shell to standard output
    ///
    /// The script asks this program, which also offers the events, and the tenants and
    /// subscriptions of the stack on the command line. Write the script again after an update of
    /// this program.
    #[command(after_help = "Examples:
  visma-webhooks completions bash > ~/.local/share/bash-completion/completions/visma-webhooks
  visma-webhooks completions zsh > ~/.visma-webhooks.zsh    # and in ~/.zshrc: source ~/.visma-webhooks.zsh
  visma-webhooks completions fish > ~/.config/fish/completions/visma-webhooks.fish
  visma-webhooks completions zsh --static > ~/.zfunc/_visma-webhooks")]
    Completions {
        /// The shell
        shell: Shell,
        /// Write a script that completes only commands and options, and runs nothing
        #[arg(long = "static")]
        is_static: bool,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as OUTPUT=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
