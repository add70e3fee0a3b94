use crate::world::is_sqs_text;
use fixtures::TestHost;
use webhooks_model::delivery::Meta;
use webhooks_model::{Channel, Delivery};

pub fn envelope(input: &[u8]) {
    let sent = Delivery { meta: meta(Channel::Dispatcher), body: input.to_vec() };
    let message = sent.to_message();
    assert!(is_sqs_text(&message) || message.len() > 1024 * 1024, "SQS would not take it");
    assert_eq!(Delivery::from_message(&message).expect("our own message"), sent);
    items_lie_in_the_body(&sent);

    let read = str::from_utf8(input).ok().and_then(|text| Delivery::from_message(text).ok());
    if let Some(read) = read {
        assert_eq!(Delivery::from_message(&read.to_message()).expect("our own message"), read);
        items_lie_in_the_body(&read);
    }
}

fn items_lie_in_the_body(delivery: &Delivery) {
    let mut rest = str::from_utf8(&delivery.body).unwrap_or_default();
    for item in delivery.items().unwrap_or_default() {
        let at = rest.find(item).expect("an item is a part of the body, behind the one before");
        rest = &rest[at + item.len()..];
    }
}

pub(crate) fn meta(channel: Channel) -> Meta {
    Meta { channel, ..fixtures::meta(TestHost::START) }
}
