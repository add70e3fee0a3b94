//! The series of a panel, in terms that CloudWatch and Grafana share, and those of the cost of a
//! million accepted deliveries, from CloudWatch's counts and `prices.json`.

use serde::Deserialize;

/// `@stack`, `@api` and `@table` are placeholders for names of the deployment, in a namespace and
/// in a dimension's value.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in expressions.
    pub id: &'static str,
    pub label: String,
    /// False for a mere operand, which is not drawn.
    pub visible: bool,
    /// In seconds.
    pub period: u32,
    pub source: Source,
}

#[derive(Debug, Clone)]
pub enum Source {
    Metric {
        namespace: &'static str,
        name: &'static str,
        dimensions: Vec<(&'static str, String)>,
        stat: &'static str,
    },
    /// A line for each value of the dimension `by`.
    Each {
        namespace: &'static str,
        name: &'static str,
        dimensions: Vec<(&'static str, String)>,
        by: &'static str,
        stat: &'static str,
    },
    Math(String),
}

/// The namespace of the metrics of a stack's functions.
const OURS: &str = "VismaNetWebhooks/@stack";
/// The period of everything except the cost.
pub(crate) const MINUTE: u32 = 60;

/// A metric of the functions.
pub(crate) fn ours(service: &str, name: &'static str, stat: &'static str) -> Series {
    metric(OURS, name, &[("service", service)], stat)
}

pub(crate) fn ours_by(service: &str, name: &'static str, by: &'static str) -> Series {
    let dimensions = vec![("service", service.to_owned())];
    series(Source::Each { namespace: OURS, name, dimensions, by, stat: "Sum" })
}

pub(crate) fn function(function: &str, name: &'static str, stat: &'static str) -> Series {
    metric("AWS/Lambda", name, &[("FunctionName", &format!("@stack-{function}"))], stat).label(function)
}

pub(crate) fn queue(queue: &str, name: &'static str, stat: &'static str) -> Series {
    metric("AWS/SQS", name, &[("QueueName", &format!("@stack-{queue}"))], stat).label(queue)
}

pub(crate) fn api(name: &'static str, stat: &'static str) -> Series {
    metric("AWS/ApiGateway", name, &[("ApiId", "@api")], stat)
}

fn table(name: &'static str) -> Series {
    metric("AWS/DynamoDB", name, &[("TableName", "@table")], "Sum")
}

pub(crate) fn table_by_operation(name: &'static str) -> Series {
    let dimensions = vec![("TableName", "@table".to_owned())];
    series(Source::Each { namespace: "AWS/DynamoDB", name, dimensions, by: "Operation", stat: "Sum" })
}

fn logs(function: &str) -> Series {
    metric("AWS/Logs", "IncomingBytes", &[("LogGroupName", &format!("/aws/lambda/@stack-{function}"))], "Sum")
}

pub(crate) fn math(expression: impl Into<String>, label: &str) -> Series {
    series(Source::Math(expression.into())).label(label)
}

fn metric(
    namespace: &'static str,
    name: &'static str,
    dimensions: &[(&'static str, &str)],
    stat: &'static str,
) -> Series {
    let dimensions = dimensions.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    series(Source::Metric { namespace, name, dimensions, stat }).label(name)
}

fn series(source: Source) -> Series {
    Series { id: "", label: String::new(), visible: true, period: MINUTE, source }
}

impl Series {
    pub(crate) fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    /// Makes it an operand, with a name and not drawn.
    pub(crate) fn operand(mut self, id: &'static str) -> Self {
        self.id = id;
        self.visible = false;
        self
    }

    pub(crate) fn every(mut self, seconds: u32) -> Self {
        self.period = seconds;
        self
    }
}

/// Little traffic is uneven over minutes, but an hour has enough for a ratio.
const HOUR: u32 = 3600;

/// `prices.json`, which states its assumptions.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Prices {
    pub memory_gigabytes: f64,
    pub dollars: Dollars,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Dollars {
    pub million_api_requests: f64,
    pub million_invocations: f64,
    pub gigabyte_second: f64,
    pub million_queue_requests: f64,
    /// The surcharge for messages with a group.
    pub million_fair_queue_requests: f64,
    pub million_write_units: f64,
    pub million_read_units: f64,
    /// The price of provisioned capacity: one write per second for an hour.
    pub write_unit_hour: f64,
    pub read_unit_hour: f64,
    pub gigabyte_of_logs: f64,
}

impl Prices {
    #[must_use]
    pub fn listed() -> Self {
        serde_json::from_str(include_str!("../prices.json")).expect("the tests parse this file")
    }
}

pub(crate) fn cost_per_million() -> Vec<Series> {
    let Prices { memory_gigabytes, dollars } = Prices::listed();
    // A million deliveries times a price per million: the millions cancel out.
    let expressions = [
        ("API", format!("api * {}", dollars.million_api_requests)),
        (
            "Functions",
            format!(
                "SUM([i1, i2, i3]) * {} + SUM([d1, d2, d3]) * {}",
                dollars.million_invocations,
                // Durations are in milliseconds.
                decimal(memory_gigabytes * dollars.gigabyte_second * 1e3),
            ),
        ),
        // Messages are sent, received and deleted.
        ("Queues", format!("SUM([s1, s2, s3, e1, e2, r1, r1, r2, r2]) * {}", dollars.million_queue_requests)),
        ("Table", format!("SUM([writes * {}, reads * {}])", dollars.million_write_units, dollars.million_read_units)),
        ("Logs", format!("SUM([l1, l2, l3]) * {}", decimal(dollars.gigabyte_of_logs / 1e3))),
    ];
    let lines = expressions.map(|(label, spent)| math(per_accepted(&spent), label).every(HOUR));
    lines.into_iter().chain(counts().into_iter().map(|series| series.every(HOUR))).collect()
}

/// Zero in an hour without a delivery. Polling costs something then, too, but there is nothing to
/// divide it by.
fn per_accepted(spent: &str) -> String {
    format!("IF(FILL(accepted, 0) > 0, ({spent}) / accepted, 0)")
}

fn counts() -> Vec<Series> {
    vec![
        ours("intake", "Accepted", "Sum").operand("accepted"),
        api("Count", "Sum").operand("api"),
        function("intake", "Invocations", "Sum").operand("i1"),
        function("processor", "Invocations", "Sum").operand("i2"),
        function("feedback", "Invocations", "Sum").operand("i3"),
        function("intake", "Duration", "Sum").operand("d1"),
        function("processor", "Duration", "Sum").operand("d2"),
        function("feedback", "Duration", "Sum").operand("d3"),
        queue("notifications", "NumberOfMessagesSent", "Sum").operand("s1"),
        queue("events", "NumberOfMessagesSent", "Sum").operand("s2"),
        queue("feedback", "NumberOfMessagesSent", "Sum").operand("s3"),
        queue("notifications", "NumberOfEmptyReceives", "Sum").operand("e1"),
        queue("feedback", "NumberOfEmptyReceives", "Sum").operand("e2"),
        queue("notifications", "NumberOfMessagesReceived", "Sum").operand("r1"),
        queue("feedback", "NumberOfMessagesReceived", "Sum").operand("r2"),
        table("ConsumedWriteCapacityUnits").operand("writes"),
        table("ConsumedReadCapacityUnits").operand("reads"),
        logs("intake").operand("l1"),
        logs("processor").operand("l2"),
        logs("feedback").operand("l3"),
    ]
}

/// Without an exponent, which metric math may not support.
fn decimal(number: f64) -> String {
    let digits = format!("{number:.12}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}
