//! Intake from the request to the answer, beside the bare HMAC of the same bytes.

use benches::measure::{CpuTime, at_a_time, measure, runtime};
use benches::rows::Row;
use benches::still::{StillQueue, StillSource};
use benches::{bodies, gateway};
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use fixtures::{TENANT, TestHost};
use hmac::{Hmac, KeyInit, Mac};
use intake::{Event, Intake};
use lambda_http::{Context, LambdaEvent};
use sha2::Sha256;
use std::hint::black_box;
use std::io;
use std::sync::Arc;
use tracing::subscriber::DefaultGuard;
use webhooks_metrics::{Metrics, Service};
use webhooks_settings::Cache;

type StillIntake = Intake<StillSource, StillQueue, TestHost>;

/// In bytes. The last leaves 16 KiB of the 1 MiB that SQS takes for what is told about the delivery.
const SIZES: [usize; 4] = [1024, 4 * 1024, 64 * 1024, (1024 - 16) * 1024];
const GROUP: &str = "intake";

fn main() {
    measure("intake.md", run);
}

fn run(criterion: &mut Criterion<CpuTime>) -> Vec<Row> {
    let mut group = criterion.benchmark_group(GROUP);
    let intake = Arc::new(still_intake());
    let function = gateway::function(intake.clone());
    let mut rows = Vec::new();
    for size in SIZES {
        group.throughput(Throughput::Bytes(size as u64));
        let body = bodies::of_length(size);
        let row = |what: &'static str, allocations| Row {
            group: GROUP,
            what,
            size,
            label: format!("intake, {} KiB: {}", size / 1024, label(what)),
            compared_with: (HMAC, size),
            notifications: 1,
            allocations,
        };
        rows.push(row(HMAC, None));
        group.bench_function(BenchmarkId::new(HMAC, size), |bencher| bencher.iter(|| hmac(black_box(&body))));

        let event = event(&body);
        let handle = |event: Event| runtime().block_on(intake.handle(LambdaEvent::new(event, Context::default())));
        assert_eq!(handle(read(&event)).status(), 202, "intake takes what is measured");
        let one = read(&event);
        rows.push(row(QUIET, allocations(|| handle(one))));
        bench(&mut group, QUIET, size, || read(&event), handle);

        let _logging = log();
        let one = read(&event);
        rows.push(row(LOGGING, allocations(|| handle(one))));
        bench(&mut group, LOGGING, size, || read(&event), handle);

        let answer = |event: String| runtime().block_on(function(event));
        rows.push(row(WHOLE, allocations(|| answer(event.clone()))));
        bench(&mut group, WHOLE, size, || event.clone(), answer);
    }
    group.finish();
    rows
}

const HMAC: &str = "hmac";
const QUIET: &str = "quiet";
const LOGGING: &str = "logging";
const WHOLE: &str = "event";

fn label(what: &str) -> &str {
    match what {
        HMAC => "bare HMAC",
        QUIET => "request to answer, without its log",
        LOGGING => "request to answer",
        _ => "event's JSON to answer's JSON",
    }
}

fn bench<I, O>(
    group: &mut BenchmarkGroup<'_, CpuTime>,
    what: &str,
    size: usize,
    mut input: impl FnMut() -> I,
    mut work: impl FnMut(I) -> O,
) {
    group.bench_function(BenchmarkId::new(what, size), |bencher| {
        bencher.iter_batched(&mut input, &mut work, at_a_time(size));
    });
}

fn allocations<T>(work: impl FnOnce() -> T) -> Option<(u64, u64)> {
    let counted = allocation_counter::measure(|| drop(black_box(work())));
    Some((counted.count_total, counted.bytes_total))
}

fn hmac(body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(bodies::SECRET.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn still_intake() -> StillIntake {
    let host = TestHost::default();
    let settings = Cache::new(StillSource(bodies::settings().to_string()), host.clone());
    let metrics = Metrics::new(Service::Intake, host.clone(), io::sink());
    Intake::new(settings, StillQueue, host, metrics, intake::Limits::default())
}

/// Its lines are made, and thrown away.
fn log() -> DefaultGuard {
    tracing::subscriber::set_default(webhooks_telemetry::subscriber_for_tests(io::sink))
}

fn event(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).expect("the body is text");
    gateway::event("/hooks/visma/erp", &bodies::headers(body, TENANT), text).to_string()
}

fn read(event: &str) -> Event {
    serde_json::from_str(event).expect("no event is an error")
}
