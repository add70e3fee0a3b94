//! Entries of a notification's timeline besides attempts, the end and actions of operators. Entries
//! are only added, so none overwrites another.

use crate::attributes::{string, time_text};
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use webhooks_model::Reason;

pub(crate) const MOMENTS: &str = "moments";

pub(crate) fn moment(what: &str, at: OffsetDateTime, reason: Option<Reason>) -> AttributeValue {
    let mut fields = vec![("at", string(time_text(at))), ("what", string(what))];
    fields.extend(reason.map(|reason| ("reason", string(reason.as_str()))));
    AttributeValue::M(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}
