//! Turns counts into dollars, with values that cannot be counted here: `assumptions.json`.

use crate::count::{Count, Scenario, Share};
use dashboards::Prices;
use serde::Deserialize;

const ASSUMPTIONS: &str = include_str!("../assumptions.json");
const MILLION: f64 = 1e6;
const HOUR: f64 = 3600.0;

/// The table's billing mode: the template's `TableCapacity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    OnDemand,
    /// In a busy hour, with the assumed share of it used.
    Provisioned,
}

/// Dollars for a million notifications.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bill {
    pub api: f64,
    pub invocations: f64,
    pub durations: f64,
    /// Messages sent, received and deleted, at the price of a standard queue.
    pub queues: f64,
    /// The surcharge for queues whose messages have a group.
    pub fairness: f64,
    pub table: f64,
    /// Not in the total, since it depends on the level.
    pub logs: f64,
}

impl Bill {
    /// # Panics
    /// The files of prices or assumptions are malformed.
    pub fn of(scenario: Scenario, count: &Count, capacity: Capacity) -> Self {
        let Prices { memory_gigabytes, dollars } = Prices::listed();
        let assumed = Assumptions::read();
        let shares = [&count.intake, &count.processor, &count.feedback];
        let per_million = |sum: f64| sum / count.notifications as f64 * MILLION;
        let sum = |of: fn(&Share) -> f64| per_million(shares.into_iter().map(of).sum());
        let chunks = shares.into_iter().map(|share| share.sqs_chunks(count.notifications)).sum();
        let queue_requests = per_million(chunks) + sum(|share| share.polling as f64);
        let seconds = per_million(assumed.milliseconds(scenario, count) / 1e3);
        let invocations = sum(|share| share.invocations as f64);
        let log_bytes = sum(|share| share.log_bytes as f64) + MILLION * assumed.access_log_bytes;
        let (write, read) = match capacity {
            Capacity::OnDemand => (dollars.million_write_units, dollars.million_read_units),
            Capacity::Provisioned => {
                let units = MILLION / HOUR / assumed.used_capacity;
                (dollars.write_unit_hour * units, dollars.read_unit_hour * units)
            }
        };
        Self {
            api: dollars.million_api_requests,
            invocations: invocations / MILLION * dollars.million_invocations,
            durations: seconds * memory_gigabytes * dollars.gigabyte_second,
            queues: queue_requests / MILLION * dollars.million_queue_requests,
            fairness: queue_requests / MILLION * dollars.million_fair_queue_requests,
            table: (sum(|share| share.calls.write_units()) * write + sum(|share| share.calls.read_units()) * read)
                / MILLION,
            logs: log_bytes / 1e9 * dollars.gigabyte_of_logs,
        }
    }

    /// The total without logs.
    pub fn total(&self) -> f64 {
        self.api + self.invocations + self.durations + self.queues + self.fairness + self.table
    }
}

#[derive(Debug, Deserialize)]
pub struct Assumptions {
    records_at_once: usize,
    pub(crate) round_trip_milliseconds: Waits,
    own_milliseconds: Own,
    waits: Steps,
    /// The used share of the provisioned capacity.
    pub(crate) used_capacity: f64,
    pub(crate) access_log_bytes: f64,
}

/// One number for each service: a duration, or a frequency.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Waits {
    pub(crate) dynamodb: f64,
    pub(crate) sqs: f64,
    pub(crate) visma_net: f64,
}

#[derive(Debug, Deserialize)]
struct Own {
    intake: f64,
    processor: f64,
    feedback: f64,
}

#[derive(Debug, Deserialize)]
struct Steps {
    intake: Waits,
    processor: Waits,
    processor_fetching: Waits,
    processor_with_feedback: Waits,
    feedback: Waits,
    feedback_batch: Waits,
}

impl Waits {
    fn lasting(self, each: Self) -> f64 {
        self.dynamodb * each.dynamodb + self.sqs * each.sqs + self.visma_net * each.visma_net
    }
}

impl Assumptions {
    /// # Panics
    /// The file does not have its form.
    pub fn read() -> Self {
        serde_json::from_str(ASSUMPTIONS).expect("assumptions.json has its form")
    }

    /// The duration of all invocations.
    pub(crate) fn milliseconds(&self, scenario: Scenario, count: &Count) -> f64 {
        let (each, steps, own) = (self.round_trip_milliseconds, &self.waits, &self.own_milliseconds);
        let rounds = scenario.traffic.batch().div_ceil(self.records_at_once) as f64;
        let mut record = steps.processor.lasting(each);
        if scenario.wanted.fetch {
            record += steps.processor_fetching.lasting(each);
        }
        if scenario.wanted.feedback {
            record += steps.processor_with_feedback.lasting(each);
        }
        let intake = steps.intake.lasting(each) + own.intake;
        let processor = rounds * record + own.processor * scenario.traffic.batch() as f64;
        let feedback = rounds * steps.feedback.lasting(each) + steps.feedback_batch.lasting(each);
        let feedback = feedback + own.feedback * scenario.traffic.batch() as f64;
        let lasted = [(&count.intake, intake), (&count.processor, processor), (&count.feedback, feedback)];
        lasted.into_iter().map(|(share, milliseconds)| share.invocations as f64 * milliseconds).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Traffic;
    use crate::pipeline::{Bodies, Subject, Wanted};

    #[test]
    fn a_pipeline_without_a_table_costs_the_sum_of_its_parts() {
        let scenario = Scenario {
            traffic: Traffic::Busy(10),
            wanted: Wanted { fetch: false, feedback: false },
            subject: Subject::Account,
            known: true,
            bodies: Bodies::Bare,
        };
        let intake = Share { invocations: 10, ..Share::default() };
        let processor = Share { invocations: 1, polling: 2, ..Share::default() };
        let count = Count { notifications: 10, intake, processor, ..Count::default() };
        let bill = Bill::of(scenario, &count, Capacity::OnDemand);
        assert_eq!((bill.api, bill.table), (1.0, 0.0));
        // 1.1 invocations at 0.20 a million, and 0.2 requests at 0.40 and at 0.10.
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(bill.invocations, 0.22);
        close(bill.queues, 0.08);
        close(bill.fairness, 0.02);
        close(bill.total(), 1.0 + 0.22 + 0.08 + 0.02 + bill.durations);
    }
}
