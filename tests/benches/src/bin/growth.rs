//! Shows how the cost of a notification grows with the stored data.

// The nested futures of all functions need a higher limit.
#![recursion_limit = "256"]

use benches::growth::{self, Point, Series};
use benches::report;
use benches::table::{amount, markdown};
use clap::Parser;
use std::error::Error;

/// Measures calls, capacity units and CPU of a notification with growing numbers of notifications,
/// tenants and subscriptions
///
/// It writes growth.md and growth.svg into target/bench. A million notifications in the ledger take
/// about 5 GB of memory.
#[derive(Debug, Parser)]
struct Arguments {
    /// The most notifications in the ledger: 1000, 10000, 100000 or 1000000
    #[arg(long, default_value_t = 100_000)]
    most: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { most } = Arguments::parse();
    let all = [growth::ledger(most).await, growth::tenants().await, growth::subscriptions().await];
    let tables: Vec<String> = all.iter().map(table).collect();
    let tables = tables.join("\n");
    report::write("growth.md", &tables)?;
    report::write("growth.svg", &growth::draw(&all)?)?;
    println!("{tables}");
    Ok(())
}

fn table(series: &Series) -> String {
    let rows = series.points.iter().map(row);
    let header = [series.what, "requests", "write units", "read units", "µs of CPU (± median deviation)"];
    markdown(header, rows) + "\n"
}

fn row(point: &Point) -> [String; 5] {
    let cpu = point.cpu.iter().map(|(name, median, spread)| format!("{name} {median:.0} ± {spread:.0}"));
    [
        point.size.to_string(),
        amount(point.requests),
        amount(point.write_units),
        amount(point.read_units),
        cpu.collect::<Vec<_>>().join(", "),
    ]
}
