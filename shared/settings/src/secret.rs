//! Texts that are never shown.

use serde::Deserialize;
use std::fmt;
use std::hash::{Hash, Hasher};
use zeroize::Zeroizing;

/// A secret. It has no `Display`, its `Debug` shows nothing, and its memory is wiped when it is
/// dropped.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it begins or ends with white space, a control character or an invisible mark, which
    /// it got when it was copied.
    pub(crate) fn is_padded(&self) -> bool {
        let is_padding =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}');
        self.0.starts_with(is_padding) || self.0.ends_with(is_padding)
    }
}

/// As a key of a map in this process.
impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
