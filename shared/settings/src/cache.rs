//! The document in the process: read when needed, kept for a while, read again when a signature does not verify.

use crate::document::{Invalid, Settings};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;
use webhooks_host::Host;

/// How long a document is trusted without asking again.
const FRESH_FOR: Duration = Duration::minutes(5);
/// The least time between two readings, so that forged signatures cannot make us hammer Secrets Manager.
const REREAD_AFTER: Duration = Duration::seconds(30);

/// The same for what an operator repeats, who may just have mended the document.
const REREAD_FOR_REPLAYS_AFTER: Duration = Duration::seconds(2);

/// How long a document stays in force while no newer one can be read, and [`FRESH_FOR`] after the last try in that time. A secret that a newer
/// one has ended lets somebody in for no longer, also at an environment that was frozen for a day.
const IN_FORCE_FOR: Duration = Duration::hours(1);

/// Where the document is kept.
pub trait Source: Send + Sync {
    /// # Errors
    /// [`LoadError::Unreachable`] with what the store said.
    fn load(&self) -> impl Future<Output = Result<String, LoadError>> + Send;
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("the settings document cannot be read: {0}")]
    Unreachable(String),
    #[error("the settings document is not valid: {0}")]
    Invalid(#[from] Invalid),
}

/// Hands out the current document. While a new reading fails, the last good document stays in force for an hour.
#[derive(Debug)]
pub struct Cache<S, H> {
    source: S,
    host: H,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The last good document, and when it was read.
    good: Option<(Arc<Settings>, OffsetDateTime)>,
    /// When it was last tried.
    read_at: Option<OffsetDateTime>,
    /// Why the last reading brought nothing.
    failure: Option<LoadError>,
}

impl<S: Source, H: Host> Cache<S, H> {
    pub fn new(source: S, host: H) -> Self {
        Self { source, host, kept: Mutex::default() }
    }

    /// # Errors
    /// There is no document yet, or none newer than an hour, and none can be read.
    pub async fn get(&self) -> Result<Arc<Settings>, LoadError> {
        Ok(self.read_within(FRESH_FOR).await?.0)
    }

    /// The document after something in it did not fit: read again unless that was done a moment ago.
    ///
    /// # Errors
    /// The last reading failed, so what did not fit may do so in a newer document.
    pub async fn refreshed(&self) -> Result<Arc<Settings>, LoadError> {
        let (settings, failure) = self.read_within(REREAD_AFTER).await?;
        failure.map_or(Ok(settings), Err)
    }

    /// The document as it was at that time or later, for what something newer than ours has let in.
    ///
    /// # Errors
    /// It cannot be read now.
    pub async fn as_of(&self, moment: OffsetDateTime) -> Result<Arc<Settings>, LoadError> {
        let (settings, failure) = self.read_within(self.host.now() - moment).await?;
        failure.map_or(Ok(settings), Err)
    }

    /// The document for a replay: what could not be read before may be readable by the newest. Read again unless that was done in
    /// the last two seconds.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn for_replay(&self) -> Result<Arc<Settings>, LoadError> {
        Ok(self.read_within(REREAD_FOR_REPLAYS_AFTER).await?.0)
    }

    async fn read_within(&self, age: Duration) -> Result<(Arc<Settings>, Option<LoadError>), LoadError> {
        let mut kept = self.kept.lock().await;
        let now = self.host.now();
        if let (Some((settings, _)), Some(read_at)) = (&kept.good, kept.read_at)
            && now - read_at < age
        {
            return Ok((settings.clone(), kept.failure.clone()));
        }
        let (settings, failure) = match (self.read().await, &kept.good) {
            (Ok(settings), _) => {
                kept.good = Some((settings.clone(), now));
                (settings, None)
            }
            (Err(error), Some((settings, good_at))) if now - *good_at < IN_FORCE_FOR => {
                tracing::error!(error = %error, "the settings stay as they were: {error}");
                (settings.clone(), Some(error))
            }
            (Err(error), _) => return Err(error),
        };
        kept.read_at = Some(now);
        kept.failure = failure.clone();
        Ok((settings, failure))
    }

    async fn read(&self) -> Result<Arc<Settings>, LoadError> {
        Ok(Arc::new(Settings::parse(&self.source.load().await?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex as StdMutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use time::macros::datetime;
    use uuid::Uuid;

    struct FixedHost(StdMutex<OffsetDateTime>);

    impl Host for &FixedHost {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }
        fn new_id(&self) -> Uuid {
            Uuid::nil()
        }
        fn random(&self) -> f64 {
            0.0
        }
    }

    #[derive(Default)]
    struct Shelf {
        readings: AtomicUsize,
        document: StdMutex<Option<String>>,
    }

    impl Source for &Shelf {
        async fn load(&self) -> Result<String, LoadError> {
            self.readings.fetch_add(1, Ordering::SeqCst);
            self.document.lock().unwrap().clone().ok_or(LoadError::Unreachable("down".into()))
        }
    }

    const DOCUMENT: &str = r#"{"version":1,"visma":{"connect_url":"https://a","erp_url":"https://b","sales_order_url":"https://c",
        "client_id":"c","client_secret":"s","scope":"s"}}"#;

    #[tokio::test]
    async fn the_document_is_read_once_until_it_grows_old() {
        let (shelf, host) = (Shelf::default(), FixedHost(StdMutex::new(datetime!(2026-11-23 12:00 UTC))));
        *shelf.document.lock().unwrap() = Some(DOCUMENT.to_owned());
        let cache = Cache::new(&shelf, &host);
        for _ in 0..3 {
            cache.get().await.unwrap();
        }
        assert_eq!(shelf.readings.load(Ordering::SeqCst), 1);
        *host.0.lock().unwrap() += FRESH_FOR;
        cache.get().await.unwrap();
        assert_eq!(shelf.readings.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn failed_verifications_cause_one_reading_in_half_a_minute_however_many_they_are() {
        let (shelf, host) = (Shelf::default(), FixedHost(StdMutex::new(datetime!(2026-11-23 12:00 UTC))));
        *shelf.document.lock().unwrap() = Some(DOCUMENT.to_owned());
        let cache = Cache::new(&shelf, &host);
        cache.get().await.unwrap();
        *host.0.lock().unwrap() += REREAD_AFTER;
        for _ in 0..100 {
            cache.refreshed().await.unwrap();
        }
        assert_eq!(shelf.readings.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn replays_cause_one_reading_in_two_seconds_however_many_they_are() {
        let (shelf, host) = (Shelf::default(), FixedHost(StdMutex::new(datetime!(2026-11-23 12:00 UTC))));
        *shelf.document.lock().unwrap() = Some(DOCUMENT.to_owned());
        let cache = Cache::new(&shelf, &host);
        cache.get().await.unwrap();
        *host.0.lock().unwrap() += REREAD_FOR_REPLAYS_AFTER;
        for _ in 0..100 {
            cache.for_replay().await.unwrap();
        }
        assert_eq!(shelf.readings.load(Ordering::SeqCst), 2);
        *shelf.document.lock().unwrap() = None;
        *host.0.lock().unwrap() += REREAD_FOR_REPLAYS_AFTER;
        cache.for_replay().await.unwrap();
        assert_eq!(shelf.readings.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn the_last_good_document_stays_in_force_while_no_new_one_can_be_read() {
        let (shelf, host) = (Shelf::default(), FixedHost(StdMutex::new(datetime!(2026-11-23 12:00 UTC))));
        let cache = Cache::new(&shelf, &host);
        assert_eq!(cache.get().await.unwrap_err(), LoadError::Unreachable("down".into()));
        *shelf.document.lock().unwrap() = Some(DOCUMENT.to_owned());
        cache.get().await.unwrap();
        for broken in [None, Some("{}".to_owned())] {
            *shelf.document.lock().unwrap() = broken;
            *host.0.lock().unwrap() += FRESH_FOR;
            assert_eq!(cache.get().await.unwrap().version, 1);
        }
    }

    #[tokio::test]
    async fn a_document_that_could_not_be_read_again_for_an_hour_lets_nobody_in() {
        let (shelf, host) = (Shelf::default(), FixedHost(StdMutex::new(datetime!(2026-11-23 12:00 UTC))));
        *shelf.document.lock().unwrap() = Some(DOCUMENT.to_owned());
        let cache = Cache::new(&shelf, &host);
        cache.get().await.unwrap();
        *shelf.document.lock().unwrap() = None;
        *host.0.lock().unwrap() += IN_FORCE_FOR - Duration::NANOSECOND;
        cache.get().await.unwrap();
        *host.0.lock().unwrap() += FRESH_FOR;
        assert_eq!(cache.get().await.unwrap_err(), LoadError::Unreachable("down".into()));
        *shelf.document.lock().unwrap() = Some(DOCUMENT.to_owned());
        cache.get().await.unwrap();
    }

    #[tokio::test]
    async fn what_does_not_fit_is_not_judged_by_a_document_that_could_not_be_read_again() {
        let (shelf, host) = (Shelf::default(), FixedHost(StdMutex::new(datetime!(2026-11-23 12:00 UTC))));
        *shelf.document.lock().unwrap() = Some(DOCUMENT.to_owned());
        let cache = Cache::new(&shelf, &host);
        cache.get().await.unwrap();
        *shelf.document.lock().unwrap() = None;
        *host.0.lock().unwrap() += REREAD_AFTER;
        for _ in 0..2 {
            assert_eq!(cache.refreshed().await.unwrap_err(), LoadError::Unreachable("down".into()));
        }
        assert_eq!((shelf.readings.load(Ordering::SeqCst), cache.get().await.unwrap().version), (2, 1));
    }
}
