//! The table in DynamoDB.

use crate::attributes::{Item, string};
use crate::error::StoreError;
use crate::item::{BatchPage, Items, Query, QueryPage, Upkeep, Write};
use crate::keys::keys_of;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnValue};
use std::collections::HashMap;

/// A table in the client's account. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Dynamo {
    client: Client,
    name: String,
}

impl Dynamo {
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }
}

impl Items for Dynamo {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", string(write.pk))
            .key("sk", string(write.sk))
            .update_expression(write.update)
            .set_condition_expression(write.condition)
            .set_expression_attribute_names(Some(write.names))
            // DynamoDB refuses an empty map, which a write that only removes would have.
            .set_expression_attribute_values(Some(write.values).filter(|values| !values.is_empty()))
            .set_return_values(write.returns_old.then_some(ReturnValue::AllOld))
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(None)
            }
            Err(error) => Err(StoreError::from_sdk(&error)),
        }
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).key("pk", string(pk)).key("sk", string(sk));
        let answer = request.consistent_read(true).send().await.map_err(|error| StoreError::from_sdk(&error))?;
        Ok(answer.item)
    }

    async fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> Result<BatchPage, StoreError> {
        let keys =
            keys.into_iter().map(|(pk, sk)| HashMap::from([("pk".into(), string(pk)), ("sk".into(), string(sk))]));
        let placeholders: Vec<String> = (0..attributes.len()).map(|at| format!("#a{at}")).collect();
        let names = placeholders.iter().cloned().zip(attributes.iter().map(|name| (*name).to_owned()));
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .projection_expression(placeholders.join(", "))
            .set_expression_attribute_names(Some(names.collect()))
            .consistent_read(consistent)
            .build()
            .map_err(|_| StoreError::Mismatch("request not built".into()))?;
        let answer = self.client.batch_get_item().request_items(&self.name, request).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(&error))?;
        let items = answer.responses.unwrap_or_default().remove(&self.name).unwrap_or_default();
        let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.name);
        let unprocessed = left.into_iter().flat_map(|left| left.keys).filter_map(|key| keys_of(&key)).collect();
        Ok(BatchPage { items, unprocessed })
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        let names = (!query.names.is_empty()).then(|| query.names.clone());
        let answer = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(query.index.map(str::to_owned))
            .key_condition_expression(query.key_condition)
            .set_filter_expression(query.filter.map(str::to_owned))
            .set_projection_expression(query.projection.map(str::to_owned))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(Some(query.values.clone()))
            .scan_index_forward(!query.newest_first)
            .set_limit(query.limit)
            .set_exclusive_start_key(query.after.clone())
            .consistent_read(query.index.is_none())
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(&error))?;
        Ok(QueryPage {
            scanned: answer.scanned_count,
            items: answer.items.unwrap_or_default(),
            last_evaluated: answer.last_evaluated_key.filter(|key| !key.is_empty()),
        })
    }
}

impl Upkeep for Dynamo {
    async fn insert(&self, item: Item) -> Result<bool, StoreError> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
        match request.condition_expression("attribute_not_exists(pk)").send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(StoreError::from_sdk(&error)),
        }
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        let request = self.client.delete_item().table_name(&self.name).key("pk", string(pk)).key("sk", string(sk));
        request.send().await.map_err(|error| StoreError::from_sdk(&error))?;
        Ok(())
    }

    async fn scan(
        &self,
        after: Option<Item>,
        most: i32,
        attributes: &[&str],
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let placeholders: Vec<String> = (0..attributes.len()).map(|at| format!("#a{at}")).collect();
        let names = placeholders.iter().cloned().zip(attributes.iter().map(|name| (*name).to_owned()));
        let request = self
            .client
            .scan()
            .table_name(&self.name)
            .projection_expression(placeholders.join(", "))
            .set_expression_attribute_names(Some(names.collect()))
            .set_exclusive_start_key(after)
            .limit(most)
            .consistent_read(true);
        let answer = request.send().await.map_err(|error| StoreError::from_sdk(&error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key.filter(|key| !key.is_empty())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;
    use aws_sdk_dynamodb::config::retry::RetryConfig;
    use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
    use serde_json::{Value, json};
    use std::time::{Duration, Instant};
    use time::OffsetDateTime;
    use time::macros::datetime;
    use webhooks_model::retry::Next;
    use webhooks_model::{Entity, EntityId, LedgerKey};
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

    const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    /// A DynamoDB that gives these answers, and then repeats the last one.
    async fn answering(answers: &[Value]) -> (Dynamo, MockServer) {
        let server = MockServer::start().await;
        for (n, answer) in answers.iter().enumerate() {
            let mock = Mock::given(matchers::any()).respond_with(ResponseTemplate::new(200).set_body_json(answer));
            if n + 1 < answers.len() { mock.up_to_n_times(1) } else { mock }.mount(&server).await;
        }
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-north-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .endpoint_url(server.uri());
        (Dynamo::new(Client::from_conf(config.build()), "table".to_owned()), server)
    }

    fn key(sk: &str) -> Value {
        json!({"pk": {"S": "p"}, "sk": {"S": sk}})
    }

    /// An answer with these items, and with unprocessed keys for those.
    fn part(came: &[&str], left: &[&str]) -> Value {
        let came: Vec<Value> = came.iter().map(|sk| key(sk)).collect();
        let left: Vec<Value> = left.iter().map(|sk| key(sk)).collect();
        let unprocessed =
            if left.is_empty() { json!({}) } else { json!({"table": {"Keys": left, "ConsistentRead": true}}) };
        json!({"Responses": {"table": came}, "UnprocessedKeys": unprocessed})
    }

    async fn read(dynamo: &Dynamo, keys: &[&str]) -> Result<Vec<String>, StoreError> {
        let keys = keys.iter().map(|sk| ("p".to_owned(), (*sk).to_owned())).collect();
        let items = dynamo.get_many(keys, &["pk", "sk"], true).await?;
        Ok(items.iter().map(|item| item["sk"].as_s().unwrap().clone()).collect())
    }

    /// The requests that came, and one of their values.
    async fn sent(server: &MockServer, pointer: &str) -> Vec<Value> {
        let requests = server.received_requests().await.unwrap();
        let value = |body: Value| body.pointer(pointer).cloned().unwrap_or_default();
        requests.iter().map(|request| value(request.body_json().unwrap())).collect()
    }

    async fn asked(server: &MockServer) -> Vec<Vec<Value>> {
        let keys = sent(server, "/RequestItems/table/Keys").await;
        keys.into_iter().map(|keys| keys.as_array().cloned().unwrap_or_default()).collect()
    }

    fn over(dynamo: Dynamo) -> Table {
        Table::over(dynamo, time::Duration::days(90))
    }

    #[tokio::test]
    async fn a_request_that_is_refused_as_invalid_is_our_fault_and_another_may_succeed_later() {
        for (code, next) in [("ValidationException", Next::Bug), ("ThrottlingException", Next::unavailable())] {
            let (dynamo, server) = answering(&[]).await;
            let refusal = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "CANARY"});
            let answer = ResponseTemplate::new(400).set_body_json(refusal);
            Mock::given(matchers::any()).respond_with(answer).mount(&server).await;
            for error in [
                dynamo.get("p", "s").await.unwrap_err(),
                dynamo.insert(Item::new()).await.unwrap_err(),
                over(dynamo.clone()).set_released("t", NOW, NOW).await.unwrap_err(),
            ] {
                assert_eq!(error.next(), next, "{error}");
                assert!(error.to_string().contains(code) && !error.to_string().contains("CANARY"), "{error}");
            }
        }
    }

    #[tokio::test]
    async fn requests_unprocessed_keys_again_and_keeps_what_came() {
        let (dynamo, server) =
            answering(&[part(&["1"], &["2", "3"]), part(&[], &["2", "3"]), part(&["3", "2"], &[])]).await;
        assert_eq!(read(&dynamo, &["1", "2", "3"]).await.unwrap(), ["1", "3", "2"]);
        let all = ["1", "2", "3"].map(key);
        assert_eq!(asked(&server).await, [all.to_vec(), all[1..].to_vec(), all[1..].to_vec()]);
    }

    #[tokio::test]
    async fn requests_a_key_once_even_if_it_is_given_twice() {
        let (dynamo, server) = answering(&[part(&["1", "2"], &[])]).await;
        assert_eq!(read(&dynamo, &["1", "2", "1"]).await.unwrap(), ["1", "2"]);
        assert_eq!(asked(&server).await, [["1", "2"].map(key).to_vec()]);
    }

    #[tokio::test]
    async fn requests_no_more_than_a_hundred_keys_at_once_and_none_for_no_key() {
        let names: Vec<String> = (0..=100).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (dynamo, server) = answering(&[part(&names[..100], &[]), part(&names[100..], &[])]).await;
        assert_eq!(read(&dynamo, &names).await.unwrap(), names);
        assert!(read(&dynamo, &[]).await.unwrap().is_empty());
        assert_eq!(asked(&server).await.iter().map(Vec::len).collect::<Vec<_>>(), [100, 1]);
    }

    #[tokio::test]
    async fn every_part_is_progress_with_any_number_of_parts() {
        let names: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let parts: Vec<Value> = (0..names.len()).map(|n| part(&names[n..=n], &names[n + 1..])).collect();
        let (dynamo, _server) = answering(&parts).await;
        assert_eq!(read(&dynamo, &names).await.unwrap(), names);
    }

    #[tokio::test]
    async fn a_table_that_returns_nothing_is_unavailable_after_some_attempts() {
        let mut parts = vec![part(&[], &["2"]); 7];
        (parts[0], parts[6]) = (part(&["1"], &["2"]), part(&["2"], &[]));
        let (dynamo, server) = answering(&parts).await;
        let begun = Instant::now();
        assert!(matches!(read(&dynamo, &["1", "2"]).await, Err(StoreError::Unavailable(_))));
        assert!(begun.elapsed() >= Duration::from_millis(700), "each wait is twice as long as the one before");
        assert_eq!(asked(&server).await.len(), 1 + 4);
    }

    #[tokio::test]
    async fn keys_without_an_item_are_progress() {
        let keys = ["1", "2", "3", "4", "5", "6"];
        let parts: Vec<Value> = (1..=keys.len()).map(|n| part(&[], &keys[n..])).collect();
        let (dynamo, _server) = answering(&parts).await;
        assert_eq!(read(&dynamo, &keys).await.unwrap(), Vec::<String>::new());
    }

    /// An answer to a query: these items, and whether others follow.
    fn page(came: &[&str], last: Option<&str>) -> Value {
        let items: Vec<Value> = came.iter().map(|sk| key(sk)).collect();
        let mut answer = json!({"Items": items, "Count": came.len(), "ScannedCount": came.len()});
        if let Some(last) = last {
            answer["LastEvaluatedKey"] = key(last);
        }
        answer
    }

    /// The items of a query, and the limit and the start of each of its requests.
    async fn query(pages: &[Value], limit: Option<i32>) -> (Vec<String>, Vec<(Value, Value)>) {
        let (dynamo, server) = answering(pages).await;
        let query = Query { key_condition: "pk = :pk", limit, ..Query::default() };
        let items = dynamo.query(query.value(":pk", string("p"))).await.unwrap();
        let requests = sent(&server, "/Limit").await.into_iter().zip(sent(&server, "/ExclusiveStartKey/sk/S").await);
        (items.iter().map(|item| item["sk"].as_s().unwrap().clone()).collect(), requests.collect())
    }

    #[tokio::test]
    async fn a_query_goes_on_after_a_short_and_after_an_empty_page() {
        let pages = [page(&["1"], Some("1")), page(&[], Some("2")), page(&["3", "4"], Some("4")), page(&[], None)];
        let (items, requests) = query(&pages, None).await;
        assert_eq!(items, ["1", "3", "4"]);
        let starts: Vec<Value> = requests.into_iter().map(|(_, start)| start).collect();
        assert_eq!(starts, [Value::Null, json!("1"), json!("2"), json!("4")]);
    }

    #[tokio::test]
    async fn a_query_with_a_limit_asks_only_for_what_is_missing() {
        let pages = [page(&["1", "2"], Some("2")), page(&["3"], Some("3"))];
        let (items, requests) = query(&pages, Some(3)).await;
        assert_eq!(items, ["1", "2", "3"]);
        assert_eq!(requests, [(json!(3), Value::Null), (json!(1), json!("2"))]);
    }

    /// Pages without an item, and then one with this item.
    fn pages_before(count: usize, item: &str) -> Vec<Value> {
        let mut pages = vec![page(&[], Some("0")); count];
        pages.push(page(&[item], None));
        pages
    }

    #[tokio::test]
    async fn an_answer_of_more_pages_than_are_read_is_an_error_and_no_short_answer() {
        for limit in [None, Some(1_000)] {
            assert_eq!(query(&pages_before(19, "1"), limit).await.0, ["1"]);
            let (dynamo, _server) = answering(&pages_before(20, "1")).await;
            let query = Query { key_condition: "pk = :pk", limit, ..Query::default() };
            let answer = dynamo.query(query.value(":pk", string("p"))).await;
            assert!(matches!(answer, Err(StoreError::TooMuch(20))), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn counts_and_looks_up_beyond_the_pages_that_an_answer_keeps() {
        let own = format!("{}.1", "0".repeat(32));
        let pages = pages_before(40, &format!("N#{own}"));
        let (dynamo, _server) = answering(&pages).await;
        assert_eq!(over(dynamo).count_marked("dead").await.unwrap(), 1);
        let entity = EntityId { tenant: "t".to_owned(), entity: Entity::Account, key: "1920".to_owned() };
        let key = LedgerKey { entity, notification: own.try_into().unwrap() };
        let (dynamo, _server) = answering(&pages).await;
        assert!(over(dynamo).look(&key).await.unwrap().same.is_some());
    }

    #[tokio::test]
    async fn counts_no_further_than_a_hundred_thousand() {
        let mut long = page(&["1"], Some("1"));
        long["ScannedCount"] = json!(50_000);
        let (dynamo, server) = answering(&[long]).await;
        let counted = over(dynamo).count_marked("dead").await;
        assert_eq!((counted.unwrap(), server.received_requests().await.unwrap().len()), (2, 2));
    }

    #[tokio::test]
    async fn a_list_reads_no_more_than_its_page_needs() {
        let (dynamo, server) = answering(&[page(&[], None)]).await;
        let table = over(dynamo);
        table.audited(NOW, NOW + time::Duration::DAY, None, 10).await.unwrap();
        table.waiting("t", 7).await.unwrap();
        // Each of 11 actions may have a result. What waits for calls is in two lists.
        assert_eq!(sent(&server, "/Limit").await, [json!(22), json!(7), json!(7)]);
    }

    #[tokio::test]
    async fn an_erasure_reads_on_where_the_part_before_ended() {
        let (dynamo, server) = answering(&[page(&["1"], Some("1")), page(&["2"], None)]).await;
        let table = over(dynamo);
        let first = table.kept("t", None).await.unwrap();
        assert!(first.next.is_some());
        assert_eq!(table.kept("t", first.next.as_deref()).await.unwrap().next, None);
        assert_eq!(sent(&server, "/ExclusiveStartKey").await, [Value::Null, key("1")]);
        assert!(matches!(table.kept("t", Some("elsewhere")).await, Err(StoreError::Mismatch(_))));
    }
}
