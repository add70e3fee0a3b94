//! The mistakes of a settings document: a stable code, the field, and what to do.

use serde_path_to_error::{Path, Segment};
use std::fmt;
use webhooks_model::WrongJson;
use webhooks_model::mapping::{Fault, Mistake};

/// A longer name may be a secret that was pasted into the wrong place.
const LONGEST_NAME: usize = 31;

macro_rules! codes {
    ($($code:ident = $name:literal,)*) => {
        /// Stable across versions. The README explains each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($code,)*
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    NotJson = "not_json",
    FieldMissing = "field_missing",
    FieldUnknown = "field_unknown",
    FieldTwice = "field_twice",
    FieldType = "field_type",
    ValueUnknown = "value_unknown",
    ValueInvalid = "value_invalid",
    NumberOutOfRange = "number_out_of_range",
    VersionUnknown = "version_unknown",
    UrlInvalid = "url_invalid",
    TimeZoneUnknown = "time_zone_unknown",
    IdTwice = "id_twice",
    RouteInvalid = "route_invalid",
    TenantInvalid = "tenant_invalid",
    NameInvalid = "name_invalid",
    SecretPadded = "secret_padded",
    SecretEmpty = "secret_empty",
    SecretMissing = "secret_missing",
    SecretsTooMany = "secrets_too_many",
    PathTokenMissing = "path_token_missing",
    PathTokenUnwanted = "path_token_unwanted",
    PathTokenShort = "path_token_short",
    PathTokenInvalid = "path_token_invalid",
    PathTokenTwice = "path_token_twice",
    EventUnknown = "event_unknown",
    EventsUnknown = "events_unknown",
    EventsTooNarrow = "events_too_narrow",
    PointerInvalid = "pointer_invalid",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first mistake of a document. It names a field, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {at}: {what}")]
pub struct Invalid {
    pub code: Code,
    /// The path of the field, for example `subscriptions[2].secrets[0].value`.
    pub at: String,
    /// What to do about it.
    pub what: String,
}

impl Invalid {
    pub(crate) fn new(code: Code, at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { code, at: at.into(), what: what.into() }
    }

    pub(crate) fn url(at: impl Into<String>) -> Self {
        let what = "must be an https URL in ASCII, without %, query and credentials; http only on loopback";
        Self::new(Code::UrlInvalid, at, what)
    }

    pub(crate) fn padded(at: impl Into<String>) -> Self {
        let what = "begins or ends with white space or a byte order mark; paste it without";
        Self::new(Code::SecretPadded, at, what)
    }
}

impl From<Mistake> for Invalid {
    fn from(mistake: Mistake) -> Self {
        let (code, what) = match mistake.fault {
            Fault::EventsUnknown => (Code::EventsUnknown, "covers no event of the catalogue"),
            Fault::EventsTooNarrow => (Code::EventsTooNarrow, "needs events \"*\", since it names the event"),
            Fault::PointerInvalid => (Code::PointerInvalid, "must be a JSON pointer (RFC 6901) such as /entity/no"),
        };
        Self::new(code, mistake.at, what)
    }
}

/// After the last field.
impl From<serde_json::Error> for Invalid {
    fn from(error: serde_json::Error) -> Self {
        not_json("", &error)
    }
}

impl From<serde_path_to_error::Error<serde_json::Error>> for Invalid {
    fn from(error: serde_path_to_error::Error<serde_json::Error>) -> Self {
        let at = place(error.path());
        let error = error.inner();
        let wrong = match WrongJson::of(error) {
            WrongJson::Syntax => return not_json(&at, error),
            WrongJson::FieldMissing(name) => Self::new(Code::FieldMissing, below(&at, &name), "is missing; add it"),
            WrongJson::FieldTwice(name) => Self::new(Code::FieldTwice, below(&at, &name), "is given twice; keep one"),
            WrongJson::FieldUnknown => {
                Self::new(Code::FieldUnknown, at, "is no field of the document; correct its name or take it out")
            }
            WrongJson::ValueUnknown(expected) => Self::new(Code::ValueUnknown, at, format!("must be {expected}")),
            WrongJson::Type(expected) => Self::new(Code::FieldType, at, format!("must be {expected}")),
            WrongJson::Other(text) if text.starts_with(Code::UrlInvalid.name()) => Self::url(at),
            WrongJson::Other(_) => {
                Self::new(Code::ValueInvalid, at, "cannot be read; write it as shared/settings/README.md shows")
            }
        };
        let at = if wrong.at.is_empty() { "document".to_owned() } else { wrong.at };
        let what = format!("{} (line {}, column {})", wrong.what, error.line(), error.column());
        Self { code: wrong.code, at, what }
    }
}

fn not_json(at: &str, error: &serde_json::Error) -> Invalid {
    let at = if at.is_empty() { "document" } else { at };
    let what = format!("is not JSON at line {}, column {}; correct it there", error.line(), error.column());
    Invalid::new(Code::NotJson, at, what)
}

fn place(path: &Path) -> String {
    path.iter().fold(String::new(), |at, segment| match segment {
        Segment::Seq { index } => format!("{at}[{index}]"),
        Segment::Map { key } => below(&at, key),
        // A variant is a value.
        Segment::Enum { .. } | Segment::Unknown => at,
    })
}

/// The path of a field below `at`. A name that may be a misplaced secret becomes `?`.
pub(crate) fn below(at: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '.' | ' ');
    let name = if name.len() <= LONGEST_NAME && name.chars().all(is_plain) { name } else { "?" };
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}
