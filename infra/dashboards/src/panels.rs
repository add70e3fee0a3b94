//! The dashboard, row by row. A row is 24 columns wide.

use crate::series::{Series, api, cost_per_million, function, math, ours, ours_by, queue, table_by_operation};

#[derive(Debug)]
pub struct Row {
    pub height: u32,
    pub panels: Vec<Panel>,
    pub shown: Shown,
}

/// Rows that depend on the deployment are only in CloudWatch's dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Always,
    /// If the operations API is deployed, since CloudWatch shows an error for a missing alarm.
    WithOperations,
    WithConsole,
}

#[derive(Debug)]
pub struct Panel {
    pub title: &'static str,
    pub width: u32,
    pub view: View,
}

#[derive(Debug)]
pub enum View {
    Alarms(&'static [&'static str]),
    Lines {
        unit: Unit,
        series: Vec<Series>,
    },
    Stacked {
        unit: Unit,
        series: Vec<Series>,
    },
    /// Totals of the shown time, or the latest value.
    Numbers {
        series: Vec<Series>,
        total: bool,
    },
    /// The log lines that match [`ATTENTION`].
    Logs,
    /// A text in Markdown, without a title.
    Text(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
    Seconds,
    Bytes,
    Dollars,
}

/// The alarms of infra/alarms that always exist, without the stack's name. Those that page come
/// first.
pub const ALARMS: &[&str] = &[
    "page",
    "ack-slo-5m",
    "ack-slo-1h",
    "end-to-end-slo-5m",
    "end-to-end-slo-1h",
    "notifications-dead",
    "notifications-parked",
    "feedback-parked",
    "feedback-quota",
    "gaps-found",
    "mass-change",
    "rows-unreadable",
    "outcomes-expired",
    "stuck",
    "tenant-silence",
    "dead-letters-notifications",
    "dead-letters-events",
    "dead-letters-feedback",
    "queue-age-notifications",
    "queue-age-events",
    "queue-age-feedback",
    "queue-drain-notifications",
    "queue-drain-events",
    "queue-drain-feedback",
    "table-throttles",
    "function-errors-intake",
    "function-errors-processor",
    "function-errors-feedback",
    "function-errors-reconciler",
    "function-throttles-intake",
    "function-throttles-processor",
    "function-throttles-feedback",
    "function-throttles-reconciler",
    "function-near-timeout-intake",
    "function-near-timeout-processor",
    "function-near-timeout-feedback",
    "function-near-timeout-reconciler",
    "reconciler-heartbeat",
    "inbound-spike",
    "signature-failures",
    "prefix-unknown",
];

/// The alarms of the operations API and its repair function.
pub const OPERATIONS_ALARMS: &[&str] = &[
    "dead-letters-repairs",
    "queue-age-repairs",
    "function-errors-operations",
    "function-errors-repair",
    "function-throttles-operations",
    "function-throttles-repair",
    "function-near-timeout-operations",
    "function-near-timeout-repair",
];

/// The Logs Insights query for what a person should look at: our errors, and everything that we
/// gave up or refused.
pub const ATTENTION: &str = "fields @timestamp, message, tenant, notification, reason, code, cause\n\
    | filter level = 'ERROR' or message like /^(parked|dead|feedback parked|rejected)/\n\
    | sort @timestamp desc\n\
    | limit 50";

/// The pages of the console that show what the alarms count. `@console` is its address.
pub const CONSOLE: &str = "The console shows what the alarms count: [what needs attention](@console#/attention), \
    [dead notifications](@console#/attention?kind=dead), [parked ones](@console#/attention?kind=parked), \
    [parked feedback](@console#/attention?kind=feedback_parked), \
    [tenants out of calls](@console#/attention?kind=rate_limited), \
    [dead letters](@console#/letters), [jobs](@console#/replay), [the hours in numbers](@console#/overview).";

const FUNCTIONS: [&str; 6] = ["intake", "processor", "feedback", "reconciler", "operations", "repair"];
const QUEUES: [&str; 3] = ["notifications", "events", "feedback"];

pub fn rows() -> Vec<Row> {
    vec![
        row(5, vec![Panel { title: "Alarms", width: 24, view: View::Alarms(ALARMS) }]),
        row(4, totals()),
        row(6, traffic()),
        row(6, latencies()),
        row(6, queues()),
        row(6, refusals()),
        row(6, trouble()),
        row(6, reconciliation()),
        row(6, functions()),
        row(6, resources()),
        row(7, vec![Panel { title: "What needs attention", width: 24, view: View::Logs }]),
        Row { shown: Shown::WithOperations, ..row(2, vec![operations_alarms()]) },
        Row { shown: Shown::WithConsole, ..row(2, vec![console()]) },
    ]
}

fn row(height: u32, panels: Vec<Panel>) -> Row {
    Row { height, panels, shown: Shown::Always }
}

fn operations_alarms() -> Panel {
    Panel { title: "Alarms of the operations API", width: 24, view: View::Alarms(OPERATIONS_ALARMS) }
}

fn console() -> Panel {
    Panel { title: "Console", width: 24, view: View::Text(CONSOLE) }
}

fn totals() -> Vec<Panel> {
    let total = vec![
        ours("intake", "Accepted", "Sum").label("Accepted"),
        ours("processor", "Processed", "Sum").label("Processed"),
        ours("feedback", "FeedbackSent", "Sum").label("Fed back"),
    ];
    let queues = QUEUES.iter().zip([("v1", "h1"), ("v2", "h2"), ("v3", "h3")]);
    let waiting = queues.flat_map(|(name, (visible, hidden))| {
        [
            queue(name, "ApproximateNumberOfMessagesVisible", "Maximum").operand(visible),
            queue(name, "ApproximateNumberOfMessagesNotVisible", "Maximum").operand(hidden),
        ]
    });
    let in_flight = [("Notifications", "SUM([v1, h1])"), ("Events", "SUM([v2, h2])"), ("Feedback", "SUM([v3, h3])")];
    let in_flight = in_flight.map(|(label, expression)| math(expression, label)).into_iter().chain(waiting).collect();
    vec![
        Panel { title: "In the time shown", width: 12, view: View::Numbers { series: total, total: true } },
        Panel { title: "In flight", width: 12, view: View::Numbers { series: in_flight, total: false } },
    ]
}

fn traffic() -> Vec<Panel> {
    let through = vec![
        ours("intake", "Accepted", "Sum"),
        ours("processor", "Processed", "Sum"),
        ours("feedback", "FeedbackSent", "Sum"),
    ];
    let ends = ["Processed", "Superseded", "Unparseable", "Parked", "Dead"];
    let ends = ends.map(|name| ours("processor", name, "Sum")).into();
    let duplicates = ["Duplicates", "Replayed", "Paused"].map(|name| ours("processor", name, "Sum"));
    let repaired = [ours("repair", "ReplaysQueued", "Sum"), ours_by("repair", "DeadLettersRedriven", "kind")];
    let duplicates = duplicates.into_iter().chain(repaired).collect();
    vec![
        lines("Accepted, processed, fed back", 10, Unit::Count, through),
        Panel { title: "How notifications ended", width: 8, view: View::Stacked { unit: Unit::Count, series: ends } },
        lines("Duplicates, replayed, paused", 6, Unit::Count, duplicates),
    ]
}

fn latencies() -> Vec<Panel> {
    vec![
        lines("Acknowledged after", 8, Unit::Milliseconds, percentiles("intake", "AckDuration")),
        lines("Accepted to processed", 8, Unit::Milliseconds, percentiles("processor", "AcceptedToProcessed")),
        lines("Accepted to feedback", 8, Unit::Milliseconds, percentiles("feedback", "AcceptedToFeedback")),
    ]
}

fn percentiles(service: &str, name: &'static str) -> Vec<Series> {
    ["p50", "p90", "p99"].map(|stat| ours(service, name, stat).label(stat)).into()
}

fn queues() -> Vec<Panel> {
    let with_repairs = || QUEUES.into_iter().chain(["repairs"]);
    let ages = with_repairs().map(|name| queue(name, "ApproximateAgeOfOldestMessage", "Maximum")).collect();
    let operands = QUEUES.iter().zip([("b1", "d1"), ("b2", "d2"), ("b3", "d3")]);
    let operands = operands.flat_map(|(name, (backlog, deleted))| {
        [
            queue(name, "ApproximateNumberOfMessagesVisible", "Maximum").operand(backlog),
            queue(name, "NumberOfMessagesDeleted", "Sum").operand(deleted),
        ]
    });
    let drains = [("notifications", "b1", "d1"), ("events", "b2", "d2"), ("feedback", "b3", "d3")];
    // The alarms' formula. If nothing is consumed, it assumes one message a minute.
    let drain = |(label, backlog, deleted)| {
        math(format!("60 * FILL({backlog}, 0) / IF(FILL({deleted}, 0) > 0, {deleted}, 1)"), label)
    };
    let dead = with_repairs()
        .map(|name| queue(&format!("{name}-dead-letter"), "ApproximateNumberOfMessagesVisible", "Maximum").label(name));
    vec![
        lines("Age of the oldest message", 8, Unit::Seconds, ages),
        lines("Time to drain", 8, Unit::Seconds, drains.map(drain).into_iter().chain(operands).collect()),
        lines("Dead letters", 8, Unit::Count, dead.collect()),
    ]
}

fn refusals() -> Vec<Panel> {
    let faults = vec![
        ours_by("intake", "Unavailable", "code"),
        api("5xx", "Sum").label("5xx of the API"),
        api("4xx", "Sum").label("4xx of the API"),
    ];
    let latency = vec![api("Latency", "p50").label("p50"), api("Latency", "p99").label("p99")];
    vec![
        lines("Rejected, by cause", 8, Unit::Count, vec![ours_by("intake", "Rejected", "code")]),
        lines("Our own faults", 8, Unit::Count, faults),
        lines("API latency", 4, Unit::Milliseconds, latency),
        lines(
            "Size of bodies",
            4,
            Unit::Bytes,
            vec![ours("intake", "BodySize", "p50").label("p50"), ours("intake", "BodySize", "p99").label("p99")],
        ),
    ]
}

fn trouble() -> Vec<Panel> {
    let given_up = vec![ours_by("processor", "Parked", "reason"), ours_by("processor", "Dead", "reason")];
    let feedback = vec![
        ours_by("feedback", "FeedbackRetried", "reason"),
        ours_by("feedback", "FeedbackParked", "reason"),
        ours_by("feedback", "OutcomesRejected", "code"),
    ];
    vec![
        lines("Retried, by reason", 6, Unit::Count, vec![ours_by("processor", "Retried", "reason")]),
        lines("Parked and dead, by reason", 6, Unit::Count, given_up),
        lines("Feedback retried, parked, refused", 6, Unit::Count, feedback),
        lines("Feedback quota left", 6, Unit::Count, vec![ours("feedback", "FeedbackQuotaLeft", "Minimum")]),
    ]
}

fn reconciliation() -> Vec<Panel> {
    let lists = vec![
        ours("reconciler", "ListsSwept", "Sum").label("swept"),
        ours("reconciler", "ListsUnfinished", "Sum").label("unfinished"),
    ];
    let missing = vec![
        ours_by("reconciler", "GapsFound", "collection"),
        ours("reconciler", "MassChanges", "Sum").label("mass changes"),
        ours("reconciler", "RowsUnreadable", "Sum").label("unreadable rows"),
    ];
    let in_vain = vec![
        ours("reconciler", "OutcomesExpired", "Sum").label("outcomes expired"),
        ours_by("reconciler", "StuckRequeued", "kind"),
    ];
    let silent = vec![
        ours("reconciler", "SilentTenants", "Maximum").label("tenants"),
        ours("reconciler", "SilentSubscriptions", "Maximum").label("subscriptions"),
    ];
    vec![
        lines("Webhooks that never arrived, mass changes", 6, Unit::Count, missing),
        lines("Outcomes expired, stuck work queued again", 6, Unit::Count, in_vain),
        lines("Silent tenants and subscriptions", 6, Unit::Count, silent),
        lines("Lists of the ERP", 6, Unit::Count, lists),
    ]
}

fn functions() -> Vec<Panel> {
    let failures = ["Errors", "Throttles"].into_iter().flat_map(|name| {
        FUNCTIONS.map(|service| function(service, name, "Sum").label(&format!("{service} {}", name.to_lowercase())))
    });
    let durations = FUNCTIONS.map(|name| function(name, "Duration", "p99")).into();
    let concurrent = FUNCTIONS.map(|name| function(name, "ConcurrentExecutions", "Maximum")).into();
    let with_own_metrics = FUNCTIONS.into_iter().filter(|name| *name != "operations");
    let cold = with_own_metrics.map(|name| ours(name, "ColdStart", "Sum").label(name)).collect();
    vec![
        lines("Errors and throttles", 6, Unit::Count, failures.collect()),
        lines("Duration, p99", 6, Unit::Milliseconds, durations),
        lines("Running at once", 6, Unit::Count, concurrent),
        lines("Cold starts", 6, Unit::Count, cold),
    ]
}

fn resources() -> Vec<Panel> {
    let table = vec![table_by_operation("ThrottledRequests"), table_by_operation("SystemErrors")];
    let cost = View::Stacked { unit: Unit::Dollars, series: cost_per_million() };
    vec![
        lines("Table throttles and errors", 8, Unit::Count, table),
        Panel {
            title: "Cost per million accepted, at the prices of infra/dashboards/prices.json",
            width: 16,
            view: cost,
        },
    ]
}

fn lines(title: &'static str, width: u32, unit: Unit, series: Vec<Series>) -> Panel {
    Panel { title, width, view: View::Lines { unit, series } }
}
