//! `cargo xtask simulate`: runs schedules of the seeded simulation.

use crate::error::Result;
use crate::process::Interrupt;
use crate::workspace::Workspace;

/// From here on it saves time to build everything optimised first.
const MANY: u64 = 50_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many schedules; 1000000 is the long mode
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run this one and print its story
    #[arg(long)]
    seed: Option<u64>,
    /// Plant a bug, to see that it is found
    #[arg(long)]
    sabotage: Option<String>,
    /// Plant a subtle bug, by its number or its name
    #[arg(long)]
    planted: Option<String>,
}

impl Options {
    fn arguments(&self) -> Vec<String> {
        let given = [
            ("--seeds", Some(self.seeds.to_string())),
            ("--from", Some(self.from.to_string())),
            ("--seed", self.seed.map(|seed| seed.to_string())),
            ("--sabotage", self.sabotage.clone()),
            ("--planted", self.planted.clone()),
        ];
        given.into_iter().filter_map(|(name, value)| Some([name.to_owned(), value?])).flatten().collect()
    }
}

pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt, options: &Options) -> Result<()> {
    let mut simulate = workspace.cargo();
    let profile = if options.seed.is_none() && options.seeds >= MANY { "simulate" } else { "dev" };
    simulate.args(["run", "--quiet", "--package", "simulation", "--profile", profile, "--"]);
    simulate.args(options.arguments());
    interrupt.run(&mut simulate)
}
