//! The wildcards of policies: `*` for any text, `?` for one character.

pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut read) = (0, 0);
    // The last star, and the end of the text that it matches.
    let mut star = None;
    while read < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[read] => (at, read) = (at + 1, read + 1),
            _ => {
                let Some((from, end)) = star else { return false };
                star = Some((from, end + 1));
                (at, read) = (from + 1, end + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// Matches part by part: no wildcard crosses one of the first five colons.
pub(crate) fn arn_matches(pattern: &str, arn: &str) -> bool {
    let (pattern, arn): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    let all = pattern == ["*"];
    all || (pattern.len() == arn.len() && pattern.iter().zip(&arn).all(|(wanted, part)| matches(wanted, part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_a_question_mark_one_character() {
        let fit = [("*", ""), ("a*c", "abbc"), ("a*c", "ac"), ("a?c", "abc"), ("*b*", "abc"), ("a*b*c", "abxbc")];
        assert!(fit.iter().all(|(pattern, text)| matches(pattern, text)));
        let unfit = [("", "a"), ("a?c", "ac"), ("a*c", "abcd"), ("a", "A"), ("a*b", "a*")];
        assert!(!unfit.iter().any(|(pattern, text)| matches(pattern, text)));
    }

    #[test]
    fn a_wildcard_matches_only_within_its_part_of_an_arn() {
        let queue = "arn:aws:sqs:eu-north-1:000000000000:events";
        assert!(
            ["*", queue, "arn:aws:sqs:*:*:ev*", "arn:*:sqs:eu-north-?:000000000000:events"]
                .iter()
                .all(|pattern| arn_matches(pattern, queue))
        );
        assert!(
            !["arn:aws:*:events", "arn:aws:sqs:eu-north-1:000000000000:event", "arn:aws:sns:*:*:*"]
                .iter()
                .any(|pattern| arn_matches(pattern, queue))
        );
        let stream = "arn:aws:logs:eu-north-1:000000000000:log-group:/aws/lambda/a:log-stream:1";
        assert!(arn_matches("arn:aws:logs:eu-north-1:000000000000:log-group:/aws/lambda/a:*", stream));
    }
}
