//! Prints the AWS calls of a notification, and the cost of a million notifications.

// The nested futures of all functions need a higher limit.
#![recursion_limit = "256"]

use aws_fake::Service::{DynamoDb, SecretsManager, Sqs};
use benches::bill::{Bill, Capacity};
use benches::budget::{Budgets, PATH, costs};
use benches::count::{Count, Scenario, Share, Traffic, count};
use benches::report::{self, amount, markdown};
use clap::Parser;
use std::process::ExitCode;
use std::{fs, io};

/// Counts the calls to AWS and Visma Net for each notification, and the cost of a million
/// notifications
///
/// It runs intake, processor and feedback with their real clients against stand-ins on this
/// machine. Prices are those of infra/dashboards/prices.json. Values that cannot be counted are
/// assumed in tests/benches/assumptions.json. It fails if a count differs from
/// tests/benches/budgets.json. It writes target/bench/calls.md.
#[derive(Debug, Parser)]
struct Arguments {
    /// Make these counts the budget for later tests
    #[arg(long)]
    write: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut counts = Vec::new();
    for scenario in Scenario::all() {
        eprintln!("{scenario}");
        counts.push((scenario, count(scenario).await));
    }
    let report = format!(
        "## Requests and units of each notification\n\n{}\n\n## Dollars for a million notifications\n\n{}\n",
        requests(&counts),
        dollars(&counts)
    );
    println!("{report}");
    report::write("calls.md", &report)?;
    let actual = Budgets(counts.iter().map(|(scenario, count)| (scenario.to_string(), costs(count))).collect());
    if arguments.write {
        fs::write(PATH, actual.to_text())?;
        return Ok(ExitCode::SUCCESS);
    }
    let broken = Budgets::read().differences(&actual);
    broken.iter().for_each(|told| eprintln!("{told}"));
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn requests(counts: &[(Scenario, Count)]) -> String {
    let header = [
        "scenario",
        "function",
        "table",
        "of these writes",
        "queues",
        "secrets",
        "write units",
        "read units",
        "Visma Net",
        "log bytes",
    ];
    let rows = counts.iter().flat_map(|(scenario, count)| {
        let each = |sum: f64| amount(sum / count.notifications as f64);
        let row = move |function: &str, share: &Share, visma: u64| {
            let calls = &share.calls;
            [
                scenario.to_string(),
                function.to_owned(),
                each(calls.requests_of(DynamoDb) as f64),
                each(calls.write_requests() as f64),
                share.sends.map_or_else(|| each(calls.requests_of(Sqs) as f64), |sends| amount(sends.requests)),
                each(calls.requests_of(SecretsManager) as f64),
                each(calls.write_units()),
                each(calls.read_units()),
                each(visma as f64),
                format!("{:.0}", share.log_bytes as f64 / count.notifications as f64),
            ]
        };
        [
            row("intake", &count.intake, 0),
            row("processor", &count.processor, count.visma.resource),
            row("feedback", &count.feedback, count.visma.feedback),
        ]
    });
    markdown(header, rows)
}

fn dollars(counts: &[(Scenario, Count)]) -> String {
    let header = [
        "scenario",
        "total",
        "HTTP API",
        "invocations",
        "durations",
        "queues",
        "fair queues",
        "table",
        "total, table provisioned",
        "and logs",
    ];
    let rows = counts.iter().map(|(scenario, count)| {
        let bill = Bill::of(*scenario, count, Capacity::OnDemand);
        let provisioned = Bill::of(*scenario, count, Capacity::Provisioned).total();
        let parts = [bill.total(), bill.api, bill.invocations, bill.durations, bill.queues, bill.fairness, bill.table];
        let mut row = vec![scenario.to_string()];
        row.extend(parts.map(amount));
        // With little traffic, most of the provisioned capacity is unused.
        row.push(if scenario.traffic == Traffic::Sparse { String::new() } else { amount(provisioned) });
        row.push(amount(bill.logs));
        <[String; 10]>::try_from(row).expect("one cell for each column")
    });
    markdown(header, rows)
}
