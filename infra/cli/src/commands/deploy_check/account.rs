//! The questions that `deploy-check` asks an AWS account.

use crate::error::Failure;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhooks_model::Collection;

/// An answer, or why there is none.
pub type Known<T> = Result<T, Failure>;

/// A stack as CloudFormation describes it.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    pub status: String,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    /// Those of its nested stacks, too.
    pub resources: Vec<Resource>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its name in the template.
    pub name: String,
    pub kind: String,
    pub id: String,
}

impl Deployed {
    /// Name and id of the resources of a type.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, &str)> {
        let own = self.resources.iter().filter(move |resource| resource.kind == kind);
        own.map(|resource| (resource.name.as_str(), resource.id.as_str()))
    }
}

/// How many functions may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    pub in_all: u32,
    /// What no function of the account has reserved.
    pub unreserved: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarm {
    pub name: String,
    /// Topics, as far as AWS allows nothing else that matters here.
    pub actions: Vec<String>,
    pub is_on: bool,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Of other alarms, for one that is composed of them; otherwise empty.
    pub rule: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscription {
    Confirmed,
    /// The receiver has not yet opened the link that AWS sent.
    Pending,
    /// The receiver has unsubscribed.
    Deleted,
}

/// How each is reached, such as `email`, and whether it is.
pub type Subscriptions = Vec<(String, Subscription)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogGroup {
    /// Days that it keeps; `None` for ever.
    pub retention: Option<u64>,
}

/// Whether something does its work, in its service's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub is_on: bool,
    pub word: String,
}

/// The lists of a tenant that are swept.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a> {
    pub table: &'a str,
    pub tenant: &'a str,
    pub collections: &'a [Collection],
}

/// An account in a region. Every call only reads.
pub trait Account {
    /// Who asks, and where.
    fn who(&self) -> impl Future<Output = Known<String>>;
    /// `None` where there is no such stack.
    fn stack(&self, name: &str) -> impl Future<Output = Known<Option<Deployed>>>;
    fn concurrency(&self) -> impl Future<Output = Known<Concurrency>>;
    /// Whether anything answers at the service's address in this region.
    fn answers(&self, service: &str) -> impl Future<Output = bool>;
    fn has_function(&self, name: &str) -> impl Future<Output = Known<bool>>;
    fn queues(&self, prefix: &str) -> impl Future<Output = Known<Vec<String>>>;
    fn log_group(&self, name: &str) -> impl Future<Output = Known<Option<LogGroup>>>;
    fn alarms(&self, names: &[String]) -> impl Future<Output = Known<Vec<Alarm>>>;
    fn subscriptions(&self, topic: &str) -> impl Future<Output = Known<Subscriptions>>;
    fn mapping(&self, id: &str) -> impl Future<Output = Known<State>>;
    fn schedule(&self, name: &str) -> impl Future<Output = Known<State>>;
    /// The settings document's text.
    fn document(&self, secret: &str) -> impl Future<Output = Known<String>>;
    /// Up to when the newest finished sweep looked, of these lists.
    fn swept(&self, lists: Lists<'_>) -> impl Future<Output = Known<Option<OffsetDateTime>>>;
    /// The status with which the address answers from here.
    fn get(&self, url: &str) -> impl Future<Output = Known<u16>>;
}
