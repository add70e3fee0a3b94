//! The benches, and what two of them measure: one start of a function, up to its first answer.

pub mod cold_start;
pub mod pipeline;
pub mod side_by_side;

use crate::Result;
use crate::function::{Function, Limits, Program};
use crate::report::{Sample, megabytes, milliseconds};
use crate::world::World;
use aws_fake::{Calls, Connection, Service};
use serde_json::Value;
use std::collections::BTreeSet;

/// In milliseconds and megabytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// Until AWS accepted its first connection; NaN without one.
    pub(crate) connected: f64,
    /// Until it asked for its first event.
    pub(crate) ready: f64,
    /// CPU time until then.
    pub(crate) ready_cpu: f64,
    /// From the process's start until its first answer.
    pub(crate) answered: f64,
    /// CPU time until it asked for its second event.
    pub(crate) answered_cpu: f64,
    /// Connections opened between its first event and its answer.
    pub(crate) opened: usize,
    pub(crate) peak: f64,
}

/// Starts a function, gives it an event, and stops it.
pub(crate) async fn start(world: &World, program: &Program, event: &str, is_good: fn(&Value) -> bool) -> Result<Start> {
    let before = Seen::of(world);
    let mut function = Function::start(program, Limits::default()).await?;
    let (ready_cpu, ready) = (function.cpu()?, Seen::of(world));
    let answer = function.invoke_well(event.to_owned(), is_good).await?;
    let (usage, answered) = (function.usage()?, Seen::of(world));
    let (begun, startup) = (function.begun(), function.startup());
    function.stop().await;
    let first = ready.aws.get(before.aws.len()).map(|connection| world.since + connection.opened);
    Ok(Start {
        connected: first.map_or(f64::NAN, |first| milliseconds(first.saturating_duration_since(begun))),
        ready: milliseconds(startup),
        ready_cpu: milliseconds(ready_cpu),
        answered: milliseconds(answer.since_start),
        answered_cpu: milliseconds(usage.cpu),
        opened: to_open(&before, &ready, &answered),
        peak: megabytes(usage.peak),
    })
}

/// One figure of several starts.
pub(crate) fn sample(starts: &[Start], figure: fn(&Start) -> f64) -> Sample {
    Sample::of(starts.iter().map(figure))
}

/// The counts of the servers so far.
struct Seen {
    aws: Vec<Connection>,
    visma: usize,
    calls: Calls,
}

impl Seen {
    fn of(world: &World) -> Self {
        let endpoint = &world.endpoint;
        Self { aws: endpoint.connections(), visma: world.visma_connections(), calls: endpoint.calls() }
    }
}

/// On AWS each service has its own address, but here all share one. So a service counts if its
/// first request came after the function was ready, even if the request used an existing
/// connection.
fn to_open(before: &Seen, ready: &Seen, answered: &Seen) -> usize {
    let new = &answered.aws[ready.aws.len()..];
    let served: BTreeSet<_> = new.iter().filter_map(|connection| connection.service).collect();
    let asked =
        |later: &Seen, earlier: &Seen, service| later.calls.requests_of(service) > earlier.calls.requests_of(service);
    let borrowed = Service::ALL.into_iter().filter(|service| {
        asked(answered, ready, *service) && !asked(ready, before, *service) && !served.contains(service)
    });
    new.len() + borrowed.count() + (answered.visma - ready.visma)
}
