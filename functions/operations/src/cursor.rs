//! Cursors: the position of the next page. A cursor is opaque, and valid only for its own list.

use crate::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use time::OffsetDateTime;
use webhooks_store::Position;

/// DynamoDB's limit for a sort key of the table or of an index.
const LONGEST_SORT_KEY: usize = 1024;

#[derive(Serialize, Deserialize)]
pub(crate) struct Cursor {
    list: u64,
    /// The earliest time of the list, set by the request for the first page. `None` if the list has
    /// no such limit.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub(crate) from: Option<OffsetDateTime>,
    pub(crate) after: Position,
}

/// Identifies a list by all its parameters except the length of a page.
pub(crate) fn list_of(asked: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    asked.hash(&mut hasher);
    hasher.finish()
}

impl Cursor {
    pub(crate) fn write(list: u64, from: Option<OffsetDateTime>, after: Position) -> String {
        let cursor = Self { list, from, after };
        URL_SAFE_NO_PAD.encode(serde_json::to_string(&cursor).expect("texts always serialise"))
    }

    /// # Errors
    /// The text is not a cursor, or is a cursor of another list.
    pub(crate) fn read(list: u64, cursor: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(cursor) = cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Problem::unknown_cursor())?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| Problem::unknown_cursor())?;
        let is_ours = cursor.list == list && cursor.could_be();
        is_ours.then_some(Some(cursor)).ok_or_else(Problem::unknown_cursor)
    }

    /// Whether the table accepts it as a position.
    fn could_be(&self) -> bool {
        let fits = |text: &str| (1..=LONGEST_SORT_KEY).contains(&text.len());
        let Position { at, pk, sk } = &self.after;
        let is_place = fits(sk) && !pk.is_empty();
        // A position between two days of the feed has only a time.
        let is_time = self.from.is_some() && pk.is_empty() && sk.is_empty();
        fits(at) && (is_place || is_time) && self.from.is_none_or(|from| (2000..=2100).contains(&from.year()))
    }
}
