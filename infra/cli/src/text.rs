//! Reads and writes values in the form that people use.

use crate::error::Failure;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use similar::get_close_matches;
use std::io::Read;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use webhooks_model::catalogue::{self, CATALOGUE};

/// Times further away would leave the calendar.
const LONGEST: Duration = Duration::days(36_500);
const NEAR: usize = 3;
/// How similar two names must be.
const ALIKE: f32 = 0.6;

/// `1 tenant`, `2 tenants`: for nouns with a plural in `s`.
pub(crate) fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// `90s`, `30m`, `24h` or `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let form = || "write it as 90s, 30m, 24h or 7d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(form)?;
    let number: u32 = number.parse().map_err(|_| form())?;
    let duration = match unit {
        "s" => Duration::seconds(number.into()),
        "m" => Duration::minutes(number.into()),
        "h" => Duration::hours(number.into()),
        "d" => Duration::days(number.into()),
        _ => return Err(form()),
    };
    if duration <= LONGEST { Ok(duration) } else { Err("it may be 36500d at most".to_owned()) }
}

/// `NAME=EVENT`: a name as it comes, and an event of the catalogue.
pub(crate) fn alias(text: &str) -> Result<(String, String), String> {
    let (name, event) = text.rsplit_once('=').ok_or("write it as NAME=EVENT")?;
    let known = catalogue::find(event).ok_or("the catalogue has no such event")?;
    Ok((name.to_owned(), known.id.to_owned()))
}

/// The name of an event as in the catalogue. An unknown name stays as it is, since such
/// notifications may have come.
pub(crate) fn canonical_event(name: &str) -> String {
    catalogue::find(name).map_or_else(|| name.to_owned(), |event| event.id.to_owned())
}

/// The message and advice for the name of an event that is not in the catalogue.
pub(crate) fn unknown_event(name: &str) -> Option<(String, String)> {
    if catalogue::find(name).is_some() {
        return None;
    }
    let names: Vec<&str> = CATALOGUE.iter().map(|event| event.id).collect();
    let near = get_close_matches(name.to_uppercase().as_str(), &names, NEAR, ALIKE).join(", ");
    let advice = match near.is_empty() {
        true => "Name an event of docs/visma-net-events.md, such as ACCOUNT_CHANGED.".to_owned(),
        false => format!("Did you mean: {near}?"),
    };
    Some((format!("no event of the catalogue is called {name}"), advice))
}

/// RFC 3339, with or without seconds.
pub(crate) fn moment(text: &str) -> Result<OffsetDateTime, String> {
    let minute = "2026-11-24T09:30".len();
    let with_seconds = text.split_at_checked(minute).map(|(minute, zone)| format!("{minute}:00{zone}"));
    let parse = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
    let read = parse(text).or_else(|| parse(&with_seconds?));
    read.ok_or_else(|| "write it as 2026-11-24T09:30:00Z".to_owned())
}

/// A moment, or a time before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    At(OffsetDateTime),
    Ago(Duration),
}

impl Since {
    pub(crate) fn at(self, now: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}

pub(crate) fn since(text: &str) -> Result<Since, String> {
    let ago = duration(text).map(Since::Ago);
    ago.or_else(|_| moment(text).map(Since::At)).map_err(|_| "write it as 2026-11-24T09:30:00Z or 24h".to_owned())
}

/// To the second, in UTC.
pub(crate) fn when(at: OffsetDateTime) -> String {
    exact(at.replace_nanosecond(0).unwrap_or(at))
}

/// In UTC, with the full fraction of a second.
pub(crate) fn exact(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).expect("a UTC time of this era always formats")
}

/// 32 random bytes as 43 characters that need no escaping in a URL or a header.
pub(crate) fn random_secret() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a secret from standard input, so that it is in no shell history and no list of processes.
pub(crate) fn secret_from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text);
    let secret = text.trim_end_matches(['\r', '\n']);
    if read.is_err() || secret.is_empty() {
        return Err(Failure::usage(
            "there is no secret on standard input",
            "For example: ... --secret-stdin < secret.txt",
        ));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_written_as_many() {
        let written = [0, 1, 2].map(|number| plural(number, "dead letter"));
        assert_eq!(written, ["0 dead letters", "1 dead letter", "2 dead letters"]);
    }
}
