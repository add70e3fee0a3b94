//! One event as one line of JSON. The formatter of tracing-subscriber nests the fields of spans, and shows those of one span only.

use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;
use webhooks_host::{Host, SystemHost};

const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const MESSAGE: &str = "message";
/// What Lambda reads; no field may take their place.
const RESERVED: [&str; 3] = ["timestamp", "level", "target"];

#[derive(Debug)]
pub(crate) struct Json;

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    message: Value,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            fields.add_span(span.extensions().get::<FormattedFields<N>>());
        }
        fields.0.remove(MESSAGE);
        event.record(&mut fields);
        let message = fields.0.remove(MESSAGE).unwrap_or_else(|| "".into());
        for name in RESERVED {
            fields.0.remove(name);
        }
        let metadata = event.metadata();
        let line = Line {
            timestamp: timestamp(SystemHost.now())?,
            level: metadata.level().as_str(),
            target: metadata.target(),
            message,
            fields: fields.0,
        };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

fn timestamp(now: OffsetDateTime) -> Result<String, fmt::Error> {
    now.format(TIMESTAMP).map_err(|_| fmt::Error)
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn add_span<N>(&mut self, fields: Option<&FormattedFields<N>>) {
        if let Some(Ok(fields)) = fields.map(|fields| serde_json::from_str::<Map<String, Value>>(fields)) {
            self.0.extend(fields);
        }
    }

    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        self.0.insert(name.strip_prefix("r#").unwrap_or(name).to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}
