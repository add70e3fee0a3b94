//! An HTTP delivery that intake accepted, and its form on the notifications queue.

use crate::ledger::LedgerKey;
use crate::words::words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use uuid::Uuid;

words! {
    /// The channel of a delivery.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Channel {
        /// The Visma Webhook Dispatcher of the Developer Portal: signed
        /// (docs/visma-net.md#current-webhooks).
        Dispatcher = "dispatcher",
        /// The older ERP API webhooks. They are not signed, so the product believes nothing without
        /// asking the ERP (docs/visma-net.md#legacy-webhooks).
        Legacy = "legacy",
    }
}

words! {
    /// The function that queued the delivery.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Origin {
        #[default]
        Webhook = "webhook",
        Reconciliation = "reconciliation",
        Replay = "replay",
    }
}

/// Most header lines are shorter than this, in bytes.
const HEADER_LINE: usize = 2048;

/// The subscription of deliveries that the reconciler makes.
pub const RECONCILIATION: &str = "reconciliation";

/// A verified delivery: the raw body and its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub meta: Meta,
    /// The signed bytes.
    pub body: Vec<u8>,
}

/// Everything about a delivery except its body. Intake writes the headers from a request without
/// copying them; readers get a map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta<H = BTreeMap<String, String>> {
    pub id: Uuid,
    pub channel: Channel,
    #[serde(default)]
    pub origin: Origin,
    pub subscription: String,
    /// The event of the subscription. The secret proves the subscription, so this outranks any
    /// header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The tenant, if the subscription serves exactly one. It outranks any header for the same
    /// reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Whether another subscription, with another event or tenant, has the same secret. Then a
    /// header chose the subscription, and `event` and `tenant` are only as reliable as that header.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shared_secret: bool,
    /// The record that this replays. If the replay gets another key, this record is found by it and
    /// closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replays: Option<LedgerKey>,
    /// The role of the replayed record.
    #[serde(default, skip_serializing_if = "AnswerRole::is_own")]
    pub answer_role: AnswerRole,
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// The sender's address as a digest that many addresses share
    /// ([`crate::measure::address_digest`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_from: Option<u16>,
    /// When intake last refused the same body for a fault of our own, if known.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::serde::rfc3339::option")]
    pub refused_at: Option<OffsetDateTime>,
    /// The id, in the settings, of the secret that made the signature, if the subscription has a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Names in lower case. Headers are unsigned, so they are only hints
    /// (docs/visma-net.md#delivery-request).
    pub headers: H,
}

words! {
    /// Which notification gets the answer if several items of one delivery have the same id at
    /// Visma Net, which accepts one answer for each id.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum AnswerRole {
        /// The item has its own id.
        #[default]
        Own = "own",
        /// The first of them. Its answer covers all of them.
        ForAll = "for_all",
        /// One of the others. It gets no answer of its own.
        ByFirst = "by_first",
    }
}

impl AnswerRole {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MalformedMessage {
    #[error("the message has no header line")]
    NoHeaderLine,
    #[error("the header line is not understood: {0}")]
    Header(#[from] serde_json::Error),
    #[error("the body is not valid base64")]
    Base64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    Text,
    Base64,
}

#[derive(Serialize, Deserialize)]
struct HeaderLine<M> {
    encoding: Encoding,
    #[serde(flatten)]
    meta: M,
}

impl<H: Serialize> Meta<H> {
    /// The queue message of a delivery with this body: one line of JSON, then the body as received.
    /// A body that SQS would refuse as text follows in base64.
    pub fn to_message(&self, body: &[u8]) -> String {
        std::str::from_utf8(body).map_or_else(|_| self.in_base64(body), |text| self.to_message_of(text))
    }

    /// The same for a body that is known to be text.
    pub fn to_message_of(&self, body: &str) -> String {
        if !is_sqs_text(body) {
            return self.in_base64(body.as_bytes());
        }
        let mut message = self.header_line(Encoding::Text, body.len());
        message.push_str(body);
        message
    }

    fn in_base64(&self, body: &[u8]) -> String {
        let mut message = self.header_line(Encoding::Base64, body.len().div_ceil(3) * 4);
        STANDARD.encode_string(body, &mut message);
        message
    }

    /// Reserves `room` bytes after the line.
    fn header_line(&self, encoding: Encoding, room: usize) -> String {
        let mut line = Vec::with_capacity(HEADER_LINE + 1 + room);
        let written = serde_json::to_writer(&mut line, &HeaderLine { encoding, meta: self });
        written.expect("strings, ids and times always serialise");
        let mut line = String::from_utf8(line).expect("JSON is text");
        line.push('\n');
        line
    }
}

impl Delivery {
    /// The queue message; see [`Meta::to_message`].
    pub fn to_message(&self) -> String {
        self.meta.to_message(&self.body)
    }

    /// # Errors
    /// The message was not written by [`Delivery::to_message`].
    pub fn from_message(message: &str) -> Result<Self, MalformedMessage> {
        let (line, body) = message.split_once('\n').ok_or(MalformedMessage::NoHeaderLine)?;
        let HeaderLine { encoding, meta } = serde_json::from_str::<HeaderLine<Meta>>(line)?;
        let body = match encoding {
            Encoding::Text => body.as_bytes().to_vec(),
            Encoding::Base64 => STANDARD.decode(body).map_err(|_| MalformedMessage::Base64)?,
        };
        Ok(Self { meta, body })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.meta.headers.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Whether the text has only characters that SQS accepts (SendMessage: those of XML 1.0). It must
/// have no control characters except tab and line ends, and neither U+FFFE nor U+FFFF. A body may
/// have a million bytes, so it looks at many bytes at a time.
fn is_sqs_text(text: &str) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Takes eight bytes as one number, four numbers at a time. Release builds optimise for size, so
    // the compiler would go byte by byte.
    let has_control = |bytes: &[u8; 32]| {
        let controls = bytes.as_chunks::<8>().0.iter().fold(0, |controls, eight| {
            let word = u64::from_ne_bytes(*eight);
            controls | (word.wrapping_sub(EACH * u64::from(b' ')) & !word)
        });
        controls & (EACH * 0x80) != 0
    };
    let is_clean = |bytes: &[u8]| bytes.iter().all(|byte| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r'));
    let (words, rest) = text.as_bytes().as_chunks::<32>();
    // These two are the last characters of three bytes.
    let is_character = |at: usize| !matches!(text.as_bytes()[at..], [0xef, 0xbf, 0xbe | 0xbf, ..]);
    words.iter().all(|word| !has_control(word) || is_clean(word))
        && is_clean(rest)
        && memchr::memchr_iter(0xef, text.as_bytes()).all(is_character)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    pub(crate) fn delivery(body: &[u8]) -> Delivery {
        let meta = Meta {
            id: Uuid::nil(),
            channel: Channel::Dispatcher,
            origin: Origin::Webhook,
            subscription: "accounts".into(),
            event: None,
            tenant: None,
            replays: None,
            received_at: datetime!(2026-11-23 12:00 UTC),
            sent_from: None,
            refused_at: None,
            secret: None,
            shared_secret: false,
            answer_role: Default::default(),
            headers: BTreeMap::new(),
        };
        Delivery { meta, body: body.to_vec() }
    }

    #[test]
    fn names_in_text_are_the_names_in_json() {
        for channel in [Channel::Dispatcher, Channel::Legacy] {
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.as_str());
            assert_eq!(Channel::parse(channel.as_str()), Some(channel));
        }
        for origin in [Origin::Webhook, Origin::Reconciliation, Origin::Replay] {
            assert_eq!(serde_json::to_value(origin).unwrap(), origin.as_str());
        }
    }

    #[test]
    fn the_queue_message_has_the_body_unchanged() {
        let message = delivery(b"{\"a\": \"b\"}").to_message();
        assert!(message.ends_with("\n{\"a\": \"b\"}"), "{message}");
    }

    #[test]
    fn the_queue_message_has_the_time_of_a_refusal_if_there_was_one() {
        let usual = delivery(b"{}");
        assert!(!usual.to_message().contains("refused_at"));
        let mut again = usual;
        again.meta.refused_at = Some(datetime!(2026-11-23 11:59:54.5 UTC));
        assert_eq!(Delivery::from_message(&again.to_message()).unwrap(), again);
    }

    #[test]
    fn the_queue_message_names_an_older_secret_and_not_the_newest() {
        let usual = delivery(b"{}");
        assert!(!usual.to_message().contains("secret"));
        let mut older = usual;
        older.meta.secret = Some("2026-11".to_owned());
        let message = older.to_message();
        assert!(message.contains(r#""secret":"2026-11""#), "{message}");
        assert_eq!(Delivery::from_message(&message).unwrap(), older);
    }

    #[test]
    fn reads_a_message_that_names_no_secret() {
        let line = concat!(
            r#"{"encoding":"text","id":"00000000-0000-0000-0000-000000000000","channel":"dispatcher","#,
            r#""subscription":"accounts","received_at":"2026-11-23T12:00:00Z","headers":{}}"#
        );
        assert_eq!(Delivery::from_message(&format!("{line}\n{{}}")).unwrap(), delivery(b"{}"));
    }

    #[test]
    fn text_that_sqs_refuses_is_sent_in_base64() {
        let message = |body: &str| delivery(body.as_bytes()).to_message();
        let fine = "\t\n\r ~å\u{fffd}\u{10000}";
        assert!(message(fine).ends_with(fine));
        for c in ['\0', '\u{8}', '\u{b}', '\u{1f}', '\u{fffe}', '\u{ffff}'] {
            let message = message(&format!("{{\"a\": \"{c}\"}}"));
            assert!(!message.contains(c) && message.contains(r#""encoding":"base64""#), "{c:?} in {message}");
        }
    }

    /// The rule of SQS's documentation.
    fn is_sqs_char(c: char) -> bool {
        matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
    }

    proptest! {
        #[test]
        fn looking_at_bytes_finds_what_looking_at_characters_does(
            text in "[\\x00-\\x20\\x7fa-zåä\u{feff}\u{ffbe}\u{fffc}-\u{ffff}\u{10000}\u{1ffff}]{0,600}",
        ) {
            prop_assert_eq!(is_sqs_text(&text), text.chars().all(is_sqs_char));
        }

        #[test]
        fn any_body_survives_the_queue(body: Vec<u8>) {
            let sent = delivery(&body);
            let message = sent.to_message();
            prop_assert!(message.chars().all(is_sqs_char));
            prop_assert_eq!(Delivery::from_message(&message).unwrap(), sent);
        }

        #[test]
        fn any_text_survives_the_queue(body in "\\PC*") {
            let sent = delivery(body.as_bytes());
            prop_assert_eq!(Delivery::from_message(&sent.to_message()).unwrap(), sent);
        }

        #[test]
        fn a_foreign_message_never_panics(message in ".{0,200}") {
            let _ = Delivery::from_message(&message);
        }
    }
}
