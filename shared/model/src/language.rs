//! The languages in which an accountant can read a feedback.

use serde::Deserialize;

/// By its code of ISO 639.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    #[default]
    En,
    Nb,
    Sv,
    Da,
    Nl,
    Fi,
}

impl Language {
    /// In the order in which a text has them.
    pub const ALL: [Self; 6] = [Self::En, Self::Nb, Self::Sv, Self::Da, Self::Nl, Self::Fi];
}

/// One text in each language, in the order of [`Language::ALL`].
pub type Text = [&'static str; Language::ALL.len()];
