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
