//! The peak memory of the processor, by the bodies of a batch.

use benches::bodies;
use benches::functions::processor;
use benches::measure::runtime;
use benches::report::{self, markdown};
use benches::still::{Still, StillErp, StillItems, StillQueue, StillSource};
use fixtures::{TestHost, sqs_event};
use processor::Processor;
use std::hint::black_box;
use std::io;
use std::time::Duration;
use webhooks_metrics::{Metrics, Service};
use webhooks_model::notification::DEFAULT_MAX_ITEMS;
use webhooks_settings::Cache;
use webhooks_store::Table;

/// The largest body that intake accepts, in bytes.
const LARGEST: usize = (1024 - 16) * 1024;
/// The function has 256 MB, of which its code and clients need about 60.
const MOST: u64 = 192 * 1024 * 1024;

fn main() {
    let _logging = tracing::subscriber::set_default(webhooks_telemetry::subscriber_for_tests(io::sink));
    let above = array("5", 2 * DEFAULT_MAX_ITEMS);
    let at_limit = array(r#"{"event":"ACCOUNT_CHANGED"}"#, DEFAULT_MAX_ITEMS);
    let rows = [
        ("one object of 1 KiB", vec![bodies::of_length(1024)]),
        ("one object of 1 MiB", vec![bodies::of_length(LARGEST)]),
        ("an array at the limit", vec![at_limit.clone()]),
        ("an array above the limit", vec![above]),
        ("an array of 500,000", vec![array("5", 500_000)]),
        ("ten arrays at the limit", vec![at_limit; 10]),
        ("ten objects of 1 MiB", (0..10).map(|account| bodies::of_account(account, LARGEST)).collect()),
    ];
    let rows = rows.map(|(label, bodies)| {
        let most = peak(&bodies);
        assert!(most <= MOST, "{label}: {most} bytes");
        let bytes: usize = bodies.iter().map(Vec::len).sum();
        [label.to_owned(), kib(bytes as u64), kib(most)]
    });
    let text = markdown(["", "bodies, KiB", "held at once, KiB"], rows);
    println!("{text}");
    report::write("memory.md", &format!("{text}\n")).expect("target can be written");
}

fn peak(bodies: &[Vec<u8>]) -> u64 {
    let host = TestHost::default();
    let messages: Vec<String> = bodies.iter().enumerate().map(|(at, body)| bodies::message_of(at, body)).collect();
    let processor = still_processor(&host);
    // The first batch opens the connections that stay open.
    let batch = |messages: &[String]| {
        let event = sqs_event(messages, 1);
        let work = processor.batch(event, "request", Duration::from_secs(60));
        drop(black_box(runtime().block_on(work)));
    };
    batch(&[bodies::message(1, 1024)]);
    allocation_counter::measure(|| batch(&messages)).bytes_max
}

fn array(item: &str, count: usize) -> Vec<u8> {
    format!("[{}]", vec![item; count].join(",")).into_bytes()
}

fn kib(bytes: u64) -> String {
    (bytes / 1024).to_string()
}

fn still_processor(host: &TestHost) -> Processor<Still> {
    let settings = Cache::new(StillSource(bodies::settings().to_string()), host.clone());
    let ledger = Table::over(StillItems, time::Duration::days(90));
    let metrics = Metrics::new(Service::Processor, host.clone(), io::sink());
    processor(settings, ledger, StillErp(bodies::ACCOUNT.to_owned()), [StillQueue; 3], metrics, host)
}
