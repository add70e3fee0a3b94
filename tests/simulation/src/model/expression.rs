//! The part of DynamoDB's expressions that the store uses: conditions, key conditions, filters,
//! projections and updates.

use aws_sdk_dynamodb::types::AttributeValue;
use std::cmp::Ordering;
use std::collections::HashMap;
use webhooks_store::Item;

/// The placeholders of an expression.
#[derive(Clone, Copy)]
pub(crate) struct Placeholders<'a> {
    pub(crate) names: &'a HashMap<String, String>,
    pub(crate) values: &'a HashMap<String, AttributeValue>,
}

/// Whether the condition holds for the item.
pub(crate) fn holds(condition: &str, placeholders: Placeholders<'_>, item: &Item) -> bool {
    let mut parser = Parser::new(condition, placeholders, item);
    let holds = parser.either();
    parser.end();
    holds
}

/// The item after the update. Every right-hand side sees the item before the update.
pub(crate) fn updated(update: &str, placeholders: Placeholders<'_>, item: &Item) -> Item {
    let mut parser = Parser::new(update, placeholders, item);
    let mut after = item.clone();
    while let Some(clause) = parser.word() {
        loop {
            let name = parser.name();
            match clause {
                "SET" => {
                    parser.expect("=");
                    let value = parser.value().unwrap_or_else(|| panic!("SET from a missing attribute: {update}"));
                    after.insert(name, value);
                }
                "REMOVE" => {
                    after.remove(&name);
                }
                other => panic!("the model does not know the clause {other}: {update}"),
            }
            if !parser.take(",") {
                break;
            }
        }
    }
    after
}

/// The attributes that a projection names.
pub(crate) fn projected(projection: &str, names: &HashMap<String, String>, item: &Item) -> Item {
    let wanted = projection.split(',').map(str::trim).map(|name| names.get(name).map_or(name, String::as_str));
    wanted.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    placeholders: Placeholders<'a>,
    item: &'a Item,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, placeholders: Placeholders<'a>, item: &'a Item) -> Self {
        Self { text, rest: text.trim(), placeholders, item }
    }

    fn either(&mut self) -> bool {
        let mut holds = self.both();
        while self.take("OR") {
            holds |= self.both();
        }
        holds
    }

    fn both(&mut self) -> bool {
        let mut holds = self.single();
        while self.take("AND") {
            holds &= self.single();
        }
        holds
    }

    fn single(&mut self) -> bool {
        if self.take("NOT") {
            return !self.single();
        }
        if self.take("(") {
            let holds = self.either();
            self.expect(")");
            return holds;
        }
        for (function, wanted) in [("attribute_not_exists", false), ("attribute_exists", true)] {
            if self.take(function) {
                self.expect("(");
                let name = self.name();
                self.expect(")");
                return self.item.contains_key(&name) == wanted;
            }
        }
        if self.take("begins_with") {
            self.expect("(");
            let text = self.operand();
            self.expect(",");
            let start = self.operand();
            self.expect(")");
            return matches!((text, start), (Some(AttributeValue::S(text)), Some(AttributeValue::S(start))) if text.starts_with(&start));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> bool {
        let left = self.operand();
        if self.take("IN") {
            return self.is_in(left);
        }
        if self.take("BETWEEN") {
            let low = self.operand();
            self.expect("AND");
            let high = self.operand();
            return order(&left, &low).is_some_and(Ordering::is_ge) && order(&left, &high).is_some_and(Ordering::is_le);
        }
        let operator = ["<>", "<=", ">=", "=", "<", ">"].into_iter().find(|operator| self.take(operator));
        let right = self.operand();
        match operator {
            Some("=") => left.is_some() && equal(&left, &right),
            Some("<>") => !equal(&left, &right),
            Some("<") => order(&left, &right).is_some_and(Ordering::is_lt),
            Some("<=") => order(&left, &right).is_some_and(Ordering::is_le),
            Some(">") => order(&left, &right).is_some_and(Ordering::is_gt),
            Some(">=") => order(&left, &right).is_some_and(Ordering::is_ge),
            _ => self.unknown(),
        }
    }

    fn is_in(&mut self, left: Option<AttributeValue>) -> bool {
        self.expect("(");
        let mut found = false;
        loop {
            let one = self.operand();
            found |= left.is_some() && equal(&left, &one);
            if !self.take(",") {
                break;
            }
        }
        self.expect(")");
        found
    }

    /// The right-hand side of an assignment: an operand, or the sum of two.
    fn value(&mut self) -> Option<AttributeValue> {
        let first = self.operand();
        if !self.take("+") {
            return first;
        }
        let number = |value: Option<AttributeValue>| value?.as_n().ok()?.parse::<i64>().ok();
        let (Some(first), Some(second)) = (number(first), number(self.operand())) else { self.unknown() };
        Some(AttributeValue::N((first + second).to_string()))
    }

    fn operand(&mut self) -> Option<AttributeValue> {
        if self.take("if_not_exists") {
            self.expect("(");
            let known = self.operand();
            self.expect(",");
            let other = self.operand();
            self.expect(")");
            return known.or(other);
        }
        if self.take("list_append") {
            self.expect("(");
            let first = self.operand();
            self.expect(",");
            let second = self.operand();
            self.expect(")");
            let (Some(AttributeValue::L(mut list)), Some(AttributeValue::L(more))) = (first, second) else {
                self.unknown()
            };
            list.extend(more);
            return Some(AttributeValue::L(list));
        }
        let word = self.word().unwrap_or_else(|| self.unknown());
        if word.starts_with(':') {
            return Some(self.placeholders.values.get(word).unwrap_or_else(|| self.unknown()).clone());
        }
        self.item.get(self.placeholders.names.get(word).map_or(word, String::as_str)).cloned()
    }

    fn name(&mut self) -> String {
        let word = self.word().unwrap_or_else(|| self.unknown());
        self.placeholders.names.get(word).cloned().unwrap_or_else(|| word.to_owned())
    }

    fn word(&mut self) -> Option<&'a str> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_#:".contains(c);
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    /// Consumes the token if it comes next. A word must end where the token ends.
    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        let is_word = token.ends_with(|c: char| c.is_ascii_alphanumeric());
        if is_word && rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            return false;
        }
        self.rest = rest.trim_start();
        true
    }

    fn expect(&mut self, token: &str) {
        if !self.take(token) {
            self.unknown()
        }
    }

    fn end(&self) {
        if !self.rest.is_empty() {
            self.unknown()
        }
    }

    fn unknown(&self) -> ! {
        panic!("the model does not understand {:?} at {:?}", self.text, self.rest)
    }
}

fn equal(one: &Option<AttributeValue>, other: &Option<AttributeValue>) -> bool {
    match (one, other) {
        (Some(AttributeValue::N(_)), Some(AttributeValue::N(_))) => order(one, other) == Some(Ordering::Equal),
        _ => one == other,
    }
}

/// Compares two values. `None` if one is missing or their types differ.
fn order(one: &Option<AttributeValue>, other: &Option<AttributeValue>) -> Option<Ordering> {
    match (one.as_ref()?, other.as_ref()?) {
        (AttributeValue::S(one), AttributeValue::S(other)) => Some(one.cmp(other)),
        (AttributeValue::N(one), AttributeValue::N(other)) => {
            Some(one.parse::<i128>().ok()?.cmp(&other.parse::<i128>().ok()?))
        }
        _ => None,
    }
}
