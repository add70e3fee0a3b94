//! The characters of a message.

/// SQS takes neither U+FFFE nor U+FFFF. Each message is JSON or begins with a line of it. What
/// follows such a line never has them (`webhooks_model::delivery`), and in JSON their escapes mean
/// the same.
pub(crate) fn escaped(body: String) -> String {
    if body.contains('\u{fffe}') || body.contains('\u{ffff}') {
        return body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn a_message_has_only_characters_that_sqs_takes_and_says_the_same() {
        let body = "{\"key\":\"\u{fffe}\u{ffff}\u{fffd}å\u{1f692}\"}";
        let sent = escaped(body.to_owned());
        assert_eq!(sent, "{\"key\":\"\\ufffe\\uffff\u{fffd}å\u{1f692}\"}");
        let [read, written] = [sent.as_str(), body].map(|text| serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(read, written);
    }
}
