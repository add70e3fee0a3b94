//! The calls to the endpoint, and what AWS bills for them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Sub};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    DynamoDb,
    Sqs,
    SecretsManager,
}

impl Service {
    pub const ALL: [Self; 3] = [Self::DynamoDb, Self::Sqs, Self::SecretsManager];

    /// The service of the first part of an `x-amz-target` header.
    pub(crate) fn of_target(prefix: &str) -> Option<Self> {
        match prefix {
            "DynamoDB_20120810" => Some(Self::DynamoDb),
            "AmazonSQS" => Some(Self::Sqs),
            "secretsmanager" => Some(Self::SecretsManager),
            _ => None,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DynamoDb => "DynamoDB",
            Self::Sqs => "SQS",
            Self::SecretsManager => "Secrets Manager",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    pub service: Service,
    /// In AWS's spelling, such as `UpdateItem`.
    pub name: String,
}

impl Operation {
    pub fn new(service: Service, name: &str) -> Self {
        Self { service, name: name.to_owned() }
    }

    /// Whether its capacity units are write units.
    pub fn is_write(&self) -> bool {
        self.service == Service::DynamoDb
            && ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"]
                .contains(&self.name.as_str())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.name)
    }
}

/// All requests of one operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    pub requests: u64,
    /// How many of the requests failed, for example because of a condition that did not hold.
    pub refused: u64,
    /// Requests as SQS bills them: one for each started 64 KiB of payload.
    pub chunks: u64,
    /// DynamoDB's capacity units, by `table` and by `table/index`.
    pub units: BTreeMap<String, f64>,
}

impl Tally {
    /// The units of the table and all its indexes.
    pub fn all_units(&self) -> f64 {
        self.units.values().sum()
    }

    fn merge(&mut self, other: &Self, sign: i64) {
        let merged = |mine: u64, its: u64| mine.saturating_add_signed(sign * i64::try_from(its).unwrap_or(i64::MAX));
        self.requests = merged(self.requests, other.requests);
        self.refused = merged(self.refused, other.refused);
        self.chunks = merged(self.chunks, other.chunks);
        for (resource, units) in &other.units {
            *self.units.entry(resource.clone()).or_default() += sign as f64 * units;
        }
        self.units.retain(|_, units| *units != 0.0);
    }
}

/// Counts by operation. Subtract an earlier count from a later one to get the calls between.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calls(BTreeMap<Operation, Tally>);

impl Calls {
    pub fn iter(&self) -> impl Iterator<Item = (&Operation, &Tally)> {
        self.0.iter()
    }

    /// Empty if the operation was never called.
    pub fn tally(&self, service: Service, operation: &str) -> Tally {
        self.0.get(&Operation::new(service, operation)).cloned().unwrap_or_default()
    }

    pub fn requests(&self, service: Service, operation: &str) -> u64 {
        self.tally(service, operation).requests
    }

    pub fn all_requests(&self) -> u64 {
        self.0.values().map(|tally| tally.requests).sum()
    }

    pub fn requests_of(&self, service: Service) -> u64 {
        self.0.iter().filter(|(operation, _)| operation.service == service).map(|(_, tally)| tally.requests).sum()
    }

    /// Requests that write to DynamoDB.
    pub fn write_requests(&self) -> u64 {
        self.0.iter().filter(|(operation, _)| operation.is_write()).map(|(_, tally)| tally.requests).sum()
    }

    pub fn write_units(&self) -> f64 {
        self.0.iter().filter(|(operation, _)| operation.is_write()).map(|(_, tally)| tally.all_units()).sum()
    }

    pub fn read_units(&self) -> f64 {
        self.0.iter().filter(|(operation, _)| !operation.is_write()).map(|(_, tally)| tally.all_units()).sum()
    }

    pub fn sqs_chunks(&self) -> u64 {
        self.0.values().map(|tally| tally.chunks).sum()
    }

    pub(crate) fn record(&mut self, operation: Operation, tally: &Tally) {
        self.0.entry(operation).or_default().merge(tally, 1);
    }

    fn merged(mut self, other: &Self, sign: i64) -> Self {
        for (operation, tally) in &other.0 {
            self.0.entry(operation.clone()).or_default().merge(tally, sign);
        }
        self.0.retain(|_, tally| *tally != Tally::default());
        self
    }
}

impl Add<&Calls> for Calls {
    type Output = Calls;

    fn add(self, other: &Calls) -> Calls {
        self.merged(other, 1)
    }
}

impl Sub<&Calls> for Calls {
    type Output = Calls;

    fn sub(self, earlier: &Calls) -> Calls {
        self.merged(earlier, -1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(name: &str, requests: u64, units: f64) -> Calls {
        let mut calls = Calls::default();
        let units = BTreeMap::from([("t".to_owned(), units)]);
        calls.record(Operation::new(Service::DynamoDb, name), &Tally { requests, units, ..Tally::default() });
        calls
    }

    #[test]
    fn the_difference_is_the_calls_between() {
        let earlier = calls("Query", 3, 1.5);
        let later = earlier.clone() + &calls("Query", 2, 1.0) + &calls("UpdateItem", 1, 4.0);
        let between = later - &earlier;
        assert_eq!(between, calls("Query", 2, 1.0) + &calls("UpdateItem", 1, 4.0));
        assert_eq!((between.read_units(), between.write_units(), between.write_requests()), (1.0, 4.0, 1));
        assert_eq!(between.clone() - &between, Calls::default());
    }
}
