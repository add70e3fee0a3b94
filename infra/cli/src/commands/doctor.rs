//! `doctor`: checks everything that a delivery needs, step by step.

mod checks;
mod visma;
mod zone;

use crate::candidates;
use crate::commands::check::{summary, summed};
use crate::commands::operations::{self, Access, Caller};
use crate::error::Failure;
use crate::output::Outcome;
use crate::stack::Stack;
use crate::text::duration;
use clap::Args;
use time::Duration;

#[derive(Debug, Args)]
pub struct Options {
    /// Ask Visma Net only for this tenant, by its name, company number or id; may be repeated. By
    /// default it asks for all tenants of the settings, with --local for those that have a name; of
    /// more than five it shows those with problems
    #[arg(long = "tenant", value_name = "TENANT", add = candidates::tenant())]
    pub(crate) tenants: Vec<String>,
    /// Do not ask Visma Net
    #[arg(long, conflicts_with = "tenants")]
    pub(crate) offline: bool,
    /// Warn of secrets that end within this time without a successor, or that are still used
    #[arg(long, default_value = "14d", value_parser = duration)]
    pub(crate) expiring: Duration,
    /// Whether it is the stack of `cargo xtask up`.
    #[arg(skip)]
    pub(crate) is_local: bool,
    #[command(flatten)]
    access: Access,
}

pub use checks::{backlog, health_answered, id_of, named, old_secrets, operations_answered, subscription};
pub use visma::{approvals, sales_orders};
pub use zone::{Observed, clocks, judged};

/// # Errors
/// None. All failures are failed checks, and the exit code reports them.
pub async fn run(stack: &Stack, options: Options, caller: impl AsyncFnOnce() -> Result<Caller, Failure>) -> Outcome {
    let uses = async || operations::uses(stack, caller().await, &options.access).await;
    let (checks, tenants) = checks::all(stack, &options, uses).await;
    Ok(summed(&checks, &summary(&checks, &tenants)))
}
