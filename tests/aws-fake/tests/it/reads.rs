//! The cost of reads, by the Amazon DynamoDB Developer Guide: *Read and write operations* and
//! *Querying tables*.

use crate::support::{World, key};
use aws_fake::TABLE;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

impl World {
    async fn got(&self, sk: &str, consistent: bool) -> f64 {
        let get = self.dynamo.get_item().table_name(TABLE).set_key(Some(key(sk))).consistent_read(consistent);
        self.during(async { drop(get.send().await.unwrap()) }).await.read_units()
    }

    async fn queried(&self, prefix: &str, consistent: bool, filter: Option<&str>) -> f64 {
        let query = self.dynamo.query().table_name(TABLE).key_condition_expression("pk = :p AND begins_with(sk, :s)");
        let query = query.expression_attribute_values(":p", AttributeValue::S("p".to_owned()));
        let query = query.expression_attribute_values(":s", AttributeValue::S(prefix.to_owned()));
        let query = query.consistent_read(consistent).set_filter_expression(filter.map(str::to_owned));
        self.during(async { drop(query.send().await.unwrap()) }).await.read_units()
    }
}

#[tokio::test]
async fn a_read_costs_a_unit_per_four_kilobytes_or_half_if_eventually_consistent() {
    let world = World::new();
    for (bytes, expected) in [(64, 1.0), (4096, 1.0), (4097, 2.0)] {
        world.put("a", bytes, &[]).await;
        assert_eq!((world.got("a", true).await, world.got("a", false).await), (expected, expected / 2.0), "{bytes}");
    }
}

#[tokio::test]
async fn reading_a_missing_item_costs_the_minimum() {
    let world = World::new();
    assert_eq!((world.got("none", true).await, world.got("none", false).await), (1.0, 0.5));
    assert_eq!((world.queried("none", true, None).await, world.queried("none", false, None).await), (1.0, 0.5));
}

#[tokio::test]
async fn a_query_rounds_the_sum_of_its_items_before_filtering() {
    let world = World::new();
    for sk in ["a1", "a2", "a3"] {
        world.put(sk, 2000, &[]).await;
    }
    assert_eq!(world.queried("a", true, None).await, 2.0);
    assert_eq!(world.queried("a", false, Some("attribute_exists(nothing)")).await, 1.0);
}

#[tokio::test]
async fn a_query_of_an_index_costs_the_size_of_its_entries() {
    let world = World::new();
    for sk in ["a1", "a2"] {
        world.put(sk, 9000, &[("feed", "f"), ("feed_at", sk)]).await;
    }
    let query = world.dynamo.query().table_name(TABLE).index_name("feed").key_condition_expression("feed = :f");
    let query = query.expression_attribute_values(":f", AttributeValue::S("f".to_owned()));
    let calls = world.during(async { assert_eq!(query.send().await.unwrap().count, 2) }).await;
    assert_eq!(calls.read_units(), 0.5);
}

#[tokio::test]
async fn a_batch_rounds_each_item_and_counts_missing_ones() {
    let world = World::new();
    world.put("a", 100, &[]).await;
    world.put("b", 4097, &[]).await;
    let keys = KeysAndAttributes::builder().consistent_read(true);
    let keys = ["a", "b", "none"].into_iter().fold(keys, |keys, sk| keys.keys(key(sk)));
    let batch = world.dynamo.batch_get_item().request_items(TABLE, keys.build().unwrap());
    let calls = world.during(async { drop(batch.send().await.unwrap()) }).await;
    assert_eq!((calls.read_units(), calls.all_requests()), (4.0, 1));
}
