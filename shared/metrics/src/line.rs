//! One line of CloudWatch's embedded metric format.

use crate::contract::{SERVICE, Unit};
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct Series {
    pub(crate) unit: Unit,
    pub(crate) values: Vec<u64>,
}

/// Values by the metric's name.
pub(crate) type AllSeries = BTreeMap<&'static str, Series>;

/// `_aws` says which of the other members are dimensions, values and properties. Lambda's level
/// filter reads the first two members.
pub(crate) struct Line<'a> {
    pub(crate) timestamp: &'a str,
    pub(crate) unix_ms: i64,
    pub(crate) level: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) service: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) tenants: &'a BTreeSet<String>,
    pub(crate) dimension: Option<(&'static str, &'static str)>,
    pub(crate) series: &'a AllSeries,
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
