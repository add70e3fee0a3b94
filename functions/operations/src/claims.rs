//! Roles in a claim of a token, in the form that API Gateway passes on.

/// Claims that list words separated by blanks, according to their standards (RFC 8693 4.2, RFC 9068
/// 2.2.3; `scp` is Microsoft's and Okta's name for it). In any other claim a blank is a part of a
/// name.
const OF_WORDS: [&str; 2] = ["scope", "scp"];

/// Whether a claim has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Yes,
    No,
    /// The claim contains the role's name, but it may be a part of another name.
    Unclear,
}

/// Looks for `role` among the whole elements of a claim: those of a JSON array, those of API
/// Gateway's `[a b]`, or the one text.
///
/// API Gateway writes the list `["a", "b c"]` as `[a b c]`, which does not show where a name ends.
/// Such a list is trusted only if every word begins with `prefix`: then each word is a role of this
/// API, and these roles have no blank in their names.
pub(crate) fn held(claim: &str, text: &str, role: &str, prefix: &str) -> Held {
    let is_of_words = OF_WORDS.contains(&claim);
    if let Ok(elements) = serde_json::from_str::<Vec<serde_json::Value>>(text) {
        return certain(elements.iter().any(|element| element == role));
    }
    let Some(list) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        return certain(if is_of_words { text.split(' ').any(|word| word == role) } else { text == role });
    };
    let mut words = list.split(' ').filter(|word| !word.is_empty());
    match (words.clone().any(|word| word == role), is_of_words || words.all(|word| word.starts_with(prefix))) {
        (false, _) => Held::No,
        (true, true) => Held::Yes,
        (true, false) => Held::Unclear,
    }
}

fn certain(holds: bool) -> Held {
    if holds { Held::Yes } else { Held::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erase(claim: &str, text: &str) -> Held {
        held(claim, text, "visma-webhooks/erase", "visma-webhooks/")
    }

    #[test]
    fn a_role_counts_as_a_whole_element_only() {
        for text in [
            "visma-webhooks/erase",
            "[visma-webhooks/erase]",
            "[visma-webhooks/read visma-webhooks/erase]",
            r#"["viewer","visma-webhooks/erase"]"#,
            r#"["a b","visma-webhooks/erase"]"#,
        ] {
            assert_eq!(erase("roles", text), Held::Yes, "{text}");
        }
        for text in [
            "",
            "[]",
            "null",
            "visma-webhooks/erase team",
            "viewer visma-webhooks/erase",
            "visma-webhooks/erases",
            "[visma-webhooks/read visma-webhooks/erases]",
            r#"["visma-webhooks/erase team"]"#,
            r#"["viewer,visma-webhooks/erase"]"#,
            "[viewer,visma-webhooks/erase]",
        ] {
            assert_eq!(erase("roles", text), Held::No, "{text}");
        }
    }

    #[test]
    fn a_name_with_a_blank_is_never_split_into_another() {
        for text in ["[viewer visma-webhooks/erase team]", "[visma-webhooks/erase team]", "[my visma-webhooks/erase]"] {
            assert_eq!(erase("cognito:groups", text), Held::Unclear, "{text}");
        }
    }

    #[test]
    fn a_scope_is_words_in_whichever_form() {
        for claim in ["scope", "scp"] {
            for text in
                ["openid visma-webhooks/erase", "[openid visma-webhooks/erase]", r#"["openid","visma-webhooks/erase"]"#]
            {
                assert_eq!(erase(claim, text), Held::Yes, "{claim} {text}");
            }
            assert_eq!(erase(claim, "openid"), Held::No);
        }
    }
}
