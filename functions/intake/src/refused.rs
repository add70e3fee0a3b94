//! What this process could not store and refused, so that the next try tells how long after it came.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, OnceLock};
use time::OffsetDateTime;

/// So many are remembered, the latest ones.
const MOST: usize = 64;

/// The refusals of bodies whose sender is known. As long as there was none, nothing is hashed or locked.
#[derive(Default)]
pub(crate) struct Refused(OnceLock<Mutex<VecDeque<Refusal>>>);

struct Refusal {
    key: u64,
    at: OffsetDateTime,
}

impl Refused {
    /// When this body was last refused. It is forgotten with that.
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
