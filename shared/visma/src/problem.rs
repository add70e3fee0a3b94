//! Why the ERP refuses a call: ProblemDetails of version 3 (docs/visma-net.md#errors),
//! `{"message"}` of the others. Their texts may repeat a company's data, so only a name of ours and
//! a number leave this file.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use webhooks_model::from_objects;

#[derive(Deserialize)]
#[serde(remote = "Self")]
struct Problem {
    #[serde(default)]
    title: Value,
    #[serde(default)]
    detail: Value,
    #[serde(default)]
    message: Value,
    /// Texts by parameter.
    #[serde(default)]
    errors: BTreeMap<String, Value>,
}

from_objects!(Problem);

/// The first of `parameters` that the answer names, and the largest number of at most four digits
/// after its name or in its text.
pub(crate) fn parameter<'p>(json: &str, parameters: &[&'p str]) -> Option<(&'p str, Option<usize>)> {
    let problem: Problem = serde_json::from_str(json).ok()?;
    let errors = problem.errors.iter().map(|(name, words)| format!("{name} {words}"));
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
            (r#"{"errors": ["pageSize"]}"#, None),
            (r#"["Invalid pageSize"]"#, None),
            ("<html>pageSize</html>", None),
            ("", None),
        ] {
            assert_eq!(of(json), expected, "{json}");
        }
    }
}
