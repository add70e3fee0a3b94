//! Finds what no log may show.

use crate::company::{CLIENT_SECRET, PATH_TOKEN, SIGNING_SECRET};
use crate::{Operator, Stack};

/// Texts that tests send or receive and that LOGGING.md forbids in logs. A text with several words
/// is part of a body, a description or a name.
const NEVER: [&str; 14] = [
    SIGNING_SECRET,
    PATH_TOKEN,
    CLIENT_SECRET,
    "local-legacy-path",
    // Headers and tokens: every JWT begins with `eyJ`.
    "Bearer",
    "eyJ",
    "x-vwd-signature",
    // Bodies, and texts for accountants.
    "relativeResourceUri",
    "contextId",
    "was received and processed",
    "No delivery address",
    // Names, addresses and free text that tests make up.
    "anary",
    "@example",
    "127.0.0.1:",
];

/// The texts that must not be in any line of this stack's logs.
pub fn never_logged(stack: &Stack) -> Vec<String> {
    let operators = Operator::ROLES.map(|role| Operator::secret(stack, role));
    NEVER.into_iter().map(str::to_owned).chain(operators).collect()
}

/// The first of the texts that a line contains, with the line.
pub fn shown<'l>(lines: &'l [String], texts: &[String]) -> Option<(String, &'l str)> {
    let found =
        |line: &'l String| Some((texts.iter().find(|text| line.contains(text.as_str()))?.clone(), line.as_str()));
    lines.iter().find_map(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_any_line_is_found() {
        let lines: Vec<String> = (0..100).map(|number| format!("{{\"line\":{number}}}")).collect();
        let texts = NEVER.map(str::to_owned);
        assert_eq!(shown(&lines, &texts), None);
        for text in &texts {
            let mut lines = lines.clone();
            lines[70] = format!("{{\"error\":\"before {text} after\"}}");
            assert_eq!(shown(&lines, &texts).map(|(_, line)| line), Some(lines[70].as_str()), "{text}");
        }
    }
}
