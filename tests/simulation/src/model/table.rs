//! A model of a DynamoDB table. A write is applied completely or not at all. An index and an
//! eventually consistent read may show an old state.

use super::expression::{Condition, Placeholders, projected, refusal, updated};
use super::size::{LARGEST_ITEM, LARGEST_PAGE, size_of};
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};
use webhooks_store::{BatchPage, Item, Items, Query, QueryPage, StoreError, Table, Upkeep, Write};

type Index = (&'static str, [&'static str; 2], &'static [&'static str]);

/// The indexes: their keys and their other projected attributes.
const INDEXES: [Index; 2] =
    [("attention", ["attention", "attention_at"], &[]), ("feed", ["feed", "feed_at"], &["origin"])];

/// The model also ends a page of a scan after this many items, so that a scan takes several.
const SCANNED: usize = 5;
/// The range keys before and after all others.
const ENDS: [&str; 2] = ["", "\u{10ffff}"];
/// The longest partition and sort keys that DynamoDB accepts.
const LONGEST_KEYS: [(&str, usize); 6] =
    [("pk", 2048), ("attention", 2048), ("feed", 2048), ("sk", 1024), ("attention_at", 1024), ("feed_at", 1024)];

/// The most keys of a BatchGetItem.
const MOST_KEYS: usize = 100;
/// How long an index or a replica may show the state before a write.
const LONGEST_LAG: Duration = Duration::minutes(5);

/// The position of an item in an index or in the table.
type Place = (Option<String>, Option<(String, String)>);

#[derive(Debug, Default, Clone)]
pub(crate) struct TableModel {
    items: BTreeMap<(String, String), Row>,
    /// The time since the start.
    age: Duration,
}

#[derive(Debug, Default, Clone)]
struct Row {
    now: Item,
    /// The item before the last write.
    before: Option<Item>,
    /// The table's age at the last write.
    written_at: Duration,
}

/// The result of a write.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    pub(crate) before: Option<&'a Item>,
    pub(crate) after: &'a Item,
}

impl Written<'_> {
    /// The item before the write, as in the answer.
    pub(crate) fn old(&self, write: &Write) -> Item {
        self.before.filter(|_| write.returns_old).cloned().unwrap_or_default()
    }
}

impl TableModel {
    /// Applies a write. `None` if the condition did not hold.
    ///
    /// # Errors
    /// The item would be larger than DynamoDB allows.
    pub(crate) fn write(&mut self, write: &Write) -> Result<Option<Written<'_>>, StoreError> {
        let placeholders = Placeholders { names: &write.names, values: &write.values };
        let key = (write.pk.clone(), write.sk.clone());
        let nothing = Item::new();
        let present = self.items.get(&key).map_or(&nothing, |row| &row.now);
        let condition = write.condition.as_ref().map(|condition| Condition::read(condition, placeholders));
        if condition.is_some_and(|condition| !condition.holds(present)) {
            return Ok(None);
        }
        let mut after = updated(&write.update, placeholders, present);
        after.insert("pk".into(), AttributeValue::S(write.pk.clone()));
        after.insert("sk".into(), AttributeValue::S(write.sk.clone()));
        check_keys(&after);
        check_size(&after)?;
        let before = self.items.remove(&key).map(|row| row.now);
        self.items.insert(key.clone(), Row { now: after, before, written_at: self.age });
        let row = &self.items[&key];
        Ok(Some(Written { before: row.before.as_ref(), after: &row.now }))
    }

    /// Adds an item. `false` if there is an item with these keys.
    ///
    /// # Errors
    /// The item is larger than DynamoDB allows.
    pub(crate) fn insert(&mut self, item: Item) -> Result<bool, StoreError> {
        check_keys(&item);
        check_size(&item)?;
        let Some(key) = keys_of(&item).filter(|key| !self.items.contains_key(key)) else { return Ok(false) };
        self.items.insert(key, Row { now: item, before: None, written_at: self.age });
        Ok(true)
    }

    pub(crate) fn delete(&mut self, pk: &str, sk: &str) {
        self.items.remove(&(pk.to_owned(), sk.to_owned()));
    }

    /// A page of all items, and the keys after which the next page begins. `cut` ends it after so
    /// many items.
    pub(crate) fn scan(
        &self,
        after: Option<&Item>,
        most: usize,
        attributes: &[String],
        cut: Option<usize>,
    ) -> (Vec<Item>, Option<Item>) {
        let begin = after.and_then(keys_of);
        let rest = self.items.iter().filter(|(key, _)| begin.as_ref().is_none_or(|begin| *key > begin));
        let most = most.min(SCANNED).min(cut.unwrap_or(usize::MAX));
        let (page, ends_early) = page_of(rest.map(|(_, row)| &row.now), most, size_of);
        let next = match page.last() {
            Some(last) => some_of(last, &["pk", "sk"]),
            None => after.cloned().unwrap_or_else(|| keys(ENDS[0], ENDS[0])),
        };
        let names: Vec<&str> = attributes.iter().map(String::as_str).collect();
        (page.into_iter().map(|item| some_of(item, &names)).collect(), Some(next).filter(|_| ends_early))
    }

    pub(crate) fn get(&self, pk: &str, sk: &str) -> Option<&Item> {
        self.items.get(&(pk.to_owned(), sk.to_owned())).map(|row| &row.now)
    }

    pub(crate) fn ages(&mut self, by: Duration) {
        self.age += by;
    }

    /// `lags` shows the items before their last write.
    pub(crate) fn get_many(&self, keys: &[(String, String)], attributes: &[&str], lags: bool) -> Vec<Item> {
        keys.iter()
            .filter_map(|key| self.items.get(key)?.seen(self.age, lags))
            .map(|item| some_of(item, attributes))
            .collect()
    }

    /// A page of a query. `lags` shows the items before their last write, and `cut` ends the page
    /// after so many items.
    pub(crate) fn query(&self, query: &Query, lags: bool, cut: Option<usize>) -> QueryPage {
        let placeholders = Placeholders { names: &query.names, values: &query.values };
        let expressions = [Some(query.key_condition), query.filter, query.projection];
        let refusal = refusal(expressions.into_iter().flatten(), placeholders);
        assert!(refusal.is_none(), "DynamoDB refuses the query {}: {refusal:?}", query.key_condition);
        assert!(query.limit.is_none_or(|limit| limit > 0), "DynamoDB refuses a limit of {:?}", query.limit);
        let index =
            query.index.map(|name| INDEXES.iter().find(|index| index.0 == name).expect("an index of the table"));
        let condition = Condition::read(query.key_condition, placeholders);
        let mut found: Vec<&Item> = self
            .partition(condition.required("pk"))
            .filter_map(|row| row.seen(self.age, lags && index.is_some()))
            .filter(|item| index.is_none_or(|(_, keys, _)| keys.iter().all(|key| item.contains_key(*key))))
            .filter(|item| condition.holds(item))
            .collect();
        if let Some((_, [_, range], _)) = index {
            found.sort_by_key(|item| item[*range].as_s().cloned().unwrap_or_default());
        }
        if query.newest_first {
            found.reverse();
        }
        // The item of the position may no longer exist.
        let place = |item: &Item| {
            let range = index.and_then(|(_, [_, range], _)| item.get(*range)?.as_s().ok().cloned());
            (range, keys_of(item))
        };
        let behind = |after: &Item| {
            let after = place(after);
            let is_behind = |one: Place| if query.newest_first { one < after } else { one > after };
            found.iter().position(|item| is_behind(place(item))).unwrap_or(found.len())
        };
        let begin = query.after.as_ref().map_or(0, behind);
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        // Entries of an index are small, and pages of the table have a size whatever is projected.
        let size: fn(&Item) -> usize = if index.is_some() { |_| 0 } else { size_of };
        let rest = &found[begin..];
        let (page, ends_early) = page_of(rest.iter().copied(), limit.min(cut.unwrap_or(usize::MAX)), size);
        let last_evaluated = match page.last() {
            _ if !ends_early => None,
            Some(last) => Some(place_keys(last, index)),
            None => query.after.clone().or_else(|| Some(before_all(rest.first()?, index, query.newest_first))),
        };
        let scanned = i32::try_from(page.len()).unwrap_or(i32::MAX);
        let shown = page.into_iter().map(|item| match index {
            Some((_, keys, beside)) => {
                let names: Vec<&str> = ["pk", "sk"].iter().chain(keys).chain(beside.iter()).copied().collect();
                some_of(item, &names)
            }
            None => item.clone(),
        });
        let filter = query.filter.map(|filter| Condition::read(filter, placeholders));
        let kept = shown.filter(|item: &Item| filter.as_ref().is_none_or(|filter| filter.holds(item)));
        let items = kept.map(|item| match query.projection {
            Some(projection) => projected(projection, &query.names, &item),
            None => item,
        });
        QueryPage { items: items.collect(), scanned, last_evaluated }
    }

    /// The items with this partition key, or all.
    fn partition(&self, key: Option<&str>) -> impl Iterator<Item = &Row> {
        let begin = (key.unwrap_or_default().to_owned(), String::new());
        let rest = self.items.range(begin..);
        rest.take_while(move |((pk, _), _)| key.is_none_or(|key| pk == key)).map(|(_, row)| row)
    }

    /// The keys of expired items.
    pub(crate) fn expired(&self, now: OffsetDateTime) -> Vec<(String, String)> {
        let is_over = |item: &Item| number(item, "expires_at").is_some_and(|end| end <= now.unix_timestamp());
        self.items.iter().filter(|(_, row)| is_over(&row.now)).map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values().map(|row| &row.now)
    }
}

/// The items of a page, and whether it ends although there may be others: after `most` of them, or
/// at 1 MB.
fn page_of<'a>(
    items: impl Iterator<Item = &'a Item>,
    most: usize,
    size: impl Fn(&Item) -> usize,
) -> (Vec<&'a Item>, bool) {
    let (mut page, mut bytes) = (Vec::new(), 0);
    for item in items {
        bytes += size(item);
        if page.len() == most || (bytes > LARGEST_PAGE && !page.is_empty()) {
            return (page, true);
        }
        page.push(item);
    }
    let is_full = page.len() == most;
    (page, is_full)
}

/// Why DynamoDB refuses the write, whatever the item is.
pub(crate) fn refusal_of(write: &Write) -> Option<String> {
    let expressions = [Some(write.update.as_str()), write.condition.as_deref()];
    let placeholders = Placeholders { names: &write.names, values: &write.values };
    let refusal = refusal(expressions.into_iter().flatten(), placeholders)?;
    Some(format!("DynamoDB refuses the write of {} {}: {refusal}", write.pk, write.sk))
}

/// DynamoDB refuses a BatchGetItem without keys, with too many, or with one key twice.
pub(crate) fn check_batch(keys: &[(String, String)]) {
    let distinct = keys.iter().collect::<BTreeSet<_>>().len();
    let is_taken = (1..=MOST_KEYS).contains(&keys.len()) && distinct == keys.len();
    assert!(is_taken, "DynamoDB refuses a read of {} keys, {distinct} of them different", keys.len());
}

/// DynamoDB refuses a key of the table or of an index that is no text, is empty or is too long.
fn check_keys(item: &Item) {
    for (name, longest) in LONGEST_KEYS {
        let length = item.get(name).map(|key| key.as_s().map_or(0, String::len));
        assert!(length.is_none_or(|length| (1..=longest).contains(&length)), "{name} is {length:?} bytes long");
    }
}

fn check_size(item: &Item) -> Result<(), StoreError> {
    if size_of(item) > LARGEST_ITEM { Err(StoreError::Mismatch("ValidationException".to_owned())) } else { Ok(()) }
}

fn some_of(item: &Item, names: &[&str]) -> Item {
    names.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone()))).collect()
}

fn keys(pk: &str, sk: &str) -> Item {
    [("pk", pk), ("sk", sk)].map(|(name, key)| (name.to_owned(), AttributeValue::S(key.to_owned()))).into()
}

/// The keys with which the page after this item begins.
fn place_keys(item: &Item, index: Option<&Index>) -> Item {
    let of_index = index.map(|(_, keys, _)| keys.as_slice()).unwrap_or_default();
    some_of(item, &["pk", "sk"].iter().chain(of_index).copied().collect::<Vec<_>>())
}

/// Keys before all items of a query whose first item is this one.
fn before_all(first: &Item, index: Option<&Index>, newest_first: bool) -> Item {
    let mut place = place_keys(first, index);
    let range = index.map_or("sk", |(_, [_, range], _)| *range);
    place.insert(range.to_owned(), AttributeValue::S(ENDS[usize::from(newest_first)].to_owned()));
    place
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

pub(crate) fn keys_of(item: &Item) -> Option<(String, String)> {
    Some((text(item, "pk")?.to_owned(), text(item, "sk")?.to_owned()))
}

impl Row {
    fn seen(&self, age: Duration, lags: bool) -> Option<&Item> {
        if lags && age - self.written_at < LONGEST_LAG { self.before.as_ref() } else { Some(&self.now) }
    }
}

/// The model without faults, as the items of a [`Table`].
#[derive(Debug, Default, Clone)]
pub struct ModelItems(Arc<Mutex<TableModel>>);

impl ModelItems {
    pub fn table(&self) -> Table<Self> {
        Table::over(self.clone(), Duration::days(90))
    }

    /// All items, by partition key and sort key.
    pub fn all(&self) -> Vec<Item> {
        self.model().items().cloned().collect()
    }

    fn model(&self) -> MutexGuard<'_, TableModel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Items for ModelItems {
    async fn update(&self, write: Write) -> Result<Option<Item>, StoreError> {
        let refusal = refusal_of(&write);
        assert!(refusal.is_none(), "{refusal:?}");
        Ok(self.model().write(&write)?.map(|written| written.old(&write)))
    }

    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        Ok(self.model().get(pk, sk).cloned())
    }

    async fn get_batch(
        &self,
        keys: Vec<(String, String)>,
        attributes: &[&str],
        _: bool,
    ) -> Result<BatchPage, StoreError> {
        check_batch(&keys);
        Ok(BatchPage { items: self.model().get_many(&keys, attributes, false), unprocessed: vec![] })
    }

    async fn query_page(&self, query: &Query) -> Result<QueryPage, StoreError> {
        Ok(self.model().query(query, false, None))
    }
}

impl Upkeep for ModelItems {
    async fn insert(&self, item: Item) -> Result<bool, StoreError> {
        self.model().insert(item)
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        self.model().delete(pk, sk);
        Ok(())
    }

    async fn scan(
        &self,
        after: Option<Item>,
        most: i32,
        attributes: &[&str],
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Ok(self.model().scan(after.as_ref(), most, &attributes, None))
    }
}
