//! Reads a list page by page while its rows move: deleted, touched, inserted
//! (docs/visma-net.md#lists).
//!
//! Pages are requested by number. If a row leaves a page already read, all later rows move forward,
//! and one of them would be missed. So each page begins a few rows before the end of the one
//! before. While one of those rows is at the start of the next page, nothing was skipped. If none
//! is, the walk goes back until it finds one.

use crate::collection::{Page, Row};
use serde::{Deserialize, Serialize};

/// Rows to request at once, the most that version 3 accepts
/// (docs/visma-net.md#sales-orders-version-3).
pub const PAGE_SIZE: usize = 100;
/// Rows that a full page repeats.
const OVERLAP: usize = 5;
/// The most steps back. A list without any order would otherwise be read for ever.
const MOST_STEPS_BACK: u32 = 20;

/// A request for page `page`, counted from 0, of pages of `size` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub page: u32,
    pub size: usize,
}

/// The progress of reading a list. It can be stored, and another run can continue it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// Rows already passed.
    position: usize,
    /// The most rows to request.
    size: usize,
    /// The keys and times of the last rows passed, in the order of the list; empty for a row
    /// without a key. A row that was touched since may have moved, and is not recognised.
    tail: Vec<String>,
    steps_back: u32,
    doubt: Doubt,
}

/// Whether more rows follow, for a list that does not tell its length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Doubt {
    #[default]
    None,
    /// Unknown. A page right after the passed rows will show it.
    Open,
    /// More rows follow.
    Resolved,
}

/// The result of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// The index of the first row of the page that is new.
    pub new_from: usize,
    /// How to continue; `None` at the end of the list.
    pub rest: Option<Walk>,
}

impl Window {
    /// The first page of a list.
    pub fn first(size: usize) -> Self {
        Self { page: 0, size }
    }

    fn of(from: usize, size: usize) -> Self {
        Self { page: u32::try_from(from / size).unwrap_or(u32::MAX), size }
    }

    /// Rows of the list before its first one.
    pub fn start(self) -> usize {
        (self.page as usize).saturating_mul(self.size)
    }

    fn end(self) -> usize {
        self.start().saturating_add(self.size)
    }
}

impl Walk {
    /// Starts at the beginning, with pages of `size` rows.
    pub fn new(size: usize) -> Self {
        Self { position: 0, size: size.max(1), tail: Vec::new(), steps_back: 0, doubt: Doubt::None }
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// The same place, with pages of at most `size` rows.
    #[must_use]
    pub fn with_size(self, size: usize) -> Self {
        Self { size: size.max(1), ..self }
    }

    /// The page with the most new rows that also repeats a few passed ones.
    pub fn window(&self) -> Window {
        if self.doubt == Doubt::Open {
            return self.right_behind();
        }
        let overlap = if self.known_tail().next().is_some() { self.overlap().min(self.position) } else { 0 };
        let from = self.position - overlap;
        let windows = (1..=self.size).map(|size| Window::of(from, size));
        let best = windows.max_by_key(|window| window.end()).filter(|window| window.end() > self.position);
        best.unwrap_or_else(|| self.right_behind())
    }

    /// A page that begins with the first new row.
    fn right_behind(&self) -> Window {
        let size = (1..=self.size).rev().find(|size| self.position.is_multiple_of(*size)).unwrap_or(1);
        Window::of(self.position, size)
    }

    /// Reads the page that `window` requested.
    #[must_use]
    pub fn take(mut self, window: Window, page: &Page) -> Taken {
        let (start, rows) = (window.start(), &page.rows);
        if self.doubt == Doubt::Open {
            self.doubt = Doubt::Resolved;
            return Taken { new_from: rows.len(), rest: (!rows.is_empty()).then_some(self) };
        }
        let met = rows.iter().rposition(|row| self.known_tail().any(|known| known == mark(row)));
        let is_lost = start < self.position && start > 0 && met.is_none() && self.known_tail().next().is_some();
        if is_lost && self.steps_back < MOST_STEPS_BACK {
            self.steps_back += 1;
            self.position = start.saturating_sub(self.size);
            return Taken { new_from: rows.len(), rest: Some(self) };
        }
        let new_from = met.map_or(0, |at| at + 1);
        let has_new = new_from < rows.len();
        self.position = start + rows.len();
        self.tail.extend(rows[new_from..].iter().map(mark));
        self.tail.drain(..self.tail.len().saturating_sub(OVERLAP));
        // An earlier page had as many rows as this one asked for, so this one had room for more.
        let is_silent = page.total.is_none() && page.more.is_none();
        let has_room = is_silent && met.is_some() && rows.len() < window.size;
        if is_last(page, self.position) || (!has_new && (has_room || rows.len() > window.size)) {
            return Taken { new_from, rest: None };
        }
        self.look_closer(window, page, has_new);
        Taken { new_from, rest: Some(self) }
    }

    /// A page that is shorter than requested and not marked as the last. The server cut it, or it
    /// is the last.
    fn look_closer(&mut self, window: Window, page: &Page, has_new: bool) {
        let was_resolved = std::mem::take(&mut self.doubt) == Doubt::Resolved;
        if has_new && page.rows.len() < window.size {
            self.size = page.rows.len();
        } else if !has_new && was_resolved {
            // Rows that are hidden from us take up this place.
            self.position = self.position.max(window.end());
            self.tail.clear();
        } else if !has_new {
            self.doubt = Doubt::Open;
        }
    }

    /// A small part of a page, so that each page has new rows.
    fn overlap(&self) -> usize {
        (self.size / 10).clamp(1, OVERLAP)
    }

    /// The rows that identify the start of the next page.
    fn known_tail(&self) -> impl Iterator<Item = &str> {
        let skipped = self.tail.len().saturating_sub(self.overlap());
        self.tail[skipped..].iter().map(String::as_str).filter(|key| !key.is_empty())
    }
}

/// Uses the first possible moment of the time, since the second depends on when it is read.
fn mark(row: &Row) -> String {
    match row {
        Row::Read(listed) => format!("{}@{}", listed.key, listed.modified.first().get()),
        Row::NoTime { key } => key.clone(),
        Row::NoKey => String::new(),
    }
}

/// Whether the list shows that this is its end: by an empty page, its count, or the lack of a next
/// page.
fn is_last(page: &Page, position: usize) -> bool {
    let is_reached = page.total.map(|total| position >= total);
    match (page.more, is_reached) {
        _ if page.rows.is_empty() => true,
        (Some(true), _) | (None, None) => false,
        (_, Some(is_reached)) => is_reached,
        (Some(false), None) => true,
    }
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
