//! A model of a DynamoDB table. A write is applied completely or not at all. An index and an
//! eventually consistent read may show an old state.

use super::expression::{Placeholders, holds, projected, updated};
use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhooks_store::{Item, Query, Write};

/// The indexes: their keys and their other projected attributes.
const INDEXES: [(&str, [&str; 2], &[&str]); 2] =
    [("attention", ["attention", "attention_at"], &[]), ("feed", ["feed", "feed_at"], &["origin"])];

/// DynamoDB ends a page of a scan after 1 MB; the model ends it after this many items.
const SCANNED: usize = 5;

/// The position of an item in an index or in the table.
type Place = (Option<String>, Option<(String, String)>);

#[derive(Debug, Default, Clone)]
pub(crate) struct TableModel {
    items: BTreeMap<(String, String), Row>,
}

#[derive(Debug, Default, Clone)]
struct Row {
    now: Item,
    /// The item before the last write.
    before: Option<Item>,
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
    pub(crate) fn write(&mut self, write: &Write) -> Option<Written<'_>> {
        let placeholders = Placeholders { names: &write.names, values: &write.values };
        let key = (write.pk.clone(), write.sk.clone());
        let before = self.items.get(&key).map(|row| row.now.clone());
        let present = before.clone().unwrap_or_default();
        if write.condition.as_ref().is_some_and(|condition| !holds(condition, placeholders, &present)) {
            return None;
        }
        let mut after = updated(&write.update, placeholders, &present);
        after.insert("pk".into(), AttributeValue::S(write.pk.clone()));
        after.insert("sk".into(), AttributeValue::S(write.sk.clone()));
        self.items.insert(key.clone(), Row { now: after, before });
        let row = &self.items[&key];
        Some(Written { before: row.before.as_ref(), after: &row.now })
    }

    /// Adds an item. `false` if there is an item with these keys.
    pub(crate) fn insert(&mut self, item: Item) -> bool {
        let Some(key) = keys_of(&item).filter(|key| !self.items.contains_key(key)) else { return false };
        self.items.insert(key, Row { now: item, before: None });
        true
    }

    pub(crate) fn delete(&mut self, pk: &str, sk: &str) {
        self.items.remove(&(pk.to_owned(), sk.to_owned()));
    }

    /// A page of all items, and the keys after which the next page begins.
    pub(crate) fn scan(&self, after: Option<&Item>, most: usize, attributes: &[String]) -> (Vec<Item>, Option<Item>) {
        let begin = after.and_then(keys_of);
        let rest = self.items.iter().filter(|(key, _)| begin.as_ref().is_none_or(|begin| *key > begin));
        let page: Vec<&Item> = rest.take(most.min(SCANNED)).map(|(_, row)| &row.now).collect();
        let some = |item: &Item, names: &[&str]| {
            names.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone()))).collect::<Item>()
        };
        let next = page.last().filter(|_| page.len() == most.min(SCANNED)).map(|last| some(last, &["pk", "sk"]));
        let names: Vec<&str> = attributes.iter().map(String::as_str).collect();
        (page.into_iter().map(|item| some(item, &names)).collect(), next)
    }

    pub(crate) fn get(&self, pk: &str, sk: &str) -> Option<&Item> {
        self.items.get(&(pk.to_owned(), sk.to_owned())).map(|row| &row.now)
    }

    /// Runs a query. `lags` shows the items before their last write.
    pub(crate) fn get_many(&self, keys: &[(String, String)], attributes: &[&str], lags: bool) -> Vec<Item> {
        let items = keys.iter().filter_map(|key| self.items.get(key)?.seen(lags));
        let wanted = |item: &Item| {
            let pairs = attributes.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())));
            pairs.collect()
        };
        items.map(wanted).collect()
    }

    pub(crate) fn query(&self, query: &Query, lags: bool) -> Vec<Item> {
        let placeholders = Placeholders { names: &query.names, values: &query.values };
        let index =
            query.index.map(|name| INDEXES.iter().find(|index| index.0 == name).expect("an index of the table"));
        let mut found: Vec<&Item> = self
            .items
            .values()
            .filter_map(|row| row.seen(lags && index.is_some()))
            .filter(|item| index.is_none_or(|(_, keys, _)| keys.iter().all(|key| item.contains_key(*key))))
            .filter(|item| holds(query.key_condition, placeholders, item))
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
        let page = usize::try_from(query.limit.unwrap_or(i32::MAX)).unwrap_or(usize::MAX);
        let shown = found.into_iter().skip(begin).take(page).map(|item| match index {
            Some((_, keys, beside)) => {
                let names = ["pk", "sk"].iter().chain(keys).chain(beside.iter());
                names.filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone()))).collect()
            }
            None => item.clone(),
        });
        let kept = shown.filter(|item: &Item| query.filter.is_none_or(|filter| holds(filter, placeholders, item)));
        kept.map(|item| match query.projection {
            Some(projection) => projected(projection, &query.names, &item),
            None => item,
        })
        .collect()
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
    fn seen(&self, lags: bool) -> Option<&Item> {
        if lags { self.before.as_ref() } else { Some(&self.now) }
    }
}
