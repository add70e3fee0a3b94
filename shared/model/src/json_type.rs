//! The types of JSON values, and sets of them.

use crate::words::words;
use serde::{Serialize, Serializer};
use std::fmt;

words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum JsonType {
        Array = "array",
        Boolean = "boolean",
        Null = "null",
        Number = "number",
        Object = "object",
        String = "string",
    }
}

/// A set of types. As text: `null|string`; as JSON: `["null", "string"]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Types(u8);

impl Types {
    pub fn contains(self, one: JsonType) -> bool {
        self.0 & Self::from(one).0 != 0
    }

    pub fn iter(self) -> impl Iterator<Item = JsonType> {
        JsonType::ALL.into_iter().filter(move |one| self.contains(*one))
    }

    pub fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl From<JsonType> for Types {
    fn from(one: JsonType) -> Self {
        Self(1 << one as u8)
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, one) in self.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { "|" }, one.as_str())?;
        }
        Ok(())
    }
}

impl Serialize for Types {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
