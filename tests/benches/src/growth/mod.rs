//! How calls, capacity units and CPU of one notification grow with the stored data.

mod world;

use crate::measure::cpu_of_thread;
use aws_fake::Calls;
use std::time::Duration;
use world::{UNKNOWN, World, load};

/// Batches measured at each size, and notifications in each.
const BATCHES: usize = 20;
const BATCH: usize = 10;
/// The ledger's size while something else grows.
const LEDGER: usize = 1000;
const SUBSCRIPTIONS: [usize; 4] = [1, 10, 30, 60];
const TENANTS: [usize; 4] = [1, 10, 100, 1000];

/// The cost of one notification at one size.
#[derive(Debug, Clone)]
pub struct Point {
    pub size: usize,
    pub requests: f64,
    pub write_units: f64,
    pub read_units: f64,
    /// Microseconds of each function: the median over batches, and the median deviation from it.
    pub cpu: Vec<(&'static str, f64, f64)>,
}

/// The points of one growing quantity.
#[derive(Debug, Clone)]
pub struct Series {
    pub what: &'static str,
    pub points: Vec<Point>,
}

/// With 10^3 notifications in the ledger, then ten times as many, up to `most`.
pub async fn ledger(most: usize) -> Series {
    let world = World::new(10, 1);
    let model = world.model().await;
    let mut points = Vec::new();
    let mut loaded = 0;
    let sizes = std::iter::successors(Some(LEDGER), |size| size.checked_mul(10)).take_while(|size| *size <= most);
    for (round, size) in sizes.enumerate() {
        load(&world, &model, loaded..size);
        loaded = size;
        points.push(measured(&world, size, round * BATCHES * BATCH).await);
    }
    Series { what: "notifications in the ledger", points }
}

/// With more and more tenants.
pub async fn tenants() -> Series {
    let mut points = Vec::new();
    for tenants in TENANTS {
        let world = World::new(tenants, 1);
        load(&world, &world.model().await, 0..LEDGER);
        points.push(measured(&world, tenants, 0).await);
    }
    Series { what: "tenants", points }
}

/// With more and more subscriptions of one route. A delivery names its subscription, or names none,
/// so that all secrets are tried.
pub async fn subscriptions() -> Series {
    let mut points = Vec::new();
    for subscriptions in SUBSCRIPTIONS {
        let world = World::new(1, subscriptions);
        let mut cpu = Vec::new();
        let before = world.endpoint.calls();
        for (name, named) in [("intake, subscription named", true), ("intake, none named", false)] {
            world.take_in(0..BATCH, named).await;
            let mut batches = Vec::new();
            for batch in 1..=BATCHES {
                let accounts = batch * BATCH..(batch + 1) * BATCH;
                batches.push(world.take_in(accounts, named).await);
            }
            cpu.push(spread(name, &batches));
        }
        let calls = world.endpoint.calls() - &before;
        points.push(point(subscriptions, &calls, 2 * (BATCHES + 1) * BATCH, cpu));
    }
    Series { what: "subscriptions of a route", points }
}

async fn measured(world: &World, size: usize, first: usize) -> Point {
    // Unknown accounts, so that the measured ones stay new.
    let warming = UNKNOWN + first..UNKNOWN + first + BATCH;
    world.run(warming).await;
    let before = world.endpoint.calls();
    let mut batches = Vec::new();
    for batch in 0..BATCHES {
        let first = first + batch * BATCH;
        batches.push(world.run(first..first + BATCH).await);
    }
    let calls = world.endpoint.calls() - &before;
    let cpu = ["intake", "processor", "feedback"].into_iter().enumerate();
    let cpu = cpu.map(|(at, name)| spread(name, &batches.iter().map(|batch| batch[at]).collect::<Vec<_>>()));
    point(size, &calls, BATCHES * BATCH, cpu.collect())
}

fn point(size: usize, calls: &Calls, notifications: usize, cpu: Vec<(&'static str, f64, f64)>) -> Point {
    let each = |sum: f64| sum / notifications as f64;
    Point {
        size,
        requests: each(calls.all_requests() as f64),
        write_units: each(calls.write_units()),
        read_units: each(calls.read_units()),
        cpu,
    }
}

/// Microseconds per notification of a batch.
fn spread(name: &'static str, batches: &[Duration]) -> (&'static str, f64, f64) {
    let each: Vec<f64> = batches.iter().map(|batch| batch.as_secs_f64() * 1e6 / BATCH as f64).collect();
    let middle = median(each.clone());
    (name, middle, median(each.iter().map(|one| (one - middle).abs()).collect()))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len().is_multiple_of(2) { (numbers[middle - 1] + numbers[middle]) / 2.0 } else { numbers[middle] }
}

/// The CPU time of some work on this thread.
async fn timed(work: impl Future<Output = ()>) -> Duration {
    let start = cpu_of_thread();
    work.await;
    cpu_of_thread() - start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_two() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
    }
}
