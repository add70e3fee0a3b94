//! Collects the metrics of an invocation and writes them at its end, as lines of CloudWatch's
//! embedded metric format.

use crate::contract::{Metric, NAMESPACE, SERVICE, Sample, Service, Unit};
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use time::format_description::well_known::Rfc3339;
use webhooks_host::{Host, Variables};

/// CloudWatch accepts at most this many values of a metric on one line.
const MOST_VALUES: usize = 100;
/// A line names at most this many tenants.
const MOST_TENANTS: usize = 100;
/// Most lines are shorter than this, in bytes.
const LENGTH: usize = 1024;

/// The metrics of one function. A line can have only one value of the second dimension, so each
/// value gets a line of its own.
pub struct Metrics<H> {
    service: Service,
    host: H,
    level: &'static str,
    namespace: String,
    open: Mutex<Open>,
}

struct Open {
    is_cold: bool,
    groups: BTreeMap<Option<(&'static str, &'static str)>, Group>,
    writer: Box<dyn Write + Send>,
}

/// Values that share a line.
#[derive(Default)]
struct Group {
    tenants: BTreeSet<String>,
    series: AllSeries,
}

impl<H: Host> Metrics<H> {
    /// Writes to standard output, which Lambda puts in the log. `METRICS_NAMESPACE` names the
    /// namespace.
    pub fn to_stdout(service: Service, host: H) -> Self {
        let metrics = Self::new(service, host, io::stdout());
        match Variables::of_process().text("METRICS_NAMESPACE") {
            Ok(namespace) => metrics.in_namespace(namespace),
            Err(_) => metrics,
        }
    }

    /// Uses another namespace than [`NAMESPACE`].
    #[must_use]
    pub fn in_namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    pub fn new(service: Service, host: H, writer: impl Write + Send + 'static) -> Self {
        let open = Open { is_cold: true, groups: BTreeMap::new(), writer: Box::new(writer) };
        Self {
            service,
            host,
            level: webhooks_telemetry::level_that_passes(),
            namespace: NAMESPACE.to_owned(),
            open: Mutex::new(open),
        }
    }

    /// Keeps these until the invocation ends. The line names their tenant as a property, not as a
    /// dimension.
    pub fn record(&self, tenant: Option<&str>, metrics: impl IntoIterator<Item = Metric>) {
        let mut open = self.open();
        for sample in metrics.into_iter().map(Metric::sample) {
            // CloudWatch drops all dimensions of a line that has an empty value.
            let dimension = sample.dimension.filter(|(_, value)| !value.is_empty());
            open.groups.entry(dimension).or_default().add(tenant, &sample);
        }
    }

    /// Writes what was recorded, at the end of an invocation.
    pub fn flush(&self, request_id: &str) {
        let mut open = self.open();
        if std::mem::take(&mut open.is_cold) {
            let (sample, mut start) = (Metric::ColdStart.sample(), Group::default());
            start.add(None, &sample);
            self.write(&mut open.writer, request_id, None, start);
        }
        for (dimension, group) in std::mem::take(&mut open.groups) {
            self.write(&mut open.writer, request_id, dimension, group);
        }
    }

    fn write(
        &self,
        writer: &mut impl Write,
        request_id: &str,
        dimension: Option<(&'static str, &'static str)>,
        mut group: Group,
    ) {
        while let Some(series) = group.next_series() {
            let now = self.host.now();
            let unix_ms = i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
            let line = Line {
                timestamp: &now.format(&Rfc3339).unwrap_or_default(),
                unix_ms,
                level: self.level,
                namespace: &self.namespace,
                service: self.service.as_str(),
                request_id,
                tenants: &group.tenants,
                dimension,
                series: &series,
            };
            let mut text = Vec::with_capacity(LENGTH);
            serde_json::to_writer(&mut text, &line).expect("names and numbers always serialise");
            text.push(b'\n');
            // One write, so that no other line gets in between. If it fails, there is no log to
            // report it in.
            let _ = writer.write_all(&text);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    fn add(&mut self, tenant: Option<&str>, sample: &Sample) {
        if let Some(tenant) = tenant.filter(|_| self.tenants.len() < MOST_TENANTS) {
            self.tenants.insert(tenant.to_owned());
        }
        let new = || Series { unit: sample.unit, values: Vec::new() };
        let values = &mut self.series.entry(sample.name).or_insert_with(new).values;
        match (sample.value, values.as_mut_slice()) {
            (None, [count]) => *count += 1,
            (value, _) => values.push(value.unwrap_or(1)),
        }
    }

    /// The values that fit on a line; `None` when none are left.
    fn next_series(&mut self) -> Option<AllSeries> {
        let mut rest = std::mem::take(&mut self.series);
        for (name, series) in &mut rest {
            if series.values.len() > MOST_VALUES {
                let values = series.values.split_off(MOST_VALUES);
                self.series.insert(name, Series { unit: series.unit, values });
            }
        }
        (!rest.is_empty()).then_some(rest)
    }
}

struct Series {
    unit: Unit,
    values: Vec<u64>,
}

/// Values by the metric's name.
type AllSeries = BTreeMap<&'static str, Series>;

/// `_aws` says which of the other members are dimensions, values and properties. Lambda's level
/// filter reads the first two members.
struct Line<'a> {
    timestamp: &'a str,
    unix_ms: i64,
    level: &'a str,
    namespace: &'a str,
    service: &'a str,
    request_id: &'a str,
    tenants: &'a BTreeSet<String>,
    dimension: Option<(&'static str, &'static str)>,
    series: &'a AllSeries,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", self.timestamp)?;
        line.serialize_entry("level", self.level)?;
        line.serialize_entry("_aws", &Aws::of(self))?;
        line.serialize_entry(SERVICE, self.service)?;
        line.serialize_entry("requestId", self.request_id)?;
        if !self.tenants.is_empty() {
            line.serialize_entry("tenants", self.tenants)?;
        }
        if let Some((name, value)) = self.dimension {
            line.serialize_entry(name, value)?;
        }
        for (name, series) in self.series {
            line.serialize_entry(name, &Values(&series.values))?;
        }
        line.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Aws<'a> {
    timestamp: i64,
    cloud_watch_metrics: [Directive<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: DimensionSets,
    metrics: Described<'a>,
}

impl<'a> Aws<'a> {
    fn of(line: &Line<'a>) -> Self {
        let dimensions = DimensionSets(line.dimension.map(|(name, _)| name));
        let metrics = Described(line.series);
        Self {
            timestamp: line.unix_ms,
            cloud_watch_metrics: [Directive { namespace: line.namespace, dimensions, metrics }],
        }
    }
}

/// The sets of dimensions: `service` alone, and both if there is a second.
struct DimensionSets(Option<&'static str>);

impl Serialize for DimensionSets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sets = serializer.serialize_seq(None)?;
        sets.serialize_element(&[SERVICE])?;
        if let Some(second) = self.0 {
            sets.serialize_element(&[SERVICE, second])?;
        }
        sets.end()
    }
}

struct Described<'a>(&'a AllSeries);

impl Serialize for Described<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Metric<'a> {
            name: &'a str,
            unit: &'a str,
        }
        serializer.collect_seq(self.0.iter().map(|(name, series)| Metric { name, unit: series.unit.as_str() }))
    }
}

/// A number, or an array of several.
struct Values<'a>(&'a [u64]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [one] => one.serialize(serializer),
            all => all.serialize(serializer),
        }
    }
}
