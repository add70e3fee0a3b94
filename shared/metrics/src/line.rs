//! One line of CloudWatch's embedded metric format.

use crate::contract::{NAMESPACE, SERVICE, Unit};
use serde::Serialize;
use serde::ser::Serializer;
use std::collections::{BTreeMap, BTreeSet};

/// The members beside `_aws` are dimensions, values and properties, as `_aws` says; the first two are what Lambda's level filter reads.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) timestamp: String,
    pub(crate) level: &'a str,
    #[serde(rename = "_aws")]
    pub(crate) aws: Aws,
    pub(crate) service: &'a str,
    #[serde(rename = "requestId")]
    pub(crate) request_id: &'a str,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) tenants: &'a BTreeSet<String>,
    #[serde(flatten)]
    pub(crate) dimension: BTreeMap<&'static str, &'static str>,
    #[serde(flatten)]
    pub(crate) values: BTreeMap<&'static str, Values>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Aws {
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: Vec<Vec<&'static str>>,
    metrics: Vec<Described>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    name: &'static str,
    unit: &'static str,
}

impl Aws {
    pub(crate) fn new(
        unix_ms: i64,
        dimension: Option<&'static str>,
        metrics: impl Iterator<Item = (&'static str, Unit)>,
    ) -> Self {
        let sets = dimension.map(|name| vec![SERVICE, name]);
        let dimensions = [vec![SERVICE]].into_iter().chain(sets).collect();
        let metrics = metrics.map(|(name, unit)| Described { name, unit: unit.as_str() }).collect();
        Self { timestamp: unix_ms, cloud_watch_metrics: [Directive { namespace: NAMESPACE, dimensions, metrics }] }
    }
}

/// A number, or an array of several.
pub(crate) struct Values(pub(crate) Vec<u64>);

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            all => all.serialize(serializer),
        }
    }
}
