use crate::Stack;
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;
use uuid::Uuid;

/// A notification in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub entity: String,
    pub key: String,
    /// The id after the content's hash.
    pub id: String,
    pub event: String,
    /// The state, with its reason if it has one: `parked: unmapped`.
    pub state: String,
    pub feedback: String,
    pub attempts: usize,
    pub raw: String,
    /// The ledger's key, which an outcome repeats.
    pub notification: String,
}

type Item = HashMap<String, AttributeValue>;

impl Stack {
    /// Every notification of a tenant, oldest first.
    pub async fn records(&self, tenant: &str) -> Vec<Record> {
        let mut items = self.items(tenant, "N#").await;
        items.sort_by_key(|item| text(item, "feed_at"));
        items.iter().map(record).collect()
    }

    /// The records of one notification id.
    pub async fn records_of(&self, tenant: &str, id: Uuid) -> Vec<Record> {
        let records = self.records(tenant).await;
        records.into_iter().filter(|record| record.id == id.to_string()).collect()
    }

    /// The history of an entity: its statuses in order of time, and whether it is marked deleted.
    pub async fn timeline(&self, tenant: &str, entity: &str, key: &str) -> (Vec<String>, bool) {
        let partition = format!("{tenant}#{entity}#{key}");
        let heads = self.items(tenant, "HEAD").await;
        let Some(head) = heads.into_iter().find(|item| text(item, "pk") == partition) else {
            return (Vec::new(), false);
        };
        let mut statuses: Vec<_> = head.keys().filter(|name| name.starts_with("status_at#")).collect();
        statuses.sort();
        let deleted = head.get("deleted").and_then(|deleted| deleted.as_bool().ok()).copied().unwrap_or(false);
        (statuses.into_iter().map(|name| text(&head, name)).collect(), deleted)
    }

    /// Partition and sort key of each item that names a tenant anywhere. After an erasure the
    /// audit, the jobs and the pauses still do, and so does the directory while the settings list
    /// the tenant.
    pub async fn kept_of(&self, tenant: &str) -> Vec<(String, String)> {
        let pages = self.dynamodb.scan().table_name(self.output("TableName")).consistent_read(true);
        let items: Result<Vec<Item>, _> = pages.into_paginator().items().send().collect().await;
        let items = items.expect("the table answers").into_iter();
        let own = items.filter(|item| format!("{item:?}").contains(tenant));
        let keys = own.map(|item| (text(&item, "pk"), text(&item, "sk")));
        keys.filter(|(pk, _)| !["audit", "jobs", "pauses", "tenants"].contains(&pk.as_str())).collect()
    }

    /// Scans, since a local table is small.
    async fn items(&self, tenant: &str, sort_key: &str) -> Vec<Item> {
        let pages = self
            .dynamodb
            .scan()
            .table_name(self.output("TableName"))
            .filter_expression("begins_with(pk, :tenant) AND begins_with(sk, :kind)")
            .expression_attribute_values(":tenant", AttributeValue::S(format!("{tenant}#")))
            .expression_attribute_values(":kind", AttributeValue::S(sort_key.to_owned()))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        pages.collect::<Result<Vec<_>, _>>().await.expect("the table answers")
    }
}

fn record(item: &Item) -> Record {
    let pk = text(item, "pk");
    let mut parts = pk.splitn(3, '#').skip(1).map(str::to_owned);
    let sort_key = text(item, "sk");
    let notification = sort_key.trim_start_matches("N#").to_owned();
    let state = match (text(item, "state"), text(item, "reason")) {
        (state, reason) if reason.is_empty() => state,
        (state, reason) => format!("{state}: {reason}"),
    };
    Record {
        entity: parts.next().unwrap_or_default(),
        key: parts.next().unwrap_or_default(),
        id: notification.split_once('.').map(|(_, id)| id.to_owned()).unwrap_or_default(),
        event: text(item, "event"),
        state,
        feedback: text(item, "feedback"),
        attempts: item.get("attempts").and_then(|attempts| attempts.as_l().ok()).map_or(0, Vec::len),
        raw: text(item, "raw"),
        notification,
    }
}

fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}
