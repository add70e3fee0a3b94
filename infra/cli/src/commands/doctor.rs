//! `doctor`: everything that a delivery needs, one thing after another.

mod checks;
mod rotation;
mod summary;
mod visma;
mod zone;

use crate::commands::check::summed;
use crate::commands::operations::{self, Access, Caller};
use crate::error::Failure;
use crate::live;
use crate::output::Outcome;
use crate::stack::Stack;
use crate::text::duration;
use clap::Args;
use time::Duration;

#[derive(Debug, Args)]
pub struct Options {
    /// Ask Visma Net for this tenant only, by its name, company number or id; may be repeated. All of the
    /// settings unless told, and of more than five those that are not well are shown
    #[arg(long = "tenant", value_name = "TENANT", add = live::tenant())]
    pub(crate) tenants: Vec<String>,
    /// Leave Visma Net alone
    #[arg(long, conflicts_with = "tenants")]
    pub(crate) offline: bool,
    /// Warn of secrets that end within this time and have no successor, or are still used
    #[arg(long, default_value = "14d", value_parser = duration)]
    pub(crate) expiring: Duration,
    #[command(flatten)]
    access: Access,
}

pub use checks::{backlog, id_of, operations_answered, subscription};
pub use rotation::old_secrets;
pub use summary::summary;
pub use visma::approvals;
pub use zone::{Observed, clocks, judged};

/// # Errors
/// None: what fails is a check that failed, and the exit code says so.
pub async fn run(stack: &Stack, options: Options, caller: impl AsyncFnOnce() -> Result<Caller, Failure>) -> Outcome {
    let uses = async || operations::uses(stack, caller().await, &options.access).await;
    let (checks, tenants) = checks::all(stack, &options, uses).await;
    Ok(summed(&checks, &summary(&checks, &tenants)))
}
