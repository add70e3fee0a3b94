//! The part of DynamoDB's expressions that the store uses: conditions, key conditions, filters,
//! projections and updates.

use aws_sdk_dynamodb::types::AttributeValue;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use webhooks_store::Item;

/// The placeholders of an expression.
#[derive(Clone, Copy)]
pub(crate) struct Placeholders<'a> {
    pub(crate) names: &'a HashMap<String, String>,
    pub(crate) values: &'a HashMap<String, AttributeValue>,
}

/// The most values in a list of `IN`.
const LONGEST_LIST: usize = 100;

/// Why DynamoDB refuses a request with these expressions: a placeholder that they use is not defined,
/// or they do not use one that is.
pub(crate) fn refusal<'a>(
    expressions: impl IntoIterator<Item = &'a str>,
    placeholders: Placeholders<'_>,
) -> Option<String> {
    let defined = placeholders.names.keys().chain(placeholders.values.keys());
    let mut unused: BTreeSet<&str> = defined.map(String::as_str).collect();
    for expression in expressions {
        for word in expression.split(|c| !is_part(c)).filter(|word| word.starts_with(['#', ':'])) {
            if !placeholders.names.contains_key(word) && !placeholders.values.contains_key(word) {
                return Some(format!("{word} is not defined: {expression}"));
            }
            unused.remove(word);
        }
    }
    (!unused.is_empty()).then(|| format!("no expression uses {unused:?}"))
}

/// Whether the condition holds for the item.
pub(crate) fn holds(condition: &str, placeholders: Placeholders<'_>, item: &Item) -> bool {
    Condition::read(condition, placeholders).holds(item)
}

/// The item after the update. Every right-hand side sees the item before the update.
pub(crate) fn updated(update: &str, placeholders: Placeholders<'_>, item: &Item) -> Item {
    let mut parser = Parser::new(update, placeholders);
    let (mut after, mut changed) = (item.clone(), BTreeSet::new());
    while let Some(clause) = parser.word() {
        loop {
            let name = parser.name();
            assert!(changed.insert(name), "DynamoDB refuses two changes of {name}: {update}");
            match clause {
                "SET" => {
                    parser.expect("=");
                    let value = parser.value(item).unwrap_or_else(|| panic!("SET from a missing attribute: {update}"));
                    after.insert(name.to_owned(), value);
                }
                "REMOVE" => {
                    after.remove(name);
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

/// A condition, read once for many items.
pub(crate) enum Condition<'a> {
    Any(Vec<Self>),
    All(Vec<Self>),
    Not(Box<Self>),
    Exists(&'a str),
    BeginsWith(Operand<'a>, Operand<'a>),
    Compares(Operand<'a>, &'static str, Operand<'a>),
    IsIn(Operand<'a>, Vec<Operand<'a>>),
    IsBetween(Operand<'a>, [Operand<'a>; 2]),
}

pub(crate) enum Operand<'a> {
    Value(&'a AttributeValue),
    Attribute(&'a str),
    IfNotExists(Box<[Self; 2]>),
}

impl<'a> Condition<'a> {
    pub(crate) fn read(text: &'a str, placeholders: Placeholders<'a>) -> Self {
        let mut parser = Parser::new(text, placeholders);
        let condition = parser.either();
        parser.end();
        condition
    }

    pub(crate) fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Any(conditions) => conditions.iter().any(|one| one.holds(item)),
            Self::All(conditions) => conditions.iter().all(|one| one.holds(item)),
            Self::Not(condition) => !condition.holds(item),
            Self::Exists(name) => item.contains_key(*name),
            Self::BeginsWith(text, start) => {
                let (text, start) = (text.of(item), start.of(item));
                matches!((text, start), (Some(AttributeValue::S(text)), Some(AttributeValue::S(start))) if text.starts_with(start))
            }
            Self::Compares(left, operator, right) => compares(left.of(item), operator, right.of(item)),
            Self::IsIn(left, list) => list.iter().any(|one| compares(left.of(item), "=", one.of(item))),
            Self::IsBetween(value, [low, high]) => {
                let value = value.of(item);
                compares(value, ">=", low.of(item)) && compares(value, "<=", high.of(item))
            }
        }
    }

    /// The value that this attribute must have.
    pub(crate) fn required(&self, name: &str) -> Option<&'a str> {
        match self {
            Self::All(conditions) => conditions.iter().find_map(|one| one.required(name)),
            Self::Compares(Operand::Attribute(own), "=", Operand::Value(AttributeValue::S(value))) => {
                (*own == name).then_some(value)
            }
            _ => None,
        }
    }
}

impl<'a> Operand<'a> {
    fn of<'i>(&self, item: &'i Item) -> Option<&'i AttributeValue>
    where
        'a: 'i,
    {
        match self {
            Self::Value(value) => Some(value),
            Self::Attribute(name) => item.get(*name),
            Self::IfNotExists(operands) => operands.iter().find_map(|one| one.of(item)),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    placeholders: Placeholders<'a>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, placeholders: Placeholders<'a>) -> Self {
        Self { text, rest: text.trim(), placeholders }
    }

    fn either(&mut self) -> Condition<'a> {
        let first = self.both();
        self.joined("OR", first, Self::both, Condition::Any)
    }

    fn both(&mut self) -> Condition<'a> {
        let first = self.single();
        self.joined("AND", first, Self::single, Condition::All)
    }

    fn joined(
        &mut self,
        word: &str,
        first: Condition<'a>,
        next: fn(&mut Self) -> Condition<'a>,
        joins: fn(Vec<Condition<'a>>) -> Condition<'a>,
    ) -> Condition<'a> {
        if !self.take(word) {
            return first;
        }
        let mut all = vec![first, next(self)];
        while self.take(word) {
            all.push(next(self));
        }
        joins(all)
    }

    fn single(&mut self) -> Condition<'a> {
        if self.take("NOT") {
            return Condition::Not(Box::new(self.single()));
        }
        if self.take("(") {
            let condition = self.either();
            self.expect(")");
            return condition;
        }
        if self.take("attribute_exists") {
            return self.exists();
        }
        if self.take("attribute_not_exists") {
            return Condition::Not(Box::new(self.exists()));
        }
        if self.take("begins_with") {
            let [text, start] = self.two();
            return Condition::BeginsWith(text, start);
        }
        self.comparison()
    }

    fn exists(&mut self) -> Condition<'a> {
        self.expect("(");
        let name = self.name();
        self.expect(")");
        Condition::Exists(name)
    }

    fn comparison(&mut self) -> Condition<'a> {
        let left = self.operand();
        if self.take("IN") {
            return self.is_in(left);
        }
        if self.take("BETWEEN") {
            return self.is_between(left);
        }
        let mut operators = ["<>", "<=", ">=", "=", "<", ">"].into_iter();
        let operator = operators.find(|operator| self.take(operator)).unwrap_or_else(|| self.unknown());
        Condition::Compares(left, operator, self.operand())
    }

    fn is_between(&mut self, left: Operand<'a>) -> Condition<'a> {
        let low = self.operand();
        self.expect("AND");
        let high = self.operand();
        if let (Operand::Value(low), Operand::Value(high)) = (&low, &high) {
            let is_range = order(Some(*low), Some(*high)).is_some_and(Ordering::is_le);
            assert!(is_range, "DynamoDB refuses the range from {low:?} to {high:?}: {}", self.text);
        }
        Condition::IsBetween(left, [low, high])
    }

    fn is_in(&mut self, left: Operand<'a>) -> Condition<'a> {
        self.expect("(");
        let mut list = vec![self.operand()];
        while self.take(",") {
            list.push(self.operand());
        }
        self.expect(")");
        assert!(list.len() <= LONGEST_LIST, "DynamoDB refuses a list of {} values: {}", list.len(), self.text);
        Condition::IsIn(left, list)
    }

    /// The value of the right-hand side of an assignment: an operand, the sum of two, or two lists
    /// after each other.
    fn value(&mut self, item: &Item) -> Option<AttributeValue> {
        if self.take("list_append") {
            let lists = self.two().map(|operand| operand.of(item)?.as_l().ok().cloned());
            let [Some(mut list), Some(more)] = lists else { self.unknown() };
            list.extend(more);
            return Some(AttributeValue::L(list));
        }
        let first = self.operand();
        if !self.take("+") {
            return first.of(item).cloned();
        }
        let number = |operand: Operand<'_>| operand.of(item)?.as_n().ok()?.parse::<i64>().ok();
        let (Some(first), Some(second)) = (number(first), number(self.operand())) else { self.unknown() };
        Some(AttributeValue::N((first + second).to_string()))
    }

    fn operand(&mut self) -> Operand<'a> {
        if self.take("if_not_exists") {
            return Operand::IfNotExists(Box::new(self.two()));
        }
        let word = self.word().unwrap_or_else(|| self.unknown());
        if word.starts_with(':') {
            return Operand::Value(self.placeholders.values.get(word).unwrap_or_else(|| self.unknown()));
        }
        Operand::Attribute(self.named(word))
    }

    /// The two arguments of a function.
    fn two(&mut self) -> [Operand<'a>; 2] {
        self.expect("(");
        let first = self.operand();
        self.expect(",");
        let second = self.operand();
        self.expect(")");
        [first, second]
    }

    fn name(&mut self) -> &'a str {
        let word = self.word().unwrap_or_else(|| self.unknown());
        self.named(word)
    }

    fn named(&self, word: &'a str) -> &'a str {
        self.placeholders.names.get(word).map_or(word, String::as_str)
    }

    fn word(&mut self) -> Option<&'a str> {
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

/// Whether a name or a placeholder may have this character.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_#:".contains(c)
}

fn compares(left: Option<&AttributeValue>, operator: &str, right: Option<&AttributeValue>) -> bool {
    let order = order(left, right);
    match operator {
        "=" => left.is_some() && equal(left, right),
        "<>" => !equal(left, right),
        "<" => order.is_some_and(Ordering::is_lt),
        "<=" => order.is_some_and(Ordering::is_le),
        ">" => order.is_some_and(Ordering::is_gt),
        _ => order.is_some_and(Ordering::is_ge),
    }
}

fn equal(one: Option<&AttributeValue>, other: Option<&AttributeValue>) -> bool {
    match (one, other) {
        (Some(AttributeValue::N(_)), Some(AttributeValue::N(_))) => order(one, other) == Some(Ordering::Equal),
        _ => one == other,
    }
}

/// Compares two values. `None` if one is missing or their types differ.
fn order(one: Option<&AttributeValue>, other: Option<&AttributeValue>) -> Option<Ordering> {
    match (one?, other?) {
        (AttributeValue::S(one), AttributeValue::S(other)) => Some(one.cmp(other)),
        (AttributeValue::N(one), AttributeValue::N(other)) => {
            Some(one.parse::<i128>().ok()?.cmp(&other.parse::<i128>().ok()?))
        }
        _ => None,
    }
}
