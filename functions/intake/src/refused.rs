//! Remembers deliveries that this process could not store, to measure the time until Visma Net
//! retries them.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, OnceLock};
use time::OffsetDateTime;

/// The number of remembered refusals, the latest ones.
const MOST: usize = 64;

/// Refusals of bodies with a verified sender. Before the first refusal, nothing is hashed or
/// locked.
#[derive(Default)]
pub(crate) struct Refused(OnceLock<Mutex<VecDeque<Refusal>>>);

struct Refusal {
    key: u64,
    at: OffsetDateTime,
}

impl Refused {
    /// When this body was last refused. This removes it.
    pub(crate) fn take(&self, subscription: &str, body: &[u8]) -> Option<OffsetDateTime> {
        let mut all = lock(self.0.get()?);
        if all.is_empty() {
            return None;
        }
        let key = key(subscription, body);
        let place = all.iter().position(|refusal| refusal.key == key)?;
        all.remove(place).map(|refusal| refusal.at)
    }

    pub(crate) fn remember(&self, subscription: &str, body: &[u8], at: OffsetDateTime) {
        let mut all = lock(self.0.get_or_init(Mutex::default));
        let key = key(subscription, body);
        all.retain(|refusal| refusal.key != key);
        if all.len() == MOST {
            all.pop_front();
        }
        all.push_back(Refusal { key, at });
    }
}

fn lock(all: &Mutex<VecDeque<Refusal>>) -> MutexGuard<'_, VecDeque<Refusal>> {
    all.lock().expect("nothing panics while it is held")
}

/// Two subscriptions may send the same body.
fn key(subscription: &str, body: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (subscription, body).hash(&mut hasher);
    hasher.finish()
}
