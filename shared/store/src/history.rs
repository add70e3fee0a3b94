//! The lists of a record: failed attempts, failed tries of its feedback, moments, and actions of
//! operators. An entry is only added, without reading the others, so none overwrites another. When
//! a list has become long, another write removes its oldest entries. So a record stays below
//! DynamoDB's 400 KB: the longest raw item in one attribute has 256 KB, and the longest lists have
//! less than 120 KB together.

use crate::attributes::{Item, Update, number, string, time_text};
use aws_sdk_dynamodb::types::AttributeValue;
use time::OffsetDateTime;
use webhooks_model::Reason;
use webhooks_model::ledger::Attempt;

pub(crate) const MOMENTS: &str = "moments";
/// The number of entries that stay.
pub(crate) const KEPT: usize = 20;
/// The length at which a list is shortened. It is larger, so that few writes cost a second one.
const LONGEST: usize = 28;
/// The longest detail of an attempt, in bytes. It may come from business code. The operations
/// function limits notes to 2,000 bytes.
const LONGEST_DETAIL: usize = 500;

/// The updates that shorten lists after these entries were added to them, by the name of the list.
/// `before` is the record without the entries. Each update has the condition that nobody has added
/// another entry since. The next entry then shortens the list.
pub(crate) fn shortened(before: &Item, added: Vec<(String, AttributeValue)>) -> Vec<(Update, String)> {
    let shorter = added.into_iter().filter_map(|(name, entry)| {
        let known = before.get(&name)?.as_l().ok()?;
        if known.len() + 1 < LONGEST {
            return None;
        }
        let mut whole = known.clone();
        whole.push(entry);
        let newest = whole[whole.len() - KEPT..].to_vec();
        let mut update = Update::default().set(&name, AttributeValue::L(newest));
        let (list, seen) = (update.name(&name), update.value(AttributeValue::L(whole)));
        Some((update, format!("{list} = {seen}")))
    });
    shorter.collect()
}

/// An entry of the failed attempts.
pub(crate) fn line(attempt: &Attempt) -> AttributeValue {
    let fields = [
        ("at", string(time_text(attempt.at))),
        ("receive_count", number(attempt.receive_count)),
        ("reason", string(attempt.reason.as_str())),
        ("detail", string(short(&attempt.detail))),
    ];
    AttributeValue::M(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// An entry of a notification's timeline besides attempts, the end and actions of operators.
pub(crate) fn moment(what: &str, at: OffsetDateTime, reason: Option<Reason>) -> AttributeValue {
    let mut fields = vec![("at", string(time_text(at))), ("what", string(what))];
    fields.extend(reason.map(|reason| ("reason", string(reason.as_str()))));
    AttributeValue::M(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The detail of an attempt, cut if it is too long.
fn short(detail: &str) -> String {
    let (start, rest) = detail.split_at(detail.floor_char_boundary(LONGEST_DETAIL));
    if rest.is_empty() { start.to_owned() } else { format!("{start}…") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_a_detail_that_is_longer_than_allowed() {
        assert_eq!(short(&"x".repeat(500)), "x".repeat(500));
        assert_eq!(short(&"x".repeat(501)), format!("{}…", "x".repeat(500)));
    }
}
