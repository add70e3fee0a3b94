//! Compares the model of the table with an embedded DynamoDB under requests of the store.

use aws_sdk_dynamodb::types::AttributeValue;
use fixtures::{TENANT, TestHost, TestTable, headers, meta, notification_of};
use proptest::prelude::*;
use simulation::ModelItems;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use time::{Duration, OffsetDateTime};
use tokio::runtime::Runtime;
use uuid::Uuid;
use webhooks_model::collection::{Collection, Listed};
use webhooks_model::delivery::Meta;
use webhooks_model::feedback::{Address, FeedbackState, Verdict};
use webhooks_model::ledger::Attempt;
use webhooks_model::walk::Walk;
use webhooks_model::{
    Entity, EntityId, Fact, HeadChange, LedgerKey, Notification, OpenQuestion, Origin, Pause, Reason, Revision, Stamp,
    State, Ticks, Versions,
};
use webhooks_store::{
    Action, Answer, Answering, Answers, Change, Deed, Dynamo, Entry, Items, Observation, Observations, Query,
    StoreError, Table, Unfinished, Watermark, Write,
};

/// The request, the notification, and two details.
type Step = (u8, u8, u8, u8);

const KINDS: u8 = 17;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..KINDS, 0..4u8, 0..7u8, 0..4u8), 1..40)
}

/// Four notifications of one order: two contents, each under two ids.
fn notification(which: u8, now: OffsetDateTime) -> Notification {
    let id = Uuid::from_u128(u128::from(which / 2) + 1);
    let headers = headers([("x-vwd-tenant-id", TENANT.to_owned()), ("x-vwd-notification-id", id.to_string())]);
    let origin = if which == 3 { Origin::Reconciliation } else { Origin::Webhook };
    let body = format!(r#"{{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"1","n":{}}}"#, which % 2);
    notification_of(Meta { origin, headers, ..meta(now) }, &body)
}

/// A time of 2023, or for 6 one that cannot be right, of 2055.
fn ticks(seconds: u8) -> Ticks {
    let epoch = if seconds == 6 { 2_700_000_000 } else { 1_700_000_000 };
    Ticks::from_epoch(epoch + i64::from(seconds)).expect("a time of this era")
}

fn head_change(n: &Notification, a: u8, b: u8) -> HeadChange {
    let key = n.ledger_key();
    let at = Some(ticks(a));
    let versions = match b {
        0 => Versions { resource: at.map(Stamp::from), ..Versions::default() },
        1 => Versions { body: at, ..Versions::default() },
        2 => Versions { resource: at.map(Stamp::from), body: Some(ticks(6 - a)), ..Versions::default() },
        _ => Versions { received: at, ..Versions::default() },
    };
    HeadChange {
        entity: key.entity,
        notification: key.notification,
        versions,
        strictly_newer: b == 1,
        status: a.is_multiple_of(2).then(|| format!("status {b}")),
        milestone: a.is_multiple_of(3).then(|| (ticks(a), format!("status {b}"))),
        deleted: a == 5,
        gone: a == 4,
        detail: None,
        internal_id: None,
        previous_key: None,
        revision: revision(a, b),
        was_swept: b == 3,
    }
}

/// A revision. It is sometimes the same.
fn revision(a: u8, b: u8) -> Revision {
    let etag = (b != 1).then(|| format!("etag {}", a / 2));
    Revision { etag, content: (b != 2).then(|| format!("content {}", a / 3)) }
}

/// A change of account 71, fetched under one of its numbers.
fn numbered(entity: EntityId, n: &Notification, version: Ticks) -> HeadChange {
    let versions = Versions { resource: Some(version.into()), ..Versions::default() };
    HeadChange { entity, versions, internal_id: Some("71".into()), ..head_change(n, 1, 0) }
}

fn attempt(now: OffsetDateTime, a: u8) -> Attempt {
    Attempt { at: now, receive_count: a.into(), reason: Reason::Unavailable, detail: "status 503".into() }
}

fn change(n: &Notification, now: OffsetDateTime, a: u8, b: u8) -> Change {
    let feedback = [FeedbackState::None, FeedbackState::Queued, FeedbackState::Awaited, FeedbackState::Parked];
    let answer = Answering {
        feedback: feedback[usize::from(b)],
        address: Address::of(n, false),
        verdict: (b == 1).then(|| Verdict::success("Done.")),
        deadline: (b == 2).then_some(now),
    };
    match a {
        0 => Change::Failed(attempt(now, a)),
        1 => Change::Dead { attempt: attempt(now, a), answer: (b > 1).then_some(answer) },
        2 => Change::Parked(Reason::Unmapped),
        3 => Change::Paused,
        4 => Change::Ended { state: State::Superseded, answer },
        5 => Change::Ended { state: State::Unparseable, answer: Answering::none() },
        _ => Change::Ended { state: State::Processed, answer },
    }
}

/// Sends a request to the table and returns its answer as text.
async fn ask<I: Items>(table: &Table<I>, step: Step, now: OffsetDateTime) -> Result<String, StoreError> {
    let (kind, which, a, b) = step;
    let n = notification(which, now);
    let (key, account) = (n.ledger_key(), |number: u8| EntityId {
        tenant: TENANT.into(),
        entity: Entity::Account,
        key: number.to_string(),
    });
    Ok(match kind {
        0 | 1 => format!("{:?}", table.record(&Entry { notification: &n, change: change(&n, now, a, b), now }).await?),
        2 | 3 => format!("{:?}", table.advance(&head_change(&n, a, b), now).await?),
        4 => format!("{:?} {:?}", table.look(&key).await?, table.head_of(&key.entity).await?),
        5 => format!("{:?}", table.advance(&numbered(account(b), &n, ticks(a)), now).await?),
        6 => format!("{:?}", table.mark_renumbered(&account(a), &b.to_string(), now).await?),
        7 => {
            let keys = [key, notification(a % 4, now).ledger_key()];
            let known: BTreeMap<String, String> = table
                .answered(&keys)
                .await?
                .into_iter()
                .map(|(key, known)| (key.notification.to_string(), format!("{known:?}")))
                .collect();
            format!("{known:?}")
        }
        8 => format!("{:?}", table.answer(&key, &answer(now, a, b), now).await?),
        9 => format!("{:?}", table.set_watermark(TENANT, Collection::Customer, &watermark(a, b), now).await?),
        10 => format!("{:?}", table.watermark(TENANT, Collection::Customer).await?),
        11 => {
            let row = |one| Listed { key: format!("SO/{one}"), modified: ticks(a).into(), revision: revision(a, b) };
            let listed = (0..3).map(row).collect();
            let compared = table.compare(&key.entity.tenant, Collection::SalesOrder, listed, b == 0, now).await?;
            format!("{compared:?} {:?}", table.last_heard(&key.entity.tenant, now, 2).await?)
        }
        12 => {
            let seen = Deed::Acknowledge { kind: "parked", changed_at: now };
            let unseen = Deed::Unacknowledge { kind: "parked" };
            let deeds = [Deed::Replay, Deed::Hold, Deed::Release, Deed::ResendFeedback, Deed::Outcome, seen, unseen];
            let action =
                Action { deed: deeds[usize::from(a) % deeds.len()], at: now, by: "somebody", note: "a reason" };
            format!("{:?}", table.act(&key, action).await?)
        }
        13 => {
            let tenant = (b > 1).then(|| TENANT.to_owned());
            let pause = Pause {
                tenant: tenant.clone(),
                events: format!("{a}.*"),
                since: now,
                by: "b".into(),
                note: "n".into(),
                until: (b == 1).then(|| now + Duration::MINUTE),
            };
            if a.is_multiple_of(2) {
                table.pause(&pause).await?;
            }
            let late = now + Duration::HOUR;
            let overdue = table.overdue(late).await?;
            let ended = table.end_overdue(tenant.as_deref(), &pause.events, late).await?;
            let resumed = table.resume(tenant.as_deref(), &pause.events, now).await?;
            format!("{overdue:?} {ended:?} {resumed:?} {:?}", table.pauses(now).await?)
        }
        14 => {
            let fact = Fact { question: OpenQuestion::EventNames, subject: String::new(), value: format!("name {a}") };
            let seen =
                Observation { fact, agrees: b > 1, notifications: u64::from(b) + 1, first_seen: now, last_seen: now };
            format!("{:?} {:?}", table.observe(&seen).await?, table.observed().await?)
        }
        15 => page_by_page(table, &key, now).await?,
        _ => format!("{:?}", table.replayed(&key, now).await?),
    })
}

/// An item of the first page may have left the list before the next page is read.
async fn page_by_page<I: Items>(table: &Table<I>, key: &LedgerKey, now: OffsetDateTime) -> Result<String, StoreError> {
    let first = table.marked("parked", None, 1).await?;
    let deed = Deed::Acknowledge { kind: "parked", changed_at: now };
    let acted = table.act(key, Action { deed, at: now, by: "somebody", note: "a reason" }).await?;
    let rest = table.marked("parked", first.next.as_ref(), 2).await?;
    Ok(format!("{first:?} {acted} {rest:?}"))
}

fn answer(now: OffsetDateTime, a: u8, b: u8) -> Answer {
    match a {
        0 | 1 => Answer::Sent { id: Uuid::from_u128(7), verdict: Verdict::success("Told."), was_marked: b > 1 },
        2 | 3 => Answer::Parked { attempt: attempt(now, a), verdict: Verdict::failure("Not told.") },
        _ => Answer::Failed(attempt(now, a)),
    }
}

fn watermark(a: u8, b: u8) -> Watermark {
    let swept_to = TestHost::START + Duration::hours(a.into());
    let rest = Unfinished { until: swept_to + Duration::HOUR, walk: Walk::new(b.into()) };
    Watermark { swept_to, page_size: (a > 2).then_some(50), unfinished: (b > 0).then_some(rest) }
}

async fn compare(steps: Vec<Step>) {
    let real = TestTable::new().await;
    let items = ModelItems::default();
    let model = items.table();
    for (at, step) in steps.iter().enumerate() {
        let now = TestHost::START + Duration::minutes(at as i64);
        let answers = (ask(&real.table, *step, now).await, ask(&model, *step, now).await);
        let texts = (answers.0.expect("the embedded table answers"), answers.1.expect("the model answers"));
        assert_eq!(texts.0, texts.1, "step {at}: {step:?}");
    }
    let mut stored = real.items().await;
    stored.sort_by_key(|item| (item["pk"].as_s().cloned().ok(), item["sk"].as_s().cloned().ok()));
    assert_eq!(stored, items.all());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_model_of_the_table_behaves_like_an_embedded_dynamodb(steps in steps()) {
        runtime().block_on(compare(steps));
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Whether the model takes a request. It panics at most requests that DynamoDB refuses, since they
/// are mistakes of the store.
fn takes<T>(answer: impl Future<Output = Result<T, StoreError>>) -> bool {
    catch_unwind(AssertUnwindSafe(|| runtime().block_on(answer).is_ok())).unwrap_or(false)
}

fn update(update: &str, condition: Option<&str>, names: &[(&str, &str)], values: &[(&str, &str)]) -> Write {
    let (pk, sk) = ("p".to_owned(), "s".to_owned());
    let condition = condition.map(str::to_owned);
    Write {
        pk,
        sk,
        update: update.to_owned(),
        condition,
        names: named(names),
        values: texts(values),
        returns_old: false,
    }
}

fn search(key_condition: &'static str, names: &[(&str, &str)], values: &[(&str, &str)]) -> Query {
    Query { key_condition, names: named(names), values: texts(values), ..Query::default() }
}

fn named(names: &[(&str, &str)]) -> HashMap<String, String> {
    names.iter().map(|(placeholder, name)| ((*placeholder).to_owned(), (*name).to_owned())).collect()
}

fn texts(values: &[(&str, &str)]) -> HashMap<String, AttributeValue> {
    values
        .iter()
        .map(|(placeholder, text)| ((*placeholder).to_owned(), AttributeValue::S((*text).to_owned())))
        .collect()
}

#[test]
fn the_model_refuses_the_writes_that_dynamodb_refuses() {
    let runtime = runtime();
    let real = runtime.block_on(TestTable::new());
    let (dynamo, model) = (Dynamo::new(real.client.clone(), real.name.clone()), ModelItems::default());
    let (set, a, b, x, y) = ("SET #a = :x", ("#a", "event"), ("#b", "state"), (":x", "1"), (":y", "2"));
    let no_text = HashMap::from([(":x".to_owned(), AttributeValue::Bool(true))]);
    for (write, is_taken) in [
        (update(set, None, &[a], &[x]), true),
        (update(set, None, &[a, b], &[x]), false),
        (update(set, None, &[a], &[x, y]), false),
        (update(set, None, &[a], &[y]), false),
        (update(set, None, &[b], &[x]), false),
        (update(set, Some("NOT #b = :y"), &[a, b], &[x, y]), true),
        (update(set, Some("NOT #b = :y"), &[a, b], &[x]), false),
        (update(set, Some("NOT #b = :y"), &[a], &[x, y]), false),
        (update("SET #a = :x REMOVE #b", None, &[a, b], &[x]), true),
        (update("SET #a = :x REMOVE #b", None, &[a, ("#b", "event")], &[x]), false),
        (update("SET #a = :x, #b = :y", None, &[a, ("#b", "event")], &[x, y]), false),
        (update(set, None, &[("#a", "feed")], &[x]), true),
        (update(set, None, &[("#a", "feed")], &[(":x", "")]), false),
        (Write { values: no_text, ..update(set, None, &[("#a", "feed")], &[]) }, false),
    ] {
        let taken = (runtime.block_on(dynamo.update(write.clone())).is_ok(), takes(model.update(write.clone())));
        assert_eq!(taken, (is_taken, is_taken), "{write:?}");
    }
}

#[test]
fn the_model_refuses_the_reads_that_dynamodb_refuses() {
    let runtime = runtime();
    let real = runtime.block_on(TestTable::new());
    let (dynamo, model) = (Dynamo::new(real.client.clone(), real.name.clone()), ModelItems::default());
    // The embedded DynamoDB looks at a filter only when there is an item.
    let item = update("SET #b = :x", None, &[("#b", "state")], &[(":x", "1")]);
    runtime.block_on(dynamo.update(item)).unwrap();
    let (own, between) = ("pk = :p", "pk = :p AND sk BETWEEN :x AND :y");
    let (b, p, x, y) = (("#b", "state"), (":p", "p"), (":x", "1"), (":y", "2"));
    let (filter, projection) = (Some("#b = :x"), Some("sk, #b"));
    for (query, is_taken) in [
        (search(own, &[], &[p]), true),
        (search(own, &[b], &[p]), false),
        (search(own, &[], &[p, x]), false),
        (search(own, &[], &[x]), false),
        (Query { filter, ..search(own, &[b], &[p, x]) }, true),
        (Query { filter, ..search(own, &[b], &[p]) }, false),
        (Query { projection, ..search(own, &[b], &[p]) }, true),
        (Query { projection, ..search(own, &[], &[p]) }, false),
        (search(between, &[], &[p, x, y]), true),
        (search(between, &[], &[p, x, (":y", "1")]), true),
        (search(between, &[], &[p, x, (":y", "0")]), false),
        (Query { limit: Some(1), ..search(own, &[], &[p]) }, true),
        (Query { limit: Some(0), ..search(own, &[], &[p]) }, false),
    ] {
        let taken = (runtime.block_on(dynamo.query_page(&query)).is_ok(), takes(model.query_page(&query)));
        assert_eq!(taken, (is_taken, is_taken), "{query:?}");
    }
    let keys = |count: usize| (0..count).map(|n| ("p".to_owned(), n.to_string())).collect::<Vec<_>>();
    for (keys, is_taken) in
        [(keys(0), false), (keys(1), true), (keys(100), true), (keys(101), false), ([keys(1), keys(1)].concat(), false)]
    {
        let by_dynamo = runtime.block_on(dynamo.get_batch(keys.clone(), &["pk", "sk"], true)).is_ok();
        let by_model = takes(model.get_batch(keys.clone(), &["pk", "sk"], true));
        assert_eq!((by_dynamo, by_model), (is_taken, is_taken), "{} keys", keys.len());
    }
}
