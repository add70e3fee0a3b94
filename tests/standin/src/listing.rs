//! Filters and pages of lists (docs/visma-net.md#lists). Ignores unknown parameters, like Visma
//! Net.

use std::collections::HashMap;

use serde::Deserialize;
use time::OffsetDateTime;

use crate::{clock, refusal::Refusal};

const MODIFIED: &str = "lastModifiedDateTime";
const CONDITION: &str = "lastModifiedDateTimeCondition";

/// A list's query parameters.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Parameters(HashMap<String, String>);

/// Selects resources by their last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filter(Option<(Comparison, OffsetDateTime)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    After,
    Before,
    NotBefore,
    NotAfter,
}

/// Selects a part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    skip: usize,
    take: usize,
}

impl Parameters {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Version 1: a date and a condition, both or neither.
    pub(crate) fn filter(&self) -> Result<Filter, Refusal> {
        let (date, condition) = match (self.get(MODIFIED), self.get(CONDITION)) {
            (None, None) => return Ok(Filter(None)),
            (Some(date), Some(condition)) => (date, condition),
            _ => {
                let message = format!("{MODIFIED} and {CONDITION} are used together.");
                return Err(Refusal::bad_request(message));
            }
        };
        let comparison = match condition {
            ">" => Comparison::After,
            "<" => Comparison::Before,
            ">=" => Comparison::NotBefore,
            "<=" => Comparison::NotAfter,
            other => {
                let message = format!("{CONDITION} '{other}' is not one of >, <, >=, <=.");
                return Err(Refusal::bad_request(message));
            }
        };
        Ok(Filter(Some((comparison, date_of(MODIFIED, date)?))))
    }

    /// Version 1: both parameters are mandatory, pages count from 1, and larger pages are cut.
    pub(crate) fn page(&self, largest: usize) -> Result<Page, Refusal> {
        match (self.number("pageNumber")?, self.number("pageSize")?) {
            (Some(number @ 1..), Some(size @ 1..)) => Ok(Page::new(number - 1, size.min(largest))),
            (None, _) | (_, None) => Err(Refusal::bad_request("pageNumber and pageSize are mandatory.")),
            _ => Err(Refusal::bad_request("pageNumber and pageSize start at 1.")),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, Refusal> {
        let number = self.get(name).map(str::parse).transpose();
        number.map_err(|_| Refusal::bad_request(format!("{name} is not a number.")))
    }
}

impl Filter {
    /// Changed at this moment or later.
    pub(crate) fn since(at: Option<OffsetDateTime>) -> Self {
        Self(at.map(|at| (Comparison::NotBefore, at)))
    }

    pub(crate) fn admits(&self, modified: Option<OffsetDateTime>) -> bool {
        let Some((comparison, at)) = self.0 else {
            return true;
        };
        modified.is_some_and(|modified| match comparison {
            Comparison::After => modified > at,
            Comparison::Before => modified < at,
            Comparison::NotBefore => modified >= at,
            Comparison::NotAfter => modified <= at,
        })
    }
}

impl Page {
    pub(crate) fn new(index: usize, size: usize) -> Self {
        Self { skip: index.saturating_mul(size), take: size }
    }

    pub(crate) fn all() -> Self {
        Self { skip: 0, take: usize::MAX }
    }

    pub(crate) fn ends_at(&self) -> usize {
        self.skip.saturating_add(self.take)
    }

    pub(crate) fn of<'a, T>(&self, items: &'a [T]) -> impl Iterator<Item = &'a T> {
        items.iter().skip(self.skip).take(self.take)
    }
}

fn date_of(name: &str, text: &str) -> Result<OffsetDateTime, Refusal> {
    clock::read(text).ok_or_else(|| Refusal::bad_request(format!("{name} '{text}' has an unknown format.")))
}
