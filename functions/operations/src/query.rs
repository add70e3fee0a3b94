//! Checks parameters, and names the wrong one in errors: single values, the range of a list, and
//! the cursor of its next page.

use crate::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::HashMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::notification::is_name;
use webhooks_model::{Entity, State};
use webhooks_store::Position;

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

/// Includes what another function has just written, even if its clock is ahead of ours.
pub(crate) const CLOCKS_DIFFER_BY: Duration = Duration::minutes(1);

/// After this time a request reads no further page. API Gateway gives it 30 seconds, and one page
/// over tenants that received nothing takes hundreds of reads.
pub(crate) const LONGEST_LOOK: Duration = Duration::seconds(10);

/// The times as asked. They help to identify the list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
}

/// As numbers, since a moment can be written with several offsets.
impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.from, self.to].map(|at| at.map(OffsetDateTime::unix_timestamp_nanos)).serialize(serializer)
    }
}

impl Range {
    /// # Errors
    /// One of the two is not a time.
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Problem> {
        Ok(Self { from: parameters.time("from")?, to: parameters.time("to")? })
    }

    /// The beginning and the end of the list. Without `from` it has the `usual` length.
    ///
    /// # Errors
    /// It ends before it begins, or is longer than `longest`.
    pub(crate) fn of_page(
        self,
        cursor: Option<&Cursor>,
        now: OffsetDateTime,
        usual: Duration,
        longest: Option<Duration>,
    ) -> Result<(OffsetDateTime, OffsetDateTime), Problem> {
        let to = self.to.unwrap_or(now + CLOCKS_DIFFER_BY);
        // All pages use the start of the first one, since the clock has moved on.
        let begun = cursor.and_then(|cursor| cursor.from);
        let from = begun.or(self.from).unwrap_or(to - usual);
        let longest = longest.filter(|_| begun.is_none());
        if from < to && longest.is_none_or(|longest| to - from <= longest) {
            return Ok((from, to));
        }
        let by = longest.map(|longest| format!(", by at most {} days", longest.whole_days())).unwrap_or_default();
        Err(Problem::invalid("from", format!("It must be before `to`{by}.")))
    }
}

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

/// Identifies a list by all its parameters except the length of a page. A cursor may come back to
/// another version, so the hash (FNV-1a) must not depend on the compiler as those of `std` do.
pub(crate) fn list_of(asked: impl Serialize) -> u64 {
    let text = serde_json::to_string(&asked).expect("texts and numbers always serialise");
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
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

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_cursor_is_valid_in_every_build() {
        let range = |from| list_of(("feed", None::<&str>, Range { from: Some(from), to: None }));
        assert_eq!(range(datetime!(2026-11-24 12:00 UTC)), 0xb7a1_6b9e_a16c_8133);
        assert_eq!(range(datetime!(2026-11-24 13:00 +01:00)), 0xb7a1_6b9e_a16c_8133, "the same moment");
    }

    #[test]
    fn a_parameter_has_256_bytes_at_most_and_a_cursor_2048() {
        let fits =
            |name: &str, bytes| Parameters::new(vec![(name.to_owned(), "x".repeat(bytes))], &["q", "cursor"]).is_ok();
        for (name, longest) in [("q", 256), ("cursor", 2048)] {
            assert!(fits(name, longest) && !fits(name, longest + 1), "{name}");
        }
    }

    #[test]
    fn a_limit_is_a_whole_number_from_one_to_the_most() {
        let limit = |text: &str| {
            let pairs = vec![("limit".to_owned(), text.to_owned())];
            Parameters::new(pairs, &["limit"]).unwrap().limit_of(5, 20).ok()
        };
        assert_eq!(["0", "1", "20", "21", "7.0", ""].map(limit), [None, Some(1), Some(20), None, None, None]);
        let none = Parameters::new(vec![], &[]).unwrap();
        assert_eq!((none.limit_of(5, 20), none.limit()), (Ok(5), Ok(50)));
    }

    #[test]
    fn a_cursor_is_read_only_for_its_own_list() {
        let place = || Position { at: "t".into(), pk: "p".into(), sk: "s".into() };
        let read = |list, text: Option<&str>| Cursor::read(list, text).map(|cursor| cursor.map(|cursor| cursor.after));
        let cursor = Cursor::write(7, None, place());
        assert_eq!(read(7, Some(&cursor)), Ok(Some(place())));
        assert_eq!(read(7, None), Ok(None));
        for (list, text) in [(8, cursor.as_str()), (7, "nonsense"), (7, "")] {
            assert_eq!(read(list, Some(text)), Err(Problem::unknown_cursor()), "{list} {text}");
        }
    }

    #[test]
    fn a_range_begins_before_its_end_and_is_no_longer_than_allowed() {
        let now = datetime!(2026-11-24 12:00 UTC);
        let page = |ago: Duration, cursor: Option<&Cursor>| {
            let range = Range { from: Some(now - ago), to: Some(now) };
            range.of_page(cursor, now, Duration::HOUR, Some(Duration::DAY)).ok()
        };
        assert_eq!(page(Duration::DAY, None), Some((now - Duration::DAY, now)));
        for ago in [Duration::ZERO, Duration::seconds(-1), Duration::DAY + Duration::SECOND] {
            assert_eq!(page(ago, None), None, "{ago}");
        }
        let after = Position { at: String::new(), pk: String::new(), sk: String::new() };
        let cursor = Cursor { list: 0, from: Some(now - Duration::days(2)), after };
        assert_eq!(page(Duration::HOUR, Some(&cursor)), Some((now - Duration::days(2), now)), "as the first page");
        let open = Range { from: None, to: None }.of_page(None, now, Duration::HOUR, None).ok();
        assert_eq!(open, Some((now - Duration::minutes(59), now + Duration::MINUTE)));
    }

    #[test]
    fn a_cursor_names_a_place_of_the_table_or_a_time_between_two_days() {
        let start = Some(datetime!(2026-11-24 12:00 UTC));
        for (from, at, pk, sk, fits) in [
            (None, 1024, 1, 1024, true),
            (None, 1025, 1, 1, false),
            (None, 1, 1, 1025, false),
            (None, 0, 1, 1, false),
            (None, 1, 0, 1, false),
            (None, 1, 1, 0, false),
            (None, 1, 0, 0, false),
            (start, 1, 0, 0, true),
            (start, 1, 0, 1, false),
            (start, 1, 1, 0, false),
            (start, 0, 0, 0, false),
            (Some(datetime!(1999-12-31 23:00 UTC)), 1, 1, 1, false),
        ] {
            let [at, pk, sk] = [at, pk, sk].map(|bytes| "x".repeat(bytes));
            let told = format!("{from:?} {} {} {}", at.len(), pk.len(), sk.len());
            assert_eq!(Cursor { list: 0, from, after: Position { at, pk, sk } }.could_be(), fits, "{told}");
        }
    }
}
