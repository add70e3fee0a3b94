//! The languages of the feedback.

use serde::Deserialize;

/// A language, by its ISO 639 code.
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
    /// The order of the languages in each text.
    pub const ALL: [Self; 6] = [Self::En, Self::Nb, Self::Sv, Self::Da, Self::Nl, Self::Fi];
}

/// One text in each language, in the order of [`Language::ALL`].
pub type Text = [&'static str; Language::ALL.len()];
