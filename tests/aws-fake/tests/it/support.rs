use aws_fake::{Calls, Endpoint, TABLE};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

const KEYS: [&str; 2] = ["pk", "sk"];

/// An endpoint, and the SDK's clients for it.
pub(crate) struct World {
    pub(crate) endpoint: Endpoint,
    pub(crate) dynamo: aws_sdk_dynamodb::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
}

macro_rules! client {
    ($sdk:ident, $url:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("eu-north-1"))
                .credentials_provider(Credentials::new("test", "test", None, None, "test"))
                .endpoint_url($url)
                .build(),
        )
    };
}

impl World {
    pub(crate) fn new() -> Self {
        let endpoint = Endpoint::start("{}").unwrap();
        let (dynamo, sqs, secrets) = (
            client!(aws_sdk_dynamodb, endpoint.url()),
            client!(aws_sdk_sqs, endpoint.url()),
            client!(aws_sdk_secretsmanager, endpoint.url()),
        );
        Self { endpoint, dynamo, sqs, secrets }
    }

    /// The calls that the work makes.
    pub(crate) async fn during(&self, work: impl Future<Output = ()>) -> Calls {
        let before = self.endpoint.calls();
        work.await;
        self.endpoint.calls() - &before
    }

    /// Writes an item of exactly this many bytes with these additional attributes.
    pub(crate) async fn put(&self, sk: &str, bytes: usize, others: &[(&str, &str)]) {
        let mut item: HashMap<String, AttributeValue> = key(sk);
        item.extend(others.iter().map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned()))));
        let used: usize = item.iter().map(|(name, value)| name.len() + value.as_s().unwrap().len()).sum();
        item.insert("filler".to_owned(), AttributeValue::S("x".repeat(bytes - used - "filler".len())));
        self.dynamo.put_item().table_name(TABLE).set_item(Some(item)).send().await.unwrap();
    }

    /// Updates attributes of an item.
    pub(crate) async fn set(&self, sk: &str, attributes: &[(&str, &str)]) {
        let mut update = self.dynamo.update_item().table_name(TABLE).set_key(Some(key(sk)));
        let mut parts = vec![];
        for (at, (name, value)) in attributes.iter().enumerate() {
            parts.push(format!("#n{at} = :v{at}"));
            update = update.expression_attribute_names(format!("#n{at}"), *name);
            update = update.expression_attribute_values(format!(":v{at}"), AttributeValue::S((*value).to_owned()));
        }
        update.update_expression(format!("SET {}", parts.join(", "))).send().await.unwrap();
    }
}

pub(crate) fn key(sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from(KEYS.map(|name| {
        let value = if name == "pk" { "p" } else { sk };
        (name.to_owned(), AttributeValue::S(value.to_owned()))
    }))
}
