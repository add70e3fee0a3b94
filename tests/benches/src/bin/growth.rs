//! Shows how the cost of a notification grows with the stored data, as tables and a plot.

// The nested futures of all functions need a higher limit.
#![recursion_limit = "256"]

use benches::growth::{self, Point, Series};
use benches::report::{self, amount, markdown};
use clap::Parser;
use plotters::prelude::*;
use std::error::Error;

const SIZE: (u32, u32) = (1200, 420);
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
];

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
    report::write("growth.svg", &draw(&all)?)?;
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

/// Draws an SVG with a panel for each series.
///
/// # Errors
/// The drawing fails, which happens only for a series without points.
fn draw(all: &[Series]) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        for (area, series) in root.split_evenly((1, all.len())).iter().zip(all) {
            panel(area, series)?;
        }
        root.present()?;
    }
    Ok(text)
}

fn panel(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, series: &Series) -> Result<(), Box<dyn Error>> {
    let lines = lines(&series.points);
    let sizes = series.points.iter().map(|point| point.size as f64);
    let (least, most) = sizes.fold((f64::MAX, f64::MIN), |(least, most), size| (least.min(size), most.max(size)));
    let highest = lines.iter().flat_map(|(_, line)| line).map(|(_, times)| *times).fold(2.0, f64::max) * 1.3;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(series.what, ("sans-serif", 18))
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d((least..most * 1.01).log_scale(), 0.0..highest)?;
    let times = |times: &f64| format!("{times:.1}x");
    chart
        .configure_mesh()
        .x_labels(4)
        .x_label_formatter(&|size| format!("{size:.0}"))
        .y_label_formatter(&times)
        .draw()?;
    for ((name, line), colour) in lines.into_iter().zip(COLOURS) {
        let drawn = chart.draw_series(LineSeries::new(line, colour.stroke_width(2)).point_size(3))?;
        drawn.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 13))
        .draw()?;
    Ok(())
}

type Line = Vec<(f64, f64)>;

/// The lines of a panel, by name.
fn lines(points: &[Point]) -> Vec<(String, Line)> {
    let Some(first) = points.first() else { return Vec::new() };
    let line = |name: &str, of: &dyn Fn(&Point) -> f64| {
        let base = of(first);
        let line = points.iter().map(|point| (point.size as f64, of(point) / base)).collect();
        (base > 0.0).then(|| (name.to_owned(), line))
    };
    let counts = [
        line("requests", &|point| point.requests),
        line("write units", &|point| point.write_units),
        line("read units", &|point| point.read_units),
    ];
    let cpu =
        first.cpu.iter().enumerate().map(|(at, (name, ..))| line(&format!("CPU, {name}"), &|point| point.cpu[at].1));
    counts.into_iter().chain(cpu).flatten().collect()
}
