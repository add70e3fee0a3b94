//! What the functions' own work costs, without AWS and Visma Net, in CPU time and allocations.

mod intake;
mod measure;
mod processor;
mod report;

use criterion::Criterion;
use measure::CpuTime;
use std::path::Path;
use std::time::Duration;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/criterion");
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .output_directory(&folder)
        .without_plots()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(50)
        .configure_from_args();
    let mut rows = intake::run(&mut criterion);
    rows.extend(processor::run(&mut criterion));
    criterion.final_summary();
    let table = report::table(&folder, &rows);
    println!("{table}");
    benches::report::write("functions.md", &format!("{table}\n")).expect("target can be written");
}
