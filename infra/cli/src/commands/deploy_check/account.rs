//! The questions that `deploy-check` asks an AWS account.

use crate::error::Failure;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use webhooks_model::Collection;

/// An answer, or the reason why there is none.
pub type Known<T> = Result<T, Failure>;

/// A stack as CloudFormation describes it.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    pub status: String,
    pub parameters: BTreeMap<String, String>,
    pub outputs: BTreeMap<String, String>,
    /// Includes the resources of its nested stacks.
    pub resources: Vec<Resource>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The resource's name in the template.
    pub name: String,
    pub kind: String,
    pub id: String,
}

impl Deployed {
    /// The names and ids of the resources of a type.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (&str, &str)> {
        let own = self.resources.iter().filter(move |resource| resource.kind == kind);
        own.map(|resource| (resource.name.as_str(), resource.id.as_str()))
    }
}

/// How many functions may run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    pub in_all: u32,
    /// The part that no function has reserved.
    pub unreserved: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarm {
    pub name: String,
    /// Mostly topics. AWS allows other kinds, which do not matter here.
    pub actions: Vec<String>,
    pub is_on: bool,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// The expression of a composite alarm; empty for other alarms.
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

/// The protocol of each subscription, such as `email`, and its state.
pub type Subscriptions = Vec<(String, Subscription)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogGroup {
    /// Days of retention; `None` for ever.
    pub retention: Option<u64>,
}

/// Whether a mapping or schedule is enabled, in its service's own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub is_on: bool,
    pub word: String,
}

/// The lists of a tenant that the reconciler sweeps.
#[derive(Debug, Clone, Copy)]
pub struct Lists<'a> {
    pub table: &'a str,
    pub tenant: &'a str,
    pub collections: &'a [Collection],
}

/// An account in a region. Every call only reads.
pub trait Account {
    /// The caller's identity and region.
    fn who(&self) -> impl Future<Output = Known<String>>;
    /// `None` if the stack does not exist.
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
    /// The end of the newest finished sweep of these lists.
    fn swept(&self, lists: Lists<'_>) -> impl Future<Output = Known<Option<OffsetDateTime>>>;
    /// The status of intake's answer at this address of `/health`.
    fn health(&self, url: &str) -> impl Future<Output = Known<u16>>;
}
