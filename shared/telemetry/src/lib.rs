#![doc = include_str!("../README.md")]

mod captured;
mod line;
mod trace;

pub use captured::Captured;
pub use trace::Trace;

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt;
use webhooks_host::Variables;

const LAMBDA_LEVEL: &str = "AWS_LAMBDA_LOG_LEVEL";

/// Sets up logging for the process. On Lambda, pass `io::stdout`. Only the first call has an
/// effect. It is generic so that each binary compiles it with its own optimisation, for speed or
/// for size.
pub fn init<W>(writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let levels = line::levels(variable(LAMBDA_LEVEL).as_deref(), variable("RUST_LOG").as_deref());
    if tracing::subscriber::set_global_default(subscriber(writer, levels)).is_ok() {
        log_panics();
    }
}

/// Logs each panic as one line with its location. The text is left out: it may hold data.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panicked");
    }));
}

/// The level for lines of metrics. Lambda takes lines without a level for INFO, and drops them if
/// its filter is WARN.
pub fn level_that_passes() -> &'static str {
    line::level_that_passes(variable(LAMBDA_LEVEL).as_deref())
}

fn variable(name: &'static str) -> Option<String> {
    Variables::of_process().text(name).ok()
}

/// Writes the same lines at every level to any writer. Use it with
/// `tracing::subscriber::set_default` in a test that runs beside others.
pub fn subscriber_for_tests<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    captured::guard_against_other_threads();
    subscriber(writer, Targets::new().with_default(LevelFilter::TRACE))
}

fn subscriber<W>(writer: W, levels: Targets) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines =
        tracing_subscriber::fmt::layer().fmt_fields(JsonFields::new()).event_format(line::Json).with_writer(writer);
    tracing_subscriber::registry().with(line::keep(levels)).with(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::collections::BTreeSet;
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;
    use tracing::{debug, error, info, info_span, trace_span, warn};
    use webhooks_host::{Host, SystemHost};

    fn logged_at(levels: Targets, act: impl FnOnce()) -> Captured {
        let captured = Captured::default();
        captured::guard_against_other_threads();
        tracing::subscriber::with_default(subscriber(captured.clone(), levels), act);
        assert_eq!(captured.lines().len(), captured.text().lines().count(), "a line is no JSON: {}", captured.text());
        captured
    }

    fn logged(act: impl FnOnce()) -> Vec<Value> {
        logged_at(line::levels(None, None), act).lines()
    }

    fn levels_seen(levels: Targets) -> Vec<String> {
        let lines = logged_at(levels, || {
            let _span = info_span!("item", notification = "n-1").entered();
            error!("e");
            warn!("w");
            info!("i");
            debug!("d");
            debug!(target: "chatty", "c");
        });
        assert!(lines.lines().iter().all(|line| line["notification"] == "n-1"), "{}", lines.text());
        lines.lines().iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_line_has_lambdas_fields_and_the_events_fields() {
        let before = SystemHost.now() - time::Duration::seconds(1);
        let lines =
            logged(|| warn!(count = 3, ratio = 0.5, done = true, id = %"a\"b\n", r#type = "x", "half {}", "done"));
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let timestamp = line["timestamp"].as_str().unwrap();
        assert!(OffsetDateTime::parse(timestamp, &Rfc3339).unwrap() >= before, "{timestamp}");
        assert_eq!((timestamp.len(), &timestamp[23..]), (24, "Z"));
        let mut rest = line.clone();
        rest.as_object_mut().unwrap().remove("timestamp");
        let target = "webhooks_telemetry::tests";
        assert_eq!(
            rest,
            json!({"level": "WARN", "target": target, "message": "half done", "count": 3, "ratio": 0.5, "done": true,
                   "id": "a\"b\n", "type": "x"})
        );
    }

    #[test]
    fn a_line_has_the_invocations_trace_id_unless_it_has_its_own() {
        let lines = logged(|| {
            let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
            let _invocation = info_span!("Lambda runtime invoke", requestId = "r-1", xrayTraceId = header).entered();
            info!("all");
            info_span!("record", trace_id = "1-67891233-abcdef012345678912345678").in_scope(|| info!("one"));
            info_span!("Lambda runtime invoke", xrayTraceId = "Root=CANARY").in_scope(|| info!("odd"));
        });
        let of: Vec<_> = lines.iter().map(|line| (&line["message"], &line["requestId"], &line["trace_id"])).collect();
        let (own, other) = (json!("1-5759e988-bd862e3fe1be46a994272793"), json!("1-67891233-abcdef012345678912345678"));
        let request = json!("r-1");
        assert_eq!(
            of,
            [(&json!("all"), &request, &own), (&json!("one"), &request, &other), (&json!("odd"), &request, &own)]
        );
        assert!(lines.iter().all(|line| line["xrayTraceId"].is_null()), "{lines:?}");
    }

    #[test]
    fn the_fields_of_every_span_around_an_event_are_on_its_line() {
        let lines = logged(|| {
            let _request = info_span!("request", request_id = "r-1", tenant = tracing::field::Empty).entered();
            let item = info_span!("item", notification = "n-1", request_id = "r-2");
            item.in_scope(|| {
                tracing::Span::current().record("notification", "n-2");
                info!("inside");
                info!(notification = "n-3", "own");
            });
            tracing::Span::current().record("tenant", "t-1");
            info!("outside");
        });
        let ids = |at: usize| [&lines[at]["request_id"], &lines[at]["notification"], &lines[at]["tenant"]];
        assert_eq!(ids(0), [&json!("r-2"), &json!("n-2"), &Value::Null]);
        assert_eq!(ids(1), [&json!("r-2"), &json!("n-3"), &Value::Null]);
        assert_eq!(ids(2), [&json!("r-1"), &Value::Null, &json!("t-1")]);
    }

    #[test]
    fn no_field_replaces_lambdas_fields_and_no_key_repeats() {
        let captured = logged_at(line::levels(None, None), || {
            let _span = info_span!("span", level = "x", message = "y", timestamp = 0, target = "z").entered();
            info!(level = "x", timestamp = 0, target = "z", "text");
            info!(count = 1);
        });
        let lines = captured.lines();
        assert_eq!((&lines[0]["level"], &lines[0]["message"]), (&json!("INFO"), &json!("text")));
        assert_eq!(lines[1]["message"], "");
        for line in captured.text().lines() {
            for key in ["timestamp", "level", "target", "message"] {
                assert_eq!(line.matches(&format!("\"{key}\":")).count(), 1, "{line}");
            }
        }
    }

    #[test]
    fn the_level_comes_from_lambda_then_rust_log_then_info() {
        let seen = |lambda, rust_log| levels_seen(line::levels(lambda, rust_log)).concat();
        assert_eq!(seen(None, None), "ewi");
        assert_eq!(seen(Some("WARN"), Some("debug")), "ew");
        assert_eq!(seen(Some("debug"), None), "ewidc");
        assert_eq!(seen(Some("FATAL"), None), "e");
        assert_eq!(seen(Some("LOUD"), Some("warn,chatty=debug")), "ewc");
        assert_eq!(seen(None, Some("not=a=filter")), "ewi");
        assert_eq!(seen(None, Some("")), "ewi");
    }

    #[test]
    fn crates_that_would_log_bodies_stay_quiet_at_every_level() {
        let captured = logged_at(line::levels(None, Some("trace,hyper=trace")), || {
            info!(target: "hyper::proto", "canary");
            debug!(target: "aws_smithy_runtime::client", "canary");
            info!(target: "lambda_runtime::layers", "canary");
            debug!(target: "rustls::client", "canary");
            warn!(target: "hyper::proto", "kept");
            debug!(target: "processor", "kept");
        });
        let messages: BTreeSet<_> = captured.lines().iter().map(|line| line["message"].to_string()).collect();
        assert_eq!(messages, BTreeSet::from(["\"kept\"".to_owned()]));
        assert_eq!(captured.lines().len(), 2);
    }

    #[test]
    fn a_noisy_span_leaves_no_fields() {
        let lines = logged(|| {
            let _span = trace_span!("connection", address = "canary").entered();
            info!("text");
        });
        assert_eq!(lines[0]["address"], Value::Null);
    }

    #[test]
    fn a_line_of_metrics_passes_every_level() {
        let level = |lambda| line::level_that_passes(lambda);
        assert_eq!([None, Some("TRACE"), Some("INFO"), Some("")].map(level), ["INFO"; 4]);
        assert_eq!([Some("warn"), Some("ERROR"), Some("FATAL")].map(level), ["WARN", "ERROR", "FATAL"]);
    }
}
