use serde_json::Value;
use time::macros::datetime;
use webhooks_model::Channel;
use webhooks_settings::{Settings, Subscription};
use webhooks_signature::Signature;

const OTHER: &str = "another-secret-long-enough-for-a-path-token";

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
            if let Some(other) = with_other_secrets(text) {
                let other = Settings::parse(&other).expect("as valid as before");
                assert_eq!(format!("{settings:?}"), format!("{other:?}"), "a secret is shown");
            }
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

/// `None` where an array stands for an object: serde reads a structure from both.
fn with_other_secrets(text: &str) -> Option<String> {
    let mut document: Value = serde_json::from_str(text).expect("it was read");
    let set = |object: &mut Value, name: &str| object.as_object_mut().map(|own| own.insert(name.into(), OTHER.into()));
    set(document.as_object_mut()?.get_mut("visma")?, "client_secret")?;
    let subscriptions = document.as_object_mut()?.get_mut("subscriptions");
    for subscription in subscriptions.and_then(Value::as_array_mut).into_iter().flatten() {
        if subscription.as_object()?.get("path_token").is_some_and(Value::is_string) {
            set(subscription, "path_token")?;
        }
        let secrets = subscription.as_object_mut()?.get_mut("secrets");
        for secret in secrets.and_then(Value::as_array_mut).into_iter().flatten() {
            set(secret, "value")?;
        }
    }
    Some(document.to_string())
}
