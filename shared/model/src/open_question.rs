//! The open questions about Visma Net (docs/visma-net.md#open-questions): what the product assumes
//! until it has seen an answer, and what to do if reality differs.

use crate::words::words;
use serde::{Deserialize, Serialize};

words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum OpenQuestion {
        BodyShape = "body_shape",
        BodyForm = "body_form",
        EventNames = "event_names",
        FeedbackId = "feedback_id",
        FeedbackSource = "feedback_source",
        Retries = "retries",
        TimeOut = "time_out",
        Ordering = "ordering",
        Repetitions = "repetitions",
        TimestampUnit = "timestamp_unit",
        TimeZone = "time_zone",
        TenantId = "tenant_id",
        ActionParameter = "action_parameter",
        BodySize = "body_size",
        Handshake = "handshake",
        SecretRotation = "secret_rotation",
        DescriptionLength = "description_length",
        SourceAddresses = "source_addresses",
        SignatureForm = "signature_form",
        HeaderNames = "header_names",
        Subscriptions = "subscriptions",
    }
}

use OpenQuestion as Q;

impl OpenQuestion {
    /// The section and number of the question.
    pub fn reference(self) -> &'static str {
        match self {
            Q::BodyShape | Q::BodyForm => "docs/visma-net.md#open-questions, 1",
            Q::EventNames => "docs/visma-net.md#open-questions, 2",
            Q::FeedbackId => "docs/visma-net.md#open-questions, 3",
            Q::FeedbackSource => "docs/visma-net.md#open-questions, 4",
            Q::Retries => "docs/visma-net.md#open-questions, 5",
            Q::TimeOut => "docs/visma-net.md#open-questions, 6",
            Q::Ordering => "docs/visma-net.md#open-questions, 7",
            Q::Repetitions => "docs/visma-net.md#open-questions, 8",
            Q::TimestampUnit => "docs/visma-net.md#open-questions, 9",
            Q::TimeZone => "docs/visma-net.md#open-questions, 10",
            Q::TenantId => "docs/visma-net.md#open-questions, 11",
            Q::ActionParameter => "docs/visma-net.md#open-questions, 12",
            Q::BodySize => "docs/visma-net.md#open-questions, 13",
            Q::Handshake => "docs/visma-net.md#open-questions, 14",
            Q::SecretRotation => "docs/visma-net.md#open-questions, 15",
            Q::DescriptionLength => "docs/visma-net.md#open-questions, 16",
            Q::SourceAddresses => "docs/visma-net.md#open-questions, 17",
            Q::SignatureForm | Q::HeaderNames => "docs/visma-net.md#delivery-request",
            Q::Subscriptions => "docs/visma-net.md#subscriptions",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Q::BodyShape => "Fields of a body",
            Q::BodyForm => "Form of a body",
            Q::EventNames => "Names of events",
            Q::FeedbackId => "Id that the feedback is taken under",
            Q::FeedbackSource => "Source that the feedback is taken with",
            Q::Retries => "When a delivery comes again",
            Q::TimeOut => "How long the dispatcher waits for an answer",
            Q::Ordering => "Order of notifications",
            Q::Repetitions => "Repeated notifications",
            Q::TimestampUnit => "Unit of the timestamps in headers",
            Q::TimeZone => "Zone of times that name none",
            Q::TenantId => "Tenant of the header and of tokens",
            Q::ActionParameter => "Parameter of an action",
            Q::BodySize => "Size of a body",
            Q::Handshake => "Handshake with a new address",
            Q::SecretRotation => "Change of a secret",
            Q::DescriptionLength => "Length of the feedback's text",
            Q::SourceAddresses => "Addresses that deliveries come from",
            Q::SignatureForm => "Form of the signature",
            Q::HeaderNames => "Headers of a delivery",
            Q::Subscriptions => "Subscriptions that deliver",
        }
    }

    /// What the product does until it observes something else.
    pub fn assumed(self) -> &'static str {
        match self {
            Q::BodyShape => "The event and the key stand in one of the known fields. All fields are optional.",
            Q::BodyForm => "One object, or an array of objects.",
            Q::EventNames => "A name of the catalogue, in any case, with or without blanks, _ and -.",
            Q::FeedbackId => "The id that visma.feedback_id prefers. The other one is tried once.",
            Q::FeedbackSource => "The source as it came, or else visma.application_name.",
            Q::Retries => "Anything but a 2xx comes again or is lost, so lists of the ERP are searched.",
            Q::TimeOut => "An answer within a second is in time.",
            Q::Ordering => "There is none.",
            Q::Repetitions => "A notification may come several times.",
            Q::TimestampUnit => "Milliseconds since 1970.",
            Q::TimeZone => "The zone that the product reads such times in.",
            Q::TenantId => "The header's tenant is the one that Visma Connect gives tokens for.",
            Q::ActionParameter => "It stands in one of the known fields.",
            Q::BodySize => "At most 1 MiB.",
            Q::Handshake => "There is none. GET is answered with 200.",
            Q::SecretRotation => "Old and new secrets are valid together for a while.",
            Q::DescriptionLength => "At most 255 characters are taken.",
            Q::SourceAddresses => "The three addresses that Visma has published.",
            Q::SignatureForm => "x-vwd-signature-v1 alone: 44 characters of padded base64.",
            Q::HeaderNames => "The x-vwd headers that are known, with event, notification and tenant among them.",
            Q::Subscriptions => "Each subscription of the settings delivers, sooner or later.",
        }
    }

    /// What to do if reality differs.
    pub fn advice(self) -> &'static str {
        match self {
            Q::BodyShape => {
                "Run visma-webhooks learn, or say in fields of the settings where they are, then replay what is parked."
            }
            Q::BodyForm => "Look at the unparseable notifications. The body is neither an object nor an array.",
            Q::EventNames => {
                "Run visma-webhooks learn, or name it in event_aliases of the settings, then replay what is parked."
            }
            Q::FeedbackId => "Change visma.feedback_id in the settings: each feedback then needs one call and not two.",
            Q::FeedbackSource => "Change visma.application_name in the settings.",
            Q::TimestampUnit => "Nothing depends on it: header timestamps order nothing. Tell the maintainers.",
            Q::TimeZone => {
                "Set visma.erp_time_zone, or visma.sales_order_time_zone for sales orders, to a zone with that offset."
            }
            Q::TenantId => {
                "Serve the tenant under the id that Visma Connect knows: company_id and id of tenants in the settings."
            }
            Q::ActionParameter => "Say in fields of the settings where the parameter is.",
            Q::SourceAddresses => {
                "Do not enforce source_ips. Add the address to the list if you know that it is Visma's."
            }
            Q::SignatureForm => "Only x-vwd-signature-v1 is verified. Tell the maintainers of the other form.",
            Q::HeaderNames => "Set event and tenant of the subscription in the settings: no header tells them.",
            Q::Retries
            | Q::TimeOut
            | Q::Ordering
            | Q::Repetitions
            | Q::BodySize
            | Q::Handshake
            | Q::SecretRotation
            | Q::DescriptionLength
            | Q::Subscriptions => "Tell the maintainers.",
        }
    }

    /// Whether a receiver can see the answer.
    pub fn is_measured(self) -> bool {
        !matches!(self, Q::TimeOut | Q::Handshake)
    }

    /// The most facts that are kept, so that a sender with a secret cannot fill the table.
    pub fn most_facts(self) -> usize {
        match self {
            Q::BodyShape | Q::EventNames | Q::SourceAddresses => 64,
            // Eight spans for each of three subjects.
            Q::Retries => 24,
            // The settings limit the number of subscriptions and secrets, and no sender can add one.
            Q::Subscriptions | Q::SecretRotation => usize::MAX,
            _ => 16,
        }
    }

    /// Whether each notification counts under only one subject, such as its event.
    pub fn has_one_subject_each(self) -> bool {
        matches!(self, Q::BodyShape | Q::TimeZone | Q::Subscriptions | Q::SecretRotation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_code_is_one_in_text_and_in_json_and_every_question_is_listed() {
        for (at, question) in OpenQuestion::ALL.into_iter().enumerate() {
            assert_eq!(question as usize, at);
            assert_eq!(OpenQuestion::parse(question.as_str()), Some(question));
            assert_eq!(serde_json::to_value(question).unwrap(), question.as_str());
        }
        assert_eq!(OpenQuestion::parse("no_such_question"), None);
    }

    #[test]
    fn a_question_says_what_is_assumed_and_what_to_do() {
        let distinct = |text: fn(Q) -> &'static str| Q::ALL.map(text).into_iter().collect::<BTreeSet<_>>().len();
        assert_eq!((distinct(Q::title), distinct(Q::assumed)), (Q::ALL.len(), Q::ALL.len()));
        assert!(Q::ALL.iter().all(|question| question.reference().starts_with("docs/visma-net.md#")));
        assert!(Q::TimeZone.advice().contains("visma.erp_time_zone"));
    }

    #[test]
    fn a_question_says_how_it_is_measured() {
        let those = |holds: fn(Q) -> bool| Q::ALL.into_iter().filter(|one| holds(*one)).collect::<Vec<_>>();
        assert_eq!(those(|one| !one.is_measured()), [Q::TimeOut, Q::Handshake]);
        let one_subject = [Q::BodyShape, Q::TimeZone, Q::SecretRotation, Q::Subscriptions];
        assert_eq!(those(Q::has_one_subject_each), one_subject);
        let most = [Q::EventNames, Q::Retries, Q::SecretRotation, Q::Ordering].map(Q::most_facts);
        assert_eq!(most, [64, 24, usize::MAX, 16]);
    }
}
