//! The lines of the log: their levels, and the form of each. An event is one line of JSON. The
//! formatter of tracing-subscriber nests the fields of spans and shows only those of one span.

use crate::trace::root;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, SpanRef};
use webhooks_host::{Host, SystemHost};

const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
/// Most lines are shorter than this, in bytes.
const LENGTH: usize = 512;
/// The field of Lambda's runtime span that holds the whole X-Ray header.
const HEADER: &str = "xrayTraceId";
/// Prefixes of targets whose finer levels show bodies, headers and keys.
const NOISY: &[&str] = &["aws_", "h2", "hyper", "lambda_", "mio", "reqwest", "rustls", "tokio_util", "tower"];

#[derive(Debug)]
pub(crate) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Vec::with_capacity(LENGTH);
        let mut serializer = serde_json::Serializer::new(&mut line);
        let mut fields = Fields::new(serializer.serialize_map(None).map_err(|_| fmt::Error)?);
        let metadata = event.metadata();
        fields.write("timestamp", &timestamp(SystemHost.now())?);
        fields.write("level", metadata.level().as_str());
        fields.write("target", metadata.target());
        event.record(&mut fields);
        fields.write("message", "");
        for span in context.event_scope().into_iter().flatten() {
            fields.write_span::<S, N>(&span);
        }
        fields.end()?;
        writeln!(writer, "{}", str::from_utf8(&line).map_err(|_| fmt::Error)?)
    }
}

fn timestamp(now: OffsetDateTime) -> Result<String, fmt::Error> {
    now.format(TIMESTAMP).map_err(|_| fmt::Error)
}

/// Keeps the first field of each name. So no field replaces what Lambda reads, and a span's field
/// does not replace that of the event or of an inner span.
struct Fields<M: SerializeMap> {
    map: M,
    names: Vec<&'static str>,
    failure: Option<M::Error>,
}

impl<M: SerializeMap> Fields<M> {
    fn new(map: M) -> Self {
        Self { map, names: Vec::with_capacity(16), failure: None }
    }

    fn write(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) {
        if self.names.contains(&name) || self.failure.is_some() {
            return;
        }
        self.names.push(name);
        self.failure = self.map.serialize_entry(name, value).err();
    }

    fn write_span<'a, S: LookupSpan<'a>, N: 'static>(&mut self, span: &SpanRef<'a, S>) {
        let extensions = span.extensions();
        let Some(text) = extensions.get::<FormattedFields<N>>() else { return };
        let Ok(values) = serde_json::from_str::<BTreeMap<&str, &RawValue>>(text) else { return };
        for field in span.metadata().fields() {
            match (name(&field), values.get(name(&field))) {
                (HEADER, value) => self.write_root(value),
                (name, Some(value)) => self.write(name, value),
                (_, None) => {}
            }
        }
    }

    /// Writes only the id of the trace, which is a third of the header. A line about a notification
    /// already has that notification's id.
    fn write_root(&mut self, header: Option<&&RawValue>) {
        let header: Option<&str> = header.and_then(|header| serde_json::from_str(header.get()).ok());
        if let Some(root) = header.and_then(root) {
            self.write("trace_id", root);
        }
    }

    fn end(self) -> fmt::Result {
        match self.failure {
            None => self.map.end().map(drop).map_err(|_| fmt::Error),
            Some(_) => Err(fmt::Error),
        }
    }
}

fn name(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}

impl<M: SerializeMap> Visit for Fields<M> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.write(name(field), &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.write(name(field), &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(name(field), &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.write(name(field), &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(name(field), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(name(field), &format_args!("{value:?}"));
    }
}

/// The first valid setting of the two, or INFO.
pub(crate) fn levels(lambda: Option<&str>, rust_log: Option<&str>) -> Targets {
    if let Some(level) = lambda.and_then(lambda_level) {
        return Targets::new().with_default(level);
    }
    let asked = rust_log.filter(|text| !text.trim().is_empty()).and_then(|text| text.parse().ok());
    asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

/// Lambda has one level that tracing lacks.
fn lambda_level(text: &str) -> Option<LevelFilter> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("FATAL") => Some(LevelFilter::ERROR),
        text => text.parse().ok(),
    }
}

/// A level that always passes Lambda's filter, for lines of metrics: INFO, or the least severe
/// level that the filter passes.
pub(crate) fn level_that_passes(lambda: Option<&str>) -> &'static str {
    let least = lambda.map(str::trim).unwrap_or_default();
    ["WARN", "ERROR", "FATAL"].into_iter().find(|level| least.eq_ignore_ascii_case(level)).unwrap_or("INFO")
}

/// Keeps spans at every level, so that a warning has the ids around it.
pub(crate) fn keep<S: Subscriber>(levels: Targets) -> impl Layer<S> + Send + Sync {
    filter_fn(move |metadata| {
        if metadata.is_span() {
            return *metadata.level() <= Level::INFO;
        }
        levels.would_enable(metadata.target(), metadata.level()) && !is_noise(metadata)
    })
}

fn is_noise(metadata: &Metadata<'_>) -> bool {
    *metadata.level() > Level::WARN && NOISY.iter().any(|start| metadata.target().starts_with(start))
}
