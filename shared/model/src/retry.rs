//! What to do about a failure, and how long to wait before the next try.

use crate::ledger::Reason;
use std::time::Duration;

/// The longest time that a message can be hidden (SQS ChangeMessageVisibility: 12 h from its
/// receipt), less a margin.
const LONGEST_WAIT: Duration = Duration::from_secs(11 * 3600);

/// What to do about an error. Every error type of the project has this answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// May succeed later. `after` is the wait that the other side asked for.
    Retry { reason: Reason, after: Option<Duration> },
    /// Fails until a person changes something.
    Park(Reason),
    /// The fault is ours.
    Bug,
}

impl Next {
    pub fn unavailable() -> Self {
        Self::Retry { reason: Reason::Unavailable, after: None }
    }

    pub fn reason(self) -> Reason {
        match self {
            Self::Retry { reason, .. } | Self::Park(reason) => reason,
            Self::Bug => Reason::Bug,
        }
    }
}

/// Exponential back-off with full jitter. `receives` is how often the message was delivered, at
/// least 1; `random` is uniform in `[0, 1)`. The wait is at least one second, so that a message
/// never spins.
pub fn backoff(receives: u32, base: Duration, random: f64) -> Duration {
    let doublings = receives.saturating_sub(1).min(20);
    let ceiling = base.saturating_mul(1 << doublings).min(Duration::from_secs(8 * 3600));
    ceiling.mul_f64(random.clamp(0.0, 1.0)).max(Duration::from_secs(1))
}

/// The wait before the next attempt. It is what the other side asked for, plus up to a tenth so
/// that retries spread out, or else the back-off. In an outage it is the longer of both: a server
/// that asks for a few seconds may be away for hours, and the attempts are counted.
pub fn wait(next: Next, receives: u32, base: Duration, random: f64) -> Duration {
    let backoff = backoff(receives, base, random);
    let wait = match next {
        Next::Retry { reason, after: Some(asked) } => {
            let asked = asked.min(LONGEST_WAIT).mul_f64(1.0 + 0.1 * random.clamp(0.0, 1.0)).max(Duration::from_secs(1));
            if reason == Reason::Unavailable { asked.max(backoff) } else { asked }
        }
        Next::Retry { after: None, .. } | Next::Park(_) | Next::Bug => backoff,
    };
    wait.min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: Duration = Duration::from_secs(30);

    #[test]
    fn the_ceiling_doubles_until_eight_hours() {
        let ceiling = |receives| backoff(receives, BASE, 1.0).as_secs();
        assert_eq!([ceiling(1), ceiling(2), ceiling(3)], [30, 60, 120]);
        assert_eq!(ceiling(40), 8 * 3600);
    }

    #[test]
    fn the_wait_is_never_shorter_than_requested() {
        let asked = Duration::from_secs(100);
        for reason in [Reason::RateLimited, Reason::Unavailable] {
            let wait = |asked, random| wait(Next::Retry { reason, after: Some(asked) }, 1, BASE, random);
            assert_eq!(wait(asked, 0.0), asked);
            assert_eq!(wait(asked, 1.0), Duration::from_secs(110));
            assert_eq!(wait(Duration::MAX, 1.0), LONGEST_WAIT);
        }
        assert_eq!(LONGEST_WAIT.as_secs(), 39_600);
    }

    #[test]
    fn an_outage_that_asks_for_a_second_is_tried_less_and_less_often() {
        let waits = |reason| {
            let next = Next::Retry { reason, after: Some(Duration::from_secs(1)) };
            [1, 2, 5].map(|receives| wait(next, receives, BASE, 0.5).as_secs())
        };
        assert_eq!(waits(Reason::Unavailable), [15, 30, 240]);
        assert_eq!(waits(Reason::RateLimited), [1, 1, 1]);
    }

    #[test]
    fn what_comes_next_says_why() {
        assert_eq!(Next::unavailable(), Next::Retry { reason: Reason::Unavailable, after: None });
        let reasons = [Next::unavailable(), Next::Park(Reason::Held), Next::Bug].map(Next::reason);
        assert_eq!(reasons, [Reason::Unavailable, Reason::Held, Reason::Bug]);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_zero_and_never_longer_than_the_queue_allows(receives: u32, random in 0.0..1.0f64, after in proptest::option::of(0u64..100_000)) {
            let next = Next::Retry { reason: Reason::Unavailable, after: after.map(Duration::from_secs) };
            let wait = wait(next, receives, BASE, random);
            prop_assert!(wait >= Duration::from_secs(1) && wait <= LONGEST_WAIT);
        }
    }
}
