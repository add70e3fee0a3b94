//! The parameters `from` and `to` of a list that is read page by page.

use crate::cursor::Cursor;
use crate::problem::Problem;
use crate::query::Parameters;
use time::{Duration, OffsetDateTime};

/// Includes what another function has just written, even if its clock is ahead of ours.
pub(crate) const CLOCKS_DIFFER_BY: Duration = Duration::minutes(1);

/// After this time a request reads no further page. API Gateway gives it 30 seconds, and one page
/// over tenants that received nothing takes hundreds of reads.
pub(crate) const LONGEST_LOOK: Duration = Duration::seconds(10);

/// The times as asked. They help to identify the list.
#[derive(Debug, Clone, Copy, Hash)]
pub(crate) struct Range {
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
}

impl Range {
    /// # Errors
    /// One of the two is not a time.
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Problem> {
        Ok(Self { from: parameters.time("from")?, to: parameters.time("to")? })
    }

    /// The beginning and the end of the list. Without `from` it has the `usual` length.
    ///
    /// # Errors
    /// It ends before it begins, or is longer than `longest`.
    pub(crate) fn of_page(
        self,
        cursor: Option<&Cursor>,
        now: OffsetDateTime,
        usual: Duration,
        longest: Option<Duration>,
    ) -> Result<(OffsetDateTime, OffsetDateTime), Problem> {
        let to = self.to.unwrap_or(now + CLOCKS_DIFFER_BY);
        // All pages use the start of the first one, since the clock has moved on.
        let begun = cursor.and_then(|cursor| cursor.from);
        let from = begun.or(self.from).unwrap_or(to - usual);
        let longest = longest.filter(|_| begun.is_none());
        if from < to && longest.is_none_or(|longest| to - from <= longest) {
            return Ok((from, to));
        }
        let by = longest.map(|longest| format!(", by at most {} days", longest.whole_days())).unwrap_or_default();
        Err(Problem::invalid("from", format!("It must be before `to`{by}.")))
    }
}
