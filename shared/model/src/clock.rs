//! Reads the times of Visma Net (docs/visma-net.md#bodies, docs/visma-net.md#lists). Many have no
//! zone (docs/visma-net.md#times-and-zones), and the sender's clock shows one hour of autumn twice.

use crate::ticks::Ticks;
use crate::zone::{WallClock, Zone};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

/// Largest difference between the sender's clock and ours. A time that was read just before its
/// second moment may be up to twice that too late.
const SKEW: Duration = Duration::minutes(1);

/// How to read times without a zone: the sender's clock, and the time of receipt.
#[derive(Debug, Clone)]
pub struct Clock {
    wall: WallClock,
    now: OffsetDateTime,
}

/// A moment as it was read. A time that the sender's clock showed twice has two readings. The later
/// one applies as soon as it has passed: a resource that still shows this time has not changed
/// since the earlier reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    at: Ticks,
    first: Ticks,
    latest: Ticks,
}

/// A time as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    WithZone(OffsetDateTime),
    WithoutZone(PrimitiveDateTime),
}

impl Clock {
    pub fn new(zone: Zone, now: OffsetDateTime) -> Self {
        Self { wall: zone.clock(), now }
    }

    /// Reads `2024-05-27T18:12:55.7720784Z`, an offset instead of `Z`, a space instead of `T`, or
    /// no zone. A time without a zone is read by the sender's clock.
    pub fn read(&self, text: &str) -> Option<Stamp> {
        let shown = match Written::parse(text)? {
            Written::WithZone(at) => return Some(Ticks::from_datetime(at).into()),
            Written::WithoutZone(shown) => shown,
        };
        let [first, second] = self.wall.readings(shown);
        if first == second {
            return Some(Ticks::from_datetime(first).into());
        }
        let at = if second <= self.now + SKEW { second } else { first };
        let [at, first, latest] = [at, first, at + SKEW * 2].map(Ticks::from_datetime);
        Some(Stamp { at, first, latest })
    }
}

impl From<Ticks> for Stamp {
    fn from(at: Ticks) -> Self {
        Self { at, first: at, latest: at }
    }
}

impl Stamp {
    /// The most likely moment.
    pub fn at(self) -> Ticks {
        self.at
    }

    /// The other possible moment, or the same one if there is only one.
    pub fn first(self) -> Ticks {
        self.first
    }

    /// The latest version of another state that this state may still be newer than.
    pub fn latest(self) -> Ticks {
        self.latest
    }

    /// Whether `version` is this state or certainly a newer one. False in case of doubt.
    pub fn is_known_by(self, version: Ticks) -> bool {
        version == self.at || version == self.first || version > self.latest || (version > self.at && self.is_certain())
    }

    pub fn is_certain(self) -> bool {
        self.at == self.latest
    }
}

impl Written {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Some(Self::WithZone(at));
        }
        let zoneless = time::macros::format_description!(
            version = 2,
            "[year]-[month]-[day][first [T] [ ]][hour]:[minute]:[second][optional [.[subsecond]]]"
        );
        PrimitiveDateTime::parse(text, &zoneless).ok().map(Self::WithoutZone)
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
