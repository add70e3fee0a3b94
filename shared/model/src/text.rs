//! Texts. Bounds those from outside, so that an item of the table and a message have room for them,
//! and so that names and keys can be part of a table key or a URL. Ours exist in each language.

use serde::Deserialize;

/// The longest key of an entity, in bytes. A table key has more room, even with a tenant and an
/// entity's name.
const LONGEST_KEY: usize = 256;
/// The longest text of a payload or of the ERP that is kept, in characters.
pub(crate) const LONGEST_TEXT: usize = 256;

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

/// Whether a tenant or a company has a valid name: 1 to 64 ASCII letters, digits, `-` and `_`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Whether an entity's key is short enough. A cut one would be another entity's.
pub(crate) fn fits(key: &str) -> bool {
    key.len() <= LONGEST_KEY
}

/// The text without control characters, and at most `longest` characters long. `…` marks a cut. It
/// counts in UTF-16, as .NET does: a character beyond U+FFFF, such as an emoji, counts as two.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    let (mut kept, mut room) = (String::new(), longest);
    for c in text.chars().filter(|c| !c.is_control()) {
        let Some(left) = room.checked_sub(c.len_utf16()) else {
            if room == 0 {
                kept.pop();
            }
            return format!("{}…", kept.trim_end());
        };
        kept.push(c);
        room = left;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_marked() {
        assert_eq!(cut("åååå\u{7}", 4), "åååå");
        assert_eq!(cut("ååååå", 4), "ååå…");
        assert_eq!(cut("å  åå", 4), "å…");
    }

    #[test]
    fn counts_in_utf_16_and_cuts_between_characters() {
        assert_eq!(cut("😀😀", 4), "😀😀");
        assert_eq!(cut("😀😀å", 4), "😀…");
        assert_eq!(cut("ååå😀", 4), "ååå…");
    }
}
