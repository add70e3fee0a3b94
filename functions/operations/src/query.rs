//! Checks parameters, and names the wrong one in errors.

use crate::problem::Problem;
use std::collections::HashMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use webhooks_model::notification::is_name;
use webhooks_model::{Entity, State};

const LONGEST: usize = 256;
const LONGEST_CURSOR: usize = 2048;
const LONGEST_NOTE: usize = 500;

/// The parameters of a URL's query.
pub(crate) struct Parameters(HashMap<String, String>);

impl Parameters {
    /// # Errors
    /// A parameter is unknown, given twice or too long.
    pub(crate) fn new(pairs: Vec<(String, String)>, known: &[&str]) -> Result<Self, Problem> {
        let mut parameters = HashMap::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                let name = if name.len() <= LONGEST { name } else { "a name that is too long".to_owned() };
                return Err(Problem::unknown_parameter(&name, known));
            }
            let longest = if name == "cursor" { LONGEST_CURSOR } else { LONGEST };
            if value.len() > longest {
                return Err(Problem::invalid(&name, format!("It may have at most {longest} bytes.")));
            }
            if parameters.contains_key(&name) {
                return Err(Problem::invalid(&name, "It is given twice; keep one."));
            }
            parameters.insert(name, value);
        }
        Ok(Self(parameters))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, Problem> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| Problem::invalid(name, "It is required."))
    }

    pub(crate) fn tenant(&self) -> Result<String, Problem> {
        tenant(self.required("tenant")?)
    }

    pub(crate) fn entity(&self) -> Result<Option<Entity>, Problem> {
        self.get("entity").map(entity).transpose()
    }

    pub(crate) fn state(&self) -> Result<Option<State>, Problem> {
        self.get("state").map(|text| state("state", text)).transpose()
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<OffsetDateTime>, Problem> {
        let read = |text: &str| OffsetDateTime::parse(text, &Rfc3339).map_err(|_| no_time(name));
        self.get(name).map(|text| time(name, read(text)?)).transpose()
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, Problem> {
        self.get(name)
            .map_or(Ok(false), |text| text.parse().map_err(|_| Problem::invalid(name, "It must be true or false.")))
    }

    pub(crate) fn limit(&self) -> Result<u8, Problem> {
        self.limit_of(50, 100)
    }

    pub(crate) fn limit_of(&self, usual: u8, most: u8) -> Result<u8, Problem> {
        let parse = |text: &str| text.parse().ok().filter(|limit| (1..=most).contains(limit));
        let wrong = || Problem::invalid("limit", format!("It must be a whole number from 1 to {most}."));
        self.get("limit").map_or(Ok(usual), |text| parse(text).ok_or_else(wrong))
    }
}

/// A time of a parameter or of a body. Outside these years it may have no form in UTC, in which the
/// table compares times.
pub(crate) fn time(field: &str, at: OffsetDateTime) -> Result<OffsetDateTime, Problem> {
    (2000..=2100).contains(&at.year()).then_some(at).ok_or_else(|| no_time(field))
}

fn no_time(field: &str) -> Problem {
    Problem::invalid(field, "It must be a time such as 2026-11-24T12:00:00Z.")
}

pub(crate) fn tenant(text: &str) -> Result<String, Problem> {
    let is_tenant = is_name(text);
    let wrong = || Problem::invalid("tenant", "It must be a tenant's id, such as its UUID.");
    is_tenant.then(|| text.to_lowercase()).ok_or_else(wrong)
}

pub(crate) fn entity(text: &str) -> Result<Entity, Problem> {
    serde_json::from_value(text.into())
        .map_err(|_| Problem::invalid("entity", "It must be an entity, such as sales_order."))
}

pub(crate) fn state(field: &str, text: &str) -> Result<State, Problem> {
    let known = State::ALL.map(State::as_str).join(", ");
    State::parse(text).ok_or_else(|| Problem::invalid(field, format!("It must be one of {known}.")))
}

pub(crate) fn note(text: &str) -> Result<&str, Problem> {
    let fits = text.chars().count() <= LONGEST_NOTE;
    fits.then_some(text)
        .ok_or_else(|| Problem::invalid("note", format!("It may have at most {LONGEST_NOTE} characters.")))
}
