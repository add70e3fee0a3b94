//! Counts what became of the notifications of an hour.

use crate::feedback::FeedbackState;
use crate::head::EntityId;
use crate::ledger::{Reason, State};
use crate::sorted;
use crate::spread::Spread;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

/// The number of busiest keys that an hour keeps.
const MOST_KEYS: usize = 20;
/// An hour is counted again until it is this old.
const WATCHED_FOR: Duration = Duration::DAY;

/// The counted parts of one notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub entity: EntityId,
    /// `None` while it is written but not yet readable.
    pub state: Option<State>,
    pub reason: Option<Reason>,
    pub feedback: Option<FeedbackState>,
    /// Whether its webhook never arrived.
    pub is_gap: bool,
    pub received_at: OffsetDateTime,
    pub ended_at: Option<OffsetDateTime>,
    pub feedback_at: Option<OffsetDateTime>,
}

impl Counted {
    /// Whether anything about it may still change without a person.
    fn is_open(&self) -> bool {
        let waits = matches!(self.feedback, Some(FeedbackState::Awaited | FeedbackState::Queued));
        waits || self.state.is_none_or(|state| !state.is_end())
    }
}

/// How many of an hour's notifications ended in each way. Roll-ups can be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rollup {
    pub received: u64,
    /// Those that the reconciler found.
    pub gaps: u64,
    /// Those with a feedback that Visma Net accepted.
    pub answered: u64,
    /// Those without an end, or with a feedback still to come.
    pub open: u64,
    /// By state.
    pub states: BTreeMap<String, u64>,
    /// Parked ones, by reason.
    pub parked: BTreeMap<String, u64>,
    /// By kind of entity.
    pub entities: BTreeMap<String, u64>,
    /// The busiest keys, `{entity}#{key}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, u64>,
    /// From receipt to the end.
    pub to_end: Spread,
    /// From receipt to Visma Net's acceptance of the feedback.
    pub to_feedback: Spread,
    /// The remaining calls from the ERP, of the tenant with the fewest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_left: Option<u64>,
}

impl Rollup {
    pub fn count(&mut self, one: &Counted) {
        self.received += 1;
        self.gaps += u64::from(one.is_gap);
        self.open += u64::from(one.is_open());
        add(&mut self.entities, one.entity.entity.as_str(), 1);
        // A key made by us is not a real number.
        if !one.entity.key.starts_with('~') {
            add(&mut self.keys, &format!("{}#{}", one.entity.entity, one.entity.key), 1);
        }
        if let Some(state) = one.state {
            add(&mut self.states, state.as_str(), 1);
        }
        if let (Some(State::Parked), Some(reason)) = (one.state, one.reason) {
            add(&mut self.parked, reason.as_str(), 1);
        }
        if let Some(ended) = one.ended_at.filter(|_| one.state.is_some_and(State::is_final)) {
            self.to_end.add(ended - one.received_at);
        }
        if one.feedback == Some(FeedbackState::Sent) {
            self.answered += 1;
            one.feedback_at.iter().for_each(|at| self.to_feedback.add(*at - one.received_at));
        }
    }

    /// Adds another one. Each keeps only its busiest keys, so their sums may be slightly too low.
    pub fn merge(&mut self, other: &Self) {
        self.received += other.received;
        self.gaps += other.gaps;
        self.answered += other.answered;
        self.open += other.open;
        let maps = [
            (&mut self.states, &other.states),
            (&mut self.parked, &other.parked),
            (&mut self.entities, &other.entities),
            (&mut self.keys, &other.keys),
        ];
        for (own, others) in maps {
            others.iter().for_each(|(name, count)| add(own, name, *count));
        }
        self.to_end.merge(&other.to_end);
        self.to_feedback.merge(&other.to_feedback);
        self.calls_left = [self.calls_left, other.calls_left].into_iter().flatten().min();
    }

    /// Keeps only the busiest keys, so that it fits in a small item.
    pub fn trim(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        self.keys.extend(sorted::first(MOST_KEYS, keys, |(_, count), (_, more)| more.cmp(count)));
    }

    pub fn in_state(&self, state: State) -> u64 {
        self.states.get(state.as_str()).copied().unwrap_or_default()
    }

    /// Those with all effects done, or replaced by a newer change.
    pub fn processed(&self) -> u64 {
        self.in_state(State::Processed) + self.in_state(State::Superseded)
    }

    /// Those that need a person.
    pub fn failed(&self) -> u64 {
        State::ALL.into_iter().filter(|state| state.needs_attention()).map(|state| self.in_state(state)).sum()
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) {
    if let Some(count) = counts.get_mut(name) {
        *count += more;
    } else {
        counts.insert(name.to_owned(), more);
    }
}

/// The start of a moment's hour.
pub fn hour_of(at: OffsetDateTime) -> OffsetDateTime {
    let seconds = at.unix_timestamp();
    OffsetDateTime::from_unix_timestamp(seconds - seconds.rem_euclid(3600)).expect("the hour of a time is one")
}

/// The progress of counting a tenant. Each hour is counted again, less and less often, until it is
/// a day old: a record may be written long after its notification was received, and end long after
/// that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolling {
    /// The hour being counted, in seconds since 1970.
    hour: i64,
    /// The earlier hours, and when each was last counted.
    watched: BTreeMap<i64, i64>,
}

impl Rolling {
    pub fn begin(at: OffsetDateTime) -> Self {
        Self { hour: hour_of(at).unix_timestamp(), watched: BTreeMap::new() }
    }

    pub fn hour(&self) -> OffsetDateTime {
        moment(self.hour)
    }

    /// Ends the current hour and starts the next.
    pub fn finish_hour(&mut self, now: OffsetDateTime) {
        self.looked_at(self.hour(), now);
        self.hour += 3600;
    }

    /// Skips hours in which nothing was received before `at`.
    pub fn skip_to(&mut self, at: OffsetDateTime, now: OffsetDateTime) {
        while self.hour < hour_of(at).unix_timestamp() {
            self.finish_hour(now);
        }
    }

    /// The hours to count again: an hour after the last time, and when they are twice as old as
    /// they were then.
    pub fn due(&self, now: OffsetDateTime) -> Vec<OffsetDateTime> {
        let is_due = |(hour, looked): &(&i64, &i64)| {
            let age = **looked - (**hour + 3600);
            **looked + age.max(3600) <= now.unix_timestamp()
        };
        self.watched.iter().filter(is_due).map(|(hour, _)| moment(*hour)).collect()
    }

    /// Records that the hour was counted. Drops it once it is a day old.
    pub fn looked_at(&mut self, hour: OffsetDateTime, now: OffsetDateTime) {
        let is_old = now >= hour + Duration::HOUR + WATCHED_FOR;
        let at = hour.unix_timestamp();
        if is_old {
            self.watched.remove(&at);
        } else {
            self.watched.insert(at, now.unix_timestamp());
        }
    }
}

fn moment(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Entity;
    use proptest::prelude::*;
    use time::macros::datetime;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn counted(state: State) -> Counted {
        Counted {
            entity: EntityId { tenant: "t".into(), entity: Entity::Customer, key: "10001".into() },
            state: Some(state),
            reason: None,
            feedback: None,
            is_gap: false,
            received_at: NOON,
            ended_at: Some(NOON + Duration::seconds(2)),
            feedback_at: None,
        }
    }

    fn rolled(all: &[Counted]) -> Rollup {
        let mut rollup = Rollup::default();
        all.iter().for_each(|one| rollup.count(one));
        rollup
    }

    #[test]
    fn an_hour_counts_arrivals_ends_and_durations() {
        let answered = Counted {
            feedback: Some(FeedbackState::Sent),
            feedback_at: Some(NOON + Duration::seconds(4)),
            ..counted(State::Processed)
        };
        let parked = Counted { reason: Some(Reason::Unmapped), ended_at: None, ..counted(State::Parked) };
        let gap = Counted { is_gap: true, ..counted(State::Superseded) };
        let rollup = rolled(&[answered, parked, gap, counted(State::Dead)]);
        assert_eq!((rollup.received, rollup.processed(), rollup.answered, rollup.failed()), (4, 2, 1, 2));
        assert_eq!((rollup.gaps, rollup.open), (1, 0));
        assert_eq!(rollup.parked, BTreeMap::from([("unmapped".to_owned(), 1)]));
        assert_eq!(rollup.keys, BTreeMap::from([("customer#10001".to_owned(), 4)]));
        let two_seconds = rollup.to_end.percentile(50).unwrap();
        assert!((2_000..=2_500).contains(&two_seconds), "{two_seconds}");
        assert!(rollup.to_feedback.percentile(95).unwrap() >= 4_000);
    }

    #[test]
    fn unfinished_and_unanswered_notifications_are_open() {
        let awaited = Counted { feedback: Some(FeedbackState::Awaited), ..counted(State::Processed) };
        let unread = Counted { state: None, ..counted(State::Processed) };
        let rollup = rolled(&[awaited, unread, counted(State::Retrying), counted(State::Parked)]);
        assert_eq!((rollup.received, rollup.open), (4, 3));
    }

    #[test]
    fn our_own_keys_are_not_among_the_busiest() {
        let mut made_up = counted(State::Processed);
        made_up.entity.key = "~1".into();
        assert!(rolled(&[made_up]).keys.is_empty());
    }

    #[test]
    fn keeps_only_the_busiest_keys() {
        let of = |number: usize| {
            let mut one = counted(State::Processed);
            one.entity.key = number.to_string();
            one
        };
        let mut rollup = rolled(&(0..100).chain([42, 42, 7]).map(of).collect::<Vec<_>>());
        rollup.trim();
        assert_eq!(rollup.keys.len(), MOST_KEYS);
        assert_eq!((rollup.keys["customer#42"], rollup.keys["customer#7"]), (3, 2));
        assert_eq!(rollup.received, 103, "nothing else is lost");
    }

    #[test]
    fn an_hour_is_counted_again_less_and_less_often_for_a_day() {
        let mut rolling = Rolling::begin(NOON + Duration::minutes(20));
        assert_eq!(rolling.hour(), NOON);
        let mut now = NOON + Duration::minutes(75);
        rolling.finish_hour(now);
        assert_eq!(rolling.hour(), NOON + Duration::HOUR);
        let mut looks = vec![];
        for _ in 0..400 {
            now += Duration::minutes(15);
            for hour in rolling.due(now) {
                looks.push((now - hour - Duration::HOUR).whole_minutes());
                rolling.looked_at(hour, now);
            }
        }
        assert_eq!(looks, [75, 150, 300, 600, 1200, 2400]);
        assert!(rolling.watched.is_empty());
    }

    #[test]
    fn empty_hours_are_skipped_and_counted_again_like_others() {
        let mut rolling = Rolling::begin(NOON);
        let now = NOON + Duration::hours(50);
        rolling.skip_to(now - Duration::minutes(5), now);
        assert_eq!(rolling.hour(), now - Duration::HOUR);
        assert_eq!(rolling.watched.len(), 23, "those that are not a day old");
        rolling.skip_to(NOON, now);
        assert_eq!(rolling.hour(), now - Duration::HOUR, "it never goes back");
    }

    #[test]
    fn an_hour_starts_on_the_hour_also_before_1970() {
        assert_eq!(hour_of(datetime!(2026-11-23 12:59:59.9 UTC)), NOON);
        assert_eq!(hour_of(datetime!(1969-12-31 23:30 UTC)), datetime!(1969-12-31 23:00 UTC));
    }

    fn any_counted() -> impl Strategy<Value = Counted> {
        let state = prop::sample::select(State::ALL.to_vec());
        let feedback = prop::option::of(prop::sample::select(FeedbackState::ALL.to_vec()));
        (state, feedback, 0..100_000_i64, any::<bool>(), 0..5_u8).prop_map(|(state, feedback, took, is_gap, key)| {
            let mut one = Counted { feedback, is_gap, ..counted(state) };
            one.entity.key = key.to_string();
            one.reason = Some(Reason::Unmapped);
            one.ended_at = Some(NOON + Duration::milliseconds(took));
            one.feedback_at = one.ended_at;
            one
        })
    }

    proptest! {
        #[test]
        fn parts_add_up_to_the_whole(all in prop::collection::vec(any_counted(), 0..60), at in 0..60_usize) {
            let (one, other) = all.split_at(at.min(all.len()));
            let mut merged = rolled(one);
            merged.merge(&rolled(other));
            prop_assert_eq!(merged, rolled(&all));
        }

        #[test]
        fn each_is_counted_once_in_every_view(all in prop::collection::vec(any_counted(), 0..60)) {
            let rollup = rolled(&all);
            let waiting = rollup.in_state(State::Retrying) + rollup.in_state(State::Paused);
            prop_assert_eq!(rollup.received, all.len() as u64);
            prop_assert_eq!(rollup.processed() + rollup.failed() + waiting, rollup.received);
            prop_assert_eq!(rollup.entities.values().sum::<u64>(), rollup.received);
            prop_assert_eq!(rollup.parked.values().sum::<u64>(), rollup.in_state(State::Parked));
            prop_assert!(waiting <= rollup.open && rollup.open <= rollup.received);
        }

        #[test]
        fn a_rollup_reads_as_it_was_written(all in prop::collection::vec(any_counted(), 0..60)) {
            let rollup = rolled(&all);
            let json = serde_json::to_string(&rollup).unwrap();
            prop_assert_eq!(serde_json::from_str::<Rollup>(&json).unwrap(), rollup);
        }
    }
}
