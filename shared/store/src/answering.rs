//! The answer to Visma Net, as recorded when a notification ends.

use crate::attributes::{Update, string, time_text};
use crate::implied::feedback_ids;
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use webhooks_model::Notification;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};

/// The answer to Visma Net when a notification ends. An earlier decision is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    pub feedback: FeedbackState,
    pub address: Address,
    /// `None` if an integrator decides, or if there is no answer.
    pub verdict: Option<Verdict>,
    /// The deadline of an awaited outcome.
    pub deadline: Option<OffsetDateTime>,
}

impl Answering {
    /// No answer is sent.
    pub fn none() -> Self {
        Self { feedback: FeedbackState::None, address: Address::default(), verdict: None, deadline: None }
    }

    pub(crate) fn write(&self, update: Update, n: &Notification) -> Update {
        let update = match feedback_ids(n, &self.address) {
            Some(ids) => update.set_if_absent("feedback_ids", ids),
            None => update,
        };
        let update = update
            .set_if_absent("feedback", string(self.feedback.as_str()))
            .set_some("feedback_deadline", self.deadline.map(|at| string(time_text(at))));
        match &self.verdict {
            Some(verdict) => update
                .set_if_absent("feedback_success", AttributeValue::Bool(verdict.is_success))
                .set_if_absent("feedback_description", string(verdict.description.as_str())),
            None => update,
        }
    }
}
