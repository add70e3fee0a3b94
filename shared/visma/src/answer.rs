//! Reads an answer: its body, the waits that it asks for, and why the ERP refuses a call.

use crate::error::{Fault, Stage, VismaError};
use crate::exchange::Answer;
use reqwest::StatusCode;
use reqwest::header::{ETAG, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use webhooks_model::from_objects;

/// A longer wait is cut to this. No environment of Lambda lives so long. Without a limit, a wrong
/// header could make a notification wait until its record expires.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A refusal that is longer is not read.
const LARGEST_PROBLEM: usize = 64 * 1024;

/// Some .NET writers put this before JSON, though RFC 8259 (8.1) forbids it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How long `Retry-After` asks to wait, in seconds or until an HTTP date. `None` for zero and for a
/// date in the past, as of a server whose clock is behind ours: neither is a time to wait.
pub(crate) fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match seconds(text) {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::try_from(OffsetDateTime::parse(text, &Rfc2822).ok()? - now).ok()?,
    };
    (!wait.is_zero()).then(|| wait.min(LONGEST_WAIT))
}

/// Whether the tenant has no calls left. A missing approval does not end by itself, so a 403 that
/// says when to return is a quota (docs/visma-net.md#rate-limits).
pub(crate) fn is_limit(status: StatusCode, headers: &HeaderMap, now: OffsetDateTime) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => retry_after(headers, now).is_some(),
        _ => false,
    }
}

/// RFC 9110 knows whole seconds only. A fraction is rounded up.
fn seconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u64 = whole.parse().ok()?;
    let is_number = fraction.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| whole.saturating_add(u64::from(fraction.bytes().any(|digit| digit != b'0'))))
}

/// `X-RateLimit-Reset`: the seconds until the window ends (docs/visma-net.md#rate-limits).
pub(crate) fn window_ends_in(headers: &HeaderMap) -> Option<Duration> {
    number(headers, "x-ratelimit-reset").map(Duration::from_secs).map(|wait| wait.min(LONGEST_WAIT))
}

/// `X-RateLimit-Remaining`: the calls left in the window (docs/visma-net.md#rate-limits).
pub(crate) fn calls_left(headers: &HeaderMap) -> Option<u64> {
    number(headers, "x-ratelimit-remaining")
}

/// The ETag as written; empty if there is none (docs/visma-net.md#row-versions).
pub(crate) fn etag(headers: &HeaderMap) -> String {
    headers.get(ETAG).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// `X-RateLimit-Limit`: the calls of a window (docs/visma-net.md#rate-limits).
pub(crate) fn calls_in_window(headers: &HeaderMap) -> Option<u64> {
    number(headers, "x-ratelimit-limit")
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The body, of at most `limit` bytes, without a byte order mark.
pub(crate) async fn text(response: impl Answer, stage: Stage, limit: usize) -> Result<String, VismaError> {
    let mut body = response.body(limit).await.map_err(|fault| VismaError::broken(stage, fault))?;
    if body.starts_with(BYTE_ORDER_MARK) {
        body.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(body).map_err(|_| VismaError::unreadable(stage))
}

/// The error of a refused call: `error`, unless the ERP says that the tenant has no license
/// (docs/visma-net.md#tenant-ids).
pub(crate) async fn refusal(response: impl Answer, stage: Stage, error: VismaError) -> VismaError {
    match problem(response, stage).await {
        Ok(json) if says_no_license(&json) => VismaError::NoLicense { stage },
        _ => error,
    }
}

/// The error of a 2xx whose body is not what the call asks for.
pub(crate) fn unreadable(json: &str, stage: Stage) -> VismaError {
    if says_no_license(json) { VismaError::NoLicense { stage } } else { VismaError::unreadable(stage) }
}

/// The body of a refusal.
pub(crate) async fn problem(response: impl Answer, stage: Stage) -> Result<String, VismaError> {
    text(response, stage, LARGEST_PROBLEM).await
}

pub(crate) fn says_no_license(json: &str) -> bool {
    let problem: Value = serde_json::from_str(json).unwrap_or_default();
    let code = &problem["ExceptionFaultCode"];
    code.as_str() == Some("12027") || code.as_u64() == Some(12027)
}

/// Whether it is a web page, which the API itself never answers.
pub(crate) fn is_page(body: &str) -> bool {
    body.trim_start().starts_with('<')
}

/// Whether a 404 or 410 means that the API has no such thing.
///
/// # Errors
/// It means something else: no license, or it comes from in front of the API.
pub(crate) async fn absent(response: impl Answer, stage: Stage) -> Result<(), VismaError> {
    let status = response.status().as_u16();
    match problem(response, stage).await? {
        json if says_no_license(&json) => Err(VismaError::NoLicense { stage }),
        body if is_of_gateway(&body) => Err(VismaError::broken(stage, Fault::Status(status))),
        _ => Ok(()),
    }
}

/// Whether a 404 comes from in front of the API, which then said nothing about the resource or the
/// feedback's id (docs/visma-net.md#errors).
fn is_of_gateway(body: &str) -> bool {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    is_page(body) || problem["statusCode"].is_number()
}

/// A refusal: ProblemDetails of version 3 (docs/visma-net.md#errors), `{"message"}` of the others. Its
/// texts may repeat a company's data, so only a name of ours and a number are taken from it.
#[derive(Deserialize)]
#[serde(remote = "Self")]
struct Problem {
    #[serde(default)]
    title: Value,
    #[serde(default)]
    detail: Value,
    #[serde(default)]
    message: Value,
    /// Texts by parameter. Anything else, such as null, names none.
    #[serde(default)]
    errors: Value,
}

from_objects!(Problem);

/// The first of `parameters` that the answer names, and the largest number of at most four digits
/// after its name or in its text.
pub(crate) fn parameter<'p>(json: &str, parameters: &[&'p str]) -> Option<(&'p str, Option<usize>)> {
    let problem: Problem = serde_json::from_str(json).ok()?;
    let errors = problem.errors.as_object().into_iter().flatten().map(|(name, words)| format!("{name} {words}"));
    let others = [problem.detail, problem.message, problem.title].into_iter().filter_map(|words| match words {
        Value::String(words) => Some(words),
        _ => None,
    });
    let texts: Vec<String> = errors.chain(others).map(|text| text.to_ascii_lowercase()).collect();
    parameters.iter().find_map(|parameter| {
        let name = parameter.to_ascii_lowercase();
        let (_, words) = texts.iter().find_map(|text| text.split_once(&name))?;
        Some((*parameter, largest_number(words)))
    })
}

fn largest_number(words: &str) -> Option<usize> {
    let numbers = words.split(|c: char| !c.is_ascii_digit()).filter(|digits| (1..=4).contains(&digits.len()));
    numbers.filter_map(|digits| digits.parse().ok()).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use time::macros::datetime;

    fn asked(value: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        retry_after(&headers, datetime!(2026-11-23 12:00 UTC)).map(|wait| wait.as_secs())
    }

    #[test]
    fn reads_a_wait_in_seconds_or_as_a_date() {
        assert_eq!(asked("30"), Some(30));
        assert_eq!(["1.5", "0.2", "2.0"].map(asked), [Some(2), Some(1), Some(2)]);
        assert_eq!(asked("Mon, 23 Nov 2026 12:01:30 GMT"), Some(90));
        assert_eq!(asked("soon"), None);
        assert_eq!(["-1", "1.5 s", "1.-5"].map(asked), [None; 3]);
    }

    #[test]
    fn zero_and_a_date_in_the_past_are_no_wait() {
        for value in ["0", "Mon, 23 Nov 2026 11:00:00 GMT", "Mon, 23 Nov 2026 12:00:00 GMT"] {
            assert_eq!(asked(value), None, "{value}");
        }
    }

    #[test]
    fn no_wait_is_longer_than_a_week() {
        assert_eq!([asked("604800"), asked("604801")], [Some(604_800); 2]);
        assert_eq!(asked("18446744073709551615"), Some(604_800));
        assert_eq!(asked("Mon, 23 Nov 9999 12:00:00 GMT"), Some(604_800));
    }

    #[test]
    fn finds_the_refused_parameter_in_each_form() {
        let of = |json: &str| parameter(json, &["pageSize", "orderBy"]);
        for (json, expected) in [
            (
                r#"{"errors": {"PageSize": ["The field PageSize must be between 1 and 50."]}}"#,
                Some(("pageSize", Some(50))),
            ),
            (r#"{"detail": "pageSize must be at most 1000"}"#, Some(("pageSize", Some(1000)))),
            (r#"{"message": "OrderBy is not valid."}"#, Some(("orderBy", None))),
            (r#"{"title": "Invalid pageSize", "detail": 5, "status": 400}"#, Some(("pageSize", None))),
            (r#"{"detail": "No such customer."}"#, None),
            (r#"{"errors": null, "detail": "pageSize must be at most 1000"}"#, Some(("pageSize", Some(1000)))),
            (r#"{"errors": ["pageSize"]}"#, None),
            (r#"["Invalid pageSize"]"#, None),
            ("<html>pageSize</html>", None),
            ("", None),
        ] {
            assert_eq!(of(json), expected, "{json}");
        }
    }
}
