//! How many attempts at a notification were written down.

use crate::attributes::{Item, text};
use webhooks_model::Reason;

/// The attempts that were written down. One that the tenant's quota ended is none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    pub failed: u32,
    /// Of these, those that left no word.
    pub lost: u32,
    /// Of these, those in which the ERP took no token.
    pub refused: u32,
}

impl Attempts {
    pub(crate) fn of(item: &Item) -> Self {
        let lines = item.get("attempts").and_then(|lines| lines.as_l().ok()).map(Vec::as_slice).unwrap_or_default();
        let reasons = lines.iter().filter_map(|line| Reason::parse(text(line.as_m().ok()?, "reason")?));
        reasons.filter(|reason| *reason != Reason::RateLimited).fold(Self::default(), |known, reason| Self {
            failed: known.failed + 1,
            lost: known.lost + u32::from(reason == Reason::Lost),
            refused: known.refused + u32::from(reason == Reason::TokenRefused),
        })
    }

    /// Whether that is how all of them ended that left a word.
    #[must_use]
    pub fn are_refused(self) -> bool {
        self.refused > 0 && self.refused + self.lost == self.failed
    }
}
