//! Writes that the SDK sends again, since the answer was lost. DynamoDB carries out the first one.

use crate::support::{Fixture, NOW, TENANT};
use time::Duration;
use webhooks_model::Pause;
use webhooks_store::{BatchPage, Dynamo, Item, Items, Query, QueryPage, StoreError, Table, Write};

pub(crate) struct Repeating(Dynamo);

impl Items for Repeating {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        self.0.update(write.clone()).await?;
        self.0.update(write).await
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        self.0.get(pk, sk).await
    }

    async fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> Result<BatchPage, StoreError> {
        self.0.get_batch(keys, attributes, consistent).await
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        self.0.query_page(query).await
    }
}

pub(crate) fn repeating(fixture: &Fixture) -> Table<Repeating> {
    let items = Dynamo::new(fixture.client.clone(), fixture.name.clone());
    Table::over(Repeating(items), Duration::days(90))
}

#[tokio::test]
async fn a_pause_has_ended_although_the_repetition_is_refused() {
    let fixture = Fixture::new().await;
    let table = repeating(&fixture);
    let pause = Pause {
        tenant: Some(TENANT.to_owned()),
        events: "*".to_owned(),
        since: NOW,
        until: None,
        by: "op".to_owned(),
        note: String::new(),
    };
    fixture.table.pause(&pause).await.unwrap();
    assert!(table.resume(Some(TENANT), "*", NOW + Duration::minutes(1)).await.unwrap());
    assert!(!table.resume(Some(TENANT), "*", NOW + Duration::minutes(2)).await.unwrap(), "it has ended");
}
