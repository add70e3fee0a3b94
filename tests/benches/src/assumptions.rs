//! Values that cannot be counted here: `assumptions.json`.

use crate::count::Count;
use crate::scenario::Scenario;
use serde::Deserialize;

const FILE: &str = include_str!("../assumptions.json");

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
        serde_json::from_str(FILE).expect("assumptions.json has its form")
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
