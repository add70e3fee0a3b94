//! The CPU time of the processor itself for each record, in batches of several sizes.

use aws_lambda_events::sqs::SqsEvent;
use benches::bodies;
use benches::functions::processor;
use benches::measure::{CpuTime, at_a_time, measure, runtime};
use benches::rows::Row;
use benches::still::{Still, StillErp, StillItems, StillQueue, StillSource};
use criterion::{BenchmarkId, Criterion, Throughput};
use fixtures::{TestHost, sqs_event};
use processor::Processor;
use std::hint::black_box;
use std::io;
use std::time::Duration;
use webhooks_metrics::{Metrics, Service};
use webhooks_settings::Cache;
use webhooks_store::Table;

const BATCHES: [usize; 4] = [1, 10, 100, 1000];
/// The length of each body, in bytes.
const LENGTH: usize = 768;
const GROUP: &str = "processor";
const RECORDS: &str = "records";

fn main() {
    measure("processor.md", run);
}

fn run(criterion: &mut Criterion<CpuTime>) -> Vec<Row> {
    let mut group = criterion.benchmark_group(GROUP);
    let _logging = tracing::subscriber::set_default(webhooks_telemetry::subscriber_for_tests(io::sink));
    let processor = still_processor();
    let work = |event: SqsEvent| runtime().block_on(processor.batch(event, "request", Duration::from_secs(60)));
    let mut rows = Vec::new();
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch as u64));
        let messages: Vec<String> = (0..batch).map(|account| bodies::message(1000 + account, LENGTH)).collect();
        let bytes = messages.iter().map(String::len).sum();
        let event = sqs_event(&messages, 1);
        let response = work(event.clone());
        assert!(response.batch_item_failures.is_empty(), "the processor ends what is measured: {response:?}");
        let copy = event.clone();
        let counted = allocation_counter::measure(|| drop(black_box(work(copy))));
        rows.push(Row {
            group: GROUP,
            what: RECORDS,
            size: batch,
            label: format!("processor, batch of {batch}: each record"),
            compared_with: (RECORDS, BATCHES[0]),
            notifications: batch,
            allocations: Some((counted.count_total, counted.bytes_total)),
        });
        group.bench_function(BenchmarkId::new(RECORDS, batch), |bencher| {
            bencher.iter_batched(|| event.clone(), work, at_a_time(bytes));
        });
    }
    group.finish();
    rows
}

fn still_processor() -> Processor<Still> {
    let host = TestHost::default();
    let settings = Cache::new(StillSource(bodies::settings().to_string()), host.clone());
    let ledger = Table::over(StillItems, time::Duration::days(90));
    let metrics = Metrics::new(Service::Processor, host.clone(), io::sink());
    processor(settings, ledger, StillErp(bodies::ACCOUNT.to_owned()), [StillQueue; 3], metrics, &host)
}
