use crate::envelope::meta;
use crate::normaliser::read;
use serde_json::Value;
use webhooks_model::notification::Proof;
use webhooks_model::{Channel, Delivery, Entity};

pub fn legacy_array(input: &[u8]) {
    let mut meta = meta(Channel::Legacy);
    meta.headers.insert("x-vwd-tenant-id".into(), "of-a-header".into());
    let delivery = Delivery { meta, body: input.to_vec() };
    let notifications = read(&delivery);
    for n in &notifications {
        assert_eq!((n.channel, n.proof), (Channel::Legacy, Proof::Nothing));
        assert_ne!(n.tenant.as_deref(), Some("of-a-header"));
    }
    let text = str::from_utf8(input).ok().map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
    match text.and_then(|text| serde_json::from_str(text).ok()) {
        Some(Value::Array(elements)) => {
            assert_eq!(notifications.len(), elements.len(), "none lost, none made up");
            for (n, element) in notifications.iter().zip(&elements) {
                let read: Value = serde_json::from_str(&n.raw).expect("an element of JSON is JSON");
                assert_eq!(read, *element, "in order, as it came");
                assert_eq!(n.entity == Entity::Unparseable, !element.is_object());
            }
        }
        Some(Value::Object(_)) => assert_eq!(notifications.len(), 1),
        // Nothing disappears silently, whatever the input.
        Some(_) | None => assert!(!notifications.is_empty() || is_array_that_another_parser_refuses(text)),
    }
}

/// Numbers beyond a double's range are valid JSON, but a parser that reads them fails.
fn is_array_that_another_parser_refuses(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.trim_start().starts_with('['))
}
