use serde_json::{Map, Value};
use time::macros::datetime;
use webhooks_model::Channel;
use webhooks_settings::{Settings, Subscription};
use webhooks_signature::Signature;

type Object = Map<String, Value>;

const OTHER: &str = "another-secret-";

pub fn settings(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match Settings::parse(text) {
        Ok(settings) => {
            settings.subscriptions.iter().for_each(lets_nobody_in_without_a_secret);
            for url in [&settings.visma.connect_url, &settings.visma.erp_url, &settings.visma.sales_order_url] {
                let is_loopback =
                    ["127.", "[::1]"].iter().any(|start| url.host_str().unwrap_or_default().starts_with(start));
                assert!(url.scheme() == "https" || (url.scheme() == "http" && is_loopback), "{url}");
                assert!(url.username().is_empty() && url.password().is_none(), "credentials in a URL are shown");
            }
            let other = Settings::parse(&with_other_secrets(text)).expect("as valid as before");
            assert_eq!(format!("{settings:?}"), format!("{other:?}"), "a secret is shown");
        }
        Err(error) => {
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(shown.len() < 400, "{shown}");
            }
        }
    }
}

fn lets_nobody_in_without_a_secret(subscription: &Subscription) {
    let far = datetime!(9999-12-31 23:59 UTC);
    for made_with in ["", " ", "\0"] {
        let is_known = subscription.secrets.iter().any(|secret| secret.value.reveal() == made_with);
        let verifies = subscription.signer(&Signature::sign(made_with, b"{}"), b"{}", far).is_some();
        assert!(!verifies || (is_known && !made_with.is_empty()));
    }
    match subscription.channel {
        Channel::Dispatcher => assert!(!subscription.secrets.is_empty() && !subscription.has_path_token("")),
        Channel::Legacy => assert!(subscription.path_token.as_ref().is_some_and(|token| token.reveal().len() >= 32)),
    }
    for secret in &subscription.secrets {
        let signature = Signature::sign(secret.value.reveal(), b"{}");
        let is_live = |at| secret.expires_at.is_none_or(|end| at < end);
        let twins =
            subscription.secrets.iter().any(|other| other.id != secret.id || other.expires_at != secret.expires_at);
        assert!(twins || subscription.signer(&signature, b"{}", far).is_some() == is_live(far));
    }
}

/// Panics if the product has read an array in place of an object.
fn with_other_secrets(text: &str) -> String {
    fn fields(value: &mut Value) -> &mut Object {
        value.as_object_mut().expect("only an object has fields")
    }
    fn elements<'v>(object: &'v mut Object, name: &str) -> impl Iterator<Item = &'v mut Object> {
        object.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().map(fields)
    }
    // Equal secrets stay equal and different ones different, for the settings compare them.
    fn alter(object: &mut Object, name: &str) {
        if let Some(Value::String(secret)) = object.get_mut(name) {
            secret.insert_str(0, OTHER);
        }
    }
    let mut document: Value = serde_json::from_str(text).expect("it was read");
    let top = fields(&mut document);
    alter(fields(&mut top["visma"]), "client_secret");
    for subscription in elements(top, "subscriptions") {
        alter(subscription, "path_token");
        for secret in elements(subscription, "secrets") {
            alter(secret, "value");
        }
    }
    document.to_string()
}
