//! When the cache reads the document, and how long one stays in force.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fixtures::{FakeSource, TestHost, document};
use serde_json::{Value, json};
use time::Duration;
use webhooks_host::Host;
use webhooks_settings::{Cache, LoadError, Source};

const FRESH_FOR: Duration = Duration::minutes(5);
const REREAD_AFTER: Duration = Duration::seconds(30);
const REREAD_FOR_REPLAYS_AFTER: Duration = Duration::seconds(2);
const IN_FORCE_FOR: Duration = Duration::hours(1);

fn cache(document: Value) -> (FakeSource, TestHost, Cache<FakeSource, TestHost>) {
    let (source, host) = (FakeSource::new(document), TestHost::default());
    (source.clone(), host.clone(), Cache::new(source, host))
}

#[tokio::test]
async fn the_document_is_read_once_until_it_grows_old() {
    let (source, host, cache) = cache(document());
    for _ in 0..3 {
        cache.get().await.unwrap();
    }
    assert_eq!(source.readings(), 1);
    host.advance(FRESH_FOR);
    cache.get().await.unwrap();
    assert_eq!(source.readings(), 2);
}

#[tokio::test]
async fn a_document_of_a_later_clock_is_read_again() {
    let (source, host, cache) = cache(document());
    cache.get().await.unwrap();
    host.advance(-FRESH_FOR);
    cache.get().await.unwrap();
    assert_eq!(source.readings(), 2);
}

#[tokio::test]
async fn failed_verifications_cause_at_most_one_reading_in_half_a_minute() {
    let (source, host, cache) = cache(document());
    cache.get().await.unwrap();
    host.advance(REREAD_AFTER);
    for _ in 0..100 {
        cache.refreshed().await.unwrap();
    }
    assert_eq!(source.readings(), 2);
}

#[tokio::test]
async fn replays_cause_at_most_one_reading_in_two_seconds() {
    let (source, host, cache) = cache(document());
    cache.get().await.unwrap();
    host.advance(REREAD_FOR_REPLAYS_AFTER);
    for _ in 0..100 {
        cache.for_replay().await.unwrap();
    }
    assert_eq!(source.readings(), 2);
    source.clear();
    host.advance(REREAD_FOR_REPLAYS_AFTER);
    cache.for_replay().await.unwrap();
    assert_eq!(source.readings(), 3);
}

#[tokio::test]
async fn the_last_good_document_stays_in_force_while_reading_fails() {
    let (source, host, cache) = cache(Value::Null);
    assert_eq!(cache.get().await.unwrap_err(), LoadError::Unreachable("down".into()));
    source.put(document());
    assert!(cache.get().await.is_err(), "nobody asks again so soon");
    host.advance(Duration::seconds(2));
    cache.get().await.unwrap();
    for broken in [Value::Null, json!({})] {
        source.put(broken);
        host.advance(FRESH_FOR);
        assert_eq!(cache.get().await.unwrap().version, 1);
    }
}

#[tokio::test]
async fn a_document_expires_after_an_hour_without_a_reading() {
    let (source, host, cache) = cache(document());
    cache.get().await.unwrap();
    source.clear();
    host.advance(IN_FORCE_FOR - Duration::NANOSECOND);
    cache.get().await.unwrap();
    host.advance(FRESH_FOR);
    assert_eq!(cache.get().await.unwrap_err(), LoadError::Unreachable("down".into()));
    source.put(document());
    host.advance(REREAD_AFTER);
    cache.get().await.unwrap();
}

#[tokio::test]
async fn a_document_of_exactly_an_hour_ago_is_no_longer_in_force() {
    let (source, host, cache) = cache(document());
    cache.get().await.unwrap();
    source.clear();
    host.advance(IN_FORCE_FOR);
    cache.get().await.unwrap_err();
}

#[tokio::test]
async fn a_reading_that_succeeds_ends_the_failure_before_it() {
    let (source, host, cache) = cache(Value::Null);
    cache.get().await.unwrap_err();
    source.put(document());
    host.advance(REREAD_AFTER);
    cache.get().await.unwrap();
    cache.refreshed().await.unwrap();
    assert_eq!(source.readings(), 2);
}

/// How often the source is read in ten minutes of a hundred requests a second. Each request asks in
/// every way.
async fn readings_in_ten_minutes(cache: &Cache<FakeSource, TestHost>, source: &FakeSource, host: &TestHost) -> usize {
    let before = source.readings();
    for _ in 0..600 {
        for _ in 0..100 {
            let now = host.now();
            let _ = (cache.get().await, cache.refreshed().await, cache.as_of(now).await);
        }
        host.advance(Duration::SECOND);
    }
    source.readings() - before
}

#[tokio::test]
async fn a_failing_source_is_read_less_and_less_often() {
    let (source, host, cache) = cache(Value::Null);
    // Every 15 to 30 seconds, and a few times at first.
    let bounds = 20..=46;
    let asked = readings_in_ten_minutes(&cache, &source, &host).await;
    assert!(bounds.contains(&asked), "without any document: {asked}");

    source.put(document());
    host.advance(REREAD_AFTER);
    cache.get().await.unwrap();
    source.put(json!({}));
    host.advance(REREAD_AFTER);
    let asked = readings_in_ten_minutes(&cache, &source, &host).await;
    assert!(bounds.contains(&asked), "with the last good one in force: {asked}");

    host.advance(IN_FORCE_FOR);
    let asked = readings_in_ten_minutes(&cache, &source, &host).await;
    assert!(bounds.contains(&asked), "with one that is no longer in force: {asked}");
}

/// A source that fails after three seconds.
struct SlowToFail(TestHost);

impl Source for SlowToFail {
    async fn load(&self) -> Result<String, LoadError> {
        self.0.advance(Duration::seconds(3));
        Err(LoadError::Unreachable("down".into()))
    }
}

#[tokio::test]
async fn a_reading_that_fails_slowly_is_not_repeated_at_once() {
    let host = TestHost::default();
    let cache = Cache::new(SlowToFail(host.clone()), host.clone());
    for _ in 0..10 {
        cache.get().await.unwrap_err();
    }
    assert_eq!(host.now() - TestHost::START, Duration::seconds(3), "one reading");
}

#[tokio::test]
async fn a_clock_turned_back_does_not_delay_the_next_reading() {
    let (source, host, cache) = cache(Value::Null);
    cache.get().await.unwrap_err();
    source.put(document());
    host.advance(-Duration::HOUR);
    cache.get().await.unwrap();
}

#[tokio::test]
async fn a_mismatch_is_an_error_while_reading_fails() {
    let (source, host, cache) = cache(document());
    cache.get().await.unwrap();
    source.clear();
    host.advance(REREAD_AFTER);
    for _ in 0..2 {
        assert_eq!(cache.refreshed().await.unwrap_err(), LoadError::Unreachable("down".into()));
    }
    assert_eq!((source.readings(), cache.get().await.unwrap().version), (2, 1));
}

#[tokio::test]
async fn each_failure_doubles_the_wait_up_to_half_a_minute() {
    let (source, host, cache) = cache(Value::Null);
    cache.get().await.unwrap_err();
    // Three quarters of 2, 4, 8, 16 and 30 seconds, since the random number is one half.
    for (failures, wait) in (1..).zip([1_500, 3_000, 6_000, 12_000, 22_500, 22_500]) {
        host.advance(Duration::milliseconds(wait - 1));
        cache.get().await.unwrap_err();
        assert_eq!(source.readings(), failures);
        host.advance(Duration::MILLISECOND);
        cache.get().await.unwrap_err();
        assert_eq!(source.readings(), failures + 1);
    }
}

#[tokio::test]
async fn a_message_from_before_the_last_reading_needs_no_other() {
    let (source, host, cache) = cache(document());
    cache.get().await.unwrap();
    host.advance(Duration::MINUTE);
    for (after, readings) in [(Duration::seconds(-1), 1), (Duration::seconds(10), 2)] {
        cache.as_of(TestHost::START + after).await.unwrap();
        assert_eq!(source.readings(), readings);
    }
    source.clear();
    host.advance(Duration::MINUTE);
    assert!(cache.as_of(host.now()).await.is_err());
}
