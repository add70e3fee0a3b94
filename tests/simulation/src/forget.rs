//! At the end of a run, an operator erases a tenant while calls fail. No message of the tenant is
//! left by then, since queues have their own retention.

use crate::check::{Command, Invariant};
use crate::faults::Rates;
use crate::model::erp::TENANTS;
use crate::model::table::TableModel;
use crate::run::Run;
use crate::world::World;
use std::collections::BTreeSet;
use webhooks_store::Item;

/// The number of erasures in a thousand runs with an operator.
const OFTEN: u32 = 300;
/// Partitions that may name a tenant for as long as operators need them.
const OF_OPERATORS: [&str; 3] = ["audit", "jobs", "pauses"];
/// The partition in which each tenant has an entry under its id.
const DIRECTORY: &str = "tenants";

impl World {
    fn is_forgotten(&mut self, tenant: &str, others: &BTreeSet<(String, String)>) {
        let is_of_operators = |item: &Item| text(item, "pk").is_some_and(|pk| OF_OPERATORS.contains(&pk));
        let readable = self.table.items().find(|item| !is_of_operators(item) && format!("{item:?}").contains(tenant));
        let left = readable.map(|item| format!("{:?} {:?}", text(item, "pk"), text(item, "sk")));
        if let Some(left) = left {
            self.checks.violated(Invariant::ErasedIsErased, format!("the tenant was erased, and {left} is readable"));
        }
        let are_kept = others.is_subset(&beside(&self.table, tenant));
        self.checks.require(are_kept, Invariant::ErasedIsErased, || "another tenant was erased as well".to_owned());
    }
}

impl Run {
    /// Erases a tenant in some of the runs with an operator.
    pub(crate) async fn forget(&mut self) {
        let is_idle = self.sim.world().checks.commands.is_empty();
        if is_idle || self.is_broken() || !self.sim.world().choices.chance(OFTEN) {
            return;
        }
        let (tenant, others) = {
            let mut world = self.sim.world();
            let tenant = TENANTS[world.choices.below(TENANTS.len())].0;
            (tenant, beside(&world.table, tenant))
        };
        self.in_calm(Command::Pause(Some(tenant.to_owned()), "*".to_owned())).await;
        {
            let mut world = self.sim.world();
            world.rates = Rates::of_calls(&mut world.choices);
            world.tell("calm", || "calls fail again".to_owned());
        }
        let asked = Command::Erase(tenant.to_owned());
        let command = self.ask(asked.clone());
        self.drain().await;
        self.sim.world().rates = Rates::none();
        self.drain().await;
        let is_accepted = command.is_some_and(|command| self.sim.world().checks.commands.is_accepted(command));
        if !is_accepted {
            self.in_calm(asked).await;
        }
        if self.is_broken() {
            return;
        }
        let mut world = self.sim.world();
        let World { checks, table, .. } = &mut *world;
        checks.jobs_have_ended(table);
        checks.commands_at_rest();
        world.is_forgotten(tenant, &others);
    }
}

/// The partitions with everything else.
fn beside(table: &TableModel, tenant: &str) -> BTreeSet<(String, String)> {
    let of_tenant = format!("{tenant}#");
    let key = |item: &Item| Some((text(item, "pk")?.to_owned(), text(item, "sk")?.to_owned()));
    let is_own = |(pk, sk): &(String, String)| pk.starts_with(&of_tenant) || (pk == DIRECTORY && sk == tenant);
    table.items().filter_map(key).filter(|name| !is_own(name)).collect()
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}
