//! Reading a list page by page while its rows move: deleted, touched, inserted
//! (docs/visma-net.md#lists).
//!
//! Pages are asked for by number, so a row that leaves a page already read moves all later ones forward, and one of them would be
//! missed. So each page begins a few rows before the end of the one before, by a size that makes it so. While one of
//! those rows is where the next page begins, nothing was skipped; where none of them is, the walk goes back until it meets one.

use crate::collection::{Page, Row};
use serde::{Deserialize, Serialize};

/// How many rows are asked for at once. V3 takes no more
/// (docs/visma-net.md#sales-orders-version-3).
pub const PAGE_SIZE: usize = 100;
/// Rows that a full page shows again.
const OVERLAP: usize = 5;
/// So often a walk goes back. A list in no order at all would hold it for ever.
const MOST_STEPS_BACK: u32 = 20;

/// What to ask for: page `page`, counted from 0, of pages of `size` rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub page: u32,
    pub size: usize,
}

/// How far a list was read. It may be stored, and goes on in another run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// Rows passed.
    position: usize,
    /// The most rows to ask for.
    size: usize,
    /// The last rows passed by their keys and times, in the order of the list; empty for a row without a key. One that was touched since
    /// may have moved, and is not recognised.
    tail: Vec<String>,
    steps_back: u32,
    doubt: Doubt,
}

/// Whether there is anything behind the rows passed, where the list does not tell how many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Doubt {
    #[default]
    None,
    /// To be found out by a page that begins right behind them.
    Open,
    /// There is more.
    Resolved,
}

/// What a page brought.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where in the page the rows begin that were not read before.
    pub new_from: usize,
    /// How to go on; `None` at the end of the list.
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
    /// From the beginning, by pages of `size` rows.
    pub fn new(size: usize) -> Self {
        Self { position: 0, size: size.max(1), tail: Vec::new(), steps_back: 0, doubt: Doubt::None }
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// The same place, by pages of at most `size` rows.
    #[must_use]
    pub fn with_size(self, size: usize) -> Self {
        Self { size: size.max(1), ..self }
    }

    /// The page that shows the most rows behind those passed, and a few of these.
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

    /// Begins with the first row that was not passed.
    fn right_behind(&self) -> Window {
        let size = (1..=self.size).rev().find(|size| self.position.is_multiple_of(*size)).unwrap_or(1);
        Window::of(self.position, size)
    }

    /// Reads the page that was asked for by `window`.
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
        // As many rows as this page asks for have come in one page before, so it had room for more.
        let is_silent = page.total.is_none() && page.more.is_none();
        let has_room = is_silent && met.is_some() && rows.len() < window.size;
        if is_last(page, self.position) || (!has_new && (has_room || rows.len() > window.size)) {
            return Taken { new_from, rest: None };
        }
        self.look_closer(window, page, has_new);
        Taken { new_from, rest: Some(self) }
    }

    /// A page shorter than asked for, and not said to be the last: cut by the server, or the last.
    fn look_closer(&mut self, window: Window, page: &Page, has_new: bool) {
        let was_resolved = std::mem::take(&mut self.doubt) == Doubt::Resolved;
        if has_new && page.rows.len() < window.size {
            self.size = page.rows.len();
        } else if !has_new && was_resolved {
            // Rows that are not shown to us stand here.
            self.position = self.position.max(window.end());
            self.tail.clear();
        } else if !has_new {
            self.doubt = Doubt::Open;
        }
    }

    /// A small part of a page, so that each brings something new.
    fn overlap(&self) -> usize {
        (self.size / 10).clamp(1, OVERLAP)
    }

    /// The rows by which the next page is recognised.
    fn known_tail(&self) -> impl Iterator<Item = &str> {
        let skipped = self.tail.len().saturating_sub(self.overlap());
        self.tail[skipped..].iter().map(String::as_str).filter(|key| !key.is_empty())
    }
}

/// By the first of the moments that the time may be: the second one is taken or not by when it is read.
fn mark(row: &Row) -> String {
    match row {
        Row::Read(listed) => format!("{}@{}", listed.key, listed.modified.first().get()),
        Row::NoTime { key } => key.clone(),
        Row::NoKey => String::new(),
    }
}

/// Whether the list says that this is all of it: by an empty page, its count, or that there is no next page.
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
