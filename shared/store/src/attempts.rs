//! Counts the recorded attempts at a notification.

use crate::attributes::{Item, text};
use webhooks_model::Reason;

/// The recorded attempts. An attempt that ended for lack of quota does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    pub failed: u32,
    /// How many of them were lost.
    pub lost: u32,
    /// How many of them ended because the ERP refused the token.
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

    /// Whether the ERP refused the token in all attempts that were not lost.
    #[must_use]
    pub fn are_refused(self) -> bool {
        self.refused > 0 && self.refused + self.lost == self.failed
    }
}
