//! DynamoDB answers with less than it could: a batch read leaves keys unprocessed, and a page of a
//! query or a scan ends early, perhaps without any item. This is no fault, and nothing may show it.

use crate::check::Met;
use crate::faults::Fault;
use crate::world::World;
use time::Duration;

/// The most items of a page that ends early.
const MOST_OF_A_PAGE: usize = 3;
/// The most answers in a row that leave every key. The store gives up after one more, and a refused
/// call shows what happens then.
const MOST_IN_VAIN: u32 = 3;
/// How long the store may wait before it requests keys again, in milliseconds.
const WAITS: [i64; 4] = [50, 100, 200, 400];

impl World {
    fn falls_short(&mut self) -> bool {
        let often = self.rates.of(Fault::ShortAnswer) * 2;
        self.choices.chance(often)
    }

    /// The number of items after which a page ends early.
    pub(crate) fn cut(&mut self) -> Option<usize> {
        if !self.falls_short() {
            return None;
        }
        self.checks.meets(Met::PageCutShort);
        Some(self.choices.below(MOST_OF_A_PAGE + 1))
    }

    /// How many of these keys a batch read leaves unprocessed.
    pub(crate) fn leaves_keys(&mut self, instance: usize, count: usize) -> usize {
        if count == 0 || !self.falls_short() {
            self.in_vain.remove(&instance);
            return 0;
        }
        let mut left = 1 + self.choices.below(count);
        let in_vain = self.in_vain.entry(instance).or_default();
        *in_vain = if left == count { *in_vain + 1 } else { 0 };
        if *in_vain > MOST_IN_VAIN {
            (*in_vain, left) = (0, count - 1);
        }
        if left > 0 {
            self.checks.meets(Met::KeysUnprocessed);
            let now = self.now;
            self.wakes.extend(WAITS.map(|wait| now + Duration::milliseconds(wait)));
            let who = self.name_of(instance);
            self.tell(&who, || format!("gets no answer about {left} of {count} keys"));
        }
        left
    }
}
