//! The cost of reads and writes, by the Amazon DynamoDB Developer Guide: *Read and write
//! operations* and *Querying tables* for items, *Using Global Secondary Indexes* for indexes.

use crate::support::{World, key};
use aws_fake::{Service, TABLE};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use std::collections::BTreeMap;

const FEED: [(&str, &str); 2] = [("feed", "f"), ("feed_at", "1")];

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

fn units(tally: &aws_fake::Tally) -> BTreeMap<&str, f64> {
    tally.units.iter().map(|(resource, units)| (resource.as_str(), *units)).collect()
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

#[tokio::test]
async fn a_write_costs_a_unit_per_kilobyte() {
    let world = World::new();
    for (bytes, expected) in [(64, 1.0), (1024, 1.0), (1025, 2.0), (4096, 4.0)] {
        let calls = world.during(world.put(&bytes.to_string(), bytes, &[])).await;
        assert_eq!(units(&calls.tally(Service::DynamoDb, "PutItem")), BTreeMap::from([(TABLE, expected)]), "{bytes}");
    }
}

#[tokio::test]
async fn an_update_costs_the_larger_size_of_the_whole_item() {
    let world = World::new();
    world.put("a", 3000, &[]).await;
    let calls = world.during(world.set("a", &[("state", "done")])).await;
    assert_eq!(units(&calls.tally(Service::DynamoDb, "UpdateItem")), BTreeMap::from([(TABLE, 3.0)]));
    let calls = world.during(world.set("a", &[("filler", "short")])).await;
    assert_eq!(calls.write_units(), 3.0);
    let calls = world.during(world.set("a", &[("state", "again")])).await;
    assert_eq!(calls.write_units(), 1.0);
}

#[tokio::test]
async fn an_index_costs_a_unit_per_change_of_its_entries() {
    let world = World::new();
    let index = format!("{TABLE}/feed");
    let expect = |calls: aws_fake::Calls, of_index: Option<f64>| {
        let mut units: BTreeMap<String, f64> = BTreeMap::new();
        calls.iter().for_each(|(_, tally)| units.extend(tally.units.clone()));
        assert_eq!(units.get(&index).copied(), of_index);
    };
    // "you put an item without an indexed attribute": no write.
    expect(world.during(world.put("a", 100, &[])).await, None);
    // "updates the table so that an indexed attribute is newly defined": one write.
    expect(world.during(world.set("a", &FEED)).await, Some(1.0));
    // "If an update … changes the value of an indexed key attribute, two writes are required".
    expect(world.during(world.set("a", &[("feed_at", "2")])).await, Some(2.0));
    // Not projected, or projected and unchanged: "there is no additional write cost".
    expect(world.during(world.set("a", &[("state", "x")])).await, None);
    expect(world.during(world.set("a", &[("feed_at", "2")])).await, None);
    // Projected and changed: one write.
    expect(world.during(world.set("a", &[("origin", "webhook")])).await, Some(1.0));
    // "If an item was present in the index, and the update deletes it": one write.
    let removal = world.dynamo.update_item().table_name(TABLE).set_key(Some(key("a"))).update_expression("REMOVE feed");
    expect(world.during(async { drop(removal.send().await.unwrap()) }).await, Some(1.0));
}

#[tokio::test]
async fn an_index_costs_by_the_size_of_its_entries() {
    let world = World::new();
    let calls = world.during(world.put("a", 9000, &FEED)).await;
    let put = calls.tally(Service::DynamoDb, "PutItem");
    assert_eq!(units(&put), BTreeMap::from([(TABLE, 9.0), (&*format!("{TABLE}/feed"), 1.0)]));
    assert_eq!(put.all_units(), 10.0);
}

#[tokio::test]
async fn a_write_with_a_failed_condition_costs_the_item_and_no_index() {
    let world = World::new();
    world.put("a", 2500, &FEED).await;
    let refused = |sk| {
        let update = world.dynamo.update_item().table_name(TABLE).set_key(Some(key(sk)));
        let update = update.update_expression("SET feed_at = :v").condition_expression("attribute_exists(nothing)");
        update.expression_attribute_values(":v", AttributeValue::S("9".to_owned()))
    };
    for (sk, expected) in [("a", 3.0), ("absent", 1.0)] {
        let calls = world.during(async { drop(refused(sk).send().await.unwrap_err()) }).await;
        let tally = calls.tally(Service::DynamoDb, "UpdateItem");
        assert_eq!((tally.requests, tally.refused), (1, 1));
        assert_eq!(units(&tally), BTreeMap::from([(TABLE, expected)]), "{sk}");
    }
    // Only the endpoint asked for the item, so it is not in the answer.
    let error = refused("a").send().await.unwrap_err().into_service_error();
    assert!(error.is_conditional_check_failed_exception());
    let aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(error) = error
    else {
        panic!("another error");
    };
    assert_eq!(error.item, None);
}
